# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance: other runs are kept away, and Monit, a real one, is paused and always watches again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from world import World, until

MARKER = "/etc/mailops-triage/maintenance"
STATE = "/var/lib/mailops-triage/state.json"
_MONITRC = """\
set daemon 1
set log /run/monit.log
set idfile /run/monit.id
set statefile /run/monit.state
set pidfile /run/monit.pid
{talk}
check file hosts with path /etc/hosts
check file passwd with path /etc/passwd
check process "mail server" matching "no such program"
"""
_TALK = "set httpd unixsocket /run/monit.sock\n  allow localhost\n"


def maintain(world: World, *, check: bool = False, run: str = "night-1", **options: Any) -> dict[str, Any]:
    """Begin, for an hour."""
    asked = {"until": str(int(time.time()) + 3600), "wait": 0.0, "reason": "security updates", **options}
    return world.module("maintenance", check=check, run=run, **asked)


def finish(world: World, *, run: str = "night-1") -> dict[str, Any]:
    """End."""
    return world.module("maintenance", state="ended", run=run, wait=0.0)


@pytest.fixture
def watcher(world: World, monit: Path) -> Callable[..., None]:
    """Starts Monit on the machine."""

    def start(talk: str = _TALK, more: str = "") -> None:
        (world.folder / "sbin" / "monit").write_text(f'#!/bin/sh\nexec {monit} -c /run/monitrc "$@"\n')
        (world.folder / "sbin" / "monit").chmod(0o755)
        world.sh(f"cat > /run/monitrc <<'END'\n{_MONITRC.format(talk=talk)}{more}END\nchmod 600 /run/monitrc")
        launch(world)

    return start


def launch(world: World) -> None:
    """Start Monit, and wait until it has looked once."""
    world.sh("rm -f /run/monit.log; monit >/dev/null 2>&1")
    assert until(lambda: "started" in world.sh("cat /run/monit.log 2>/dev/null || true"))


def watched(world: World) -> dict[str, bool]:
    """What Monit watches, in its own words."""
    lines = [line.strip() for line in world.sh("monit -B summary | tail -n +3").splitlines()]
    return {line.rpartition("  ")[0].split("  ")[0]: "Not monitored" not in line for line in lines if line}


def watched_at(world: World) -> float:
    """When Monit has looked last, in epoch seconds."""
    line = world.sh("monit -B status hosts | grep 'data collected'").partition("collected")[2].strip()
    return time.mktime(time.strptime(line, "%a, %d %b %Y %H:%M:%S"))


def test_other_runs_are_kept_away_and_the_run_itself_acts(world: World) -> None:
    done = maintain(world)
    assert (done["state"], done["changed"], done["paused"]) == ("done", True, []), done
    text = world.sh(f"cat {MARKER}")
    assert "run: night-1\n" in text and "reason: security updates\n" in text
    drained = {"state": "drained", "deadline": 0.0}
    other = world.module("service_drain", guard={"run": "night-2", "wait": 0.0}, **drained)
    assert (other["state"], other["code"]) == ("refused", "maintenance")
    assert "night-1" in other["why"] and "security updates" in other["why"]
    assert world.module("service_drain", guard={"run": "night-1", "wait": 0.0}, **drained)["state"] == "done"


def test_done_twice_it_changes_nothing_and_a_new_end_is_taken(world: World) -> None:
    end = str(int(time.time()) + 3600)
    maintain(world, until=end)
    again = maintain(world, until=end)
    assert (again["state"], again["changed"]) == ("nothing", False)
    later = maintain(world, until="2026-01-01T00:00Z")
    assert (later["state"], later["code"]) == ("refused", "invalid")
    assert maintain(world, until=str(int(end) + 600))["state"] == "done"
    assert {one["until"] for one in world.measures()} == {float(end) + 600}
    assert len(world.measures()) == 1


def test_check_mode_tells_it_and_does_nothing(world: World, watcher: Callable[..., None]) -> None:
    watcher()
    planned = maintain(world, check=True)
    assert (planned["state"], planned["changed"], planned["paused"]) == ("planned", True, ["Monit"])
    assert "run: night-1" in planned["diff"]["after"] and "Monit is paused" in planned["diff"]["after"]
    assert all(watched(world).values())
    assert world.sh(f"test -e {MARKER} || echo none") == "none\n"


def test_somebody_elses_maintenance_is_respected(world: World) -> None:
    world.sh(f"mkdir -p /etc/mailops-triage; echo 'alice, new disk' > {MARKER}")
    refused = maintain(world)
    assert (refused["state"], refused["code"]) == ("refused", "maintenance")
    assert "alice, new disk" in refused["why"]
    assert finish(world)["state"] == "nothing"
    assert world.sh(f"cat {MARKER}") == "alice, new disk\n"


def test_another_run_does_not_end_it(world: World) -> None:
    maintain(world)
    refused = finish(world, run="night-2")
    assert (refused["state"], refused["code"]) == ("refused", "maintenance")
    assert "night-1" in refused["why"]
    assert "night-1" in world.sh(f"cat {MARKER}")


