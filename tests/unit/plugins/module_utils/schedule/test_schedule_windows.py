# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of a schedule: right in every zone and in the nights when the clock is changed."""

from __future__ import annotations

import datetime
import json
import os
import random
import signal
import subprocess
import sys
import time
import zoneinfo
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import expiry
from ansible_collections.mailops.triage.plugins.module_utils._schedule import begin, clocks, scheduling, windows
from ansible_collections.mailops.triage.plugins.module_utils._schedule.clocks import Zone, moment
from ansible_collections.mailops.triage.plugins.module_utils._schedule.windows import Window

NOW = 1_800_000_000.0
BERLIN = "Europe/Berlin"
NIGHT = {"days": "sun", "start": "02:30", "duration": "2h", "cutoff": "30m"}


def kept(zone: str = BERLIN, *weekly: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A schedule."""
    asked: dict[str, Any] = {"timezone": zone, "begin": None, "length_minutes": 120, "cutoff_minutes": 0}
    found: dict[str, Any] = windows.read({**asked, "windows": list(weekly), **more})
    return found


def utc(text: str) -> int:
    """Epoch of a moment of UTC."""
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp())


def begins(found: list[Window]) -> list[str]:
    """When windows begin, by UTC."""
    return [time.strftime("%Y-%m-%d %H:%M", time.gmtime(one.begin)) for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "1800000000",
        "1800000000.0",
        "2027-01-15T08:00Z",
        "2027-01-15 08:00:00Z",
        "2027-01-15T09:00:00+01:00",
        "2027-01-15T03:00-0500",
        "2027-01-15T13:30:00.000+05:30",
    ],
)
def test_moments(text: str) -> None:
    assert moment(text) == NOW


@pytest.mark.parametrize("text", ["", "tomorrow", "2027-01-15T08:00", "2027-02-30T08:00Z", "2027-01-15T25:00Z"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="no moment with a time zone"):
        moment(text)


def test_moments_of_a_zone() -> None:
    zone = Zone(BERLIN)
    assert moment("2026-11-29T03:00", zone) == utc("2026-11-29T02:00")
    assert moment("2026-07-05 03:00", zone) == utc("2026-07-05T01:00")
    assert moment("2027-10-31T02:30", zone) == utc("2027-10-31T00:30")  # comes twice: the first
    with pytest.raises(ValueError, match=r"there is no 2027-03-28T02:30 in Europe/Berlin"):
        moment("2027-03-28T02:30", zone)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "", "Berlin; id", "posixrules\n"])
def test_a_zone_that_is_not_known_is_no_utc(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        Zone(name)


ZONES = ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo"]


@pytest.mark.parametrize("name", ZONES)
def test_the_clock_of_the_c_library_is_that_of_zoneinfo(name: str) -> None:
    """Every quarter of an hour around each change of the clock, and some hundred others."""
    zone, same, generator = Zone(name), zoneinfo.ZoneInfo(name), random.Random(name)
    starts = [generator.randrange(utc("1990-01-01T00:00"), utc("2037-01-01T00:00")) for dummy in range(300)]
    for year in range(2005, 2036):
        hours = range(utc(f"{year}-01-01T00:00"), utc(f"{year + 1}-01-01T00:00"), 86400)
        shifts = [day for day in hours if _offset(day, same) != _offset(day + 86400, same)]
        starts += [day + quarter * 900 for day in shifts for quarter in range(-16, 120)]
    for start in starts:
        wanted = datetime.datetime.fromtimestamp(start, datetime.timezone.utc).replace(tzinfo=None, second=0)
        found = zone.at(wanted.year, wanted.month, wanted.day, wanted.hour * 3600 + wanted.minute * 60)
        shown = datetime.datetime.fromtimestamp(found.epoch, same).replace(tzinfo=None)
        assert found.skipped is (shown != wanted), (name, wanted)
        if not found.skipped:
            assert found.epoch == int(wanted.replace(tzinfo=same, fold=0).timestamp())
        else:
            assert _offset(found.epoch, same) > _offset(found.epoch - 1, same)


def _offset(epoch: int, zone: zoneinfo.ZoneInfo) -> float:
    moved = datetime.datetime.fromtimestamp(epoch, zone).utcoffset()
    assert moved is not None
    return moved.total_seconds()


def test_the_process_keeps_its_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        Zone(BERLIN).spelled(NOW)
        assert time.localtime(NOW).tm_gmtoff == 9 * 3600
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_skipped_hour_does_not_come_and_is_told() -> None:
    found, left_out = windows.coming(kept(BERLIN, NIGHT), utc("2027-03-20T12:00"))
    assert begins(found) == ["2027-03-21 01:30", "2027-04-04 00:30", "2027-04-11 00:30"]
    assert left_out == ["2027-03-28 has no 02:30"]


def test_the_hour_that_comes_twice_counts_once() -> None:
    found = windows.coming(kept(BERLIN, NIGHT), utc("2027-10-30T12:00"))[0]
    assert begins(found) == ["2027-10-31 00:30", "2027-11-07 01:30", "2027-11-14 01:30"]


@pytest.mark.parametrize(
    ("start", "duration", "day", "begin", "end"),
    [
        # What the clock shows at the end of an ordinary night is the end, and never more than the duration.
        ("01:00", "4h", "2027-03-28", "2027-03-28T00:00", "2027-03-28T03:00"),
        ("01:00", "4h", "2027-10-31", "2027-10-30T23:00", "2027-10-31T03:00"),
        ("23:00", "4h", "2026-11-29", "2026-11-29T22:00", "2026-11-30T02:00"),
    ],
)
def test_ends_in_the_nights_of_change(start: str, duration: str, day: str, begin: str, end: str) -> None:
    night = {"days": "sun", "start": start, "duration": duration}
    found = windows.between(kept(BERLIN, night), utc(f"{day}T00:00") - 3600, utc(f"{day}T23:59"))[0]
    assert [(one.begin, one.end) for one in found] == [(utc(begin), utc(end))]


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-11-29T01:29:59", False),
        ("2026-11-29T01:30:00", True),
        ("2026-11-29T03:00:00", True),
        ("2026-11-29T03:00:01", False),  # the cutoff
        ("2026-11-29T03:30:00", False),
        ("2026-11-30T02:00:00", False),
    ],
)
def test_when_it_may_begin(at: str, open_: bool) -> None:
    assert (windows.current(kept(BERLIN, NIGHT), utc(at)) is not None) is open_


def test_once() -> None:
    one = kept(begin="2026-11-29T03:00", length_minutes=90, cutoff_minutes=30)
    window = Window(utc("2026-11-29T02:00"), utc("2026-11-29T03:30"), utc("2026-11-29T03:00"))
    assert windows.coming(one, NOW - 86400 * 3650)[0] == [window]
    assert windows.coming(one, window.latest)[0] == [window]
    assert windows.coming(one, window.latest + 1)[0] == []
    assert windows.current(one, window.begin) == window
    assert windows.current(one, window.begin - 1) is None


def test_a_moment_within_a_minute_is_the_next_one() -> None:
    """at knows no seconds: what it begins too early would not be begun at all."""
    assert kept(begin="1800000001")["once"]["begin"] == NOW + 60
    assert kept(begin="1800000000")["once"]["begin"] == NOW


@pytest.mark.parametrize(
    ("weekly", "word"),
    [
        ({"days": "sun", "start": "03:00"}, "days, start, duration"),
        ({"start": "03:00", "duration": 60, "until": "05:00"}, "days, start, duration"),
        ({"start": 180, "duration": 60}, "no time such as"),
        ({"start": "24:00", "duration": 60}, "no time such as"),
        ({"start": "03:00", "duration": "long"}, "give minutes"),
        ({"start": "03:00", "duration": True}, "give minutes"),
        ({"start": "03:00", "duration": "1h", "cutoff": "60"}, "longer than its cutoff"),
        ({"start": "03:00", "duration": "1h", "days": "sunday, funday"}, "funday is no day"),
    ],
)
def test_windows_that_cannot_be_understood(weekly: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        kept(BERLIN, weekly)


def test_either_once_or_every_week() -> None:
    for more in ({}, {"begin": "1800000000", "windows": [NIGHT]}):
        with pytest.raises(ValueError, match="either begin, for once, or windows"):
            kept(BERLIN, **more)


def test_how_awx_is_told() -> None:
    assert windows.rule(kept(BERLIN, NIGHT)) == (
        "DTSTART;TZID=Europe/Berlin:20260104T023000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU"
    )
    assert windows.rule(kept("UTC", {"days": "fri-mon", "start": "23:05", "duration": 60})) == (
        "DTSTART;TZID=UTC:20260102T230500 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,FR,SA,SU"
    )
    assert windows.rule(kept(begin="2026-11-29T03:00")) == (
        "DTSTART:20261129T020000Z RRULE:FREQ=DAILY;INTERVAL=1;COUNT=1"
    )
    with pytest.raises(ValueError, match="a schedule of its own"):
        windows.rule(kept(BERLIN, NIGHT, NIGHT))


def test_the_night_is_told_the_same_windows() -> None:
    told = windows.rules(kept(BERLIN, NIGHT))
    assert told == {
        "tz": BERLIN,
        "windows": [{"days": ["sun"], "start": "02:30", "duration": 120, "cutoff": 30}],
    }
    assert kept(BERLIN, *told["windows"]) == kept(BERLIN, NIGHT)
    once = windows.rules(kept(begin="2026-11-28T23:30Z", length_minutes=90, cutoff_minutes=30))
    begin = 1795908600
    assert once["windows"] == [{"begin": begin, "end": begin + 5400, "cutoff": 30}]


def runs(folder: Path, one: dict[str, Any], command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    """What the timer starts, with nothing but Python."""
    program = folder / "begin.pyz"
    program.write_bytes(expiry.program(scheduling._PARTS, begin))
    (folder / "night").mkdir(exist_ok=True)
    spec = {"name": "night", "with": "timer", "user": "", "directory": str(folder), "environment": {}, **one}
    (folder / "night.json").write_text(json.dumps({**spec, "command": command, **more}), encoding="utf-8")
    line = [sys.executable, "-I", "-S", str(program), str(folder / "night.json")]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def open_now(**more: Any) -> dict[str, Any]:
    """A window that is open."""
    return kept(begin=str(int(time.time()) // 60 * 60 - 600), **more)


def test_what_a_timer_starts_begins_in_the_window(tmp_path: Path) -> None:
    said = "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['HUE'])"
    one = open_now()
    done = runs(tmp_path, one, [sys.executable, "-c", said, "from=@BEGIN@", "to=@END@"], environment={"HUE": "blue"})
    edges = one["once"]["begin"], one["once"]["begin"] + 7200
    assert f"['from={edges[0]}', 'to={edges[1]}'] {tmp_path} blue\n" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    assert begin.state(str(tmp_path / "night.json"))["status"] == 0
    again = runs(tmp_path, one, [sys.executable, "-c", said], environment={"HUE": "blue"})
    assert "not begun: it was done in this window" in again.stdout


@pytest.mark.parametrize("minutes", [-600, 600])
def test_a_night_that_was_missed_is_left_out(tmp_path: Path, minutes: int) -> None:
    one = kept(begin=str(int(time.time()) + minutes * 60))
    done = runs(tmp_path, one, ["touch", str(tmp_path / "begun")])
    assert (done.returncode, (tmp_path / "begun").exists()) == (0, False)
    assert done.stdout.startswith("night: not begun: no window is open at ")


def test_what_was_cut_off_or_failed_begins_again_and_what_runs_does_not(tmp_path: Path) -> None:
    one = open_now()
    wait = "import sys, time; open('begun', 'a').write('x'); time.sleep(60)"
    runs(tmp_path, one, ["true"], windows=[])
    (tmp_path / "night" / "state").unlink()
    line = [sys.executable, "-I", "-S", str(tmp_path / "begin.pyz"), str(tmp_path / "night.json")]
    spec = json.loads((tmp_path / "night.json").read_text(encoding="utf-8"))
    spec["command"] = [sys.executable, "-c", wait]
    (tmp_path / "night.json").write_text(json.dumps(spec), encoding="utf-8")
    first = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True)
    while not (tmp_path / "begun").exists():
        assert first.poll() is None
        time.sleep(0.05)
    second = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert "not begun: it is running" in second.stdout
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    failed = runs(tmp_path, one, ["false"])
    assert (failed.returncode, "goes on" in failed.stdout) == (1, True)
    assert "goes on" in runs(tmp_path, one, ["true"]).stdout
    assert "it was done" in runs(tmp_path, one, ["true"]).stdout


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    done = runs(tmp_path, open_now(), ["/no/such/program"])
    assert (done.returncode, "No such file or directory" in done.stdout) == (127, True)


def test_the_same_program_is_the_same_bytes() -> None:
    assert expiry.program(scheduling._PARTS, begin) == expiry.program(scheduling._PARTS, begin)
    assert clocks.Zone("UTC").spelled(NOW) == "Fri 2027-01-15 08:00 UTC"
