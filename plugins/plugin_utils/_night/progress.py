# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step of a host means for the host and for the night; pure logic on the ledger.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._night import answers, frozen, gate, ledger

Document = dict[str, t.Any]

STEPS = (
    "listed",
    "downloaded",
    "maintenance",
    "hook",
    "drained",
    "applied",
    "restarted",
    "rebooted",
    "opened",
    "rolled_back",
    "settled",
    "released",
    "freed",
    "closed",
)
"""Steps in their order; C(settled) is the restart after the way back, C(released) the end of maintenance.

C(freed) comes instead of all others on a host that an earlier run has begun with and not touched, see free().
"""
_UNTOUCHED = ("listed", "downloaded", "maintenance", "hook", "drained")
"""When one of these fails, no package of the host has been changed."""
_TOLERATED = ("restarted", "settled", "opened", "released")
"""Whether these have worked is seen by the diagnosis that follows; they do not turn a host back by themselves."""


def enter(night: Document, name: str, entry: Document, answer: t.Any, now: float, check: bool = False) -> bool:
    """Take a step into the ledger, in place.

    :param entry: of answers.step()
    :param answer: what it was made from
    :returns: may the next step come?
    """
    host = night["hosts"][name]
    step = entry["step"]
    good = entry["state"] in answers.GOOD
    if step == "listed":
        return _listed(host, entry, answer, good)
    host["steps"].append(entry)
    if step == "maintenance" and good and not check:
        host["state"] = "begun"
    if step in ("applied", "rolled_back"):
        _packages(host, entry, answer, step)
        half = host["outcome"]["half_configured"]
        if good and half and not check:
            good = False
            entry.update(state="failed", code="half_configured", why=f"half configured: {', '.join(half)}")
    if good or step in _TOLERATED:
        return good
    what = f"{name}: {said(entry)}"
    if (step in _UNTOUCHED or step == "applied") and not touched(host):
        if step != "downloaded" and host["state"] == "begun":
            host.update(code=entry["code"] or step, why=said(entry))
        else:
            host.update(state="left", code=entry["code"] or step, why=said(entry))
        return False
    gate.stop(night, "failed", what, now)
    return False


def touched(host: Document) -> bool:
    """Has anybody begun to change packages, or restarted something?

    A host that is drained is installed on next: where the end of that is not recorded, it may have been begun all the
    same. What was refused has changed nothing, unless the host tells of packages that changed.
    """
    handed_over = False
    for one in host["steps"]:
        if one["step"] == "rebooted" or one["step"] == "applied" and (one["state"] != "refused" or host["packages"]):
            return True
        if one["step"] == "drained" and one["state"] in answers.GOOD:
            if handed_over:
                return True
            handed_over = True
        elif one["step"] == "applied":
            handed_over = False
    return handed_over


def went_back(host: Document) -> bool:
    """Are the old packages on it again?"""
    moves = [one for one in host["steps"] if one["step"] in ("applied", "rolled_back")]
    return bool(moves) and moves[-1]["step"] == "rolled_back" and moves[-1]["state"] in answers.GOOD


def failed(host: Document) -> Document | None:
    """The first step that went wrong after packages were touched and is not made good by a later one of its kind."""
    last: dict[str, Document] = {}
    for one in host["steps"]:
        last[one["step"]] = one
    wrong = [one for name, one in last.items() if name in ("applied", "rebooted") and one["state"] not in answers.GOOD]
    return wrong[0] if wrong else None


def condemned(host: Document) -> bool:
    """Has it been found out that it must go back, and is it not known to have done so?

    What has been judged is not tried once more: the patch that made the host worse would do so again.
    """
    return touched(host) and not went_back(host) and bool(host.get("condemned") or failed(host))


def free(night: Document, name: str) -> Document:
    """Let a host that was begun with and not touched wait again, as if nobody had come to it; in place.

    Nothing has to be brought to an end there, so that the window and its partners are asked anew. Where a step of it
    went wrong, it is left. Answers with the host.
    """
    host = t.cast(Document, night["hosts"][name])
    if host["state"] != "begun" or touched(host):
        return host
    last = {one["step"]: one for one in host["steps"]}
    wrong = next((one for one in last.values() if one["state"] not in answers.GOOD), None)
    if wrong:
        host.update(state="left", code=wrong["code"] or wrong["step"], why=said(wrong))
    else:
        host.update(state="planned", code="", why="")
    return host


def close(night: Document, name: str, now: float) -> Document:
    """Say how a host has ended; changes the ledger in place and answers with the host."""
    host = night["hosts"][name]
    if host["state"] in ledger.CLOSED:
        return t.cast(Document, host)
    wrong, judged, again = failed(host) or _unknown(host), host["judged"], host["again"]
    if not touched(host):
        host.update(state="left", code=host["code"] or "not_begun", why=host["why"] or "it was not come to")
        return t.cast(Document, host)
    if not wrong and not went_back(host) and judged and judged["verdict"] != "worse":
        host.update(state="done", code="", why="")
        return t.cast(Document, host)
    # A night that was interrupted after the way back has only that one look.
    last = again or judged
    whole = went_back(host) and last and last["verdict"] != "worse"
    cause = said(wrong) if wrong else "; ".join((judged or {}).get("why") or ["nobody could look at it afterwards"])
    host.update(state="rolled_back" if whole else "failed", code=wrong["code"] if wrong else "worse", why=cause)
    gate.stop(night, "failed", f"{name}: {cause}", now)
    return t.cast(Document, host)


def _unknown(host: Document) -> Document | None:
    """The step that kept a second attempt from telling what became of a first one that was cut off."""
    moves = [one for one in host["steps"] if one["step"] in ("maintenance", "hook", "drained", "applied", "rebooted")]
    if any(one["step"] in ("applied", "rebooted") for one in moves):
        return None
    return next((one for one in reversed(moves) if one["state"] not in answers.GOOD), None)


def said(entry: Document) -> str:
    """A step that went wrong, in a sentence."""
    words = _WORDS.get(entry["step"], entry["step"])
    return f"{words} {_HOW.get(entry['state'], entry['state'])}" + (f": {entry['why']}" if entry["why"] else "")


def _listed(host: Document, entry: Document, answer: t.Any, good: bool) -> bool:
    if good:
        host.update(state="planned", code="", why="", frozen=frozen.freeze(answer))
    else:
        host.update(state="left", code=entry["code"] or "listed", why=said(entry))
    return good


def _packages(host: Document, entry: Document, answer: t.Any, step: str) -> None:
    """Packages that were changed, those of an interrupted attempt included."""
    key = "packages" if step == "applied" else "went_back"
    known = {one["package"]: one for one in host[key]}
    for one in answers.packages(answer):
        first = known.get(one["package"])
        known[one["package"]] = {**one, "from": first["from"]} if first else one
    host[key] = list(known.values())
    host["outcome"] = answers.outcome(answer)


_WORDS = {
    "listed": "listing the updates",
    "downloaded": "the download",
    "maintenance": "the begin of maintenance",
    "hook": "a task of the site",
    "drained": "draining",
    "applied": "installing",
    "restarted": "restarting",
    "rebooted": "the reboot",
    "opened": "opening",
    "rolled_back": "the way back",
    "settled": "restarting after the way back",
    "released": "the end of maintenance",
}
_HOW = {"failed": "failed", "refused": "was refused", "unreachable": "did not reach the host"}
