# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is usual at a time of the week: the median over the weeks, from which one newsletter does not stand out.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import statistics
import typing as t
import zoneinfo
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from ansible_collections.mailops.triage.plugins.plugin_utils._window import zones
from ansible_collections.mailops.triage.plugins.plugin_utils._window.spans import Days
from ansible_collections.mailops.triage.plugins.plugin_utils._window.weeks import HOUR, Load, Week

WEEKEND = (5, 6)
_ALL_QUARTERS = range(zones.QUARTERS_OF_DAY)
_NOTHING = Load(0.0, 0.0, 0.0)


class Usual(t.NamedTuple):
    """What to expect in a quarter of an hour.

    samples: how many weeks it was seen in; 0: known from other days of the same kind only
    most: of those weeks the one with the most, and the epoch of its hour
    """

    load: Load
    samples: int
    most: tuple[float, int]


class Profile:
    """One host's usual week.

    :param week: its hours
    :param zone: whose days and hours people live by
    :param holidays: days that are not like others of their name: left out of the history, expected to be as a Sunday
    """

    def __init__(self, week: Week, zone: zoneinfo.ZoneInfo, holidays: Days) -> None:
        self._zone, self._holidays = zone, holidays
        seen: dict[tuple[int, int], list[tuple[Load, int]]] = defaultdict(list)
        by_date: Counter[object] = Counter()
        for begin, hour in sorted(week.hours.items()):
            # The hours of UTC are not those of every zone, so a quarter is what is counted in.
            load = Load(*(count / 4 for count in hour))
            for epoch in range(begin, begin + HOUR, zones.QUARTER):
                date, day, quarter = zones.place(epoch, zone)
                by_date[date] += 1
                if date not in holidays:
                    seen[day, quarter].append((load, begin))
        # The day on which the clock is put forward has 92 quarters, and is complete.
        self.days = sum(number >= zones.QUARTERS_OF_DAY - 4 for number in by_date.values())
        self._usual = {key: _usual(samples) for key, samples in seen.items()}
        self._guesses: dict[tuple[bool, int], Usual | None] = {}

    def at(self, epoch: int) -> Usual | None:
        """What to expect in the quarter of an hour that begins then; None when nothing at all is known."""
        date, day, quarter = zones.place(epoch, self._zone)
        return self.usual(zones.SUNDAY if date in self._holidays else day, quarter)

    def usual(self, day: int, quarter: int) -> Usual | None:
        """The same by day of the week, from 0 for Monday, and quarter of the day."""
        return self._usual.get((day, quarter)) or self._guess(day in WEEKEND, quarter)

    def _guess(self, weekend: bool, quarter: int) -> Usual | None:
        """From the other days of the same kind, when this one was never seen."""
        key = weekend, quarter
        if key not in self._guesses:
            kind = WEEKEND if weekend else range(5)
            found = [self._usual[day, quarter] for day in kind if (day, quarter) in self._usual]
            guess = Usual(_middle([one.load for one in found]), 0, max(one.most for one in found)) if found else None
            self._guesses[key] = guess
        return self._guesses[key]


def _usual(samples: list[tuple[Load, int]]) -> Usual:
    most = max((load.weight, begin) for load, begin in samples)
    return Usual(_middle([load for load, dummy in samples]), len(samples), most)


def _middle(loads: list[Load]) -> Load:
    return Load(*(statistics.median(column) for column in zip(*loads)))


def total(loads: Iterable[Load]) -> Load:
    """The sum."""
    return Load(*(sum(column) for column in zip(_NOTHING, *loads)))


def heat(profiles: Iterable[Profile]) -> list[list[float | None]]:
    """For each day of the week, from Monday, and each hour of the day the weight of all hosts; None: not known."""
    profiles = list(profiles)
    rows: list[list[float | None]] = []
    for day in range(7):
        row: list[float | None] = []
        for hour in range(24):
            found = [profile.usual(day, hour * 4 + part) for profile in profiles for part in range(4)]
            known = [one.load.weight for one in found if one is not None]
            row.append(round(sum(known), 1) if known else None)
        rows.append(row)
    return rows


def mean(profiles: Collection[Profile]) -> float:
    """The weight of a quarter of an hour of an ordinary week, of all hosts together."""
    found = [profile.usual(day, quarter) for profile in profiles for day in range(7) for quarter in _ALL_QUARTERS]
    known = [one.load.weight for one in found if one is not None]
    return len(profiles) * sum(known) / len(known) if known else 0.0
