# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a host fit to be patched, and is it worse than before? Two diagnoses are compared; pure logic.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]

_RANKS = {"healthy": 0, "degraded": 1, "down": 2}
_GRAVE = ("critical", "major")
_NOT_OURS = ("network", "client", "reputation", "traffic")
"""What comes from outside the host: it may begin in the night, and no package brought it."""
_PATCH = "patch_window"
_WAYS_BACK = ("patch.upgrade_breaks_config",)
"""Of that kind, but what cures it is the version before, and not the one after."""
_INSIDE = "loopback"
"""What the host says of itself is nobody's way to it."""


class Fit(t.NamedTuple):
    """Whether a host may be patched. code: ready, cure, unreachable, maintenance, forbidden, sick or partner."""

    go: bool
    code: str
    why: str


class Change(t.NamedTuple):
    """A host after the patch. verdict: better, same or worse; why: of worse; notes: what else is new or gone."""

    verdict: str
    why: list[str]
    notes: list[str]


def fit(host: Document, partners: t.Mapping[str, Document], sick_too: bool = False) -> Fit:
    """May this host be patched now?

    :param host: its part of the report before
    :param partners: the parts of the other members of its redundancy group, by name
    :param sick_too: patch it also when it is sick of something that no patch cures
    """
    login = host["login"]["outcome"]
    if login != "ok":
        return Fit(False, "unreachable", f"it cannot be logged into ({login}: {host['login']['text']})")
    if host["verdict"] == "maintenance":
        return Fit(False, "maintenance", "the inventory says that somebody else is at work there (mail_maintenance)")
    barred = [one for one in _grave(host) if one["id"] and _PATCH in ((one["remedy"] or {}).get("forbid") or ())]
    if barred:
        return Fit(False, "forbidden", f"{barred[0]['id']} forbids it: {barred[0]['title']}")
    roots = [one for one in _roots(host) if one["severity"] in _GRAVE]
    sick = [one for one in roots if not cured(one)]
    if sick and not sick_too:
        more = f" and {len(sick) - 1} more" if len(sick) > 1 else ""
        return Fit(False, "sick", f"it is sick, and this patch is not its cure: {sick[0]['id']}{more}")
    if host["verdict"] == "unknown" and host["expected"] and not roots and not sick_too:
        return Fit(False, "sick", f"nobody can tell how it is, so nobody could tell afterwards: {host['summary']}")
    if host["expected"] and partners and not any(_serves(one, host["expected"]) for one in partners.values()):
        return Fit(False, "partner", f"nobody would stand in for it: {', '.join(sorted(partners))} does not serve")
    if roots and not sick:
        return Fit(True, "cure", f"the patch is its cure: {roots[0]['id']}")
    return Fit(True, "ready", "")


def cured(finding: Document) -> bool:
    """Is there evidence that a patch cures it: of that kind, with that remedy, or with a fix that is pending?"""
    remedy = finding["remedy"] or {}
    if finding["id"] in _WAYS_BACK:
        return False
    return finding["category"] == "patch" or remedy.get("action") == _PATCH or bool(finding.get("fixes"))


def compare(before: Document, after: Document) -> Change:
    """Hold the same host's parts of two reports against each other.

    Worse is: a new grave root cause of the host's own, a protocol that nobody gets through to any more, a host that
    cannot be logged into any more, or a worse verdict for a reason of its own.
    """
    if after["login"]["outcome"] != "ok" and before["login"]["outcome"] == "ok":
        return Change("worse", [f"it cannot be logged into any more ({after['login']['outcome']})"], [])
    why: list[str] = []
    notes: list[str] = []
    old = {one["id"] for one in _roots(before)}
    new = [one for one in _roots(after) if one["id"] not in old]
    for one in new:
        text = f"{one['id']}: {one['title']}"
        if one["severity"] in _GRAVE and one["category"] not in _NOT_OURS:
            why.append(f"new: {text}")
        else:
            notes.append(f"new, and not counted: {text}")
    expected = set(before["expected"]) | set(after["expected"])
    for protocol in sorted(expected):
        was, is_now = _answers(before, protocol), _answers(after, protocol)
        if was and is_now is not None and not is_now:
            why.append(f"{protocol} answers nobody any more")
        elif was and is_now is not None and was - is_now:
            notes.append(f"{protocol} does not answer {', '.join(sorted(was - is_now))}, but others")
    first, last = _RANKS.get(before["verdict"]), _RANKS.get(after["verdict"])
    outside = bool(new) and all(one["category"] in _NOT_OURS for one in new)
    if first is not None and last is not None and last > first and not outside and not why:
        why.append(f"it was {before['verdict']} and is {after['verdict']}: {after['summary']}")
    if after["verdict"] == "unknown" and after["expected"] and first is not None and not why:
        why.append(f"nobody can tell how it is: {after['summary']}")
    gone = sorted(old - {one["id"] for one in _roots(after)})
    notes += [f"gone: {name}" for name in gone]
    if why:
        return Change("worse", why, notes)
    better = bool(gone) or first is not None and last is not None and last < first
    return Change("better" if better else "same", [], notes)


def _roots(host: Document) -> list[Document]:
    """Root causes, and what would be one if nobody had announced that he is at work there."""
    return [
        one
        for one in host["findings"]
        if one["kind"] == "root_cause" or one["explained_by"] == ["operator.maintenance"]
    ]


def _grave(host: Document) -> list[Document]:
    """Root causes and risks of weight, such as a mirror that runs on one disk."""
    return [one for one in host["findings"] if one["kind"] in ("root_cause", "risk") and one["severity"] in _GRAVE]


def _answers(host: Document, protocol: str) -> set[str] | None:
    """The vantage points that the protocol answers; None when nobody tried."""
    seen = {
        name: view[protocol]
        for name, view in host["reach"].items()
        if name != _INSIDE and view.get(protocol, "skipped") != "skipped"
    }
    return {name for name, outcome in seen.items() if outcome == "ok"} if seen else None


def _serves(partner: Document, wanted: t.Iterable[str]) -> bool:
    """Does it answer everything that both are meant to offer?"""
    shared = set(wanted) & set(partner["expected"])
    tried = [answers for protocol in shared if (answers := _answers(partner, protocol)) is not None]
    return bool(tried) and all(tried)
