# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs with known quiet hours, and the window that has to be proposed for each of them."""

from __future__ import annotations

import datetime
import math
import random
import zoneinfo

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._window import proposal
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import (
    BERLIN,
    DAY,
    HOUR,
    epoch,
    office,
    propose,
    texts,
    week,
)

# A Wednesday.
NOW = epoch("2026-11-25T12:00")


def noon(local: datetime.datetime) -> int:
    """A service for people in another part of the world: its quiet hour is noon."""
    return 5 if local.hour == 12 else 40 if local.hour in (11, 13) else 500


def company(local: datetime.datetime) -> int:
    """A company that works day and night, but on Sundays from 13:00 to 15:00 hardly anybody."""
    if local.weekday() == 6:
        return 4 if 13 <= local.hour < 15 else 60
    return 300 + 10 * local.hour


def test_quiet_at_night():
    found = propose({"mail1": week(office, NOW)}, NOW)
    assert texts(found) == [
        "Thu 2026-11-26 02:00 - 03:00 CET",
        "Fri 2026-11-27 02:00 - 03:00 CET",
        "Sat 2026-11-28 02:00 - 03:00 CET",
    ]
    best = found["windows"][0]
    assert (best["begin"], best["end"]) == (epoch("2026-11-26T02:00"), epoch("2026-11-26T03:00"))
    assert best["expected"] == {"connections": 40, "delivered": 20, "logins": 6}
    assert best["confidence"]["level"] == "high" and best["confidence"]["weeks"] == 4
    assert best["cells"] == [(3, 2)]
    assert found["timezone"] == "Europe/Berlin" and found["heat"][3][2] == 30.0


def test_quiet_at_noon():
    found = propose({"mail1": week(noon, NOW)}, NOW)
    assert texts(found) == [
        "Wed 2026-11-25 12:00 - 13:00 CET",
        "Thu 2026-11-26 12:00 - 13:00 CET",
        "Fri 2026-11-27 12:00 - 13:00 CET",
    ]
    assert found["windows"][0]["expected"]["delivered"] == 5


def test_steps_of_a_quarter_of_an_hour():
    """The window need not begin with an hour: half of the quiet hours lie in it, wherever these begin for the zone."""
    kathmandu = zoneinfo.ZoneInfo("Asia/Kathmandu")  # 5:45 ahead of UTC
    # The log is counted by hours of UTC; one of them begins at 02:45 there.
    found = propose({"mail1": week(lambda local: 1 if local.hour == 2 else 100, NOW, kathmandu)}, NOW)
    assert texts(found)[0] == "Thu 2026-11-26 02:45 - 03:45 +0545"


def test_length_is_rounded_up_to_a_quarter():
    found = propose({"mail1": week(office, NOW)}, NOW, length_minutes=50)
    assert found["length_minutes"] == 60 and texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET"
    found = propose({"mail1": week(office, NOW)}, NOW, length_minutes=16)
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 02:30 CET"


def test_the_hour_that_is_skipped_in_march():
    """02:00 to 03:00 does not exist that night; an hour that passes does."""
    now = epoch("2027-03-27T12:00")
    found = propose({"mail1": week(office, now)}, now, not_after="2027-03-28T12:00", length_minutes=120)
    best = found["windows"][0]
    # Quiet from 03:00 to 05:00 of the new time, and only that long.
    assert best["text"] == "Sun 2027-03-28 03:00 - 05:00 CEST"
    assert best["end"] - best["begin"] == 2 * HOUR
    assert best["begin"] == epoch("2027-03-28T03:00") == epoch("2027-03-28T01:00") + HOUR
    found = propose({"mail1": week(office, now)}, now, not_after="2027-03-28T12:00", length_minutes=150)
    best = found["windows"][0]
    assert best["text"] == "Sun 2027-03-28 01:30 CET - 05:00 CEST"
    assert best["end"] - best["begin"] == 150 * 60
    assert any("put forward by 60 minutes" in why for why in best["why"])


