# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules: systemd understands its timers as they are meant, at keeps its jobs, and both can be changed."""

from __future__ import annotations

import datetime
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from world import ROOT, World, until

from ansible_collections.mailops.triage.plugins.module_utils._schedule import windows

FOLDER = "/var/lib/mailops-triage-schedules"
UNIT = "mailops-triage-schedule-patch-night"
SUNDAY = {"days": "sun", "start": "03:00", "duration": "2h"}
_ELAPSES = re.compile(r"(?:Next elapse|Iter\. #\d+): \w{3} (\S+ \S+) UTC")


def plan(world: World, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """Schedule, by the clock of Berlin."""
    return world.module("patch_timer", check=check, **{"timezone": "Europe/Berlin", "command": ["true"], **options})


def night(world: World) -> str:
    """A moment of a night that comes."""
    return f"{datetime.date.today() + datetime.timedelta(days=9)}T03:00"


def jobs(world: World) -> list[str]:
    """What is in the queue of at."""
    return world.sh("atq").splitlines()


@pytest.fixture
def atd(world: World, at: Path) -> None:
    """The daemon at work, with its programs in their places."""
    for name in ("at", "atq", "atrm"):
        target = world.folder / "sbin" / name
        target.write_bytes((at / "usr/bin" / name).read_bytes())
        target.chmod(0o755)
    world.sh(
        "mkdir -p /var/spool/cron/atjobs /var/spool/cron/atspool; touch /etc/at.deny /var/spool/cron/atjobs/.SEQ\n"
        "chown -R daemon:daemon /var/spool/cron/atjobs /var/spool/cron/atspool\n"
        "chmod 1770 /var/spool/cron/atjobs /var/spool/cron/atspool\n"
        f"{at}/usr/sbin/atd"
    )
    assert until(lambda: world.sh("pgrep -x atd || true") != "")


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Auckland", "UTC"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("start", ["01:59", "02:00", "02:30", "03:00", "23:45"])
def test_systemd_begins_in_the_windows_and_in_no_others(zone: str, start: str) -> None:
    """Two years of nights, each change of the clock among them."""
    weekly = [{"days": "sun,thu", "start": start, "duration": "1h"}]
    kept = windows.read({"timezone": zone, "begin": None, "windows": weekly, "length_minutes": 0, "cutoff_minutes": 0})
    since = int(datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.timezone.utc).timestamp())
    meant = [one.begin for one in windows.coming(kept, since, 208)[0]]
    command = ["systemd-analyze", "calendar", "--base-time=2027-01-01 12:00:00 UTC", "--iterations=208"]
    told = subprocess.run(
        command + windows.calendars(kept),
        env={**os.environ, "TZ": "UTC0", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    stamps = [datetime.datetime.fromisoformat(text + "+00:00") for text in _ELAPSES.findall(told)]
    assert [int(one.timestamp()) for one in stamps] == meant


def test_the_units_are_sound(world: World) -> None:
    done = plan(world, windows=[SUNDAY, {"days": "wed", "start": "22:30", "duration": 60}], user="daemon")
    assert (done["state"], done["changed"]) == ("done", True), done
    assert world.sh(f"systemd-analyze verify /etc/systemd/system/{UNIT}.timer 2>&1 | grep {UNIT} || true") == ""
    timer = world.sh(f"cat /etc/systemd/system/{UNIT}.timer")
    assert "OnCalendar=Sun *-*-* 03:00:00 Europe/Berlin\nOnCalendar=Wed *-*-* 22:30:00 Europe/Berlin\n" in timer
    assert "Persistent=true\nOnBootSec=2min\n" in timer
    assert "User=daemon\n" in world.sh(f"cat /etc/systemd/system/{UNIT}.service")


def test_it_is_made_changed_listed_and_cancelled(world: World) -> None:
    planned = plan(world, check=True, windows=[SUNDAY])
    assert (planned["state"], planned["changed"], "OnCalendar=Sun" in planned["diff"]["after"]) == (
        "planned",
        True,
        True,
    )
    assert world.sh(f"ls -d {FOLDER} /etc/systemd/system/{UNIT}* 2>/dev/null || true") == ""
    made = plan(world, windows=[SUNDAY])
    assert (made["state"], made["schedules"][0]["active"]) == ("done", True)
    again = plan(world, windows=[SUNDAY])
    assert (again["state"], again["changed"]) == ("nothing", False), again
    changed = plan(world, windows=[dict(SUNDAY, start="04:00")])
    assert (changed["state"], "-*-* 04:00:00 Europe" in changed["diff"]["after"]) == ("done", True)
    plan(world, name="other", windows=[SUNDAY], command=["false"])
    listed = world.module("patch_timer", state="listed")
    assert [(one["name"], one["command"]) for one in listed["schedules"]] == [
        ("other", ["false"]),
        ("patch-night", ["true"]),
    ]
    assert (listed["changed"], len(listed["schedules"][0]["next"])) == (False, 3)
    assert world.module("patch_timer", check=True, state="cancelled")["state"] == "planned"
    assert world.module("patch_timer", state="cancelled")["state"] == "done"
    assert world.module("patch_timer", state="cancelled")["state"] == "nothing"
    assert [one["name"] for one in world.module("patch_timer", state="listed")["schedules"]] == ["other"]
    assert world.sh(f"ls -d {FOLDER}/patch-night* /etc/systemd/system/{UNIT}* 2>/dev/null || true") == ""


def test_what_the_timer_starts_runs_as_its_user_in_the_window_alone(world: World) -> None:
    when = int(time.time()) // 60 * 60 + 3600
    plan(world, begin=str(when), command=["sh", "-c", "id -un > /run/begun"], user="daemon")
    world.sh("touch /run/begun; chown daemon /run/begun")
    start = world.sh(f"sed -n 's/^ExecStart=//p' /etc/systemd/system/{UNIT}.service").strip()
    # The Python of the tests lies where only root may look.
    start = start.replace(sys.executable, "/usr/bin/python3")
    assert "not begun: no window is open" in world.sh(f"runuser -u daemon -- {start}")
    # As if it had been written down an hour and a minute earlier.
    world.sh(f'sed -i \'s/"since": .*/"since": 1,/; s/{when}/{when - 3660}/\' {FOLDER}/patch-night.json')
    world.sh(f"runuser -u daemon -- {start}")
    assert world.sh("cat /run/begun") == "daemon\n"
    assert world.module("patch_timer", state="listed")["schedules"][0]["last"]["status"] == 0
    assert world.sh(f"stat -c '%U %a' {FOLDER}/patch-night.json {FOLDER}/patch-night") == "root 640\ndaemon 700\n"


def test_a_window_that_is_open_already_is_not_begun_by_writing_it_down(world: World) -> None:
    """systemd starts at once what has OnBootSec in the past when its timer is made."""
    clock = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    daily = {"days": "daily", "start": f"{clock:%H:%M}", "duration": "2h"}
    done = plan(world, timezone="UTC", windows=[daily], command=["touch", "/run/begun"])
    assert done["schedules"][0]["next"][0]["begin"] > time.time() + 80000
    start = world.sh(f"sed -n 's/^ExecStart=//p' /etc/systemd/system/{UNIT}.service").strip()
    assert "not begun" in world.sh(start)
    assert world.sh("test -e /run/begun || echo none") == "none\n"


def test_a_night_that_is_over_stays_as_it_was(world: World) -> None:
    when = int(time.time()) // 60 * 60 + 3600
    plan(world, begin=str(when), environment={"HUE": "very blue"})
    long_ago = when - 86400
    world.sh(f'sed -i \'s/"since": .*/"since": 1,/; s/{when}/{long_ago}/\' {FOLDER}/patch-night.json')
    over = plan(world, begin=str(long_ago), environment={"HUE": "very blue"})
    assert (over["state"], over["changed"], over["why"]) == ("nothing", False, "its window is over")
    again = plan(world, begin=str(when), environment={"HUE": "very blue"})
    assert (again["state"], "HUE" in again["diff"]["after"], "blue" in str(again["diff"])) == ("done", True, False)


def test_the_command_knows_its_window(world: World) -> None:
    done = plan(world, windows=[SUNDAY], command=["ansible-playbook", "-e", '{"patch_night_window": @RULES@}'])
    told = json.loads(done["schedules"][0]["command"][2])
    assert told == {"patch_night_window": done["rules"]}
    assert done["rules"]["windows"] == [{"days": ["sun"], "start": "03:00", "duration": 120, "cutoff": 0}]


_PLAY = """\
- hosts: localhost
  connection: local
  gather_facts: false
  roles: [mailops.triage.patch_schedule]
  post_tasks:
    - ansible.builtin.copy: {content: "{{ patch_schedule_result | to_json }}", dest: /run/answer, mode: "0600"}
      check_mode: false
"""


def test_the_role_from_the_first_plan_to_the_cancelling(world: World) -> None:
    (world.folder / "play.yml").write_text(_PLAY, encoding="utf-8")

    def play(*words: str, **variables: Any) -> dict[str, Any]:
        given = {f"patch_schedule_{name}": value for name, value in variables.items()}
        given.update(ansible_become=False, ansible_python_interpreter=sys.executable)
        program = Path(sys.executable).parent / "ansible-playbook"
        line = [
            *(f"ANSIBLE_COLLECTIONS_PATH={ROOT / 'playbooks' / 'collections'}", "ANSIBLE_LOCAL_TEMP=/run/ansible"),
            *("ANSIBLE_REMOTE_TEMP=/run/ansible", str(program), "-e", json.dumps(given), *words),
            str(world.folder / "play.yml"),
        ]
        world.sh("env " + shlex.join(line))
        found: dict[str, Any] = json.loads(world.sh("cat /run/answer"))
        return found

    asked = {"timezone": "Europe/Berlin", "windows": [SUNDAY]}
    assert play("--check", **asked)["state"] == "planned"
    assert world.sh(f"ls -d {FOLDER} 2>/dev/null || true") == ""
    assert play(**asked)["changed"] is True
    assert play(**asked)["changed"] is False
    listed = play(state="listed")["schedules"]
    assert [(one["name"], one["active"]) for one in listed] == [("patch-night", True)]
    assert json.loads(listed[0]["command"][2])["patch_night_scheduled"]["tz"] == "Europe/Berlin"
    assert play(state="cancelled")["changed"] is True
    assert play(state="listed")["schedules"] == []


def test_a_machine_without_systemd_is_told_so(world: World) -> None:
    world.sh("rmdir /run/systemd/system")
    refused = plan(world, windows=[SUNDAY])
    assert (refused["failed"], refused["code"]) == (True, "tool")
    assert "schedule it with at" in refused["msg"]


def test_at_keeps_one_job_and_changes_it(world: World, atd: None) -> None:
    when = night(world)
    planned = plan(world, check=True, **{"with": "at"}, begin=when)
    assert (planned["state"], jobs(world)) == ("planned", [])
    made = plan(world, **{"with": "at"}, begin=when)
    assert (made["state"], made["schedules"][0]["active"]) == ("done", True), made
    assert plan(world, **{"with": "at"}, begin=when)["state"] == "nothing"
    plan(world, **{"with": "at"}, name="other", begin=when)
    later = plan(world, **{"with": "at"}, begin=when.replace("03:00", "04:00"))
    assert (later["state"], len(jobs(world))) == ("done", 2)
    begin = later["schedules"][0]["next"][0]["begin"]
    times = {time.strftime("%a %b %e %H:%M:00 %Y", time.gmtime(one)) for one in (begin, begin - 3600)}
    assert {line.split("\t")[1].rpartition(" a ")[0] for line in world.sh("TZ=UTC0 atq").splitlines()} == times
    assert world.module("patch_timer", state="cancelled")["state"] == "done"
    assert len(jobs(world)) == 1


def test_from_at_to_a_timer_and_back(world: World, atd: None) -> None:
    when = night(world)
    plan(world, **{"with": "at"}, begin=when)
    assert plan(world, begin=when)["state"] == "done"
    assert jobs(world) == []
    assert plan(world, **{"with": "at"}, begin=when)["state"] == "done"
    assert (len(jobs(world)), world.sh(f"ls /etc/systemd/system | grep -c {UNIT} || true")) == (1, "0\n")


def test_atd_begins_it_in_its_minute(world: World, atd: None) -> None:
    when = int(time.time() + 80) // 60 * 60
    plan(world, **{"with": "at"}, begin=str(when), command=["sh", "-c", "date +%s > /run/begun"])
    assert until(lambda: world.sh("cat /run/begun 2>/dev/null || true") != "", 200)
    assert int(world.sh("cat /run/begun")) >= when
    assert until(lambda: world.module("patch_timer", state="listed")["schedules"][0]["last"].get("status") == 0)
    assert jobs(world) == []


def test_a_job_that_atd_begins_late_asks_whether_the_window_is_open(world: World, atd: None) -> None:
    when = night(world)
    plan(world, **{"with": "at"}, begin=when, command=["touch", "/run/begun"])
    number = jobs(world)[0].split()[0]
    assert "not begun: no window is open" in world.sh(f"at -c {number} | sh")
    assert world.sh("test -e /run/begun || echo none") == "none\n"


def test_what_at_cannot_do_is_refused(world: World, atd: None) -> None:
    assert "at runs a thing once" in plan(world, **{"with": "at"}, windows=[SUNDAY])["msg"]
    past = plan(world, **{"with": "at"}, begin=str(int(time.time()) - 60))
    assert "it would have begun already" in past["msg"]
    assert "it would have begun already" in plan(world, begin=str(int(time.time()) - 86400))["msg"]
    assert jobs(world) == []


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"name": "../x"}, "a name is of small letters"),
        ({"command": []}, "no command"),
        ({"user": "nobody; id"}, "no user"),
        ({"user": "no-such-user"}, "no user no-such-user here"),
        ({"environment": {"A B": "1"}}, "no name of a variable"),
        ({"timezone": "Europe/Atlantis"}, "no time zone"),
    ],
)
def test_what_cannot_be_understood_is_refused(world: World, wrong: dict[str, Any], word: str) -> None:
    refused = plan(world, windows=[SUNDAY], **wrong)
    assert (refused["failed"], refused["code"]) == (True, "invalid")
    assert word in refused["msg"]


def test_the_rule_for_awx_changes_nothing(world: World) -> None:
    found = plan(world, **{"with": "awx"}, windows=[SUNDAY], command=[])
    assert (found["state"], found["changed"]) == ("nothing", False)
    assert found["rrule"] == "DTSTART;TZID=Europe/Berlin:20260104T030000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU"
    assert world.sh(f"ls -d {FOLDER} 2>/dev/null || true") == ""
