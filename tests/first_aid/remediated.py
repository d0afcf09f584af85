# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole playbook on hosts of the lab, and what it leaves behind."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import scenario
from labkit.lab import Lab

WATCH_S = 3
"""Seconds for which what was mended is watched."""


def command(report: Path, hosts: list[str], *more: str) -> list[str]:
    """The command line that a person at the controller would type."""
    return [
        str(scenario.ROOT / "playbooks" / "remediate.yml") if word.endswith("diagnose.yml") else word
        for word in scenario.command(report, "-e", f"remediate_watch_seconds={WATCH_S}", *more, hosts=hosts)
    ]


def remediate(report: Path, hosts: list[str], *more: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook with nobody at the terminal."""
    return subprocess.run(
        command(report, hosts, *more),
        env=scenario.environment(),
        cwd=scenario.ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
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


def strike(lab: Lab, batch: dict[str, str]) -> None:
    """Bring faults upon fresh hosts."""
    lab.reset(*batch)
    with ThreadPoolExecutor(max_workers=len(batch)) as pool:
        list(pool.map(lambda host: scenario.insist(lab, batch[host], host), batch))
