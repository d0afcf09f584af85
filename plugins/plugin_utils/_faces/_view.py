# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as every face shows it: sorted worst first, counted, with words, and inert whatever was in it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import (
    _findings,
    _parts,
    _safe,
    _services,
    _symptom,
    _words,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._findings import Finding


@dataclass(frozen=True)
class Host:
    """One host, ready to be shown."""

    name: str
    verdict: str
    sign: _words.Sign
    site: str
    scope: str
    summary: str
    lines: tuple[str, ...]
    login: str
    login_ok: bool
    expected: tuple[str, ...]
    matrix: _services.Matrix
    services: tuple[_services.Group, ...]
    causes: tuple[Finding, ...]
    fleet_causes: tuple[Finding, ...]
    symptoms: tuple[Finding, ...]
    unexplained: tuple[Finding, ...]
    risks: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    actions: tuple[_parts.Action, ...]
    not_judged: tuple[_parts.Blind, ...]
    next: tuple[str, ...]
    seconds: str
    facts_file: str

    @property
    def sick(self) -> bool:
        """Somebody should look at this host now."""
        return self.verdict not in ("healthy", "maintenance")

    @property
    def inherited(self) -> bool:
        """Well in itself: all that is wrong here is a fleet finding's doing."""
        return self.sick and bool(self.fleet_causes) and not self.causes and not self.unexplained

    def explained(self, cause: Finding) -> tuple[Finding, ...]:
        """The symptoms on this host that `cause` explains away."""
        return _findings.explains(cause, self.symptoms)


@dataclass(frozen=True)
class Shared:
    """One finding and the hosts that have it."""

    finding: Finding
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """The whole report, ready to be shown."""

    verdict: str
    sign: _words.Sign
    scope: str
    summary: str
    counts: tuple[tuple[str, int], ...]
    acts: tuple[tuple[str, int], ...]
    total: int
    hosts: tuple[Host, ...]
    causes: tuple[Finding, ...]
    others: tuple[Finding, ...]
    shared: tuple[Shared, ...]
    risks: tuple[Shared, ...]
    vantages: tuple[_parts.Vantage, ...]
    run: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    run_id: str
    report_dir: str
    symptom: _symptom.Symptom | None

    def of(self, *verdicts: str) -> tuple[Host, ...]:
        """The hosts with one of these verdicts, in order."""
        return tuple(host for host in self.hosts if host.verdict in verdicts)

    @property
    def sick(self) -> tuple[Host, ...]:
        """The hosts somebody should look at now, worst first."""
        return tuple(host for host in self.hosts if host.sick)

    @property
    def unusable(self) -> tuple[_parts.Vantage, ...]:
        """Vantage points from which nothing could be seen."""
        return tuple(vantage for vantage in self.vantages if not vantage.usable)


def build(report: object) -> Report:
    """Turn a `mailops.triage/report/1` document into what faces show; never raises for what is inside it."""
    source = _safe.mapping(report)
    run = _safe.mapping(source.get("run"))
    fleet = _safe.mapping(source.get("fleet"))
    everywhere = _findings.findings(fleet.get("findings"))
    hosts = [_host(name, value, everywhere) for name, value in _safe.mapping(source.get("hosts")).items()]
    hosts.sort(key=_worst_first)
    verdict = _known(fleet.get("verdict"))
    return Report(
        verdict=verdict,
        sign=_words.verdict(verdict),
        scope=_safe.inert(fleet.get("scope"), 20),
        summary=_safe.inert(fleet.get("summary"), 600),
        counts=_counts(hosts, _safe.mapping(fleet.get("counts"))),
        acts=_acts(hosts),
        total=len(hosts),
        hosts=tuple(hosts),
        causes=tuple(finding for finding in everywhere if finding.kind == "root_cause"),
        others=tuple(finding for finding in everywhere if finding.kind in ("symptom", "note")),
        shared=_shared([(host.name, cause) for host in hosts for cause in host.causes]),
        risks=_shared(
            [("", risk) for risk in everywhere if risk.kind == "risk"]
            + [(host.name, risk) for host in hosts for risk in host.risks]
        ),
        vantages=tuple(_parts.vantage(item) for item in _safe.sequence(run.get("vantage_points"))[:100]),
        run=_parts.about(run),
        notes=_safe.texts(_safe.mapping(run.get("parts")).get("notes"), 400, 40),
        run_id=_safe.inert(run.get("id"), 80),
        report_dir=_safe.inert(run.get("report_dir"), 1000),
        symptom=_symptom.symptom(source.get("symptom")),
    )


