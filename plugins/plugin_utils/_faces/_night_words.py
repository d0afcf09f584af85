# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a patch night that the terminal and the page share.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe, _words


class State(NamedTuple):
    """How the end of a host is written. verdict: whose colours the page uses; rank: worst first."""

    word: str
    style: str
    verdict: str
    rank: int


STATES: dict[str, State] = {
    "failed": State("failed", "down", "down", 0),
    "begun": State("begun and not ended", "down", "down", 1),
    "rolled_back": State("went back", "degraded", "degraded", 2),
    "left": State("left", "unknown", "unknown", 3),
    "planned": State("planned", "maintenance", "maintenance", 4),
    "done": State("done", "healthy", "healthy", 5),
    "nothing": State("nothing to do", "dim", "healthy", 6),
}


def headlines(report: Mapping[str, Any]) -> list[str]:
    """What there is to say of the whole night."""
    found = []
    if report["check"]:
        found.append("Check mode: this is what a run would begin with now; nothing was changed.")
    if report["stopped"]:
        found.append(f"The night was stopped: {_safe.inert(report['stopped']['why'], 400)}.")
    elif report["held_up"]:
        found.append(f"Not all could be begun: {_safe.inert(report['held_up']['why'], 300)}.")
    if report["counts"]["begun"]:
        found.append("A host is begun and not ended: run the same playbook again, and it goes on there.")
    if report["next_window"] is not None:
        found.append(f"The next window begins {_safe.moment(report['next_window'])}.")
    return found


def lines(host: Mapping[str, Any], most: int | None) -> list[str]:
    """A host in a few lines: verdicts, packages, durations, downtime."""
    found = []
    before, after = host["before"], host["after"]
    if before:
        change = f" → {after['verdict']}" if after else ""
        found.append(f"{before['verdict']}{change}{_judged(host)}")
    changed = packages(host["packages"] or (host["pending"] if host["state"] == "planned" else []), most)
    if changed:
        found.append(changed)
    if host["went_back"]:
        found.append("went back: " + packages(host["went_back"], most))
    took = [f"{step} {_safe.duration(seconds)}" for step, seconds in host["seconds"].items() if seconds >= 1]
    if took:
        found.append("took: " + ", ".join(took))
    away = downtime(host)
    if away:
        found.append(away)
    return found


def downtime(host: Mapping[str, Any]) -> str:
    """How long each protocol was away; empty when nobody looked."""
    if not host["downtime"]:
        return ""
    parts = [f"{protocol} {_safe.duration(one['seconds'])}" for protocol, one in sorted(host["downtime"].items())]
    return "away, as seen from outside: " + ", ".join(parts)


def packages(changed: Sequence[Mapping[str, Any]], most: int | None) -> str:
    """Packages with their versions, in one line."""
    shown = [
        f"{_safe.inert(one['package'], 80)} {_safe.inert(one.get('from') or 'new', 60)} → {_safe.inert(one['to'], 60)}"
        for one in changed[:most]
    ]
    more = [f"{len(changed) - most} more"] if most is not None and len(changed) > most else []
    return ", ".join(shown + more)


def pending(host: Mapping[str, Any]) -> str:
    """What waits on a host, in a few words."""
    if not host["frozen"]:
        return "not known"
    known = host["frozen"]["packages"]
    security = sum(one["security"] for one in known.values())
    parts = [f"{_words.count(len(known), 'package')}, {security} of them for security"] if known else []
    if host["frozen"]["half_configured"]:
        parts.append("something half configured")
    if host["frozen"]["restarts"]:
        parts.append(f"restarts of {', '.join(host['frozen']['restarts'][:4])}")
    if host["frozen"]["reboot"]["required"]:
        parts.append("a reboot")
    return ", ".join(parts)


def groups(report: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """For each redundancy group its name, what was seen, and whether that is good."""
    found = []
    for name, protocols in sorted(report["groups"].items()):
        away = {protocol: seconds for protocol, seconds in protocols.items() if seconds > 0}
        if away:
            parts = ", ".join(f"{protocol} {_safe.duration(seconds)}" for protocol, seconds in sorted(away.items()))
            found.append((_safe.inert(name, 60), f"no member answered: {parts}", False))
        elif protocols:
            text = f"at every look at least one member answered: {', '.join(sorted(protocols))}"
            found.append((_safe.inert(name, 60), text, True))
    return found


def measured(report: Mapping[str, Any]) -> list[str]:
    """How exact the downtime is."""
    how = report["measured"]
    if not how["looks"]:
        return []
    text = f"Looked {how['looks']} times from outside, every {_safe.duration(how['every'])}"
    text += f", at most {_safe.duration(how['longest_gap'])} apart: so exact are the times,"
    text += " and a shorter outage may not be seen."
    found = [text]
    for begin, end in how["unseen"]:
        found.append(f"Nobody looked from {_safe.moment(begin)} to {_safe.moment(end)}.")
    return found


def _judged(host: Mapping[str, Any]) -> str:
    last = host["again"] or host["judged"]
    if not last:
        return ""
    why = "; ".join([*last["why"], *last["notes"]])
    return f", {last['verdict']}" + (f": {_safe.inert(why, 300)}" if why else "")
