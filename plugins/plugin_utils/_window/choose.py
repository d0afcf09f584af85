# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing the stretch of time in which the fewest people would miss their mail.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import itertools
import math
import typing as t
from collections import Counter
from collections.abc import Iterable, Mapping

from ansible_collections.mailops.triage.plugins.plugin_utils._window import groups, spans, zones
from ansible_collections.mailops.triage.plugins.plugin_utils._window.profile import Profile
from ansible_collections.mailops.triage.plugins.plugin_utils._window.rules import Window

BEST = 3
"""So many are proposed."""
# Two proposals of different nights: a choice between 02:00 and 02:15 is none.
_APART = 12 * 3600
# A night that has a tenth more is as good when it is sooner: bugs are open until then.
_AS_GOOD = 1.1
# Within a night work begins with the quiet time, for room behind it. Quarters that differ so little are all quiet:
# counts differ by chance.
_SAME, _SAME_EVENTS, _SOONER = 1.3, 0.5, 3 * 3600
# Work may take longer than thought: the time right after counts, a little.
_OVERRUN, _OVERRUN_QUARTERS = 0.1, 4


class Choice(t.NamedTuple):
    """A stretch of time, and who is worked at in which slot of it.

    affected: weight of what is expected then; after: the same for the time right behind it; window: of the rules, in
    which it lies
    """

    begin: int
    end: int
    affected: float
    after: float
    slots: dict[str, int]
    window: Window | None

    @property
    def cost(self) -> float:
        """What it is compared by with others of the same night."""
        return self.affected + _OVERRUN * self.after


class Wish(t.NamedTuple):
    """What is asked for.

    slot_s: seconds one host needs, a multiple of a quarter of an hour; since, until: epochs; windows: in which the
    choice has to lie, None: anywhere; closed: which it must not touch; first: hosts to begin with
    """

    slot_s: int
    since: int
    until: int
    windows: list[Window] | None
    closed: list[spans.Span]
    groups: Mapping[str, Iterable[str]]
    first: frozenset[str] = frozenset()


class Chosen(t.NamedTuple):
    """The answer. rounds: slots of the night; barred: how many begins something took away, by its name."""

    best: list[Choice]
    rounds: int
    barred: dict[str, int]


