# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole playbook on broken hosts: planned, done, proved, reported; and nothing to do the second time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import peers
import pytest
import scenario
from labkit.lab import Lab

WATCH_S = 3
MENDED = {
    "mail13": "F041",
    "mail14": "D04",
    "mail15": "F073",
    "mail16": "F047",
    "mail17": "D01",
}
"""Host -> a fault that is mended without asking."""
LEFT = "mail18"
"""The host of a fault about which only people can do something."""


def remediate(report: Path, hosts: list[str], *more: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook as a person at the controller would, with nobody at the terminal."""
    line = [
        str(scenario.ROOT / "playbooks" / "remediate.yml") if word.endswith("diagnose.yml") else word
        for word in scenario.command(report, "-e", f"remediate_watch_seconds={WATCH_S}", *more, hosts=hosts)
    ]
    return subprocess.run(
        line, env=scenario.environment(), cwd=scenario.ROOT, capture_output=True, text=True, timeout=400, check=False
    )


def hosts_of(report: Path) -> dict[str, Any]:
    """The hosts of a report."""
    found: dict[str, Any] = json.loads((report / "triage.json").read_text(encoding="utf-8"))["hosts"]
    return found


def deeds(host: dict[str, Any], state: str) -> set[tuple[str, str]]:
    """What the report says of a host's remedies in a state."""
    return {(action["action"], action["subject"]) for action in host["actions"] if action["state"] == state}


def acts(lab: Lab, host: str) -> list[tuple[str, str, str]]:
    """What the host itself remembers."""
    said = lab.run(host, "cat /var/lib/mailops-triage/state.json 2>/dev/null").stdout
    return [(act["action"], act["subject"], act["what"]) for act in json.loads(said)["acts"]] if said else []


@pytest.fixture(scope="module")
def broken(lab: Lab) -> dict[str, str]:
    """Hosts with faults."""
    faults = {**MENDED, LEFT: "F053"}
    lab.reset(*faults)
    for host, fault in faults.items():
        lab.inject(fault, host)
    return faults


def test_planned_then_done_then_nothing(lab: Lab, broken: dict[str, str], tmp_path: Path) -> None:
    hosts = list(broken)
    looked = remediate(tmp_path / "look", hosts, "--check")
    assert looked.returncode == 0, looked.stdout
    assert not (tmp_path / "look").exists(), "check mode leaves nothing behind"
    assert {host: acts(lab, host) for host in hosts} == {host: [] for host in hosts}

    done = remediate(tmp_path / "done", hosts)
    assert done.returncode == 0, done.stdout + done.stderr
    found = hosts_of(tmp_path / "done")
    for host in MENDED:
        assert found[host]["verdict"] == "healthy", (host, found[host]["summary"])
        assert deeds(found[host], "done"), found[host]["actions"]
        assert peers.broken(lab, host) == []
        for action in found[host]["actions"]:
            if action["action"] != "escalate":
                assert action["proof"]["state"] == "proved", action
                words = f"{action['action']} {action['subject']}"
                assert words in " ".join(looked.stdout.split()), f"{words} was not in the plan"
    assert ("restart_daemon", "postfix@-.service") in deeds(found["mail13"], "done")
    evidence = {name for action in found["mail13"]["actions"] for name in action["evidence"]}
    assert evidence and all((tmp_path / "done" / name).stat().st_size for name in evidence)

    # What must not be restarted was not, and somebody is told.
    assert acts(lab, LEFT) == []
    assert deeds(found[LEFT], "done") == {("escalate", "main.cf")}
    (message,) = (tmp_path / "done" / "escalations").glob(f"{LEFT}-*.txt")
    assert "message_size_limit" in message.read_text(encoding="utf-8")

    before = {host: acts(lab, host) for host in hosts}
    again = remediate(tmp_path / "again", hosts)
    assert again.returncode == 0, again.stdout
    second = hosts_of(tmp_path / "again")
    assert {host: deeds(second[host], "done") for host in MENDED} == {host: set() for host in MENDED}
    assert {host: acts(lab, host) for host in hosts} == before


def test_nothing_is_done_without_a_word_when_all_asks(lab: Lab, tmp_path: Path) -> None:
    lab.reset("mail13")
    lab.inject("F042", "mail13")
    told = remediate(tmp_path / "run", ["mail13"], "-e", "remediate_auto=none")
    assert told.returncode == 0, told.stdout
    (action,) = hosts_of(tmp_path / "run")["mail13"]["actions"]
    assert (action["action"], action["state"]) == ("restart_daemon", "planned")
    assert "-e remediate_auto=all -l mail13" in action["why"]
    assert acts(lab, "mail13") == []
    lab.reset("mail13")