def test_the_hour_that_comes_twice_in_october():
    """From 02:00 to 05:00 four hours pass that night."""
    now = epoch("2026-10-24T12:00")
    found = propose({"mail1": week(office, now)}, now, not_after="2026-10-25T12:00", length_minutes=240)
    best = found["windows"][0]
    assert best["text"] == "Sun 2026-10-25 02:00 CEST - 05:00 CET"
    assert best["end"] - best["begin"] == 4 * HOUR
    assert best["begin"] == epoch("2026-10-25T02:00", fold=0) == epoch("2026-10-25T02:00", fold=1) - HOUR
    assert best["expected"]["delivered"] == 80
    assert any("put back by 60 minutes" in why for why in best["why"])
    # On an ordinary night four hours do not fit.
    after = epoch("2026-10-26T12:00")
    found = propose({"mail1": week(office, after)}, after, not_after="2026-10-27T12:00", length_minutes=240)
    assert texts(found)[0] == "Tue 2026-10-27 01:00 - 05:00 CET" and found["windows"][0]["expected"]["delivered"] == 120


def test_history_across_a_change_of_the_clock():
    """Half of the weeks were counted in summer time: 02:00 by the clock is 02:00 in all of them."""
    now = epoch("2026-11-08T12:00")
    found = propose({"mail1": week(office, now)}, now)
    assert texts(found)[0] == "Mon 2026-11-09 02:00 - 03:00 CET"
    assert found["windows"][0]["expected"]["delivered"] == 20


HOLIDAYS = [
    {"name": "Advent", "start": "2026-11-01", "end": "2026-11-01"},
    {"name": "Company's day", "start": "2026-11-26"},
]


def test_a_holiday_is_as_quiet_as_a_sunday():
    asked = {"not_after": "2026-11-28T00:00", "length_minutes": 120}
    found = propose({"mail1": week(company, NOW)}, NOW, **asked)
    assert texts(found)[0] == "Thu 2026-11-26 00:00 - 02:00 CET"
    found = propose({"mail1": week(company, NOW)}, NOW, holidays=HOLIDAYS, **asked)
    best = found["windows"][0]
    assert best["text"] == "Thu 2026-11-26 13:00 - 15:00 CET"
    assert "It is a holiday (Company's day), which is taken to be as quiet as a Sunday." in best["why"]
    found = propose({"mail1": week(company, NOW)}, NOW, holidays=HOLIDAYS, on_holidays="never", **asked)
    assert texts(found)[0] == "Fri 2026-11-27 00:00 - 02:00 CET"
    assert any("holiday 'Company's day'" in why for why in found["why"])


def test_a_past_holiday_says_nothing_about_its_weekday():
    """Two of four Thursdays were holidays without mail: the next Thursday is as busy as the others were."""
    off = {datetime.date(2026, 11, 5), datetime.date(2026, 11, 12)}

    def shape(local: datetime.datetime) -> int:
        return 0 if local.date() in off else 300 if local.weekday() == 3 else 200

    asked = {"not_before": "2026-11-26T06:00", "not_after": "2026-11-27T12:00"}
    weeks = {"mail1": week(shape, NOW)}
    assert texts(propose(weeks, NOW, **asked))[0].startswith("Thu 2026-11-26")
    days = [{"name": "off", "start": str(date)} for date in off]
    best = propose(weeks, NOW, holidays=days, **asked)["windows"][0]
    assert best["text"].startswith("Fri 2026-11-27") and best["confidence"]["weeks"] == 4


def test_one_newsletter_changes_nothing():
    """A hundred thousand messages in one night of four do not make the hour a busy one, but are told about."""
    letter = epoch("2026-11-12T02:00")

    def shape(local: datetime.datetime) -> int:
        return 100_000 if int(local.timestamp()) == letter else office(local)

    found = propose({"mail1": week(shape, NOW)}, NOW)
    best = found["windows"][0]
    assert best["text"] == "Thu 2026-11-26 02:00 - 03:00 CET" and best["expected"]["delivered"] == 20
    assert best["confidence"]["level"] == "medium"
    assert "Thu 2026-11-12 02:00 CET had 153333 messages and logins" in best["confidence"]["because"][0]
    # A letter of every week is no exception: that night is avoided.
    found = propose({"mail1": week(lambda local: office(local) * (50 if local.weekday() == 3 else 1), NOW)}, NOW)
    assert texts(found)[0] == "Fri 2026-11-27 02:00 - 03:00 CET"


