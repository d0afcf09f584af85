# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stretches of time that calendars name: holidays, blackouts and freezes.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import datetime
import re
import typing as t
import zoneinfo
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._window import icalendar, zones

Days = frozenset[datetime.date]

_DAY = 86400
_DATE = re.compile(r"\d{4}-\d\d-\d\d$")
_KEYS = {"name", "start", "end"}
_MOST_DAYS = 400


class CalendarError(ValueError):
    """A calendar that cannot be understood."""


class Span(t.NamedTuple):
    """A stretch of time with a name. begin, end: epoch; kind: holiday, blackout or freeze."""

    begin: int
    end: int
    name: str
    kind: str


def read(
    kind: str,
    entries: Iterable[object],
    zone: zoneinfo.ZoneInfo,
    reach: tuple[int, int],
    load: Callable[[str], str] | None = None,
) -> list[Span]:
    """What a person wrote as a calendar.

    :param kind: what its entries are
    :param entries: mappings with C(name), C(start) and C(end), where an end that is a date means the whole of that
        day; or paths of iCalendar files
    :param reach: epochs between which recurring events are wanted
    :param load: reads a file
    :returns: in order of time
    :raises CalendarError: naming the entry
    """
    spans: list[Span] = []
    for number, entry in enumerate(entries, 1):
        try:
            if isinstance(entry, str):
                spans += _file(kind, entry, zone, reach, load or _text)
            else:
                spans.append(_entry(kind, entry, zone))
        except (zones.ZoneError, icalendar.CalendarFileError, CalendarError) as error:
            raise CalendarError(f"{kind} calendar, entry {number}: {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise CalendarError(f"{kind} calendar: {clean(entry, 200)} cannot be read: {clean(error, 200)}") from error
    return sorted(spans)


def days(spans: Iterable[Span], zone: zoneinfo.ZoneInfo) -> Days:
    """The days that lie in some of the spans wholly, or for their greater part."""
    found = set()
    for span in spans:
        date = zones.local(span.begin, zone).date()
        for dummy in range(_MOST_DAYS):
            begin = zones.at(date, datetime.time(), zone)
            if begin >= span.end:
                break
            after = date + datetime.timedelta(days=1)
            end = zones.at(after, datetime.time(), zone)
            if min(end, span.end) - max(begin, span.begin) > (end - begin) / 2:
                found.add(date)
            date = after
    return frozenset(found)


def met(begin: float, end: float, spans: Iterable[Span]) -> Span | None:
    """The first span that a stretch of time meets."""
    return next((span for span in spans if span.begin < end and begin < span.end), None)


def _entry(kind: str, entry: object, zone: zoneinfo.ZoneInfo) -> Span:
    if not isinstance(entry, dict):
        raise CalendarError(f"'{clean(entry, 60)}' is neither a mapping with start and end nor the path of a file")
    unknown = sorted(str(key) for key in set(entry) - _KEYS)
    if unknown:
        raise CalendarError(f"the key '{clean(unknown[0], 60)}' is not known; there are: {', '.join(sorted(_KEYS))}")
    name = clean(entry.get("name") or kind, 120)
    start, end = entry.get("start"), entry.get("end")
    if start is None:
        raise CalendarError(f"'{name}' needs a start and an end")
    begin = zones.moment(start, zone)
    if end is None and not _is_date(start):
        raise CalendarError(f"'{name}' begins at a time, so it needs an end")
    last = start if end is None else end
    finish = zones.moment(last, zone)
    if _is_date(last):
        day = zones.local(finish, zone).date()
        finish = zones.at(day + datetime.timedelta(days=1), datetime.time(), zone)
    if finish <= begin:
        raise CalendarError(f"'{name}' ends before it begins")
    return Span(begin, finish, name, kind)


def _is_date(value: object) -> bool:
    if isinstance(value, datetime.datetime):
        return False
    return isinstance(value, datetime.date) or isinstance(value, str) and bool(_DATE.match(value.strip()))


def _file(
    kind: str, path: str, zone: zoneinfo.ZoneInfo, reach: tuple[int, int], load: Callable[[str], str]
) -> list[Span]:
    events = icalendar.events(load(path), zone, reach)
    return [Span(begin, end, clean(name, 120) or kind, kind) for begin, end, name in events]


def _text(path: str) -> str:
    with Path(path).open(encoding="utf-8-sig", newline="") as handle:
        return handle.read(icalendar.LONGEST + 1)
