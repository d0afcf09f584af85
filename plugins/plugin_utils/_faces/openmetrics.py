# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as figures for Prometheus: a file for node_exporter's textfile collector, and OpenMetrics as well.

Everything is a gauge, because a run tells of one moment, and no sample carries a timestamp, which the collector would
refuse: when the run was is a figure of its own. No label tells the run, or every run would begin new series.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import (
    _findings,
    _safe,
    _services,
    _view,
    _words,
)

Sample = tuple[Mapping[str, str], float]

_PREFIX = "mailops_triage_"
_FLEET = tuple(name for name in _words.VERDICTS if name != "maintenance")


def render(report: Mapping[str, Any]) -> str:
    """Show a `mailops.triage/report/1` document as text exposition format 0.0.4, which is OpenMetrics 1.0 too.

    :param report: the report; what is missing or of a wrong type is left out, nothing raises
    :returns: text that ends in `# EOF` and a newline
    """
    view = _view.build(report)
    run = _safe.mapping(_safe.mapping(report).get("run"))
    started, finished = (_safe.number(run.get(name)) for name in ("started", "finished"))
    families: list[tuple[str, str, Iterable[Sample]]] = [
        ("run_timestamp_seconds", "When the run ended, in seconds since the epoch.", _one(finished)),
        ("run_duration_seconds", "How long the run took.", _one(_between(started, finished))),
        ("fleet_verdict", "1 for the verdict on the fleet, 0 for the others.", _states(view.verdict, _FLEET)),
        ("hosts", "Hosts with each verdict.", [({"verdict": name}, float(count)) for name, count in view.counts]),
        ("host_verdict", "1 for the verdict on the host, 0 for the others.", _verdicts(view)),
        ("fleet_findings", "Findings that are true of more than one host.", _counted(_of_fleet(view))),
        ("host_findings", "Findings on the host.", _counted(_of_hosts(view))),
        ("reach", "Whether a protocol that the host is meant to offer works from a vantage point.", _reach(view)),
        ("vantage_usable", "Whether anything could be seen from the vantage point.", _vantages(view)),
        ("remedies", "Remedies in each state; none before a remediation.", _remedies(view)),
    ]
    lines: list[str] = []
    for name, says, samples in families:
        body = [f"{_PREFIX}{name}{_labels(labels)} {_figure(value)}" for labels, value in _unique(samples)]
        if body:
            lines += [f"# HELP {_PREFIX}{name} {says}", f"# TYPE {_PREFIX}{name} gauge", *body]
    return "\n".join([*lines, "# EOF", ""])


def _one(value: float | None) -> list[Sample]:
    return [] if value is None else [({}, value)]


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)


def _states(found: str, possible: Iterable[str], **labels: str) -> list[Sample]:
    """One series for each possible verdict, so that an alert that is over is seen to be over."""
    return [({**labels, "verdict": name}, float(name == found)) for name in possible]


def _verdicts(view: _view.Report) -> Iterator[Sample]:
    for host in view.hosts:
        yield from _states(host.verdict, _words.VERDICTS, host=host.name, site=host.site)


def _of_fleet(view: _view.Report) -> Iterator[Mapping[str, str]]:
    for finding in (*view.causes, *view.others):
        yield _labels_of(finding)
    for risk in view.risks:
        if not risk.hosts:
            yield _labels_of(risk.finding)


def _of_hosts(view: _view.Report) -> Iterator[Mapping[str, str]]:
    for host in view.hosts:
        for finding in (*host.causes, *host.unexplained, *host.risks):
            yield {"host": host.name, "site": host.site, **_labels_of(finding)}


def _labels_of(finding: _findings.Finding) -> dict[str, str]:
    """What a finding is, without its subject: a full disk's name does not make it another kind of trouble."""
    names = {"id": finding.id, "kind": finding.kind, "category": finding.category, "severity": finding.severity}
    return {name: value or "none" for name, value in names.items()}


def _counted(findings: Iterable[Mapping[str, str]]) -> list[Sample]:
    counts = Counter(tuple(labels.items()) for labels in findings)
    return [(dict(labels), float(number)) for labels, number in counts.items()]


def _reach(view: _view.Report) -> Iterator[Sample]:
    for host in view.hosts:
        for row in host.matrix.rows:
            for cell in row.cells:
                if cell.state != "none":
                    labels = {"host": host.name, "site": host.site, "protocol": cell.protocol, "vantage": row.vantage}
                    yield labels, float(cell.state == "good")


def _vantages(view: _view.Report) -> list[Sample]:
    return [({"vantage": _services.vantage_name(vantage.name)}, float(vantage.usable)) for vantage in view.vantages]


def _remedies(view: _view.Report) -> list[Sample]:
    states = Counter(action.state for host in view.hosts for action in host.actions)
    return [({"state": state}, float(number)) for state, number in sorted(states.items())]


def _unique(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Each series once: names that differ only in what was cleaned away would make the whole file invalid."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    for labels, value in samples:
        key = tuple(labels.items())
        if key not in seen:
            seen.add(key)
            yield labels, value


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _figure(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(round(value, 3))
