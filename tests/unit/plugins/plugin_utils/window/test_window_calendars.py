# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holidays, blackouts and freezes: lists, and iCalendar files as calendar programs write them."""

from __future__ import annotations

import datetime
import sys
import zoneinfo
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._window import icalendar, recurrence, spans
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import BERLIN, HOUR, epoch

REACH = (epoch("2026-01-01"), epoch("2028-01-01"))
FILE = """\
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Example//Holidays 1.0//DE\r
BEGIN:VTIMEZONE\r
TZID:Europe/Berlin\r
BEGIN:DAYLIGHT\r
DTSTART:19700329T020000\r
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r
TZNAME:CEST\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
END:DAYLIGHT\r
END:VTIMEZONE\r
{events}END:VCALENDAR\r
"""


def calendar(*lines: str) -> str:
    """A file with one event of these lines."""
    return FILE.replace("{events}", "".join(f"{line}\r\n" for line in ["BEGIN:VEVENT", *lines, "END:VEVENT"]))


def events(*lines: str, zone: zoneinfo.ZoneInfo = BERLIN) -> list[tuple[int, int, str]]:
    return icalendar.events(calendar(*lines), zone, REACH)


def test_whole_days():
    assert events("UID:1", "SUMMARY:Christmas", "DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227") == [
        (epoch("2026-12-25"), epoch("2026-12-27"), "Christmas")
    ]
    assert events("DTSTART;VALUE=DATE:20261224", "SUMMARY:Eve") == [(epoch("2026-12-24"), epoch("2026-12-25"), "Eve")]
    assert events("DTSTART;VALUE=DATE:20261224", "DURATION:P1W") == [
        (epoch("2026-12-24"), epoch("2026-12-31"), "without a name")
    ]
    # The day on which the clock is put back has 25 hours.
    ((begin, end, dummy),) = events("DTSTART;VALUE=DATE:20261025", "SUMMARY:long")
    assert end - begin == 25 * HOUR


@pytest.mark.parametrize(
    ("lines", "begin", "end"),
    [
        (("DTSTART:20261201T090000Z", "DTEND:20261201T100000Z"), "2026-12-01T10:00", "2026-12-01T11:00"),
        (("DTSTART:20261201T090000", "DTEND:20261201T100000"), "2026-12-01T09:00", "2026-12-01T10:00"),
        (
            ("DTSTART;TZID=America/New_York:20261201T090000", "DTEND;TZID=America/New_York:20261201T100000"),
            "2026-12-01T15:00",
            "2026-12-01T16:00",
        ),
        (('DTSTART;TZID="Asia/Tokyo":20261201T090000', "DURATION:PT1H30M"), "2026-12-01T01:00", "2026-12-01T02:30"),
        (("DTSTART:20261201T090000", "DURATION:P1DT1H"), "2026-12-01T09:00", "2026-12-02T10:00"),
        # Across a change of the clock: an hour is an hour, a day is a day.
        (("DTSTART:20261024T120000", "DURATION:P1D"), "2026-10-24T12:00", "2026-10-25T12:00"),
        (("DTSTART:20261024T120000", "DURATION:PT24H"), "2026-10-24T12:00", "2026-10-25T11:00"),
        # 02:30 does not exist that night: it begins when the clock has jumped.
        (("DTSTART:20270328T023000", "DURATION:PT1H"), "2027-03-28T03:00", "2027-03-28T04:00"),
    ],
)
def test_times(lines: tuple[str, ...], begin: str, end: str):
    assert events(*lines, "SUMMARY:x") == [(epoch(begin), epoch(end), "x")]


def test_folded_and_escaped_text():
    lines = ["DTSTART;VALUE=DATE:20261224", "SUMMARY;LANGUAGE=de:Heilig", " abend\\, Büro", "\t zu\\; wirklich\\nzu"]
    assert events(*lines)[0][2] == "Heiligabend, Büro zu; wirklich zu"
    assert events("DTSTART;VALUE=DATE:20261224", "SUMMARY:a\x1b[31m\u202eb")[0][2] == "a [31m b"
    # Not every program writes CR.
    plain = calendar("DTSTART;VALUE=DATE:20261224", "SUMMARY:x").replace("\r\n", "\n")
    assert len(icalendar.events(plain, BERLIN, REACH)) == 1


