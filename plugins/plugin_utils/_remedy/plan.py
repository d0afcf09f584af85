# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a report to what shall be done about it: pure logic, the same answer for the same report.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Rules say which remedy a finding has; roles do it. Here is only decided whether it may be done now, in which order, and
who has to be asked. Whatever is not done keeps its place in the plan, with the reason.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import order, turns

Document = dict[str, t.Any]

ACTIONS = ("restart_daemon", "purge_spool", "contain_surge", "escalate")
"""Remedies that there is a role for."""
MODES = ("none", "safe", "all")
CONFIRMED = 0.9
"""From this confidence on a finding is called confirmed; nothing is done unattended about a lesser one."""
FRESH_S = 120.0
"""Facts older than this say what was, not what is."""

_NOT_OURS = ("network", "client", "reputation")
"""What is outside the host. That a restart does not cure it says nothing against one for another reason."""
_STRONGEST_FIRST = ("restart", "start", "reload", "kill_helper")
_SUBJECTS = {
    "restart_daemon": ("service",),
    "purge_spool": ("mount",),
    "contain_surge": ("account", "block", "client", "sender", "domain", "service"),
}


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a run wants of its plan.

    :ivar mode: one of MODES
    :ivar live: false for a recording, about which nothing can be done any more
    :ivar ages: seconds since each host was examined
    :ivar approved: what a person has said yes to, as keys of items
    :ivar done: for each host, the actions that this run has recorded already
    """

    mode: str = "safe"
    live: bool = True
    ages: dict[str, float] = dataclasses.field(default_factory=dict)
    approved: frozenset[str] = frozenset()
    done: dict[str, list[Document]] = dataclasses.field(default_factory=dict)


def make(report: Document, records: dict[str, Document], asked: Asked) -> dict[str, list[Document]]:
    """For each host that something may be done about, the items in their order.

    :param records: each host's part of the recording: inventory and facts
    :returns: items with C(action), C(args), C(subject), C(finding), C(findings), C(title), C(auto), C(confidence),
        C(key), C(state) (C(go), C(ask) or C(refused)), C(code), C(why), and C(by): the findings that forbid it
    """
    plans = {}
    for name, host in report["hosts"].items():
        record = records.get(name) or {}
        items = _merged([_item(name, finding) for finding in [*_candidates(host), *_of_fleet(name, report)]])
        for item in items:
            _decide(item, host, report, asked, name)
        services = (record.get("facts") or {}).get("services")
        items.sort(key=lambda item: (order.rank(item["action"], item["args"], services), item["key"]))
        if items:
            plans[name] = items
    turns.take(plans, report, records, asked.done)
    return plans


def _candidates(host: Document) -> list[Document]:
    """Findings that have a remedy: root causes, and in maintenance what would be one without it."""
    return [
        finding
        for finding in host["findings"]
        if (finding["remedy"] or {}).get("action") in ACTIONS
        and (finding["kind"] == "root_cause" or finding["explained_by"] == ["operator.maintenance"])
    ]


def _of_fleet(name: str, report: Document) -> list[Document]:
    """What is wrong beyond single hosts is told once, with the first host that it hits."""
    return [
        finding
        for finding in report["fleet"]["findings"]
        if finding["kind"] == "root_cause"
        and (finding["remedy"] or {}).get("action") == "escalate"
        and (finding.get("hosts") or [""])[0] == name
    ]


def _item(host: str, finding: Document) -> Document:
    remedy = finding["remedy"]
    action = remedy["action"]
    # A question mark is what a rule's sentence says for a fact that is not known.
    args = {name: value for name, value in remedy["args"].items() if value not in ("", "?", None)}
    subject = next((args[name] for name in _SUBJECTS.get(action, ()) if name in args), "")
    if not subject and action == "escalate":
        subject = finding["subject"] or finding["id"]
    return {
        "action": action,
        "args": args,
        "subject": str(subject),
        "finding": finding["id"],
        "findings": [finding["id"]],
        "title": finding["title"],
        "auto": bool(remedy["auto"]),
        "confidence": finding["confidence"],
        "reserved": _reservation(finding),
        "by": [],
        "key": "|".join((host, action, order.unit(subject) if action == "restart_daemon" else str(subject))),
        "state": "",
        "code": "",
        "why": "",
    }


def _reservation(finding: Document) -> str:
    """Why a person has to say so, where the rule or the evidence wants one."""
    if finding.get("recurring") and not finding["remedy"]["auto"]:
        return "it came back after it had been mended, so doing the same again is no cure"
    if finding.get("not_ruled_out"):
        return f"it is not ruled out that the cause is {', '.join(finding['not_ruled_out'][:3])}"
    if finding["confidence"] < CONFIRMED:
        return "the finding is only probable"
    return "this remedy always asks"


def _merged(items: list[Document]) -> list[Document]:
    """One item for each action and subject: a unit that two findings name is restarted once, the stronger way."""
    together: dict[str, list[Document]] = {}
    for item in items:
        together.setdefault(item["key"], []).append(item)
    found = []
    for same in together.values():
        same.sort(key=lambda item: (_strength(item), -item["confidence"], item["finding"]))
        first = same[0]
        first["findings"] = [item["finding"] for item in same]
        first["auto"] = all(item["auto"] for item in same)
        first["confidence"] = min(item["confidence"] for item in same)
        first["reserved"] = next((item["reserved"] for item in same if not item["auto"]), first["reserved"])
        found.append(first)
    return found


def _strength(item: Document) -> int:
    how = item["args"].get("how")
    return _STRONGEST_FIRST.index(how) if how in _STRONGEST_FIRST else len(_STRONGEST_FIRST)


def _decide(item: Document, host: Document, report: Document, asked: Asked, name: str) -> None:
    """Settle the state of an item, the weightiest objection first."""
    for objection in (
        _maintained(host),
        _forbidden(item, host, report, name),
        _nameless(item),
        _tried(item, asked.done.get(name, [])),
        _closed(item, host),
        _old(item, asked, name),
    ):
        if objection:
            item["state"], (item["code"], item["why"]) = "refused", objection
            return
    if item["key"] in asked.approved:
        item.update(state="go", why="a person said yes")
    elif item["action"] == "escalate":
        item.update(state="go", why="only people can mend this: a message for them is made ready")
    elif asked.mode == "all":
        item.update(state="go", why="remediate_auto is 'all'")
    elif asked.mode == "none":
        item.update(state="ask", why="remediate_auto is 'none'")
    elif not item["auto"] or item["confidence"] < CONFIRMED:
        item.update(state="ask", why=item["reserved"])
    else:
        item.update(state="go", why="safe, and the finding is confirmed")


_Objection = tuple[str, str] | None


def _maintained(host: Document) -> _Objection:
    return ("maintenance", host["summary"]) if host["verdict"] == "maintenance" else None


def _forbidden(item: Document, host: Document, report: Document, name: str) -> _Objection:
    """Does anything that is wrong on this host forbid the action, whoever asked for it?"""
    above = [finding for finding in report["fleet"]["findings"] if name in finding.get("hosts", [])]
    against = [
        finding
        for finding in [*host["findings"], *above]
        if item["action"] in (finding["remedy"] or {}).get("forbid", [])
        and _binds(finding)
        and not _waits_for(finding, item)
    ]
    if not against:
        return None
    item["by"] = sorted({finding["id"] for finding in against})
    dont = against[0]["remedy"]["dont"]
    return "forbidden", f"{against[0]['title']} ({against[0]['id']})" + (f": {dont}" if dont else "")


def _binds(finding: Document) -> bool:
    """Does what a finding forbids hold for other remedies on the host too?

    Root causes and their consequences are the state of the host. A risk or a note is not tonight's trouble, but a
    configuration that is already broken on disk becomes one with the next restart.
    """
    if finding["kind"] in ("root_cause", "symptom"):
        return finding["category"] not in _NOT_OURS
    return bool(finding["kind"] == "risk" and finding["category"] == "configuration")


def _waits_for(finding: Document, item: Document) -> bool:
    """Is it a crowd that is only there because of what the item mends?

    Mail that piles up before a daemon that hangs looks like a surge, and to end the hang is what helps against it. A
    consequence of any other kind, such as a full disk, would still be in the way of the remedy.
    """
    causes = finding["explained_by"]
    return finding["category"] == "traffic" and bool(causes) and set(causes) <= set(item["findings"])


def _nameless(item: Document) -> _Objection:
    return None if item["subject"] else ("unknown", "the facts do not say what exactly to act upon")


def _tried(item: Document, done: list[Document]) -> _Objection:
    """Each remedy is tried once in a run: so a run comes to its end, and others of a group get their turn."""
    for action in done:
        if action.get("key") != item["key"]:
            continue
        if item["action"] == "escalate":
            return "again", "people have been told in this run"
        if action.get("state") == "refused":
            return "again", f"it was refused in this run: {action.get('why', '')}"
        if action.get("state") == "nothing":
            return "again", "there was nothing to do about it in this run"
        return "again", "it was done in this run and did not hold; once more would do the same"
    return None


def _closed(item: Document, host: Document) -> _Objection:
    if item["action"] == "escalate" or host["login"]["outcome"] == "ok":
        return None
    return "unreachable", f"nobody can log in: {host['login']['text'] or host['login']['outcome']}"


def _old(item: Document, asked: Asked, name: str) -> _Objection:
    age = asked.ages.get(name)
    if not asked.live or item["action"] == "escalate" or age is None or age <= FRESH_S:
        return None
    return "stale", f"the host was examined {age:.0f} s ago; what was true then need not be true now"
