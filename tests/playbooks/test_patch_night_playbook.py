# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow of a patch night as a user runs it: what comes after what, who waits for whom, what stops it and goes on."""

from __future__ import annotations

import calendar
import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import night_stand_in
import plays
import pytest

BEGIN = ["package_update.downloaded", "maintenance.begun", "service_drain.drained", "package_update.applied"]
OPEN = ["service_drain.open", "service_drain.open", "maintenance.ended"]
WHOLE = [*BEGIN, "daemon_restart", *OPEN]
PAIRS = {"mx1": "mx", "mx2": "mx", "store1": "store", "store2": "store"}


def states(fleet: night_stand_in.Fleet, number: int = -1) -> dict[str, str]:
    """How each host has ended, by the ledger of a night."""
    return {name: host["state"] for name, host in fleet.ledgers()[number]["hosts"].items()}


def report(fleet: night_stand_in.Fleet) -> tuple[Path, dict[str, Any]]:
    """The last report, and where it lies."""
    path = sorted((fleet.place / "patch-nights").glob("*/report.json"))[-1]
    return path.parent, json.loads(path.read_text(encoding="utf-8"))


def well(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_night_over_two_groups(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, PAIRS)
    ticket = "4711 {{ lookup('ansible.builtin.pipe', 'touch ran') }}"
    done = fleet.night(triage_ticket=ticket)
    well(done)
    (night,) = fleet.ledgers()
    assert night["state"] == "finished" and states(fleet) == dict.fromkeys(PAIRS, "done")
    for name in PAIRS:
        assert fleet.acts(name) == WHOLE
        # Each step says for which ticket it is; its text is a text.
        asked = [told["guard"] if "guard" in told else told for told in (one["told"] for one in fleet.told(name))]
        assert {one["ticket"] for one in asked if one.get("state") in (None, "begun")} == {ticket}
    assert not list(tmp_path.rglob("ran"))
    # Never two members of one group at once, and the canary before everybody.
    spans = {
        name: (
            next(one["at"] for one in fleet.told(name) if one["what"] == "maintenance.begun"),
            next(one["at"] for one in fleet.told(name) if one["what"] == "maintenance.ended"),
        )
        for name in PAIRS
    }
    assert spans["mx1"][1] < min(begin for name, (begin, dummy) in spans.items() if name != "mx1")
    assert spans["store1"][1] < spans["store2"][0]
    # What is installed is what was frozen, and nothing but that.
    (applied,) = [one["told"] for one in fleet.told("mx2") if one["what"] == "package_update.applied"]
    assert applied["only"] == {"dovecot-core": "1:2.3.19-2"} and applied["exclude"] == []
    assert applied["guard"]["run"] == night["id"]
    folder, told = report(fleet)
    assert told["hosts"]["mx1"]["packages"] == night_stand_in.APPLIED["changed_packages"]
    assert told["measured"]["looks"] > 1
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "dovecot.conf.dpkg-dist" in page and "<script" not in page
    assert "dovecot-core 1:2.3.19-1 → 1:2.3.19-2" in done.stdout


def test_what_has_nothing_pending_is_not_touched_and_a_second_night_has_nothing_to_do(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": "", "b": ""})
    nothing = {"pending": [], "restarts": []}
    for name in "ab":
        fleet.script(name, package_update__listed=nothing)
    well(fleet.night())
    assert states(fleet) == {"a": "nothing", "b": "nothing"}
    assert fleet.acts("a") == fleet.acts("b") == []


def test_check_mode_shows_what_would_be_done_and_leaves_nothing(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx"})
    done = fleet.night("--check")
    well(done)
    assert not (tmp_path / "patch-nights").exists()
    assert all(one["check"] for name in ("mx1", "mx2") for one in fleet.told(name))
    assert "package_update.applied" in fleet.acts("mx2")
    assert "Check mode" in done.stdout and "2 planned" in done.stdout
    fleet.put("mx1", site="sick")
    done = fleet.night("--check")
    assert "software.stand_in" in done.stdout and "1 left, 1 planned" in done.stdout


def test_a_host_that_is_worse_goes_back_and_stops_the_night(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx", "store": ""})
    fleet.script(
        "mx1",
        package_update__applied={"writes": {"site": "sick"}},
        package_update__rolled_back={"writes": {"site": "well"}},
    )
    done = fleet.night(patch_night_time_limit=7200)
    assert done.returncode != 0
    assert states(fleet) == {"mx1": "rolled_back", "mx2": "left", "store": "left"}
    assert fleet.acts("mx2") == fleet.acts("store") == []
    back = ["maintenance.begun", "service_drain.drained", "package_update.rolled_back", *OPEN]
    assert fleet.acts("mx1") == [*BEGIN, "daemon_restart", "service_drain.open", *back]
    # Maintenance and drain outlast every step that may follow, and the way back has its own time.
    told = fleet.told("mx1")
    for begun, drained in zip(
        [one for one in told if one["what"] == "maintenance.begun"],
        [one for one in told if one["what"] == "service_drain.drained"],
        strict=True,
    ):
        until = calendar.timegm(time.strptime(begun["told"]["until"], "%Y-%m-%dT%H:%M:%SZ"))
        assert 7200 + 120 + 600 < until - begun["at"] < 9000 and 7200 + 120 + 600 < drained["told"]["expires"] < 9000
    (told,) = [one["told"] for one in fleet.told("mx1") if one["what"] == "package_update.rolled_back"]
    assert told["only"] == {"dovecot-core": "1:2.3.19-1"}
    dummy, found = report(fleet)
    assert found["stopped"]["code"] == "worse" and "software.stand_in" in found["stopped"]["why"]
    assert found["hosts"]["mx1"]["again"]["verdict"] == "same"
    assert found["hosts"]["store"]["why"] == found["stopped"]["why"]
    # Mended and run again: a new night, which finishes the job.
    fleet.script("mx1")
    well(fleet.night())
    assert states(fleet) == {"mx1": "done", "mx2": "done", "store": "done"}


def test_a_package_that_breaks_takes_its_host_back_and_stops_the_night(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, PAIRS)
    half = {"state": "failed", "code": "half_configured", "why": "dovecot-core: post-installation script failed"}
    packages = [{"package": "dovecot-core", "state": "half-configured"}]
    fleet.script("mx1", package_update__applied={**half, "half_configured": packages})
    fleet.script("store1")
    done = fleet.night()
    assert done.returncode != 0
    assert states(fleet) == {"mx1": "rolled_back", "mx2": "left", "store1": "left", "store2": "left"}
    assert "daemon_restart" not in fleet.acts("mx1")[: len(BEGIN) + 1]
    assert fleet.acts("mx1")[-3:] == OPEN


def test_where_the_way_back_fails_it_is_told_what_to_do(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx"})
    fleet.script(
        "mx1",
        package_update__applied={"writes": {"site": "sick"}},
        package_update__rolled_back={"state": "refused", "code": "no_way_back", "why": "the old packages are gone"},
    )
    done = fleet.night()
    assert done.returncode != 0
    assert states(fleet) == {"mx1": "failed", "mx2": "left"}
    dummy, found = report(fleet)
    assert any("dovecot-core=1:2.3.19-1" in line for line in found["hosts"]["mx1"]["next"])
    assert fleet.acts("mx1")[-3:] == OPEN


def test_a_host_that_nobody_reaches_any_more_is_told_of_and_stops_the_night(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx", "c": ""})
    fleet.put("c", connection="gone")
    fleet.script("mx1", package_update__applied={"writes": {"connection": "gone"}})
    done = fleet.night()
    assert done.returncode != 0
    assert states(fleet) == {"mx1": "failed", "mx2": "left", "c": "left"}
    dummy, found = report(fleet)
    assert found["hosts"]["c"]["code"] == "unreachable" and fleet.acts("c") == fleet.acts("mx2") == []
    assert "cannot be logged into any more" in found["stopped"]["why"]
    assert any("console or its BMC" in line for line in found["hosts"]["mx1"]["next"])
    # It is back, and the same command finishes the job.
    fleet.put("mx1", connection="local")
    fleet.script("mx1")
    well(fleet.night())
    assert states(fleet) == {"mx1": "done", "mx2": "done", "c": "left"}


def test_a_host_that_does_not_come_back_is_left_to_people_and_the_others_are_not_touched(tmp_path: Path) -> None:
    """Ansible's reboot refuses to reboot the controller itself, which is what this host is."""
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx"})
    fleet.script("mx1", package_update__applied={"reboot": {"required": True, "why": ["linux-image"], "advised": []}})
    assert fleet.night().returncode != 0
    assert states(fleet)["mx2"] == "left"
    dummy, found = report(fleet)
    steps = {one["step"]: one["state"] for one in found["hosts"]["mx1"]["steps"]}
    assert steps["rebooted"] == "failed" and steps["rolled_back"] == "done"
    assert found["stopped"]["why"].startswith("mx1: the reboot failed")


def test_a_reboot_that_is_not_allowed_is_left_and_told(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": ""})
    fleet.script("a", package_update__applied={"reboot": {"required": True, "why": ["linux-image"], "advised": []}})
    well(fleet.night(patch_night_reboot="never"))
    dummy, found = report(fleet)
    assert found["hosts"]["a"]["state"] == "done"
    assert "a reboot is required: linux-image" in found["hosts"]["a"]["left"]


def test_a_sick_host_is_left_and_one_that_the_patch_cures_is_not(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": "", "b": "", "c": ""})
    fleet.put("a", site="sick")
    fleet.put("b", site="unpatched")
    fleet.script("b", package_update__applied={"writes": {"site": "well"}})
    well(fleet.night())
    assert states(fleet) == {"a": "left", "b": "done", "c": "done"}
    assert fleet.acts("a") == ["package_update.downloaded"]
    dummy, found = report(fleet)
    assert found["hosts"]["a"]["code"] == "sick"
    assert found["hosts"]["b"]["judged"]["verdict"] == "better"
    assert fleet.night(patch_night_fail_on="left").returncode != 0


def test_no_room_is_found_out_before_anything_is_touched(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": "", "b": ""})
    refused = {"state": "refused", "code": "no_room", "why": "10485760 bytes needed at /, 4096 available"}
    fleet.script("a", package_update__downloaded=refused)
    well(fleet.night())
    assert states(fleet) == {"a": "left", "b": "done"}
    assert fleet.acts("a") == ["package_update.downloaded"]


def test_where_the_canary_is_left_another_goes_ahead_alone(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, dict.fromkeys("abcd", ""))
    refused = {"state": "refused", "code": "no_room", "why": "10485760 bytes needed at /, 4096 available"}
    fleet.script("a", package_update__downloaded=refused)
    well(fleet.night())
    assert states(fleet) == {"a": "left", "b": "done", "c": "done", "d": "done"}
    begun = {name: min(one["at"] for one in fleet.told(name) if one["what"] == "maintenance.begun") for name in "bcd"}
    ended = {name: max(one["at"] for one in fleet.told(name) if one["what"] == "maintenance.ended") for name in "bcd"}
    assert ended["b"] < min(begun["c"], begun["d"]) and max(begun["c"], begun["d"]) < min(ended["c"], ended["d"])
    assert all(fleet.acts(name) == WHOLE for name in "bcd")


def test_somebody_elses_maintenance_is_respected(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": "", "b": ""})
    refused = {"state": "refused", "code": "maintenance", "why": "somebody is at work there"}
    fleet.script("a", maintenance__begun=refused)
    well(fleet.night())
    assert states(fleet) == {"a": "left", "b": "done"}
    assert "package_update.applied" not in fleet.acts("a")
    assert report(fleet)[1]["hosts"]["a"]["why"] == "the begin of maintenance was refused: somebody is at work there"


def test_outside_of_the_window_nothing_is_begun(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": ""})
    begin = time.gmtime(time.time() + 7200)
    later = {"days": "daily", "start": time.strftime("%H:%M", begin), "duration": "1h"}
    done = fleet.night(patch_night_window={"windows": [later]})
    well(done)
    assert states(fleet) == {"a": "left"} and fleet.acts("a") == []
    dummy, found = report(fleet)
    assert found["held_up"]["code"] == "early"
    assert 0 < found["next_window"] - time.time() <= 7200
    assert "The next window begins" in done.stdout


def test_a_batch_that_would_not_be_done_in_time_is_not_begun(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": ""})
    begin = time.gmtime(time.time() - 1800)
    now = {"days": "daily", "start": time.strftime("%H:%M", begin), "duration": "2h", "cutoff": "30m"}
    well(fleet.night(patch_night_window={"windows": [now]}, patch_night_estimate=7200))
    assert report(fleet)[1]["held_up"]["code"] == "late" and fleet.acts("a") == []
    well(fleet.night(patch_night_window={"windows": [now]}, patch_night_estimate=60))
    assert states(fleet) == {"a": "done"}


def test_a_schedule_adds_its_windows_and_takes_no_blackout_and_no_held_host_away(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": "", "b": ""})
    begin = time.gmtime(time.time() + 43200)
    site = {
        "tz": "Europe/Berlin",
        "windows": [{"days": "daily", "start": time.strftime("%H:%M", begin), "duration": "1h"}],
        "hold_hosts": ["a"],
    }
    today = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    later = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400))
    # Without quotes, as the documentation has it: YAML makes dates of these.
    rules = f"{json.dumps(site)[:-1]}, blackouts: [{{name: audit, start: {today}, end: {later}}}]}}"
    (tmp_path / "window.yml").write_text(f"patch_night_window: {rules}\n", encoding="utf-8")
    # Open for hours yet, whenever this is run.
    opened = time.strftime("%H:%M", time.gmtime(time.time() - 3600))
    scheduled = {"tz": "UTC", "windows": [{"days": "daily", "start": opened, "duration": 1440}]}
    done = fleet.night("-e", f"@{tmp_path / 'window.yml'}", patch_night_scheduled=scheduled)
    well(done)
    assert states(fleet) == {"a": "left", "b": "left"} and "blackout 'audit'" in done.stdout
    well(fleet.night(patch_night_scheduled=scheduled, patch_window_rules=site))
    assert states(fleet) == {"a": "left", "b": "done"}


def test_groups_that_the_windows_are_proposed_by_are_kept_apart(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, dict.fromkeys("abcd", ""))
    begin = time.gmtime(time.time() + 7200)
    later = {"windows": [{"days": "daily", "start": time.strftime("%H:%M", begin), "duration": "1h"}]}
    well(fleet.night(patch_night_window=later, patch_window_groups={"mx": ["b", "c", "d"]}))
    assert [one["hosts"] for one in fleet.ledgers()[0]["batches"]] == [["b"], ["a", "c"], ["d"]]


def test_held_hosts_stay_out(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": "", "b": ""})
    well(fleet.night(patch_night_window={"hold_hosts": ["a"]}))
    assert states(fleet) == {"a": "left", "b": "done"} and fleet.acts("a") == []


def test_who_stands_in_for_a_host_is_looked_at_from_outside_too(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx", "a": ""})
    well(fleet.night("-l", "mx1", mail_roles=["mta"]))
    (path,) = (tmp_path / "patch-nights").glob("*/probes/*.json")
    seen = json.loads(path.read_text(encoding="utf-8"))
    assert {*seen["well"], *seen["outages"]} == {"mx1", "mx2"}


@pytest.mark.parametrize("prefix", ["awx", "tower"])
def test_slices_of_an_awx_job_are_refused(tmp_path: Path, prefix: str) -> None:
    fleet = night_stand_in.Fleet(tmp_path, PAIRS)
    workflow = {f"{prefix}_job_template_name": "Patch night", f"{prefix}_workflow_job_id": 17}
    done = fleet.night("-e", json.dumps({**workflow, f"{prefix}_workflow_job_name": "Patch night"}))
    assert done.returncode != 0
    assert "would think that its hosts are the whole fleet" in plays.said(done)
    assert not (tmp_path / "patch-nights").exists() and fleet.told("mx1") == []
    another = {**workflow, f"{prefix}_workflow_job_name": "Every Tuesday"}
    assert fleet.night("-e", json.dumps(another), "-l", "mx1").returncode == 0


def test_hooks_of_the_site_are_called_in_their_places(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": ""})
    hooks = {}
    for name in ("snapshot", "drain", "undrain", "reboot"):
        path = tmp_path / f"{name}.yml"
        words = {"name": "Do it", "mailops.triage.maintenance": {"state": name, "run": "hook"}}
        path.write_text(json.dumps([{**words, "register": "patch_night_answer"}]), encoding="utf-8")
        hooks[name] = str(path)
    fleet.script("a", package_update__applied={"reboot": {"required": True, "why": [], "advised": []}})
    well(fleet.night(patch_night_hooks=hooks))
    said = [one.removeprefix("maintenance.") for one in fleet.acts("a")]
    assert said[1:6] == ["begun", "snapshot", "drain", "service_drain.drained", "package_update.applied"]
    assert said[6:9] == ["reboot", "service_drain.open", "undrain"]
    assert states(fleet) == {"a": "done"}


@pytest.mark.parametrize(("name", "ended"), [("snapshot", "left"), ("drain", "left"), ("undrain", "done")])
def test_a_hook_that_fails_leaves_nobody_closed(tmp_path: Path, name: str, ended: str) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": "", "b": ""})
    task = {"name": "Fail", "ansible.builtin.fail": {"msg": "the site says no"}}
    (tmp_path / "hook.yml").write_text(json.dumps([task]), encoding="utf-8")
    done = fleet.night(patch_night_hooks={name: str(tmp_path / "hook.yml")})
    assert (done.returncode == 0) == (ended == "left"), done.stdout + done.stderr
    assert fleet.acts("a")[-1] == "maintenance.ended"
    assert ("package_update.applied" in fleet.acts("a")) == (ended == "done")
    dummy, found = report(fleet)
    assert found["hosts"]["a"]["state"] == ended
    said = " ".join([found["hosts"]["a"]["why"], *found["hosts"]["a"]["left"]])
    assert "the site says no" in said
    # A host that is not back where its clients look for it is no state to go on from.
    assert (found["hosts"]["b"]["state"], found["stopped"] is None) == (
        ended if ended == "left" else "left",
        ended == "left",
    )


def killed_while(fleet: night_stand_in.Fleet, host: str, what: str, times: int = 1) -> None:
    """Run a night, and kill the controller with no word of warning while a stand-in is at work.

    :param times: the how manyth time
    """
    with subprocess.Popen(
        fleet.line(),
        cwd=fleet.place,
        env=fleet.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        until = time.monotonic() + 120
        while fleet.acts(host).count(what) < times and time.monotonic() < until:
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    assert fleet.acts(host).count(what) == times


def test_a_killed_controller_and_the_same_command_again(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, PAIRS)
    fleet.script("store1", package_update__applied={"takes": 5})
    killed_while(fleet, "store1", "package_update.applied")
    assert states(fleet) == {"mx1": "done", "mx2": "begun", "store1": "begun", "store2": "planned"}
    # Meanwhile half of a host looks sick: it is judged by what it was before, and the window is over.
    fleet.put("store1", site="sick")
    fleet.script("store1", package_update__applied={"writes": {"site": "well"}})
    begin = time.gmtime(time.time() + 7200)
    later = {"windows": [{"days": "daily", "start": time.strftime("%H:%M", begin), "duration": "1h"}]}
    well(fleet.night(patch_night_window=later))
    (night,) = fleet.ledgers()
    assert states(fleet) == {"mx1": "done", "mx2": "done", "store1": "done", "store2": "left"}
    assert fleet.acts("mx1") == WHOLE, "what was done is not done again"
    assert fleet.acts("store2") == []
    assert fleet.acts("store1")[-6:] == [*BEGIN[2:], "daemon_restart", *OPEN]
    assert [run["resumed"] for run in night["runs"]] == [False, True]
    assert report(fleet)[1]["measured"]["unseen"], "nobody looked between the runs, and the report says so"
    # The rest waits for the next night.
    well(fleet.night())
    assert states(fleet)["store2"] == "done" and len(fleet.ledgers()) == 2


def test_who_was_begun_with_and_not_touched_is_let_go_when_the_window_is_over(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx"})
    fleet.script("mx1", service_drain__drained={"takes": 4})
    killed_while(fleet, "mx1", "service_drain.drained")
    assert states(fleet) == {"mx1": "begun", "mx2": "planned"}
    fleet.script("mx1")
    begin = time.gmtime(time.time() + 7200)
    later = {"windows": [{"days": "daily", "start": time.strftime("%H:%M", begin), "duration": "1h"}]}
    well(fleet.night(patch_night_window=later))
    assert states(fleet) == {"mx1": "left", "mx2": "left"} and len(fleet.ledgers()) == 1
    assert fleet.acts("mx1") == [*BEGIN[:3], "service_drain.open", "maintenance.ended"] and fleet.acts("mx2") == []
    assert report(fleet)[1]["hosts"]["mx1"]["code"] == "early"


def test_what_had_gone_back_when_the_controller_was_killed_is_not_patched_again(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx"})
    sick, better = {"writes": {"site": "sick"}}, {"writes": {"site": "well"}}
    fleet.script(
        "mx1", package_update__applied=sick, package_update__rolled_back=better, service_drain__open={"takes": 4}
    )
    killed_while(fleet, "mx1", "service_drain.open", times=2)
    assert states(fleet) == {"mx1": "begun", "mx2": "planned"}
    assert fleet.night().returncode != 0
    assert states(fleet) == {"mx1": "rolled_back", "mx2": "left"} and len(fleet.ledgers()) == 1
    assert fleet.acts("mx1").count("package_update.applied") == 1
    assert fleet.acts("mx1")[-1] == "maintenance.ended" and fleet.acts("mx2") == []


def test_what_was_judged_bad_when_the_controller_was_killed_goes_back_and_is_not_patched_again(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"mx1": "mx", "mx2": "mx"})
    # The host goes its way back by itself: at the next look it is well, and has the old packages.
    back = {"writes": {"site": "well"}, "takes": 4}
    fleet.script("mx1", package_update__applied={"writes": {"site": "sick"}}, package_update__rolled_back=back)
    killed_while(fleet, "mx1", "package_update.rolled_back")
    assert states(fleet) == {"mx1": "begun", "mx2": "planned"}
    assert fleet.night().returncode != 0
    assert states(fleet) == {"mx1": "rolled_back", "mx2": "left"} and len(fleet.ledgers()) == 1
    assert fleet.acts("mx1").count("package_update.applied") == 1
    assert fleet.acts("mx1")[-4:] == ["package_update.rolled_back", *OPEN] and fleet.acts("mx2") == []
    assert "software.stand_in" in report(fleet)[1]["hosts"]["mx1"]["why"]


@pytest.mark.parametrize("seed", [7])
def test_killed_again_and_again_at_any_moment(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    fleet = night_stand_in.Fleet(tmp_path, PAIRS)
    for dummy in range(3):
        with subprocess.Popen(
            fleet.line(),
            cwd=tmp_path,
            env=fleet.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as run:
            time.sleep(dice.uniform(1, 8))
            run.kill()
        if fleet.ledgers() and fleet.ledgers()[-1]["state"] == "finished":
            break
    else:
        well(fleet.night())
    assert len(fleet.ledgers()) == 1 and states(fleet) == dict.fromkeys(PAIRS, "done")
    spans = {}
    for name in PAIRS:
        told = fleet.told(name)
        assert told[-1]["what"] == "maintenance.ended"
        spans[name] = (min(one["at"] for one in told if one["what"] == "maintenance.begun"), told[-1]["at"])
    # However often it was begun with: the other one of its group was not touched before it was over.
    assert spans["mx1"][1] < spans["mx2"][0] and spans["store1"][1] < spans["store2"][0]


def test_two_runs_cannot_be_at_one_night(tmp_path: Path) -> None:
    fleet = night_stand_in.Fleet(tmp_path, {"a": ""})
    fleet.script("a", package_update__applied={"takes": 12})
    with subprocess.Popen(
        fleet.line(), cwd=tmp_path, env=fleet.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as first:
        until = time.monotonic() + 120
        while "package_update.applied" not in fleet.acts("a") and time.monotonic() < until:
            time.sleep(0.05)
        second = fleet.night()
        assert second.returncode != 0
        assert f"process {first.pid} is at work on it" in plays.said(second)
        assert first.wait() == 0
    assert states(fleet) == {"a": "done"} and fleet.acts("a") == WHOLE
