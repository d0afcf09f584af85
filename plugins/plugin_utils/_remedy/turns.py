# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is: hosts that stand in for each other are never acted upon all at once.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What has to wait is planned again from a new diagnosis when those before it have been proved.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]

LATER = ("turn", "first")
"""Codes of refusals that end by themselves in the next round of the same run."""
_SHARE = 10
_WORST_FIRST = ("down", "degraded", "unknown", "maintenance", "healthy")


def take(
    plans: dict[str, list[Document]],
    report: Document,
    records: dict[str, Document],
    done: dict[str, list[Document]],
) -> None:
    """Hold back hosts of a redundancy group whose turn has not come, and what waits for another remedy of its host.

    :param plans: by host, the items in their order; changed in place
    :param records: each host's part of the recording, whose inventory names its C(mail_redundancy_group)
    :param done: for each host, the actions that this run has recorded already
    """
    groups: dict[str, list[str]] = {}
    for name, record in records.items():
        group = (record.get("inventory") or {}).get("mail_redundancy_group")
        if group:
            groups.setdefault(str(group), []).append(name)
    for group, members in groups.items():
        _one_by_one(group, members, plans, report, done)
    for items in plans.values():
        _wait_for_each_other(items)


def _one_by_one(
    group: str,
    members: list[str],
    plans: dict[str, list[Document]],
    report: Document,
    done: dict[str, list[Document]],
) -> None:
    failed = sorted(name for name in members if any(_unproved(action) for action in done.get(name, [])))
    waiting = [name for name in members if any(_acts(item) for item in plans.get(name, []))]
    waiting.sort(key=lambda name: (_WORST_FIRST.index(report["hosts"][name]["verdict"]), name))
    first = waiting[: max(1, len(members) // _SHARE)]
    for name in waiting:
        others = [one for one in failed if one != name]
        if others:
            why = f"the remedy did not hold on {others[0]} of the group {group}; look there before the next host"
            _hold(plans[name], "group", why)
        elif name not in first:
            _hold(plans[name], "turn", f"one host of the group {group} at a time, and {first[0]} comes first")


def _acts(item: Document) -> bool:
    return bool(item["state"] == "go" and item["action"] != "escalate")


def _unproved(action: Document) -> bool:
    proof = (action.get("proof") or {}).get("state")
    return action.get("state") == "failed" or proof in ("not_healed", "relapsed")


def _hold(items: list[Document], code: str, why: str) -> None:
    for item in items:
        if _acts(item):
            item.update(state="refused", code=code, why=why)


def _wait_for_each_other(items: list[Document]) -> None:
    """What is only forbidden by something that is being mended may be done when that is over."""
    going = {finding for item in items if _acts(item) for finding in item["findings"]}
    for item in items:
        if item["code"] == "forbidden" and going.issuperset(item["by"]):
            item.update(code="first", why=f"first this has to be mended: {item['why']}")
