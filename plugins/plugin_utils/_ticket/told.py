# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer says: from a report to the few things that a person at the service desk needs, bounded.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe, _view
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._findings import Finding
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.words import WORDS

Document = dict[str, t.Any]

REMEDIES = ("restart_daemon", "purge_spool", "contain_surge")
"""Actions that change a host; what else a finding may name is for people."""
_WELL = ("healthy", "maintenance")
_TRIED = ("done", "failed", "nothing")
_OPEN = ("planned", "refused", "failed")
_MOST_NAMES = 20


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is told.

    :ivar hosts: that are told of one by one
    :ivar evidence: lines for each cause
    :ivar text: characters of one text
    """

    hosts: int
    evidence: int
    text: int


SIZES = (
    Size(12, 4, 300),
    Size(8, 3, 240),
    Size(5, 3, 200),
    Size(3, 2, 160),
    Size(2, 1, 120),
    Size(1, 1, 100),
    Size(0, 0, 100),
)
"""From ample to scarce: the first one that fits is taken."""


def told(report: Document, before: Document | None, stage: str, event: t.Mapping[str, t.Any], size: Size) -> Document:
    """Everything that the templates of an answer need; each text of it inert and of one line.

    :param report: the report, of the last diagnosis where there were several
    :param before: the report of the first diagnosis, when something was done in between
    :param stage: C(diagnosis) or C(result)
    :param event: the ticket, as far as it is known
    """
    view = _view.build(report)
    told_hosts = _changed(view, before) if stage == "result" else [(host, "") for host in view.sick]
    hosts = [_host(host, was, stage, size) for host, was in told_hosts[: size.hosts]]
    left = [host.name for host, dummy in told_hosts[size.hosts :]]
    proposed = [host for host in view.hosts if any(_proposal(cause) for cause in host.causes)]
    remains = _remains(view, size) if stage == "result" else []
    return {
        "stage": stage,
        "verdict": view.verdict,
        "sign": view.sign.sign,
        "summary": _cut(view.summary, 2 * size.text),
        "scope": view.scope if view.scope in WORDS["en"]["scopes"] else "",
        "counts": [(name, number) for name, number in view.counts if number],
        "reported": _cut(view.symptom.text, size.text) if view.symptom else "",
        "agrees": view.symptom.agrees if view.symptom else "",
        "causes": [_cause(cause, size) for cause in view.causes[: max(1, size.hosts // 2)]],
        "hosts": hosts,
        "left": left[:_MOST_NAMES] if size.hosts else left[:5],
        "left_more": max(0, len(left) - (_MOST_NAMES if size.hosts else 5)),
        "unknown_hosts": list(_safe.texts(event.get("unknown_hosts"), 60, 10))[: max(1, size.hosts)],
        "proposed": bool(proposed),
        "command": _command(proposed),
        "remains": remains[: max(1, size.hosts)],
        "remains_more": max(0, len(remains) - max(1, size.hosts)),
        "acted": any(action.state in ("done", "failed") for host in view.hosts for action in host.actions),
        "well": not view.sick,
        "run": view.run_id,
        "at": _safe.moment(_safe.mapping(report.get("run")).get("started")),
        "check": bool(_safe.mapping(report.get("run")).get("check_mode")),
    }


def needs_approval(report: Document) -> bool:
    """Is anything proposed that would change a host and has not been done?"""
    return any(_proposal(cause) for host in _view.build(report).hosts for cause in host.causes)


def mended(report: Document) -> bool:
    """Did remedies bring every host back to health?"""
    view = _view.build(report)
    done = [action for host in view.hosts for action in host.actions if action.state == "done"]
    return bool(view.hosts) and bool(done) and not view.sick and view.verdict in _WELL


def _cut(text: str, most: int) -> str:
    return _safe.inert(text, max(20, most))


def _changed(view: _view.Report, before: Document | None) -> list[tuple[_view.Host, str]]:
    """The hosts that something was done about, or that were not well before, with their verdict then."""
    earlier = {host.name: host.verdict for host in _view.build(before).hosts} if before else {}
    found = []
    for host in view.hosts:
        was = earlier.get(host.name, "")
        acts = [action for action in host.actions if action.state in ("done", "failed")]
        if acts or host.sick or was not in ("", *_WELL):
            found.append((host, was))
    return found


def _host(host: _view.Host, was: str, stage: str, size: Size) -> Document:
    services = [
        " ".join(f"{group.protocols} {group.word} {group.where}".split())
        for group in host.services
        if group.state == "bad"
    ]
    causes = [_cause(cause, size) for cause in host.causes[:3]]
    return {
        "name": _cut(host.name, 120),
        "site": _cut(host.site, 60),
        "verdict": host.verdict,
        "sign": host.sign.sign,
        "was": was,
        "services": [_cut(text, 100) for text in services[:4]],
        "causes": causes if stage == "diagnosis" else [],
        "causes_more": max(0, len(host.causes) - 3) if stage == "diagnosis" else 0,
        "shared": [_cut(cause.title, size.text) for cause in host.fleet_causes[:2]],
        "unexplained": [_cut(cause.title, size.text) for cause in host.unexplained[:3]] if not causes else [],
        "next": [_cut(text, size.text) for text in host.next[: min(2, size.evidence)]] if not causes else [],
        "actions": [
            {
                "state": action.state if action.state in WORDS["en"]["states"] else "planned",
                "what": _cut(f"{action.action} {action.subject}".strip(), 140),
                "why": _cut(action.why, size.text),
                "proof": _cut(action.proof, size.text),
            }
            for action in [action for action in host.actions if action.state in _TRIED][:4]
            if stage == "result"
        ],
    }


def _cause(finding: Finding, size: Size) -> Document:
    lines = [f"{item.says} ({item.where})" if item.where else item.says for item in finding.evidence]
    return {
        "title": _cut(finding.title, size.text),
        "sure": finding.confidence if finding.confidence in WORDS["en"]["sure"] else "",
        "evidence": [_cut(line, size.text) for line in lines[: size.evidence]],
        "do": _cut(finding.do, size.text) if size.evidence else "",
        "dont": _cut(finding.dont, size.text) if size.evidence else "",
        "remedy": _cut(_proposal(finding), 140),
        "alone": finding.automatic and finding.confidence == "confirmed",
    }


def _proposal(finding: Finding) -> str:
    """The remedy of a finding in one line, "" when there is none that changes a host."""
    if finding.action not in REMEDIES:
        return ""
    return " ".join([finding.action, *(f"{key}={value}" for key, value in finding.args)])


def _command(hosts: t.Sequence[_view.Host]) -> str:
    """What a person who may do so runs to have done what is proposed."""
    if not hosts:
        return ""
    names = ",".join(host.name for host in hosts[:8])
    causes = [cause for host in hosts for cause in host.causes if _proposal(cause)]
    mode = "safe" if all(cause.automatic and cause.confidence == "confirmed" for cause in causes) else "all"
    return f"ansible-playbook mailops.triage.remediate -l {shlex.quote(names)} -e remediate_auto={mode}"


def _remains(view: _view.Report, size: Size) -> list[Document]:
    """What is still wrong, and what was not done about it."""
    found = [
        {"host": _cut(host.name, 120), "state": "", "what": _cut("; ".join(host.lines) or host.summary, size.text)}
        for host in view.sick
    ]
    for host in view.hosts:
        for action in host.actions:
            if action.state in _OPEN:
                words = f"{action.action} {action.subject}".strip() + (f": {action.why}" if action.why else "")
                found.append({"host": _cut(host.name, 120), "state": action.state, "what": _cut(words, size.text)})
    return found
