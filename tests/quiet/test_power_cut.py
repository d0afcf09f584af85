# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The power of a machine with a real systemd is cut: it opens, the maintenance ends, and the night begins late."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from booted import Booted, wait_for
from world import until

MARKER = "/etc/mailops-triage/maintenance"
RUN = "night-1"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Booted]:
    """It, powered on."""
    found = Booted(tmp_path)
    try:
        found.boot()
        yield found
    finally:
        found.close()


def begun(machine: Booted, name: str) -> bool:
    """Has the command of a schedule run?"""
    return machine.sh(f"cat /var/lib/begun-{name}") != ""


def test_nothing_stays_closed_and_nothing_is_forgotten(machine: Booted) -> None:
    now = time.time()
    # The next minute that leaves time for all that comes before.
    night = int(now + 100) // 60 * 60
    guard = {"run": RUN, "wait": 0.0}
    maintained = machine.module("maintenance", run=RUN, until=str(night + 20), wait=0.0)
    drained = machine.module("service_drain", deadline=0.0, guard=guard)
    scheduled = {
        name: machine.module(
            "patch_timer",
            name=name,
            begin=str(night + 60 * minutes),
            length_minutes=60,
            command=["sh", "-c", f"echo begun >> /var/lib/begun-{name}"],
        )
        for name, minutes in (("missed", 0), ("later", 600))
    }
    states = [one["state"] for one in (maintained, drained, *scheduled.values())]
    assert states == ["done"] * 4, (maintained, drained, scheduled)
    assert "mailops_triage_drain" in machine.sh("nft list tables")

    machine.cut()
    wait_for(night + 1)
    machine.boot()

    assert "mailops_triage_drain" not in machine.sh("nft list tables")
    assert until(lambda: begun(machine, "missed"), 180)
    assert until(lambda: machine.sh(f"cat {MARKER}") == "", 180)
    assert not begun(machine, "later")
    timers = machine.sh("systemctl list-timers --all --no-legend 'mailops-triage-*'")
    assert "mailops-triage-schedule-later.timer" in timers
    # The drain is remembered until its time is over, and may be ended by whoever began it.
    assert machine.module("service_drain", state="open", guard=guard)["state"] == "done"
    assert machine.module("maintenance", state="ended", run=RUN, wait=0.0)["state"] == "nothing"
    assert "mailops-triage-undo" not in machine.sh("ls /etc/systemd/system; systemctl list-timers --all --no-legend")


def test_the_timer_ends_all_of_it_without_the_controller(machine: Booted) -> None:
    over = str(int(time.time()) + 40)
    assert machine.module("maintenance", run=RUN, until=over, wait=0.0)["state"] == "done"
    guard = {"run": RUN, "wait": 0.0}
    assert machine.module("service_drain", deadline=0.0, expires=40, guard=guard)["state"] == "done"
    assert until(lambda: machine.sh(f"cat {MARKER}; nft list tables; ls /etc/systemd/system | grep mailops") == "", 180)
    told = machine.sh("journalctl --no-pager -t mailops-triage")
    assert "maintenance: other runs are kept away: its time is over" in told
    assert "are open again" in told
