# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendars, times and answers of hosts that are damaged: a documented error or a result, and never a long wait."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mailops.triage.plugins.plugin_utils._window import icalendar, proposal, rules, weeks, zones
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.fuzz.damage import QUICK, damaged
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import (
    BERLIN,
    epoch,
    propose,
    week,
)

NOW = epoch("2026-11-25T12:00")
REACH = (NOW, NOW + 400 * 86400)
CALENDAR = b"""BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
UID:1\r
SUMMARY:One\\, two\r
 three\r
DTSTART;TZID=Europe/Berlin:20261224T140000\r
DURATION:P1DT2H\r
RRULE:FREQ=YEARLY;UNTIL=20301224T140000Z\r
EXDATE:20271224T130000Z\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20261231\r
DTEND;VALUE=DATE:20270102\r
END:VEVENT\r
END:VCALENDAR\r
"""
ANSWER = week(lambda local: local.hour, NOW, days=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@QUICK
@given(damaged(CALENDAR))
def test_calendars(data: bytes):
    try:
        found = icalendar.events(data.decode("utf-8", "replace"), BERLIN, REACH)
    except icalendar.CalendarFileError as error:
        assert len(str(error)) < 1000
    else:
        assert all(begin <= end and len(name) <= 120 for begin, end, name in found)


@QUICK
@given(JSON)
def test_times_and_rules(value: Any):
    for read, error in (
        (lambda: zones.moment(value, BERLIN), zones.ZoneError),
        (lambda: rules.read([value]), rules.RulesError),
        (lambda: rules.read([{"start": value, "duration": value, "days": value}]), rules.RulesError),
    ):
        try:
            read()
        except error as caught:
            assert len(str(caught)) < 500


@QUICK
@given(JSON, st.sampled_from(["hours", "gaps", "timezone", "utc_offset_s", "notes"]))
def test_answers_of_hosts(value: Any, key: str):
    try:
        found = weeks.read("mail1", {**ANSWER, key: value})
    except weeks.WeekError as error:
        assert len(str(error)) < 500
    else:
        assert len(found.timezone) <= 60 and all(begin % 3600 == 0 for begin in found.hours)


@QUICK
@given(JSON, st.sampled_from(["holidays", "blackouts", "freezes", "not_before", "not_after", "timezone"]))
def test_what_people_ask(value: Any, key: str):
    asked = {key: [value] if key.endswith("s") else value}
    try:
        found = propose({"mail1": ANSWER}, NOW, **asked)
    except proposal.ProposalError as error:
        assert str(error)
    else:
        json.dumps(found, allow_nan=False)