def test_monit_watches_again_just_what_it_watched(world: World, watcher: Callable[..., None]) -> None:
    watcher()
    world.sh("monit unmonitor passwd")
    assert until(lambda: not watched(world)["passwd"])
    before = watched(world)
    done = maintain(world)
    assert (done["state"], done["paused"], done["watching"]) == ("done", ["Monit"], []), done
    assert not any(watched(world).values())
    assert maintain(world, until=str(int(time.time()) + 1800))["state"] == "done"
    ended = finish(world)
    assert (ended["state"], ended["changed"]) == ("done", True), ended
    assert until(lambda: watched(world) == before), watched(world)
    assert before["mail server"] and before["hosts"]
    assert world.sh(f"test -e {MARKER} || echo none") == "none\n"
    assert world.measures() == []


def test_the_next_run_knows_what_monit_watched_before_the_one_that_was_never_ended(
    world: World, watcher: Callable[..., None]
) -> None:
    watcher()
    maintain(world)
    world.hurry()
    # The end that the marker itself tells has come, too, and so has that of the first run's lease.
    world.sh(f"sed -i 's/^until: .*/until: 2026-01-01T00:00Z/' {MARKER}")
    world.sh(f'sed -i \'s/"lease": {{[^}}]*}}/"lease": null/\' {STATE}')
    second = maintain(world, run="night-2")
    assert (second["state"], second["paused"]) == ("done", ["Monit"]), second
    assert not any(watched(world).values())
    assert finish(world, run="night-2")["state"] == "done"
    assert all(watched(world).values())
    assert world.measures() == []


def test_it_watches_on_what_was_patched_meanwhile(world: World, watcher: Callable[..., None]) -> None:
    """The recipes of Debian give up a service as soon as its program is another one."""
    world.sh("echo old > /run/program")
    watcher(more="check file program with path /run/program\n  if failed checksum then unmonitor\n")
    maintain(world)
    world.sh("echo new > /run/program")
    assert finish(world)["state"] == "done"
    # Two rounds of Monit, in which it has looked at the program.
    looked = watched_at(world)
    assert until(lambda: watched_at(world) > looked + 1)
    assert all(watched(world).values())


def test_a_monit_with_a_broken_configuration_is_released_when_it_is_mended(
    world: World, watcher: Callable[..., None]
) -> None:
    """Until then it obeys nobody; what runs is not reloaded, and so not ended by its error."""
    watcher()
    maintain(world)
    world.sh("echo 'check nonsense' >> /run/monitrc")
    assert finish(world)["state"] == "failed"
    world.sh("sed -i '/nonsense/d' /run/monitrc")
    assert not any(watched(world).values())
    world.timer()
    assert all(watched(world).values())


def test_the_timer_releases_everything_when_the_controller_is_gone(world: World, watcher: Callable[..., None]) -> None:
    watcher()
    maintain(world)
    world.timer()
    assert not any(watched(world).values())
    world.hurry()
    world.timer()
    assert until(lambda: all(watched(world).values()))
    assert world.sh(f"test -e {MARKER} || echo none") == "none\n"
    assert world.sh("ls /etc/systemd/system | grep -c mailops || true") == "0\n"


def test_a_monit_that_is_away_is_told_when_it_is_back(world: World, watcher: Callable[..., None]) -> None:
    """It remembers over its own restart that it was told to watch nothing, unless it takes it for a reboot."""
    watcher()
    maintain(world)
    world.sh("kill $(cat /run/monit.pid)")
    assert until(lambda: world.sh("monit -B status >/dev/null 2>&1 || echo gone") == "gone\n")
    failed = finish(world)
    assert (failed["state"], failed["failed"]) == ("failed", True)
    assert "the host's own timer goes on trying" in failed["why"]
    assert world.sh(f"test -e {MARKER} || echo none") == "none\n"
    assert [one["kind"] for one in world.measures()] == ["monit"]
    launch(world)
    world.timer()
    assert until(lambda: all(watched(world).values()))
    assert world.measures() == []


def test_a_monit_that_nobody_can_talk_to_is_stopped_and_started(world: World, watcher: Callable[..., None]) -> None:
    watcher(talk="")
    refused = maintain(world)
    assert (refused["state"], refused["code"]) == ("refused", "watcher")
    assert world.sh(f"test -e {MARKER} || echo none") == "none\n"
    world.sh("echo active > /run/active-monit.service")
    done = maintain(world)
    assert (done["state"], done["paused"]) == ("done", ["Monit"])
    assert "systemctl stop monit.service" in world.sh("cat /run/calls")
    assert finish(world)["state"] == "done"
    assert world.sh("cat /run/active-monit.service") == "active\n"


def test_a_monit_that_may_stay_is_named(world: World, watcher: Callable[..., None]) -> None:
    watcher()
    done = maintain(world, pause_watchers=False)
    assert (done["state"], done["paused"], done["watching"]) == ("done", [], ["Monit"])
    assert all(watched(world).values())
