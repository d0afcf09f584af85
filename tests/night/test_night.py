# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights over real hosts with real updates pending, under mail load: nothing is lost, and somebody always answers."""

from __future__ import annotations

from pathlib import Path

import peers
from labkit import crowd
from labkit.lab import Lab
from ledger import search
from load import Load
from nights import Night, Outside, pending, switch_on

GROUPS = {"east": ("mail2", "mail3"), "west": ("mail4", "mail5")}


def test_a_night_over_two_groups_under_load(lab: Lab, tmp_path: Path) -> None:
    night = Night(tmp_path, GROUPS)
    lab.reset(*night.hosts)
    switch_on(lab, night.hosts)
    before = {host: pending(lab, host) for host in night.hosts}
    assert all(before.values()), before

    planned = night.run("--check")
    assert planned.returncode == 0, planned.stdout
    assert {host: pending(lab, host) for host in night.hosts} == before
    assert not night.folders(), "check mode leaves nothing behind"

    loads = {host: Load(host, f"night-{host}-", number) for number, host in enumerate(night.hosts)}
    with crowd.at_home():
        for load in loads.values():
            load.start()
    try:
        with Outside(lab, GROUPS) as outside:
            done = night.run()
    finally:
        for load in loads.values():
            load.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    said = night.report()
    print(done.stdout)
    assert night.states() == dict.fromkeys(night.hosts, "done"), done.stdout
    assert {host: pending(lab, host) for host in night.hosts} == dict.fromkeys(night.hosts, [])
    assert {host: peers.broken(lab, host) for host in night.hosts} == dict.fromkeys(night.hosts, [])

    assert outside.nobody() == []
    assert len(outside.looks) > 50
    for members in GROUPS.values():
        assert not {one for batch in said["batches"] if set(members) <= set(batch["hosts"]) for one in batch["hosts"]}
    for host, load in loads.items():
        balance = load.ledger.balance(search(host, load.prefix))
        away = ", ".join(f"{name} {seen['seconds']} s" for name, seen in said["hosts"][host]["downtime"].items())
        print(f"{host}: {balance}; {load.ledger.refused} refused; away {away}")
        assert balance.even and balance.accepted > 100, (host, str(balance))

    again = night.run()
    assert again.returncode == 0, again.stdout
    assert night.states() == dict.fromkeys(night.hosts, "nothing")
