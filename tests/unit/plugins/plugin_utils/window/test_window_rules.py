# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site writes down about its windows, and whether work may begin now."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.mailops.triage.plugins.plugin_utils._window import proposal, rules, spans, zones
from ansible_collections.mailops.triage.plugins.plugin_utils._window.gate import gate
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import (
    BERLIN,
    HOUR,
    epoch,
    propose,
)


def opened(since: str, until: str, **window: Any) -> list[str]:
    written = rules.read([{"start": "22:00", "duration": "6h", **window}])
    found = rules.opened(written, BERLIN, epoch(since), epoch(until))
    return [zones.span_text(one.begin, one.end, BERLIN) for one in found]


def test_windows_of_a_week():
    assert opened("2026-11-23T00:00", "2026-11-30T12:00", days="sat") == [
        "Sat 2026-11-28 22:00 - Sun 2026-11-29 04:00 CET"
    ]
    assert len(opened("2026-11-23T12:00", "2026-11-30T12:00", days=["mon-wed", "Friday"])) == 4
    assert len(opened("2026-11-23T12:00", "2026-11-30T12:00", days="fri-mon")) == 4
    assert len(opened("2026-11-23T12:00", "2026-11-30T12:00", days="weekend, tue")) == 3
    assert len(opened("2026-11-23T12:00", "2026-11-30T12:00")) == 7


def test_one_that_is_open_already_counts():
    assert opened("2026-11-29T01:00", "2026-11-29T02:00", days="sat") == [
        "Sat 2026-11-28 22:00 - Sun 2026-11-29 04:00 CET"
    ]
    assert opened("2026-11-29T04:00", "2026-11-29T05:00", days="sat") == []


def test_the_nights_in_which_the_clock_is_changed():
    """Never longer than its duration, and never past the end that the clock shows on other days."""
    assert opened("2027-03-27T12:00", "2027-03-28T12:00") == ["Sat 2027-03-27 22:00 CET - Sun 2027-03-28 04:00 CEST"]
    assert opened("2026-10-24T12:00", "2026-10-25T12:00") == ["Sat 2026-10-24 22:00 CEST - Sun 2026-10-25 03:00 CET"]
    # It begins in the hour that is skipped.
    assert opened("2027-03-28T00:00", "2027-03-28T12:00", start="02:30", duration="2h") == [
        "Sun 2027-03-28 03:00 - 04:30 CEST"
    ]
    # It lies in it wholly.
    assert opened("2027-03-28T00:00", "2027-03-28T12:00", start="02:10", duration="30m") == []


def test_a_window_with_a_zone_of_its_own():
    assert opened("2026-11-28T00:00", "2026-11-29T12:00", days="sat", tz="America/New_York") == [
        "Sun 2026-11-29 04:00 - 10:00 CET"
    ]


def test_a_window_that_comes_once():
    """The second two o'clock of that night is what it says, and no other night has one."""
    begin = epoch("2026-10-25T02:00", fold=1)
    (written,) = rules.read([{"begin": begin, "end": begin + HOUR, "cutoff": 15, "tz": "Europe/Berlin"}])
    assert rules.opened([written], BERLIN, begin - HOUR, begin + 21 * 24 * HOUR) == [
        rules.Window(begin, begin + HOUR, 900)
    ]
    assert rules.opened([written], BERLIN, begin + HOUR, begin + 21 * 24 * HOUR) == []
    assert gate(begin, 60, rules.opened([written], BERLIN, begin - HOUR, begin + HOUR), zone=BERLIN).may


@pytest.mark.parametrize(
    ("value", "seconds"), [(90, 5400), ("90", 5400), ("90m", 5400), ("1h30m", 5400), ("1h 30min", 5400), ("4h", 14400)]
)
def test_durations(value: object, seconds: int):
    (rule,) = rules.read([{"start": "22:00", "duration": value}])
    assert rule.duration_s == seconds


