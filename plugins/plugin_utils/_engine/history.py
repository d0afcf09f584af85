# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier runs knew of a host: a fault that comes back, and a process that only grows.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The history is part of the recording, so a replay years later counts the same occurrences as the run did.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.units import duration

Document = dict[str, t.Any]

SEPARATE_S = 12 * 3600
"""Two sightings further apart than this are two occurrences, even when nobody looked in between."""
TIRED = 3
"""From this occurrence on a restart is no remedy any more that runs by itself: what falls over again needs a patch."""
AT_ONCE_S = 1800
"""What comes back as soon as this was not cured by what was done last time."""
_ORDINALS = {2: "2nd", 3: "3rd"}


def occurrences(past: list[list[t.Any]], finding: str, now: float) -> Document | None:
    """How often a fault has struck, this time included; None when this is the first time.

    :param past: C([time, ids of the root causes]) of every earlier run that judged the host, in the order of time
    :returns: count; in epoch seconds the first time, the last one before this, and since when it lasts this time
    """
    struck: list[list[float]] = []
    well = True
    for at, roots in [*past, [now, [finding]]]:
        if finding not in roots:
            well = True
        elif well or at - struck[-1][1] > SEPARATE_S:
            struck.append([at, at])
            well = False
        else:
            # Two looks at the same outage are one occurrence.
            struck[-1][1] = at
    if len(struck) < 2:
        return None
    return {"count": len(struck), "first": struck[0][0], "last": struck[-2][1], "began": struck[-1][0]}


def mark(findings: list[Document], past: Document | None, now: float, patches: Document | None = None) -> None:
    """Say of each root cause whether it has struck before, and hold back a restart that has not helped.

    :param patches: the facts of that name: a daemon that falls over again may have a fix waiting
    """
    for finding in findings:
        again = (
            occurrences((past or {}).get("runs", []), finding["id"], now) if finding["kind"] == "root_cause" else None
        )
        if again is None:
            continue
        finding["recurring"] = again
        times = _ORDINALS.get(again["count"], f"{again['count']}th")
        finding["title"] = f"Recurring ({times} time in {duration(now - again['first'])}): {finding['title']}"
        says = f"the {times} time on this host; before this on {_date(again['last'])}, first on {_date(again['first'])}"
        finding["evidence"].append({"fact": "history", "value": again["count"], "says": says})
        remedy = finding["remedy"]
        if remedy["action"] == "restart_daemon" and (
            again["count"] >= TIRED or again["began"] - again["last"] < AT_ONCE_S
        ):
            remedy["auto"] = False
            finding["fixes"] = _fixes(remedy["args"].get("service", ""), patches)
            remedy["do"] = (
                "It fell over again, so a restart is no cure: plan a patch window and keep what shows the reason. "
                f"{_pending(finding['fixes'])} {remedy['do']}"
            )


def _fixes(service: str, patches: Document | None) -> list[str] | None:
    """The pending fixes for the very package of a unit; None when nobody knows."""
    if patches is None or patches.get("security") is None:
        return None
    name = service.removesuffix(".service").partition("@")[0]
    return [
        f"{one['package']} {one['installed']} -> {one['available']}"
        for one in patches["security"]
        if name and (one["daemon"] == name or one["package"] == name)
    ]


def _pending(fixes: list[str] | None) -> str:
    if fixes is None:
        return "Which fixes are pending for it is not known."
    if not fixes:
        return "No security fix is pending for it, so look for the bug with its maintainers."
    return f"Pending for it: {', '.join(fixes[:5])}."


def leaks(memory: Document | None, past: Document | None, now: float) -> list[Document] | None:
    """Processes of the mail system that earlier runs have seen, with what they have grown since.

    :param memory: the facts; a process is the same one when its number and its start are
    :returns: None when the facts do not tell
    """
    if memory is None or memory.get("mail") is None:
        return None
    found = []
    for process in memory["mail"]:
        samples = sorted(
            (at, sample["rss_bytes"])
            for at, sampled in (past or {}).get("memory", [])
            for sample in sampled
            if sample["pid"] == process["pid"] and abs(sample["started"] - process["started"]) < 2.0 and at < now
        )
        if not samples:
            continue
        sizes = [size for dummy, size in samples] + [process["rss_bytes"]]
        first_at, first = samples[0]
        found.append(
            {
                "name": process["name"],
                "pid": process["pid"],
                "from_bytes": first,
                "to_bytes": process["rss_bytes"],
                "grown_bytes": process["rss_bytes"] - first,
                "times": round(process["rss_bytes"] / first, 2) if first else 0.0,
                "span_s": round(now - first_at),
                "warm_s": round(first_at - process["started"]),
                "samples": len(sizes),
                "steady": all(one <= other for one, other in zip(sizes, sizes[1:])),
            }
        )
    return sorted(found, key=lambda leak: (-leak["grown_bytes"], leak["pid"]))


def _date(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