def test_a_gap_of_the_log_is_no_quiet_hour():
    """Without the log of two days at noon, noon is not taken for quiet."""
    gaps = [(epoch(f"2026-11-{day}T10:00"), epoch(f"2026-11-{day}T15:30")) for day in ("11", "18", "19", "24")]
    found = propose({"mail1": week(office, NOW, gaps=gaps)}, NOW)
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET"
    assert found["windows"][0]["confidence"]["level"] == "high" and found["windows"][0]["confidence"]["days"] == 23
    assert found["data"]["mail1"]["gaps"] == 4


def test_hours_that_a_gap_touches_do_not_count():
    """An answer that lists them all the same is not believed: half an hour of lines is no quiet hour."""
    gap = (epoch("2026-11-18T14:20"), epoch("2026-11-18T15:10"))
    whole = week(office, NOW)
    whole["gaps"] = [list(gap)]
    found = propose({"mail1": whole}, NOW)
    assert found["data"]["mail1"]["hours_in_gaps"] == 2 and found["data"]["mail1"]["hours"] == 28 * 24 - 2


def test_a_weekday_that_was_never_seen_is_as_the_others():
    gaps = [(epoch(f"2026-11-{day}T00:00"), epoch(f"2026-11-{day}T23:59")) for day in ("05", "12", "19")]
    gaps.append((epoch("2026-10-29T00:00"), epoch("2026-10-29T23:59")))
    found = propose({"mail1": week(office, NOW, gaps=gaps)}, NOW, not_after="2026-11-26T12:00")
    best = found["windows"][0]
    assert best["text"] == "Thu 2026-11-26 02:00 - 03:00 CET"
    assert best["confidence"]["level"] == "low" and "not in every log" in best["confidence"]["because"][0]


@pytest.mark.parametrize(
    ("days", "level", "whole"), [(4, "low", 3), (9, "low", 8), (16, "medium", 15), (21, "medium", 20), (28, "high", 27)]
)
def test_confidence_grows_with_the_log(days: int, level: str, whole: int):
    found = propose({"mail1": week(office, NOW, days=days)}, NOW)
    sure = found["windows"][0]["confidence"]
    assert (sure["level"], sure["days"]) == (level, whole)
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET"


def test_room_behind_the_window_counts():
    """Two hours are equally quiet; the one with a quiet hour after it is better, in case it takes longer."""
    found = propose({"mail1": week(lambda local: 5 if local.hour in (1, 4, 5) else 400, NOW)}, NOW)
    assert texts(found)[0] == "Thu 2026-11-26 04:00 - 05:00 CET"


def test_sooner_is_better_among_equals_but_not_at_any_price():
    shape = {3: 21, 4: 20, 5: 12}

    def nights(local: datetime.datetime) -> int:
        return shape.get(local.weekday(), 100) if local.hour == 3 else 800

    found = propose({"mail1": week(nights, NOW)}, NOW, not_after="2026-12-01T12:00")
    assert texts(found)[0] == "Sat 2026-11-28 03:00 - 04:00 CET"
    shape[5] = 20
    found = propose({"mail1": week(nights, NOW)}, NOW, not_after="2026-12-01T12:00")
    assert [text[:14] for text in texts(found)] == ["Thu 2026-11-26", "Fri 2026-11-27", "Sat 2026-11-28"]


def test_one_night_only():
    """Where there is one night, the others do not overlap the best one."""
    found = propose({"mail1": week(office, NOW)}, NOW, not_before="2026-11-26T00:00", not_after="2026-11-26T06:00")
    assert texts(found) == [
        "Thu 2026-11-26 02:00 - 03:00 CET",
        "Thu 2026-11-26 03:00 - 04:00 CET",
        "Thu 2026-11-26 04:00 - 05:00 CET",
    ]


