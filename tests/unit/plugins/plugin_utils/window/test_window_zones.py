# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times by the clock on the wall, in the nights in which it is changed and in all others."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._window import zones
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import BERLIN, HOUR, epoch


def at(zone: zoneinfo.ZoneInfo, day: str, clock: str) -> datetime.datetime:
    """When the clock shows a time, in UTC."""
    found = zones.at(datetime.date.fromisoformat(day), datetime.time.fromisoformat(clock), zone)
    return datetime.datetime.fromtimestamp(found, datetime.timezone.utc)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "utc"),
    [
        ("Europe/Berlin", "2027-03-28", "01:59", "2027-03-28T00:59"),
        # Skipped: all of the hour is the moment of the jump.
        ("Europe/Berlin", "2027-03-28", "02:00", "2027-03-28T01:00"),
        ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28T01:00"),
        ("Europe/Berlin", "2027-03-28", "03:00", "2027-03-28T01:00"),
        ("Europe/Berlin", "2027-03-28", "03:01", "2027-03-28T01:01"),
        # Doubled: the first of the two.
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30"),
        ("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00"),
        # Half an hour.
        ("Australia/Lord_Howe", "2026-10-04", "02:10", "2026-10-03T15:30"),
        # At midnight, and a whole day that never was.
        ("America/Havana", "2026-03-08", "00:15", "2026-03-08T05:00"),
        ("Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00"),
        ("Asia/Kathmandu", "2026-12-01", "02:45", "2026-11-30T21:00"),
        ("UTC", "2026-12-01", "02:45", "2026-12-01T02:45"),
    ],
)
def test_when_the_clock_shows_a_time(zone: str, day: str, clock: str, utc: str):
    assert at(zoneinfo.ZoneInfo(zone), day, clock).isoformat()[:16] == utc


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-12-24T22:00", "2026-12-24T22:00"),
        ("2026-12-24 22:00", "2026-12-24T22:00"),
        ("2026-12-24T21:00:00Z", "2026-12-24T22:00"),
        ("2026-12-24T16:00-05:00", "2026-12-24T22:00"),
        ("2026-12-24", "2026-12-24T00:00"),
        (datetime.date(2026, 12, 24), "2026-12-24T00:00"),
        (datetime.datetime(2026, 12, 24, 22, 0), "2026-12-24T22:00"),
        (datetime.datetime(2026, 12, 24, 21, 0, tzinfo=datetime.timezone.utc), "2026-12-24T22:00"),
        (epoch("2026-12-24T22:00"), "2026-12-24T22:00"),
        (f" {epoch('2026-12-24T22:00')} ", "2026-12-24T22:00"),
    ],
)
def test_times_from_people(value: object, expected: str):
    assert zones.moment(value, BERLIN) == epoch(expected)


@pytest.mark.parametrize(
    "value", ["", "noon", "24.12.2026", True, -1, 1e300, float("nan"), None, "9999-99-99", [], "²"]
)
def test_times_that_are_none(value: object):
    with pytest.raises(zones.ZoneError):
        zones.moment(value, BERLIN)


@pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "/etc/localtime", "a\0b", "x" * 5000])
def test_zones_that_are_none(name: str):
    with pytest.raises(zones.ZoneError, match="no time zone"):
        zones.load(name)


def test_words():
    assert zones.span_text(epoch("2026-11-29T02:00"), epoch("2026-11-29T04:00"), BERLIN) == (
        "Sun 2026-11-29 02:00 - 04:00 CET"
    )
    assert zones.span_text(epoch("2026-11-28T23:00"), epoch("2026-11-29T04:00"), BERLIN) == (
        "Sat 2026-11-28 23:00 - Sun 2026-11-29 04:00 CET"
    )
    back = epoch("2026-10-25T01:30")
    assert zones.span_text(back, back + 2 * HOUR, BERLIN) == "Sun 2026-10-25 01:30 CEST - 02:30 CET"
    assert zones.shift(back, back + 2 * HOUR, BERLIN) == -HOUR
    assert zones.shift(epoch("2027-03-28T01:00"), epoch("2027-03-28T04:00"), BERLIN) == HOUR


def test_quarters():
    assert zones.place(epoch("2026-11-29T23:45"), BERLIN) == (datetime.date(2026, 11, 29), 6, 95)
    assert zones.place(epoch("2026-11-30T00:00"), BERLIN) == (datetime.date(2026, 11, 30), 0, 0)