def _host(name: object, value: object, everywhere: Sequence[Finding]) -> Host:
    source = _safe.mapping(value)
    found = _findings.findings(source.get("findings"))
    causes = tuple(finding for finding in found if finding.kind == "root_cause")
    symptoms = tuple(finding for finding in found if finding.kind == "symptom")
    known = {symptom.id for symptom in symptoms}
    symptoms += _findings.observed(source.get("symptoms"), known)
    named = {identity for symptom in symptoms for identity in symptom.explained_by}
    above = tuple(finding for finding in everywhere if finding.kind == "root_cause" and finding.id in named)
    expected = _safe.texts(source.get("expected"), 20, 20)
    table = _services.matrix(source.get("reach"), expected)
    verdict = _known(source.get("verdict"))
    summary = _safe.inert(source.get("summary"), 500)
    login = _safe.mapping(source.get("login"))
    outcome = _safe.inert(login.get("outcome"), 20)
    said = _safe.inert(login.get("text"), 200)
    unexplained = tuple(symptom for symptom in symptoms if not symptom.explained_by)
    seconds = _safe.number(source.get("seconds", login.get("seconds")))
    return Host(
        name=_safe.inert(name, 120) or "(no name)",
        verdict=verdict,
        sign=_words.verdict(verdict),
        site=_safe.inert(source.get("site"), 60),
        scope=_safe.inert(source.get("scope"), 20),
        summary=summary,
        lines=_lines(verdict, causes, above, unexplained, summary),
        login=_words.LOGINS.get(outcome, outcome) + (f": {said}" if said and outcome != "ok" else ""),
        login_ok=outcome in ("ok", ""),
        expected=expected,
        matrix=table,
        services=_services.groups(table, expected),
        causes=causes,
        fleet_causes=above,
        symptoms=symptoms,
        unexplained=unexplained,
        risks=tuple(finding for finding in found if finding.kind == "risk"),
        notes=tuple(finding for finding in found if finding.kind not in ("root_cause", "symptom", "risk")),
        actions=tuple(_parts.action(item) for item in _safe.sequence(source.get("actions"))[:40]),
        not_judged=_parts.not_judged(source.get("not_judged")),
        next=_safe.texts(source.get("next"), 300, 20),
        seconds=_safe.duration(seconds),
        facts_file=_safe.inert(source.get("facts_file"), 400),
    )


def _lines(
    verdict: str, causes: Sequence[Finding], above: Sequence[Finding], unexplained: Sequence[Finding], summary: str
) -> tuple[str, ...]:
    """Why, in a line per cause."""
    if causes or above:
        return (*_findings.cause_lines(causes), *(f"across hosts: {line}" for line in _findings.cause_lines(above)))
    if verdict in ("healthy", "maintenance"):
        return (summary,) if summary else ()
    if not unexplained:
        return (summary or "cause not found",)
    return (f"cause not found: {summary or ', '.join(finding.title for finding in unexplained[:3])}",)


def _worst_first(host: Host) -> tuple[Any, ...]:
    """Sort key: verdict, those with a fault of their own, its severity, how many services fail, name."""
    severity = host.causes[0].order[0] if host.causes else len(_words.SEVERITIES)
    return host.sign.rank, host.inherited, severity, -_services.failing(host.matrix), _safe.natural(host.name)


def _known(value: object) -> str:
    name = _safe.inert(value, 20)
    return name if name in _words.VERDICTS else "unknown"


def _counts(hosts: Sequence[Host], stated: Mapping[Any, Any]) -> tuple[tuple[str, int], ...]:
    """Hosts per verdict, counted here; the report's own numbers only where it lists no hosts."""
    if hosts:
        return tuple((name, sum(host.verdict == name for host in hosts)) for name in _words.VERDICTS)
    return tuple((name, int(_safe.number(stated.get(name)) or 0)) for name in _words.VERDICTS)


def _acts(hosts: Sequence[Host]) -> tuple[tuple[str, int], ...]:
    """How many remedies there are in each state, of those that there are any in."""
    states = [action.state for host in hosts for action in host.actions]
    return tuple((words, states.count(state)) for state, words in _words.ACTION_COUNTS.items() if state in states)


def _shared(pairs: Sequence[tuple[str, Finding]]) -> tuple[Shared, ...]:
    """Equal findings of several hosts as one, the worst and then the widest spread first."""
    together: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for name, finding in pairs:
        together.setdefault((finding.id, finding.title), []).append((name, finding))
    found = [
        Shared(
            min((finding for dummy, finding in same), key=lambda finding: finding.order),
            tuple(sorted({name for name, dummy in same if name}, key=_safe.natural)),
        )
        for same in together.values()
    ]
    return tuple(sorted(found, key=lambda item: (item.finding.order[0], -len(item.hosts), item.finding.order)))
