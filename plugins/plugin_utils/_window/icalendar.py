# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of an iCalendar file (RFC 5545), read strictly: what is not understood is an error, never no event.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import datetime
import re
import typing as t
import zoneinfo
from collections import defaultdict

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._window import recurrence, zones

LONGEST = 4 << 20
"""Most characters of a file."""
_MOST_EVENTS = 20000
_DAY = datetime.timedelta(days=1)
_LINE = re.compile(
    r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)$', re.DOTALL
)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"]*"|[^";:]*)')
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)$", re.ASCII)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z?)$", re.ASCII)
_DURATION = re.compile(
    r"\+?P(?:(\d{1,4})W|(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?)$", re.ASCII
)


class CalendarFileError(ValueError):
    """A file, or an event of it, that cannot be understood."""


class Property(t.NamedTuple):
    """One property of an event: parameters by name in upper case, and the value as it stands."""

    parameters: dict[str, str]
    value: str


class _Start(t.NamedTuple):
    """When something begins: by the clock, and where that clock hangs."""

    clock: datetime.datetime
    zone: zoneinfo.ZoneInfo
    whole_day: bool

    def epoch(self) -> int:
        return zones.at(self.clock.date(), self.clock.time(), self.zone)

    def by(self, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
        """What the clock of another zone shows then."""
        if self.whole_day or self.zone is zone:
            return self.clock
        return zones.local(self.epoch(), zone).replace(tzinfo=None)


def events(text: str, zone: zoneinfo.ZoneInfo, reach: tuple[int, int]) -> list[tuple[int, int, str]]:
    """The events of a file.

    :param zone: where days begin, and of times that name no zone
    :param reach: epochs between which events are wanted
    :returns: (begin, end, name) of each, as epochs
    :raises CalendarFileError: naming the event
    """
    found: list[tuple[int, int, str]] = []
    blocks = _blocks(text)
    moved = _moved(blocks, zone)
    for block in blocks:
        name = _name(block)
        try:
            if _one(block, "STATUS", "").upper() != "CANCELLED":
                found += [(begin, end, name) for begin, end in _times(block, zone, reach, moved)]
        except (CalendarFileError, recurrence.RecurrenceError, zones.ZoneError, OverflowError) as error:
            raise CalendarFileError(f"the event '{name}': {error}") from error
    return sorted(event for event in found if event[0] < reach[1] and reach[0] < event[1])


def _blocks(text: str) -> list[dict[str, list[Property]]]:
    """The properties of each VEVENT, by name in upper case."""
    if len(text) > LONGEST:
        raise CalendarFileError(f"it is longer than {LONGEST >> 20} MiB")
    # Only these end a line there; str.splitlines() knows more.
    lines = re.sub(r"\r?\n[ \t]", "", text).replace("\r\n", "\n").split("\n")
    inside: list[str] = []
    blocks: list[dict[str, list[Property]]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _LINE.match(line)
        if not found:
            raise CalendarFileError(f"line {number} (folded lines count as one) is no line of a calendar")
        name, parameters, value = found.group(1).upper(), found.group(2), found.group(3)
        if name == "BEGIN":
            inside.append(value.strip().upper())
            if inside == ["VCALENDAR", "VEVENT"]:
                blocks.append(defaultdict(list))
        elif name == "END":
            if not inside or inside.pop() != value.strip().upper():
                raise CalendarFileError(f"line {number}: END:{clean(value, 40)} ends nothing")
        elif not inside:
            raise CalendarFileError("it does not begin with BEGIN:VCALENDAR")
        elif inside == ["VCALENDAR", "VEVENT"]:
            # Alarms inside an event have properties of the same names.
            named = {key.upper(): value.strip('"') for key, value in _PARAMETER.findall(parameters)}
            blocks[-1][name].append(Property(named, value))
        if len(blocks) > _MOST_EVENTS:
            raise CalendarFileError(f"it has more than {_MOST_EVENTS} events")
    if inside:
        raise CalendarFileError(f"it is cut off: END:{clean(inside[-1], 40)} is missing")
    if not any(line.strip() for line in lines):
        raise CalendarFileError("it is empty")
    return blocks


def _one(block: dict[str, list[Property]], name: str, otherwise: str) -> str:
    return block[name][0].value.strip() if name in block else otherwise


def _name(block: dict[str, list[Property]]) -> str:
    text = _one(block, "SUMMARY", "") or _one(block, "UID", "") or "without a name"
    return clean(re.sub(r"\\(.)", lambda found: " " if found.group(1) in "nN" else found.group(1), text), 120)


def _moved(blocks: list[dict[str, list[Property]]], zone: zoneinfo.ZoneInfo) -> dict[str, list[_Start]]:
    """By UID, which occurrences of a series are described by an event of their own, or were cancelled."""
    moved: dict[str, list[_Start]] = defaultdict(list)
    for block in blocks:
        for one in block.get("RECURRENCE-ID", ()):
            if "RANGE" in one.parameters:
                # It stands for all that follow, too: read as one occurrence, the rest of a freeze would be misplaced.
                raise CalendarFileError(
                    f"the event '{_name(block)}': RECURRENCE-ID with RANGE={clean(one.parameters['RANGE'], 40)} is not "
                    "understood: end the series there, and write what follows as an event of its own"
                )
            moved[_one(block, "UID", "")].append(_start(one, zone))
    return moved


def _times(
    block: dict[str, list[Property]],
    zone: zoneinfo.ZoneInfo,
    reach: tuple[int, int],
    moved: dict[str, list[_Start]],
) -> list[tuple[int, int]]:
    if "DTSTART" not in block:
        raise CalendarFileError("it has no DTSTART")
    start = _start(block["DTSTART"][0], zone)
    days, seconds = _length(block, start, zone)
    for name in ("RDATE", "EXRULE"):
        if name in block:
            raise CalendarFileError(f"{name} is not understood: write its days as events of their own")
    clocks = [start.clock]
    if "RRULE" in block and "RECURRENCE-ID" not in block:
        left_out = list(moved.get(_one(block, "UID", ""), ()))
        for one in block.get("EXDATE", ()):
            left_out += [_start(Property(one.parameters, part), zone) for part in one.value.split(",")]
        without = {one.by(start.zone) for one in left_out}
        first, last = (zones.local(edge, start.zone).replace(tzinfo=None) for edge in reach)
        first -= datetime.timedelta(days=days + 1, seconds=seconds)
        clocks = recurrence.clocks([one.value for one in block["RRULE"]], start.clock, start.zone, first, last)
        clocks = [clock for clock in clocks if clock not in without]
    return [_stretch(start._replace(clock=clock), days, seconds) for clock in clocks]


def _stretch(start: _Start, days: int, seconds: int) -> tuple[int, int]:
    """Days are counted by the calendar, hours by real time."""
    end = start._replace(clock=start.clock + days * _DAY) if days else start
    return start.epoch(), end.epoch() + seconds


def _length(block: dict[str, list[Property]], start: _Start, zone: zoneinfo.ZoneInfo) -> tuple[int, int]:
    """(days, seconds) that an event lasts."""
    if "DTEND" in block:
        end = _start(block["DTEND"][0], zone)
        if end.whole_day != start.whole_day:
            raise CalendarFileError("DTSTART and DTEND are not of the same kind")
        length = (end.clock - start.clock).days if start.whole_day else end.epoch() - start.epoch()
        if length < 0 or start.whole_day and not length:
            raise CalendarFileError("it ends before it begins")
        return (length, 0) if start.whole_day else (0, length)
    if "DURATION" in block:
        found = _DURATION.match(_one(block, "DURATION", "").upper())
        if not found or not any(found.groups()):
            raise CalendarFileError(f"'{clean(_one(block, 'DURATION', ''), 40)}' is no duration")
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return 7 * weeks + days, hours * 3600 + minutes * 60 + seconds
    return (1, 0) if start.whole_day else (0, 0)


def _start(one: Property, zone: zoneinfo.ZoneInfo) -> _Start:
    value = one.value.strip()
    date, time = _DATE.match(value), _TIME.match(value)
    if one.parameters.get("VALUE", "").upper() == "DATE" and not date or not (date or time):
        raise CalendarFileError(f"'{clean(value, 40)}' is no date and no time")
    try:
        clock = datetime.datetime.strptime(value.rstrip("Z"), "%Y%m%d" if date else "%Y%m%dT%H%M%S")
    except ValueError:
        raise CalendarFileError(f"'{clean(value, 40)}' does not exist") from None
    if time is None:
        return _Start(clock, zone, True)
    if time.group(7):
        return _Start(clock, zones.load("UTC"), False)
    named = one.parameters.get("TZID")
    return _Start(clock, zones.load(named.lstrip("/")) if named else zone, False)