def test_a_time_that_yaml_read_as_a_number():
    assert yaml.safe_load("22:00") == 1320
    assert rules.read(yaml.safe_load("[{start: 22:00, duration: 4:00}]")) == rules.read(
        [{"start": "22:00", "duration": "4h"}]
    )


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (["sat"], "window 1: it must be a mapping"),
        ([{"start": "22:00"}], "needs 'start' and 'duration'"),
        ([{"start": "25:00", "duration": 60}], "'25:00', which is no time"),
        ([{"start": 1440, "duration": 60}], "no time of the day"),
        ([{"start": "22:00", "duration": "long"}], "'duration' is 'long'"),
        ([{"start": "22:00", "duration": ""}], "'duration' is ''"),
        ([{"start": "22:00", "duration": True}], "'duration' is 'True'"),
        ([{"start": "22:00", "duration": 0}], "longer than its cutoff"),
        ([{"start": "22:00", "duration": 60, "cutoff": 60}], "longer than its cutoff"),
        ([{"start": "22:00", "duration": 99999}], "between 0 minutes and a week"),
        ([{"start": "22:00", "duration": 60, "days": "someday"}], "'someday' is no day"),
        ([{"start": "22:00", "duration": 60, "days": []}], "has no days"),
        ([{"start": "22:00", "duration": 60, "day": "mon"}], "key 'day' is not known"),
        ([{"start": "22:00", "duration": 60, "tz": "Europe/Nowhere"}], "window 1: "),
        ([{"begin": 1795908600}], "needs 'begin' and 'end'"),
        ([{"begin": "soon", "end": 1795908600}], "'begin' is 'soon'"),
        ([{"begin": 1795908600, "end": 1795908600}], "longer than its cutoff"),
        ([{"begin": 1795908600, "end": 1795912200, "days": "sat"}], "key 'days' is not known"),
    ],
)
def test_rules_that_are_not_understood(windows: list[object], said: str):
    with pytest.raises(rules.RulesError) as caught:
        rules.read(windows)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"windows": "sat"}, "'windows' must be a list"),
        ({"blackouts": "days.ics"}, "'blackouts' must be a list"),
        ({"hold_hosts": "mail1"}, "'hold_hosts' must be a list"),
        ({"timezone": "UTC"}, "the key 'timezone' is not known"),
    ],
)
def test_rules_of_another_kind(data: dict[str, Any], said: str):
    with pytest.raises(proposal.ProposalError) as caught:
        propose({}, BEGIN, rules=data)
    assert said in str(caught.value)


BEGIN = epoch("2026-11-28T22:00")
WINDOW = rules.Window(BEGIN, BEGIN + 6 * HOUR, 1800)
NEXT = rules.Window(BEGIN + 24 * HOUR, BEGIN + 30 * HOUR, 1800)


@pytest.mark.parametrize(
    ("after", "estimate", "code", "retry"),
    [
        (-1, 600, "early", BEGIN),
        (0, 600, "open", None),
        (3 * HOUR, 2.5 * HOUR, "open", None),
        # Nothing may reach into the last half hour.
        (3 * HOUR, 2.5 * HOUR + 1, "late", NEXT.begin),
        (5.5 * HOUR, 0, "open", None),
        (5.5 * HOUR + 1, 0, "late", NEXT.begin),
        (6 * HOUR, 0, "early", NEXT.begin),
        (30 * HOUR, 0, "over", None),
    ],
)
def test_the_gate(after: float, estimate: float, code: str, retry: int | None):
    answer = gate(BEGIN + after, estimate, [NEXT, WINDOW], zone=BERLIN)
    assert (answer.code, answer.may, answer.retry_at) == (code, code == "open", retry)
    assert answer.why


def test_what_the_gate_says():
    assert gate(BEGIN - 60, 60, [WINDOW], zone=BERLIN).why == "the window begins Sat 2026-11-28 22:00 CET"
    late = gate(BEGIN + 5 * HOUR, 3600, [WINDOW], zone=BERLIN)
    assert late.why == (
        "the work takes 60 minutes, and nothing may reach into the last 30 minutes before Sun 2026-11-29 04:00 CET"
    )
    assert gate(BEGIN, 60, []).why == "there is no window in which work is allowed"


def test_what_closes_the_gate():
    freeze = spans.Span(BEGIN + 2 * HOUR, BEGIN + 3 * HOUR, "backup", "blackout")
    assert gate(BEGIN, 2 * HOUR, [WINDOW], [freeze]).may
    into = gate(BEGIN, 2 * HOUR + 60, [WINDOW], [freeze], BERLIN)
    assert (into.code, into.retry_at) == ("blackout", freeze.end)
    assert into.why == "the work would reach into blackout 'backup' until Sun 2026-11-29 01:00 CET"
    inside = gate(freeze.begin, 0, [WINDOW], [freeze], BERLIN)
    assert inside.code == "blackout" and inside.why.startswith("it is blackout 'backup'")
    long = spans.Span(BEGIN - HOUR, BEGIN + 20 * HOUR, "Christmas", "freeze")
    assert gate(BEGIN, 60, [WINDOW, NEXT], [long])[:2] == (False, "freeze")
    assert gate(BEGIN, 60, [WINDOW, NEXT], [long]).retry_at == NEXT.begin


def test_windows_that_overlap():
    """The one that gives more time counts."""
    longer = rules.Window(BEGIN, BEGIN + 8 * HOUR, 0)
    assert gate(BEGIN + 5 * HOUR, 2 * HOUR, [WINDOW, longer]).may
