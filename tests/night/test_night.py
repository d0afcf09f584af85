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
from nights import GROUPS, MEMBERS, Outside, fresh, night, pending, report


def test_a_night_over_two_groups_under_load(lab: Lab, tmp_path: Path) -> None:
    groups = fresh(lab, tmp_path)
    before = {host: pending(lab, host) for host in MEMBERS}
    assert all(before.values()), before

    planned = night(tmp_path, groups, "--check")
    assert planned.returncode == 0, planned.stdout
    assert {host: pending(lab, host) for host in MEMBERS} == before
    assert not (tmp_path / "nights").exists(), "check mode leaves nothing behind"

    loads = {host: Load(host, f"night-{host}-", number) for number, host in enumerate(MEMBERS)}
    with crowd.at_home():
        for load in loads.values():
            load.start()
    try:
        with Outside(lab) as outside:
            done = night(tmp_path, groups)
    finally:
        for load in loads.values():
            load.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    said = report(tmp_path)
    print(done.stdout)
    assert {host: said["hosts"][host]["state"] for host in MEMBERS} == dict.fromkeys(MEMBERS, "done"), done.stdout
    assert {host: pending(lab, host) for host in MEMBERS} == dict.fromkeys(MEMBERS, [])
    assert {host: peers.broken(lab, host) for host in MEMBERS} == dict.fromkeys(MEMBERS, [])

    assert outside.nobody() == []
    assert len(outside.looks) > 50
    for members in GROUPS.values():
        assert not {one for batch in said["batches"] if set(members) <= set(batch["hosts"]) for one in batch["hosts"]}
    for host, load in loads.items():
        balance = load.ledger.balance(search(host, load.prefix))
        print(f"{host}: {balance}; {load.ledger.refused} refused; away {said['hosts'][host]['downtime']}")
        assert balance.even and balance.accepted > 100, (host, str(balance))

    again = night(tmp_path, groups)
    assert again.returncode == 0, again.stdout
    assert {host: report(tmp_path)["hosts"][host]["state"] for host in MEMBERS} == dict.fromkeys(MEMBERS, "nothing")