def test_what_is_no_event_of_its_own():
    alarm = ["BEGIN:VALARM", "TRIGGER:-PT15M", "DURATION:PT5M", "SUMMARY:wake", "END:VALARM"]
    assert events("DTSTART;VALUE=DATE:20261224", *alarm, "SUMMARY:Eve")[0][2] == "Eve"
    assert events("DTSTART;VALUE=DATE:20261224", "STATUS:CANCELLED") == []
    assert events("DTSTART;VALUE=DATE:20201224") == []


def test_quoted_parameters():
    line = 'DTSTART;X-SAID="a;b:c,d";VALUE=DATE:20261224'
    assert events(line, "SUMMARY:x") == [(epoch("2026-12-24"), epoch("2026-12-25"), "x")]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("SUMMARY:no start",), "the event 'no start': it has no DTSTART"),
        (("DTSTART:2026-12-24", "SUMMARY:dashes"), "the event 'dashes': '2026-12-24' is no date"),
        (("DTSTART;VALUE=DATE:20261332",), "'20261332' does not exist"),
        (("DTSTART;VALUE=DATE:20261224T100000",), "is no date"),
        (("DTSTART;TZID=W. Europe Standard Time:20261224T100000",), "no time zone 'W. Europe Standard Time'"),
        (("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261224"), "ends before it begins"),
        (("DTSTART:20261224T100000", "DTEND:20261224T090000"), "ends before it begins"),
        (("DTSTART:20261224T100000", "DTEND;VALUE=DATE:20261225"), "not of the same kind"),
        (("DTSTART:20261224T100000", "DURATION:1 hour"), "'1 hour' is no duration"),
        (("DTSTART:20261224T100000", "DURATION:P"), "'P' is no duration"),
        (("DTSTART:20261224T100000", "RDATE:20270101T100000"), "RDATE is not understood"),
        (("DTSTART:20261224T100000", "what is this"), "is no line of a calendar"),
    ],
)
def test_what_is_not_understood_is_an_error_that_names_the_event(lines: tuple[str, ...], said: str):
    with pytest.raises(icalendar.CalendarFileError) as caught:
        events(*lines)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("<html>", "no line of a calendar"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "cut off: END:VEVENT is missing"),
        ("BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", "ends nothing"),
        ("SUMMARY:x\r\n", "does not begin with BEGIN:VCALENDAR"),
        ("x" * ((4 << 20) + 1), "longer than"),
    ],
)
def test_what_is_no_calendar(text: str, said: str):
    with pytest.raises(icalendar.CalendarFileError, match=said):
        icalendar.events(text, BERLIN, REACH)


def test_events_that_come_again():
    lines = ["UID:7", "DTSTART;VALUE=DATE:20001225", "DURATION:P2D", "RRULE:FREQ=YEARLY", "SUMMARY:Christmas"]
    assert events(*lines) == [
        (epoch("2026-12-25"), epoch("2026-12-27"), "Christmas"),
        (epoch("2027-12-25"), epoch("2027-12-27"), "Christmas"),
    ]
    weekly = ["DTSTART;TZID=Europe/Berlin:20261019T020000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;UNTIL=20261109T010000Z"]
    without = ["EXDATE;TZID=Europe/Berlin:20261102T020000", "EXDATE:20261026T010000Z,20261020T020000Z"]
    found = events(*weekly, *without, "SUMMARY:letter")
    # At 02:00 by the clock before and after it is put back; the end of the rule is in UTC.
    assert [begin for begin, dummy, dummy in found] == [
        epoch("2026-10-19T02:00"),
        epoch("2026-11-09T02:00"),
    ]


def test_one_of_a_series_that_was_moved():
    series = [
        "UID:7",
        "DTSTART:20261201T020000",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY;COUNT=3",
        "SUMMARY:s",
        "END:VEVENT",
    ]
    moved = ["BEGIN:VEVENT", "UID:7", "RECURRENCE-ID:20261202T020000", "DTSTART:20261202T050000", "DURATION:PT1H"]
    found = events(*series, *moved, "SUMMARY:moved")
    assert [(begin, name) for begin, dummy, name in found] == [
        (epoch("2026-12-01T02:00"), "s"),
        (epoch("2026-12-02T05:00"), "moved"),
        (epoch("2026-12-03T02:00"), "s"),
    ]