def test_not_before_and_not_after():
    found = propose(
        {"mail1": week(office, NOW)}, NOW, not_before="2026-12-01T03:10", not_after="2026-12-01T09:00+01:00"
    )
    assert texts(found)[0] == "Tue 2026-12-01 03:15 - 04:15 CET"
    assert (found["from"], found["until"]) == (epoch("2026-12-01T03:10"), epoch("2026-12-01T09:00"))
    with pytest.raises(proposal.ProposalError, match="not_after .* is not after"):
        propose({"mail1": week(office, NOW)}, NOW, not_after="2026-11-25T11:00")
    with pytest.raises(proposal.ProposalError, match="'tomorrow' is no time"):
        propose({"mail1": week(office, NOW)}, NOW, not_after="tomorrow")
    with pytest.raises(proposal.ProposalError, match="92 days"):
        propose({"mail1": week(office, NOW)}, NOW, not_after="2027-11-25")
    # What has passed is not proposed.
    assert propose({"mail1": week(office, NOW)}, NOW, not_before="2026-11-01")["from"] == NOW


def test_blackouts_and_freezes():
    found = propose(
        {"mail1": week(office, NOW)},
        NOW,
        blackouts=[{"name": "backup", "start": "2026-11-26T02:30", "end": "2026-11-26T05:00"}],
        freezes=[{"name": "end of month", "start": "2026-11-27", "end": "2026-11-30"}],
        rules={"blackouts": [{"name": "audit", "start": "2026-12-01"}]},
    )
    assert texts(found)[0] == "Wed 2026-12-02 02:00 - 03:00 CET"
    why = " ".join(found["why"])
    assert "blackout 'backup'" in why and "freeze 'end of month'" in why and "blackout 'audit'" in why


def test_the_windows_of_the_rules():
    saturday = {"windows": [{"days": "sat", "start": "22:00", "duration": "6h", "cutoff": 90}]}
    found = propose({"mail1": week(office, NOW)}, NOW, rules=saturday)
    best = found["windows"][0]
    # Saturday's night is quiet from 02:00, but nothing may reach into the last 90 minutes before 04:00.
    assert best["text"] == "Sun 2026-11-29 01:30 - 02:30 CET" and best["cutoff_s"] == 5400
    assert "The rules allow Sat 2026-11-28 22:00 - Sun 2026-11-29 04:00 CET." in best["why"]
    found = propose({"mail1": week(office, NOW)}, NOW, rules=saturday, length_minutes=300)
    assert found["windows"] == [] and "There is no room for 300 minutes" in found["why"][0]


def test_held_hosts_are_left_out():
    weeks = {"mail1": week(office, NOW), "mail2": week(noon, NOW)}
    found = propose(weeks, NOW, rules={"hold_hosts": ["mail2", "other"]})
    assert found["held"] == ["mail2"] and found["hosts"] == ["mail1"]
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET"


def test_time_zones_of_the_hosts():
    tokyo = zoneinfo.ZoneInfo("Asia/Tokyo")
    weeks = {"a": week(office, NOW), "b": week(office, NOW), "c": week(office, NOW, tokyo)}
    found = propose(weeks, NOW)
    assert found["timezone"] == "Europe/Berlin" and "others: Asia/Tokyo" in found["why"][0]
    assert propose(weeks, NOW, timezone="Asia/Tokyo")["timezone"] == "Asia/Tokyo"
    assert propose(weeks, NOW, rules={"tz": "America/New_York"})["timezone"] == "America/New_York"
    nowhere = propose({"a": week(office, NOW, timezone="")}, NOW)
    assert nowhere["timezone"] == "UTC" and "No time zone is known" in nowhere["why"][0]
    assert texts(nowhere)[0] == "Thu 2026-11-26 01:00 - 02:00 UTC"
    # What a host says is not believed blindly.
    assert propose({"a": week(office, NOW, timezone="Mars/Base"), "b": weeks["b"]}, NOW)["timezone"] == "Europe/Berlin"
    with pytest.raises(proposal.ProposalError, match="no time zone 'Mars/Base'"):
        propose(weeks, NOW, timezone="Mars/Base")