def choose(profiles: Mapping[str, Profile | None], wish: Wish) -> Chosen:
    """The best stretches of time, the best first.

    :param profiles: by host; None for one of which nothing is known, which gets a slot all the same
    """
    near = groups.neighbours(profiles, wish.groups)
    rounds = _rounds(profiles, near, wish)
    first = -(-wish.since // zones.QUARTER) * zones.QUARTER
    last = wish.until - rounds * wish.slot_s
    # Beyond the last window the time for an overrun is looked at.
    number = max(0, (wish.until + wish.slot_s - first) // zones.QUARTER)
    sums = {host: _sums(profile, first, number) for host, profile in profiles.items()}
    order = sorted(profiles, key=lambda host: (-sums[host].total, host))
    closed = sorted(wish.closed)
    found: list[Choice] = []
    barred: Counter[str] = Counter()
    for begin in range(first, last + 1, zones.QUARTER):
        end = begin + rounds * wish.slot_s
        met = spans.met(begin, end, closed)
        window = _window(begin, end, wish.windows)
        if met is not None:
            barred[f"{met.kind} '{met.name}'"] += 1
        elif window is None and wish.windows is not None:
            barred["the rules' windows"] += 1
        else:
            choice = _at(begin, (begin - first) // zones.QUARTER, sums, order, near, rounds, wish)
            if choice is None:
                barred["no data of that time"] += 1
            else:
                found.append(choice._replace(window=window))
    weights = [sum(one.weights[place] for one in sums.values()) for place in range(number + 1)] if sums else []
    return Chosen(_best(found, _Fleet(first, weights)), rounds, dict(barred))


class _Sums(t.NamedTuple):
    """Running totals: of weights, and of quarters of which nothing is known."""

    weights: list[float]
    unknown: list[int]
    total: float

    def between(self, first: int, last: int) -> float:
        # A difference of sums may be a hair below zero.
        return max(0.0, self.weights[last] - self.weights[first])


class _Fleet(t.NamedTuple):
    """Running total of the weights of all hosts, in quarters of an hour from a moment on."""

    first: int
    weights: list[float]

    def mean(self, begin: int, end: int) -> float:
        """Weight of a quarter of an hour, on average between two moments."""
        low, high = (begin - self.first) // zones.QUARTER, (end - self.first) // zones.QUARTER
        return (self.weights[high] - self.weights[low]) / (high - low)


def _sums(profile: Profile | None, begin: int, number: int) -> _Sums:
    if profile is None:
        return _Sums([0.0] * (number + 1), [0] * (number + 1), 0.0)
    usual = [profile.at(begin + place * zones.QUARTER) for place in range(number)]
    weights = list(itertools.accumulate((one.load.weight if one else 0.0 for one in usual), initial=0.0))
    unknown = list(itertools.accumulate((one is None for one in usual), initial=0))
    return _Sums(weights, unknown, weights[-1])


def _rounds(profiles: Iterable[str], near: groups.Neighbours, wish: Wish) -> int:
    # Groups that overlap may need more slots than the largest has members; as many as hosts are always enough.
    number = groups.rounds(wish.groups, profiles)
    order = sorted(profiles)
    while groups.assign(order, near, number, lambda dummy_host, slot: slot, wish.first) is None:
        number += 1
    return number


def _at(
    begin: int,
    place: int,
    sums: Mapping[str, _Sums],
    order: list[str],
    near: groups.Neighbours,
    rounds: int,
    wish: Wish,
) -> Choice | None:
    step = wish.slot_s // zones.QUARTER
    end = place + rounds * step
    if any(one.unknown[end] != one.unknown[place] for one in sums.values()):
        return None

    def cost(host: str, slot: int) -> float:
        return sums[host].between(place + slot * step, place + (slot + 1) * step)

    slots = groups.assign(order, near, rounds, cost, wish.first)
    if slots is None:
        # Where groups overlap, the best slots of some may leave none to others: then any order will do.
        slots = groups.assign(sorted(order), near, rounds, lambda dummy_host, slot: slot, wish.first) or {}
    affected = sum(cost(host, slot) for host, slot in slots.items())
    behind = end + min(step, _OVERRUN_QUARTERS)
    after = sum(one.between(end, behind) for one in sums.values())
    return Choice(begin, begin + rounds * wish.slot_s, affected, after, slots, None)


def _window(begin: int, end: int, windows: list[Window] | None) -> Window | None:
    """The window of the rules that all of it fits into."""
    fitting = [one for one in windows or () if one.begin <= begin and end + one.cutoff_s <= one.end]
    return max(fitting, key=lambda one: one.end) if fitting else None


def _best(found: list[Choice], fleet: _Fleet) -> list[Choice]:
    """The best of each night, and of those the sooner of equals first; filled up when there are too few nights."""
    ranked = sorted(found, key=lambda one: (round(one.cost, 6), one.begin))
    by_begin = {one.begin: one for one in found}
    nights: list[Choice] = []
    for one in ranked:
        if _far(one, nights):
            nights.append(one)
    least = min((one.affected for one in nights), default=0.0)
    # And what chance makes of small numbers.
    limit = least * _AS_GOOD + math.sqrt(least) + 1
    good = sorted((one for one in nights if one.affected <= limit), key=lambda one: one.begin)
    best = [*good, *(one for one in nights if one.affected > limit)][:BEST]
    for place, one in enumerate(best):
        best[place] = _sooner(one, by_begin, [other for other in best if other is not one], fleet)
    for one in ranked:
        if len(best) == BEST:
            break
        if all(one.end <= other.begin or other.end <= one.begin for other in best):
            best.append(one)
    return best


def _sooner(one: Choice, by_begin: Mapping[int, Choice], others: list[Choice], fleet: _Fleet) -> Choice:
    """The begin of the quiet time that a choice lies in."""
    limit = fleet.mean(one.begin, one.end) * _SAME + _SAME_EVENTS
    found, begin = one, one.begin - zones.QUARTER
    while begin >= one.begin - _SOONER and begin in by_begin and _far(by_begin[begin], others):
        if fleet.mean(begin, begin + zones.QUARTER) > limit:
            break
        found, begin = by_begin[begin], begin - zones.QUARTER
    return found


def _far(one: Choice, nights: list[Choice]) -> bool:
    return all(abs(one.begin - other.begin) >= _APART for other in nights)
