# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May the next batch begin? Asked before each, so that a long night ends by itself.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._night import batches

Document = dict[str, t.Any]

_MARGIN = 1.25
"""What a batch took is no promise for the next one."""


class Decision(t.NamedTuple):
    """What of a batch may be begun.

    code: open, nothing, stopped, or why the window says no; fresh: hosts to begin with; begun: hosts that an earlier
    run has left half-way, which are brought to an end whatever the hour; retry_at: epoch seconds, or None; alone: it
    goes ahead of others, as a canary does; more: whether to ask about this batch again afterwards
    """

    code: str
    why: str
    fresh: list[str]
    begun: list[str]
    retry_at: float | None
    alone: bool = False
    more: bool = False


def decide(
    night: Document,
    number: int,
    window: t.Callable[[], tuple[bool, str, str, float | None]],
    here: t.Collection[str] | None = None,
    check: bool = False,
) -> Decision:
    """Decide about a batch.

    :param night: the ledger
    :param number: of the batch, from 0
    :param window: asks the window: whether work may begin, a code, a sentence, and when to ask again
    :param here: hosts of the play; without it, all
    :param check: nothing is done, so that nothing is proved either
    """
    batch = night["batches"][number]
    names = [name for name in batch["hosts"] if here is None or name in here]
    begun = [name for name in names if night["hosts"][name]["state"] == "begun"]
    fresh = [name for name in names if night["hosts"][name]["state"] == "planned"]
    if not begun and not fresh:
        return Decision("nothing", "all of its hosts have come to an end", [], [], None)
    if night.get("stopped"):
        stopped = night["stopped"]
        return Decision("stopped", f"the night was stopped: {stopped['why']}", [], begun, None)
    may, code, why, retry_at = window()
    if may:
        ahead = [name for name in fresh if _unproven(night, name)]
        if check or batch["name"] == batches.CANARY or not ahead:
            return Decision("open", why, fresh, begun, None)
        if begun:
            return Decision("open", why, [], begun, None, more=True)
        why += f"{'; ' if why else ''}no canary stands for {ahead[0]}, so that it goes alone"
        return Decision("open", why, ahead[:1], [], None, alone=True, more=len(fresh) > 1)
    if begun:
        why += "; only what had been begun is brought to an end"
    return Decision(code, why, [], begun, retry_at)


def _unproven(night: Document, name: str) -> bool:
    """Has the patch been proved nowhere that could stand for this host?

    A canary that was left proves nothing; whoever comes next takes its place.
    """
    hosts = night["hosts"]
    done = {role for host in hosts.values() if host["state"] == "done" for role in host["roles"]}
    shared = {role for other, host in hosts.items() if other != name for role in host["roles"]}
    # Where each is alone in its roles, one has gone ahead of all.
    return not done or bool(shared.intersection(hosts[name]["roles"]) - done)


def estimate(night: Document, given: float) -> float:
    """Seconds that the next batch will take: as told, or as long as one has taken if that was longer."""
    took = [
        batch["ended"] - batch["began"]
        for batch in night["batches"]
        if batch.get("ended") is not None and batch.get("began") is not None
    ]
    return max(given, max(took, default=0.0) * _MARGIN)


def stop(night: Document, code: str, why: str, now: float) -> None:
    """Let no further host begin; what stopped it first stays the reason."""
    if not night.get("stopped"):
        night["stopped"] = {"code": code, "why": why, "at": round(now, 3)}