def test_hosts_without_data():
    empty = {"hours": [], "gaps": [], "notes": ["no log of the mail system was found"]}
    found = propose({"mail1": week(office, NOW), "mail2": empty, "mail3": {"failed": True, "msg": "no ssh"}}, NOW)
    assert set(found["without_data"]) == {"mail2", "mail3"} and "no ssh" in found["without_data"]["mail3"]
    assert found["windows"][0]["confidence"]["level"] == "low"
    assert "nothing is known of mail2, mail3" in found["windows"][0]["confidence"]["because"]
    nothing = propose({"mail2": empty}, NOW)
    assert nothing["windows"] == [] and "no window can be proposed" in " ".join(nothing["why"])
    assert nothing["heat"][0][0] is None


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        {"hours": "x"},
        {"hours": ["x"]},
        {"hours": [{"at": NOW - 7, "connections": 1, "delivered": 1, "logins": 1}]},
        {"hours": [{"at": NOW, "connections": -1, "delivered": 1, "logins": 1}]},
        {"hours": [{"at": NOW, "connections": float("nan"), "delivered": 1, "logins": 1}]},
        {"hours": [{"at": NOW, "connections": 10**400, "delivered": 1, "logins": 1}]},
        {"hours": [{"at": NOW, "connections": True, "delivered": 1, "logins": 1}]},
        {"hours": [], "gaps": [[1]]},
        {"hours": [], "gaps": [["a", "b"]]},
    ],
)
def test_answers_that_are_none(answer: object):
    found = propose({"bad\x1b[31m": answer, "mail1": week(office, NOW)}, NOW)
    assert len(found["without_data"]) == 1 and len(found["hosts"]) == 2
    assert "\x1b" not in " ".join(found["without_data"].values())


def test_the_same_input_gives_the_same_proposal():
    weeks = {"mail1": week(company, NOW), "mail2": week(office, NOW)}
    backwards = dict(reversed(weeks.items()))
    assert propose(weeks, NOW) == propose(backwards, NOW)


def test_flat_traffic_takes_the_soonest():
    found = propose({"mail1": week(lambda dummy: 100, NOW)}, NOW + 60)
    assert texts(found)[0] == "Wed 2026-11-25 12:15 - 13:15 CET"
    assert BERLIN.key == found["timezone"] and found["until"] == NOW + 60 + 14 * DAY


def test_chance_does_not_decide():
    """Counts of a real log differ by chance: the window begins with the quiet time all the same."""
    chance = random.Random(4711)

    def shape(local: datetime.datetime) -> int:
        return sum(chance.random() < 0.03 for dummy in range(1000 if 2 <= local.hour < 5 else 9000))

    found = propose({"mail1": week(shape, NOW)}, NOW)
    assert [text[4:22] for text in texts(found)] == ["2026-11-26 02:00 -", "2026-11-27 02:00 -", "2026-11-28 02:00 -"]


@pytest.mark.parametrize("seed", range(8))
def test_no_window_is_much_better_than_the_proposed_one(seed: int):
    """Against all windows there are, summed up the plain way."""
    chance = random.Random(seed)
    counts = {(day, hour): int(chance.paretovariate(0.8) * 20) for day in range(7) for hour in range(24)}
    found = propose({"mail1": week(lambda local: counts[local.weekday(), local.hour], NOW)}, NOW, length_minutes=90)

    def affected(begin: int) -> float:
        total = 0.0
        for quarter in range(begin, begin + 5400, 900):
            local = datetime.datetime.fromtimestamp(quarter, BERLIN)
            count = counts[local.weekday(), local.hour]
            total += (count + count // 3 + 0.2 * count) / 4
        return total

    least = min(affected(begin) for begin in range(NOW, NOW + 14 * DAY - 5400 + 1, 900))
    best = found["windows"][0]
    assert best["end"] - best["begin"] == 5400 and best["begin"] % 900 == 0
    assert affected(best["begin"]) <= 1.2 * least + 3 * math.sqrt(least) + 2
