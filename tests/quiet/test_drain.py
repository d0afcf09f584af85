# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drain: who comes anew is refused, who is there may finish, and the host opens again whatever happens."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from world import HERE, THERE, World, until

GUARD = {"run": "night-1", "wait": 0.0}
MAIL = (25, 587, 143, 993)


def drain(world: World, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """Drain; nobody is waited for unless it is said."""
    return world.module("service_drain", check=check, **{"deadline": 0.0, "guard": GUARD, **options})


def reopen(world: World, *, check: bool = False, run: str = "night-1") -> dict[str, Any]:
    """Open again."""
    return world.module("service_drain", check=check, state="open", guard={"run": run, "wait": 0.0})


@pytest.fixture(autouse=True)
def _served(world: World) -> None:
    world.serve(22, *MAIL)


def test_new_sessions_are_refused_at_once_and_those_that_are_there_go_on(world: World) -> None:
    there = world.session(25)
    done = drain(world)
    assert (done["state"], done["changed"], done["code"]) == ("done", True, ""), str(done)
    assert {world.answers(port, address) for port in MAIL for address in HERE} == {"ConnectionRefusedError"}
    assert [world.answers(22), world.answers(25, local=True), world.answers(25, "127.0.0.1", local=True)] == [
        "open"
    ] * 3
    there.stdin.write("mail from:<a@example.test>\n")
    there.stdin.flush()
    assert there.stdout.readline() == "said\n"
    assert done["sessions_left"] == 1
    assert done["diff"]["after"].startswith("closed ports: 25, 110, 143, ")


def test_only_the_ports_that_were_asked_for_are_closed(world: World) -> None:
    drain(world, roles=["imap"], ports=[587])
    found = {port: world.answers(port) for port in MAIL}
    assert found == {25: "open", 587: "ConnectionRefusedError", 143: found[587], 993: found[587]}


def test_the_way_in_is_never_closed(world: World) -> None:
    refused = drain(world, ports=[22])
    assert (refused["state"], refused["code"], refused["changed"]) == ("refused", "invalid", False)
    assert world.answers(25) == "open"


def test_who_is_admitted_comes_in_and_is_not_waited_for(world: World) -> None:
    there = world.session(993, HERE[1])
    done = drain(world, admit=[THERE[0], f"{THERE[1]}/128", "2001:db8::/126"], deadline=60.0)
    assert (done["state"], done["sessions_left"], done["seconds"]) == ("done", 0, 0.0), done
    assert [world.answers(25), world.answers(25, HERE[1])] == ["open", "open"]
    assert drain(world, admit=[THERE[0]])["state"] == "done"
    assert [world.answers(25), world.answers(25, HERE[1])] == ["open", "ConnectionRefusedError"]
    assert there.poll() is None


def test_it_waits_for_those_at_work_and_not_for_those_that_only_listen(world: World) -> None:
    idle, busy = world.session(993), world.session(25)
    busy.stdin.write("hush, I wait for your answer\n")
    busy.stdin.flush()
    assert busy.stdout.readline() == "said\n"
    found: dict[str, Any] = {}
    waiting = threading.Thread(target=lambda: found.update(drain(world, deadline=300.0, idle=0.5)))
    waiting.start()
    assert until(lambda: world.answers(25) == "ConnectionRefusedError")
    time.sleep(2)
    assert waiting.is_alive()
    busy.kill()
    waiting.join()
    assert (found["state"], found["sessions_left"], found["sessions_working"]) == ("done", 1, 0), found
    assert (found["before"]["sessions"], found["after"]["protocols"]) == (2, {"imaps": 1})
    assert "1 idle sessions left" in found["why"]
    assert idle.poll() is None


def test_the_deadline_ends_the_waiting_and_nobody_is_cut_off(world: World) -> None:
    busy = world.session(25)
    busy.stdin.write("hush\n")
    busy.stdin.flush()
    busy.stdout.readline()
    done = drain(world, deadline=1.5, idle=0.1)
    assert (done["state"], done["sessions_working"]) == ("done", 1)
    assert done["seconds"] >= 1.5
    assert "1 of 1 sessions are still at work" in done["why"]
    assert busy.poll() is None


def test_done_twice_it_changes_nothing_and_prolonged_it_ends_later(world: World) -> None:
    first = drain(world)["measures"][0]
    again = drain(world)
    assert (again["state"], again["changed"], again["measures"][0]) == ("nothing", False, first)
    other = drain(world, roles=["mta"])
    assert (other["state"], other["measures"][0]["until"]) == ("done", first["until"])
    assert [world.answers(25), world.answers(143)] == ["ConnectionRefusedError", "open"]
    later = drain(world, roles=["mta"], prolong=True, expires=7200)
    assert (later["state"], len(world.measures())) == ("done", 1)
    assert world.measures()[0]["until"] > first["until"] + 3000


def test_check_mode_tells_it_and_does_nothing(world: World) -> None:
    before = world.sh("ls /var/lib /var/lib/mailops-triage /etc/systemd/system; nft list ruleset")
    planned = drain(world, check=True)
    assert (planned["state"], planned["changed"]) == ("planned", True)
    assert planned["diff"]["after"]
    assert world.answers(25) == "open"
    assert reopen(world, check=True)["state"] == "nothing"
    assert world.sh("ls /var/lib /var/lib/mailops-triage /etc/systemd/system; nft list ruleset") == before
    drain(world)
    assert drain(world, check=True)["changed"] is False
    assert (reopen(world, check=True)["state"], world.answers(25)) == ("planned", "ConnectionRefusedError")


def test_open_brings_back_what_was(world: World) -> None:
    before = world.sh("nft list ruleset; ls /etc/systemd/system")
    drain(world)
    assert "mailops-triage-undo.timer" in world.sh("ls /etc/systemd/system")
    done = reopen(world)
    assert (done["state"], done["changed"], world.answers(25)) == ("done", True, "open")
    assert world.sh("nft list ruleset; ls /etc/systemd/system") == before
    assert world.measures() == []
    assert reopen(world)["state"] == "nothing"


def test_neither_the_marker_nor_work_at_the_packages_nor_a_lost_memory_keeps_it_closed(world: World) -> None:
    drain(world)
    world.sh("mkdir -p /etc/mailops-triage; echo 'alice works here' > /etc/mailops-triage/maintenance")
    world.sh("rm /var/lib/mailops-triage/state.json*")
    assert drain(world)["code"] == "maintenance"
    assert (reopen(world)["state"], world.answers(25)) == ("done", "open")


def test_a_full_disk_does_not_keep_it_closed(world: World) -> None:
    drain(world)
    world.sh("cp -a /var/lib/mailops-triage /run/kept; mount -t tmpfs -o size=64k tmpfs /var/lib/mailops-triage")
    world.sh("chmod 700 /var/lib/mailops-triage; cp -a /run/kept/state.json /run/kept/undo.pyz /var/lib/mailops-triage")
    world.sh("cat /dev/zero > /var/lib/mailops-triage/fill 2>/dev/null || true")
    done = reopen(world)
    assert (done["state"], world.answers(25)) == ("done", "open"), done
    assert any("No space left" in note for note in done["notes"])


def test_another_run_neither_drains_nor_opens_it(world: World) -> None:
    drain(world)
    # The lease of the first run is over; its measure is not.
    world.sh('sed -i \'s/"until": [0-9.]*}, "measures"/"until": 1.0}, "measures"/\' /var/lib/mailops-triage/state.json')
    for refused in (drain(world, guard={"run": "night-2", "wait": 0.0}), reopen(world, run="night-2")):
        assert (refused["state"], refused["code"], refused["changed"]) == ("refused", "drained", False)
        assert "night-1" in refused["why"]
    assert world.answers(25) == "ConnectionRefusedError"


def test_the_kernel_opens_it_when_nobody_else_does(world: World) -> None:
    drain(world, expires=2, deadline=0.0)
    assert world.answers(25) == "ConnectionRefusedError"
    assert until(lambda: world.answers(25) == "open")


def test_the_timer_opens_it_without_the_controller_and_goes(world: World) -> None:
    drain(world)
    world.timer()
    assert world.answers(25) == "ConnectionRefusedError"
    world.hurry()
    world.timer()
    assert world.answers(25) == "open"
    assert "mailops_triage" not in world.sh("nft list ruleset")
    assert (world.measures(), world.sh("ls /etc/systemd/system | grep -c mailops || true")) == ([], "0\n")


def test_after_a_reboot_it_is_open_and_the_run_may_close_it_again(world: World) -> None:
    drain(world)
    world.sh("nft flush ruleset")
    assert world.answers(25) == "open"
    assert (drain(world)["state"], world.answers(25)) == ("done", "ConnectionRefusedError")
    assert len(world.measures()) == 1


def test_rules_of_others_stay_as_they_are(world: World) -> None:
    world.sh("nft add table inet site; nft add chain inet site input '{ type filter hook input priority 0; }'")
    world.sh("nft add rule inet site input tcp dport 143 drop")
    before = world.sh("nft list ruleset")
    drain(world, admit=[THERE[0]])
    assert [world.answers(25), world.answers(143)] == ["open", "TimeoutError"]
    reopen(world)
    assert world.sh("nft list ruleset") == before


def test_without_the_packet_filter_it_is_refused(world: World) -> None:
    world.sh("mount --bind /dev/null /usr/sbin/nft")
    refused = drain(world)
    assert (refused["state"], refused["code"]) == ("refused", "tool")
    assert "mailops" not in world.sh("ls /etc/systemd/system")
