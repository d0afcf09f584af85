# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a proposal can be relied on, and why.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t
import zoneinfo
from collections.abc import Iterable, Mapping

from ansible_collections.mailops.triage.plugins.plugin_utils._window import zones
from ansible_collections.mailops.triage.plugins.plugin_utils._window.profile import Profile, Usual

LEVELS = ("low", "medium", "high")
ENOUGH_DAYS, MANY_DAYS, MANY_WEEKS = 14, 21, 3
# A week that had so much more than the usual one is told about.
_PEAK, _PEAK_EVENTS = 3.0, 25.0


class Confidence(t.NamedTuple):
    """level: one of LEVELS; weeks: in which the time was seen, at the host where that is least; because: sentences."""

    level: str
    days: int
    weeks: int
    because: list[str]


def confidence(
    profiles: Mapping[str, Profile],
    usual: Iterable[Usual],
    missing: Iterable[str],
    zone: zoneinfo.ZoneInfo,
) -> Confidence:
    """Judge a window.

    :param profiles: by host
    :param usual: what is usual in its quarters of an hour, of all hosts
    :param missing: hosts of which no log is known
    """
    seen = list(usual)
    level, because = 2, []
    fewest = min(profiles, key=lambda host: (profiles[host].days, host))
    days, weeks = profiles[fewest].days, min((one.samples for one in seen), default=0)
    if days < ENOUGH_DAYS:
        level = 0
        because.append(f"the log of {fewest} tells of {days} whole days only; {ENOUGH_DAYS} are needed")
    elif days < MANY_DAYS:
        level = 1
        because.append(f"the log of {fewest} tells of {days} whole days")
    if weeks == 0:
        level = 0
        because.append("this time of the week is not in every log: it was taken to be as on other days")
    elif weeks < MANY_WEEKS:
        level = min(level, 1)
        because.append(f"this time of the week was seen {'once' if weeks == 1 else 'twice'} only")
    peak = _peak(seen)
    if peak is not None:
        level = min(level, 1)
        because.append(
            f"usually it is quiet, but {zones.moment_text(peak[1], zone)} had {peak[0]:.0f} messages and logins in an "
            "hour: ask whether something like a newsletter is planned"
        )
    lost = sorted(missing)
    if lost:
        level = 0
        because.append(f"nothing is known of {', '.join(lost[:5])}" + (" and others" if len(lost) > 5 else ""))
    if not because:
        because.append(f"this time of the week was seen {weeks} times, in {days} whole days of log")
    return Confidence(LEVELS[level], days, weeks, because)


def _peak(seen: list[Usual]) -> tuple[float, int] | None:
    """(weight of the hour, its epoch) of a week that stands out from the usual one."""
    found = [
        (4 * one.most[0], one.most[1])
        for one in seen
        if one.samples > 1 and 4 * one.most[0] > _PEAK * 4 * one.load.weight + _PEAK_EVENTS
    ]
    return max(found) if found else None
