# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole playbook on broken hosts: planned, done, proved, reported; and nothing to do the second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peers
import pytest
from labkit import faults, plan
from labkit.lab import Lab
from remediated import acts, deeds, hosts_of, remediate, strike

HOSTS = [f"mail{number}" for number in range(8, 16)]
LEFT = HOSTS[-1]
"""The host of a fault about which only people can do something."""


def mended_unattended() -> list[str]:
    """Faults of the catalogue that are mended without asking."""
    found = []
    for name in faults.names():
        one = faults.load(name)
        if one["remedy"]["auto"] and not one["needs"].get("exclusive"):
            found.append(name)
    return found


MENDED = mended_unattended()
SIZE = len(HOSTS) - 1
BATCHES = [dict(zip(HOSTS, MENDED[start : start + SIZE])) for start in range(0, len(MENDED), SIZE)]


def roots(host: dict[str, Any]) -> set[str]:
    """The root causes that a host has."""
    return {finding["id"] for finding in host["findings"] if finding["kind"] == "root_cause"}


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: "-".join(batch.values()))
def test_planned_then_done_then_nothing(lab: Lab, tmp_path: Path, batch: dict[str, str]) -> None:
    strike(lab, {**batch, LEFT: "F053"})
    hosts = [*batch, LEFT]
    looked = remediate(tmp_path / "look", hosts, "--check")
    assert looked.returncode == 0, looked.stdout
    assert not (tmp_path / "look").exists(), "check mode leaves nothing behind"
    assert {host: acts(lab, host) for host in hosts} == {host: [] for host in hosts}
    foretold = " ".join(looked.stdout.split())

    by_another = {"escalate_relay": f"{plan.address('mail1')}:25", "escalate_to": [f"bob@mail1.{plan.DOMAIN}"]}
    done = remediate(tmp_path / "done", hosts, "-e", json.dumps({**by_another, "escalate_secure": "never"}))
    assert done.returncode == 0, done.stdout + done.stderr
    found = hosts_of(tmp_path / "done")
    for host, fault in batch.items():
        acted = [action for action in found[host]["actions"] if action["action"] != "escalate"]
        assert acted, (fault, found[host]["summary"])
        for action in acted:
            outcome = (fault, action["action"], action["subject"], action["state"], action["proof"]["state"])
            assert outcome == (*outcome[:3], "done", "proved"), action
            assert not roots(found[host]) & set(action["findings"]), fault
        first = f"{acted[0]['action']} {acted[0]['subject']}"
        assert f"{host}: {first}" in foretold, f"{fault}: {first} was not in the plan"
        if faults.load(fault)["kind"] == "fault":
            assert found[host]["verdict"] == "healthy", (fault, found[host]["summary"])
            assert peers.broken(lab, host) == [], fault
        evidence = {name for action in acted for name in action["evidence"]}
        assert evidence or acted[0]["action"] == "purge_spool", fault
        assert all((tmp_path / "done" / name).stat().st_size for name in evidence), fault

    # What must not be restarted was not, and somebody is told.
    assert acts(lab, LEFT) == []
    assert deeds(found[LEFT], "done") == {("escalate", "main.cf")}
    (message,) = (tmp_path / "done" / "escalations").glob(f"{LEFT}-*.txt")
    assert "message_size_limit" in message.read_text(encoding="utf-8")
    assert int(lab.run("mail1", f"grep -l '^Subject:.*{LEFT}' /home/bob/Maildir/new/* | wc -l").stdout) >= 1

    before = {host: acts(lab, host) for host in hosts}
    again = remediate(tmp_path / "again", hosts)
    assert again.returncode == 0, again.stdout
    second = hosts_of(tmp_path / "again")
    assert [host for host in batch if {action for action, dummy in deeds(second[host], "done")} - {"escalate"}] == []
    assert {host: acts(lab, host) for host in hosts} == before


def test_nothing_is_done_without_a_word_when_all_asks(lab: Lab, tmp_path: Path) -> None:
    lab.reset(HOSTS[0])
    lab.inject("F042", HOSTS[0])
    told = remediate(tmp_path / "run", [HOSTS[0]], "-e", "remediate_auto=none")
    assert told.returncode == 0, told.stdout
    (action,) = hosts_of(tmp_path / "run")[HOSTS[0]]["actions"]
    assert (action["action"], action["state"]) == ("restart_daemon", "planned")
    assert f"-e remediate_auto=all -l {HOSTS[0]}" in action["why"]
    assert acts(lab, HOSTS[0]) == []
    lab.reset(HOSTS[0])
