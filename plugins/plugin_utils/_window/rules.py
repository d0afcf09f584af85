# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When work is allowed: the windows, blackouts and held hosts that a site has written down.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import datetime
import re
import typing as t
import zoneinfo
from collections.abc import Iterable, Mapping

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._window import zones

_LISTS = ("windows", "blackouts", "hold_hosts")
_KEYS = ("tz", *_LISTS)
_WINDOW_KEYS = {"days", "start", "duration", "cutoff", "tz"}
_ONCE_KEYS = {"begin", "end", "cutoff", "tz"}
_NAMES = tuple(name.lower() for name in zones.DAYS)
_GROUPS = {"daily": range(7), "weekdays": range(5), "weekend": (5, 6)}
_LONG = re.compile(r"(?:(\d{1,3})\s*h)?\s*(?:(\d{1,4})\s*m(?:in)?)?$", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)$", re.ASCII)
_DAY = datetime.timedelta(days=1)
_MOST_MINUTES = 7 * 24 * 60


class RulesError(ValueError):
    """Rules that cannot be understood."""


class Window(t.NamedTuple):
    """A time in which work is allowed. begin, end: epoch; cutoff_s: before the end nothing new may reach into it."""

    begin: int
    end: int
    cutoff_s: int


class Rule(t.NamedTuple):
    """A window that comes again every week. days: from 0 for Monday; zone: of its own, or None for the rules' one."""

    days: frozenset[int]
    start: datetime.time
    duration_s: int
    cutoff_s: int
    zone: zoneinfo.ZoneInfo | None = None


def check(data: Mapping[str, object]) -> None:
    """Look at what the rules consist of.

    :raises RulesError: at a key that is not known, or a value that is no list where one belongs
    """
    unknown = sorted(str(key) for key in set(data) - set(_KEYS))
    if unknown:
        raise RulesError(f"rules: the key '{clean(unknown[0], 60)}' is not known; there are: {', '.join(_KEYS)}")
    for name in _LISTS:
        if not isinstance(data.get(name) or [], list):
            raise RulesError(f"rules: '{name}' must be a list")


def read(windows: Iterable[object]) -> list[Rule | Window]:
    """The C(windows) of the rules: those that come every week, and those that come once.

    :raises RulesError: naming the window
    """
    rules: list[Rule | Window] = []
    for number, window in enumerate(windows, 1):
        try:
            rules.append(_rule(window))
        except (RulesError, zones.ZoneError) as error:
            raise RulesError(f"rules, window {number}: {error}") from error
    return rules


def opened(rules: Iterable[Rule | Window], zone: zoneinfo.ZoneInfo, since: float, until: float) -> list[Window]:
    """The windows between two moments, in order of time.

    One ends when its duration is over, or when the clock shows the end of an ordinary night, whatever comes first: in
    the night in which an hour is skipped work must not reach into the morning.

    :param zone: of the rules that have none of their own
    """
    found: list[Window] = []
    for rule in rules:
        if isinstance(rule, Rule):
            found += _weekly(rule, rule.zone or zone, since, until)
        elif rule.begin < until and since < rule.end:
            found.append(rule)
    return sorted(found)


def _weekly(rule: Rule, zone: zoneinfo.ZoneInfo, since: float, until: float) -> t.Iterator[Window]:
    date = zones.local(since - rule.duration_s, zone).date() - _DAY
    last = zones.local(until, zone).date()
    while date <= last:
        if date.weekday() in rule.days:
            begin = zones.at(date, rule.start, zone)
            ends = datetime.datetime.combine(date, rule.start) + datetime.timedelta(seconds=rule.duration_s)
            end = min(begin + rule.duration_s, zones.at(ends.date(), ends.time(), zone))
            if begin < end and begin < until and since < end:
                yield Window(begin, end, rule.cutoff_s)
        date += _DAY


def _rule(window: object) -> Rule | Window:
    if not isinstance(window, dict):
        raise RulesError("it must be a mapping with days, start and duration")
    once = "begin" in window or "end" in window
    keys = _ONCE_KEYS if once else _WINDOW_KEYS
    unknown = sorted(str(key) for key in set(window) - keys)
    if unknown:
        there = ", ".join(sorted(keys))
        raise RulesError(f"the key '{clean(unknown[0], 60)}' is not known; there are: {there}")
    if once:
        return _once(window)
    if "start" not in window or "duration" not in window:
        raise RulesError("it needs 'start' and 'duration'")
    start = _clock(window["start"])
    duration, cutoff = _seconds(window["duration"], "duration"), _seconds(window.get("cutoff", 0), "cutoff")
    if duration <= 0 or cutoff >= duration:
        raise RulesError("its duration must be longer than its cutoff")
    zone = zones.load(str(window["tz"])) if window.get("tz") else None
    return Rule(_days(window.get("days", "daily")), start, duration, cutoff, zone)


def _once(window: dict[str, t.Any]) -> Window:
    """By the epoch: what a clock shows would be two moments, or none, in the nights in which it is changed."""
    if "begin" not in window or "end" not in window:
        raise RulesError("it needs 'begin' and 'end'")
    begin, end = _epoch(window["begin"], "begin"), _epoch(window["end"], "end")
    cutoff = _seconds(window.get("cutoff", 0), "cutoff")
    if cutoff >= end - begin:
        raise RulesError("its duration must be longer than its cutoff")
    return Window(begin, end, cutoff)


def _epoch(value: object, name: str) -> int:
    text = str(value).strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 11:
        raise RulesError(f"'{name}' is '{clean(value, 40)}': give seconds since the epoch")
    return int(text)


def _clock(value: object) -> datetime.time:
    # Without quotes YAML reads 22:00 as sixty times twenty-two: the minutes of the day.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return datetime.time(value // 60, value % 60)
    found = _CLOCK.match(str(value).strip())
    if not found:
        raise RulesError(f"'start' is '{clean(value, 40)}', which is no time of the day such as 22:00")
    return datetime.time(int(found.group(1)), int(found.group(2)))


def _days(value: object) -> frozenset[int]:
    names = value if isinstance(value, list) else re.split(r"[,\s]+", str(value).strip())
    days: set[int] = set()
    for name in names:
        text = str(name).strip().lower()
        first, dummy, last = text.partition("-")
        if text in _GROUPS:
            days.update(_GROUPS[text])
        elif first[:3] in _NAMES and (not last or last[:3] in _NAMES):
            begin = _NAMES.index(first[:3])
            span = (_NAMES.index(last[:3]) - begin) % 7 if last else 0
            days.update((begin + step) % 7 for step in range(span + 1))
        else:
            raise RulesError(f"'{clean(name, 40)}' is no day; write mon, mon-fri, daily, weekdays or weekend")
    if not days:
        raise RulesError("it has no days")
    return frozenset(days)


def _seconds(value: object, name: str) -> int:
    """Minutes as a number, or a text such as 4h, 90m or 1h30m."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        minutes: float = value
    else:
        text = str(value).strip().lower()
        found = _LONG.match(text) if text else None
        if text.isascii() and text.isdecimal() and len(text) < 6:
            minutes = int(text)
        elif found:
            minutes = int(found.group(1) or 0) * 60 + int(found.group(2) or 0)
        else:
            raise RulesError(f"'{name}' is '{clean(value, 40)}': give minutes, or a text such as 4h or 1h30m")
    if not 0 <= minutes <= _MOST_MINUTES:
        raise RulesError(f"'{name}' must be between 0 minutes and a week")
    return int(minutes * 60)
