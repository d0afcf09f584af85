# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local time: moments of a time zone, right also in the nights when the clock is changed.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

All times are whole seconds since the epoch. Between two of them real time passes: an hour is an hour in every night.
"""

from __future__ import annotations

import datetime
import functools
import zoneinfo

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

QUARTER = 900
"""Seconds in a quarter of an hour: every time zone in use is a multiple of it away from UTC."""
QUARTERS_OF_DAY = 96
QUARTERS_OF_WEEK = 7 * QUARTERS_OF_DAY
# Not from strftime: the controller's locale has its own names.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SUNDAY = 6


class ZoneError(ValueError):
    """A time zone that is not known, or a time that cannot be understood."""


def load(name: str) -> zoneinfo.ZoneInfo:
    """A time zone by its IANA name, as C(Europe/Berlin).

    :raises ZoneError: when there is none of this name
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        shown = clean(name, 60)
        raise ZoneError(
            f"there is no time zone '{shown}': give an IANA name such as Europe/Berlin. If that is one, the controller "
            "has no time zone data: install the package tzdata"
        ) from None


def known(name: str) -> bool:
    """Is there a time zone of this name?"""
    try:
        load(name)
    except ZoneError:
        return False
    return True


def local(epoch: float, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """What the clock shows."""
    return datetime.datetime.fromtimestamp(epoch, zone)


def at(day: datetime.date, clock: datetime.time, zone: zoneinfo.ZoneInfo) -> int:
    """When the clock shows a time on a day.

    :returns: epoch. Of a time that comes twice that night, the first; for one that is skipped, the moment of the jump
    """
    wanted = datetime.datetime.combine(day, clock)
    late = int(wanted.replace(tzinfo=zone).timestamp())
    if local(late, zone).replace(tzinfo=None) == wanted:
        return late
    # Skipped. Read by the clock after the jump it lies before the jump, and the other way round: the jump is between.
    early = int(wanted.replace(tzinfo=zone, fold=1).timestamp())
    before = local(early, zone).utcoffset()
    while late - early > 1:
        middle = (early + late) // 2
        if local(middle, zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


@functools.lru_cache(maxsize=65536)
def place(epoch: int, zone: zoneinfo.ZoneInfo) -> tuple[datetime.date, int, int]:
    """(date, day of the week from 0 for Monday, quarter of the day) of a moment."""
    shown = local(epoch, zone)
    return shown.date(), shown.weekday(), shown.hour * 4 + shown.minute // 15


def moment(value: object, zone: zoneinfo.ZoneInfo) -> int:
    """A time from a person: seconds since the epoch, or ISO 8601, which is local where it names no zone.

    :raises ZoneError: when it is neither
    """
    if isinstance(value, datetime.datetime):
        when = value
    elif isinstance(value, datetime.date):
        return at(value, datetime.time(), zone)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e11:
        return int(value)
    else:
        text = str(value).strip()
        if text.isascii() and text.isdecimal() and 9 <= len(text) <= 11:
            return int(text)
        try:
            # Python 3.10's fromisoformat does not take the Z.
            when = datetime.datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text)
        except ValueError:
            raise ZoneError(
                f"'{clean(value, 60)}' is no time: write 2026-12-24T22:00, or with a zone 2026-12-24T22:00+01:00"
            ) from None
    try:
        return int(when.timestamp()) if when.tzinfo else at(when.date(), when.time(), zone)
    except (OverflowError, OSError, ValueError):
        raise ZoneError(f"'{clean(value, 60)}' is out of range") from None


def span_text(begin: float, end: float, zone: zoneinfo.ZoneInfo) -> str:
    """A stretch of time as people write it: C(Sun 2026-11-29 02:00 - 04:00 CET)."""
    first, last = local(begin, zone), local(end, zone)
    zones = first.strftime("%Z"), last.strftime("%Z")
    start = f"{moment_text(begin, zone, named=zones[0] != zones[1])} - "
    if first.date() == last.date():
        return f"{start}{last:%H:%M} {zones[1]}"
    return start + moment_text(end, zone)


def moment_text(epoch: float, zone: zoneinfo.ZoneInfo, named: bool = True) -> str:
    """A moment as people write it: C(Sun 2026-11-29 02:00 CET)."""
    shown = local(epoch, zone)
    return f"{DAYS[shown.weekday()]} {shown:%Y-%m-%d %H:%M}" + (f" {shown:%Z}" if named else "")


def shift(begin: float, end: float, zone: zoneinfo.ZoneInfo) -> int:
    """By how many seconds the clock is put forward (back: less than 0) between two moments."""
    offsets = [local(edge, zone).utcoffset() or datetime.timedelta() for edge in (begin, end)]
    return int((offsets[1] - offsets[0]).total_seconds())