def test_an_occurrence_that_changes_all_that_follow_is_not_understood():
    moved = ["UID:7", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261202T020000", "DTSTART:20261202T050000"]
    with pytest.raises(icalendar.CalendarFileError, match="the event 'moved': RECURRENCE-ID with RANGE=THISANDFUTURE"):
        events(*moved, "SUMMARY:moved")


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=HOURLY;COUNT=3", "FREQ=NEVER", "BYDAY=MO", "{{ x }}", ""])
def test_rules_that_cannot_be_followed(rule: str):
    with pytest.raises(icalendar.CalendarFileError, match="the event 'x': it"):
        events("DTSTART;VALUE=DATE:20261224", f"RRULE:{rule}", "SUMMARY:x")


def test_without_dateutil_the_error_names_the_event_and_the_way_out(monkeypatch: pytest.MonkeyPatch):
    # What Python itself does where a module is known to be missing.
    monkeypatch.setitem(sys.modules, "dateutil.rrule", None)
    with pytest.raises(icalendar.CalendarFileError) as caught:
        events("DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=YEARLY", "SUMMARY:Eve")
    assert "the event 'Eve'" in str(caught.value) and "pip install python-dateutil" in str(caught.value)
    assert len(events("DTSTART;VALUE=DATE:20261224", "SUMMARY:Eve")) == 1
    with pytest.raises(recurrence.RecurrenceError):
        recurrence.clocks(
            ["FREQ=DAILY"], datetime.datetime(2026, 1, 1), BERLIN, datetime.datetime.min, datetime.datetime.max
        )


def test_a_list(tmp_path: Path):
    path = tmp_path / "days.ics"
    path.write_bytes(b"\xef\xbb\xbf" + calendar("DTSTART;VALUE=DATE:20261231", "SUMMARY:Silvester").encode())
    found = spans.read(
        "blackout",
        [
            {"name": "sale", "start": "2026-11-27T06:00", "end": "2026-11-30T23:00:00+01:00"},
            {"name": "one day", "start": datetime.date(2026, 12, 6)},
            {"start": "2026-12-24", "end": "2026-12-26"},
            {"name": "mixed", "start": "2026-12-28T12:00", "end": "2026-12-29"},
            str(path),
        ],
        BERLIN,
        REACH,
    )
    assert [(span.begin, span.end, span.name) for span in found] == [
        (epoch("2026-11-27T06:00"), epoch("2026-11-30T23:00"), "sale"),
        (epoch("2026-12-06"), epoch("2026-12-07"), "one day"),
        (epoch("2026-12-24"), epoch("2026-12-27"), "blackout"),
        (epoch("2026-12-28T12:00"), epoch("2026-12-30"), "mixed"),
        (epoch("2026-12-31"), epoch("2027-01-01"), "Silvester"),
    ]
    assert {span.kind for span in found} == {"blackout"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (7, "neither a mapping"),
        ({"start": "2026-12-24", "ends": "2026-12-25"}, "key 'ends' is not known"),
        ({"name": "x", "end": "2026-12-24"}, "'x' needs a start"),
        ({"name": "x", "start": "2026-12-24T10:00"}, "'x' begins at a time, so it needs an end"),
        ({"name": "x", "start": "2026-12-24", "end": "2026-12-23"}, "'x' ends before it begins"),
        ({"name": "x", "start": "Christmas"}, "'Christmas' is no time"),
        ("/nonexistent/days.ics", "cannot be read"),
    ],
)
def test_entries_that_are_not_understood(entry: object, said: str):
    with pytest.raises(spans.CalendarError, match="holiday calendar") as caught:
        spans.read("holiday", [entry], BERLIN, REACH)
    assert said in str(caught.value)


def test_days_off():
    def off(begin: str, end: str) -> list[str]:
        return sorted(map(str, spans.days([spans.Span(epoch(begin), epoch(end), "x", "holiday")], BERLIN)))

    assert off("2026-12-24", "2026-12-27") == ["2026-12-24", "2026-12-25", "2026-12-26"]
    assert off("2026-12-24T14:00", "2026-12-24T18:00") == []
    assert off("2026-12-24T11:00", "2026-12-26T10:00") == ["2026-12-24", "2026-12-25"]
    assert len(off("2026-01-01", "2036-01-01")) == 400


def test_met():
    one = spans.Span(100, 200, "x", "freeze")
    assert [spans.met(*edges, [one]) for edges in ((0, 100), (0, 101), (199, 300), (200, 300))] == [
        None,
        one,
        one,
        None,
    ]
