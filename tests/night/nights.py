# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A patch night over hosts of the lab, and somebody outside who looks all the time whether mail works."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import scenario
from labkit import plan, updates
from labkit.lab import Lab

GROUPS = {"east": ("mail2", "mail3"), "west": ("mail4", "mail5")}
MEMBERS = tuple(host for members in GROUPS.values() for host in members)
PROTOCOLS = ("smtp", "imap")
VARIABLES = {
    "patch_night_soak": 5,
    "patch_night_settle": 2,
    "patch_night_drain_deadline": 20,
}
"""What a test does not wait for; the rest is as a site has it."""


def fresh(lab: Lab, folder: Path) -> Path:
    """Hosts as on their first day, with the day's updates pending; answers with the inventory of their groups."""
    lab.reset(*MEMBERS)
    switch_on = f"cp {updates.SOURCES} /etc/apt/sources.list && apt-get -q update"
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: lab.run(host, switch_on, check=True, timeout=120), MEMBERS))
    hosts = {host: {"mail_redundancy_group": name} for name, members in GROUPS.items() for host in members}
    path = folder / "groups.json"
    path.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    return path


def command(folder: Path, groups: Path, *more: str, hosts: Sequence[str] = MEMBERS) -> list[str]:
    """The command line of a night."""
    variables = {**VARIABLES, "patch_night_dir": str(folder / "nights"), "triage_history_dir": str(folder)}
    return [
        *("ip", "netns", "exec", plan.namespace(plan.CONTROLLER)),
        str(Path(sys.executable).parent / "ansible-playbook"),
        *("-i", str(plan.STATE_DIR / "inventory.yml"), "-i", str(groups)),
        str(scenario.ROOT / "playbooks" / "patch_night.yml"),
        *("-l", ",".join(hosts), "-e", json.dumps(variables)),
        *more,
    ]


def night(folder: Path, groups: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """A whole night."""
    return subprocess.run(
        command(folder, groups, *more),
        env=scenario.environment(),
        cwd=scenario.ROOT,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )


def report(folder: Path) -> dict[str, Any]:
    """The report of the last night."""
    newest = max((folder / "nights").iterdir(), key=lambda one: one.stat().st_mtime)
    found: dict[str, Any] = json.loads((newest / "report.json").read_text(encoding="utf-8"))
    return found


def pending(lab: Lab, host: str) -> list[str]:
    """What apt itself would still upgrade."""
    said = lab.run(host, "apt-get -q -s dist-upgrade", check=True, timeout=120).stdout
    return [line.split()[1] for line in said.splitlines() if line.startswith("Inst ")]


class Outside:
    """Looks at SMTP and IMAP of every member, again and again, until it is told to stop."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._over = lab, threading.Event()
        self.looks: list[dict[tuple[str, str], str]] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Outside:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        ways = [(host, protocol) for host in MEMBERS for protocol in PROTOCOLS]
        with ThreadPoolExecutor(max_workers=len(ways)) as pool:
            while not self._over.is_set():
                answers = pool.map(lambda way: self._lab.probe(*way, vantage="dept-a"), ways)
                self.looks.append(dict(zip(ways, answers)))
                time.sleep(0.5)

    def nobody(self) -> list[tuple[int, str, str]]:
        """Looks in which no member of a group answered a protocol."""
        return [
            (number, group, protocol)
            for number, look in enumerate(self.looks)
            for group, members in GROUPS.items()
            for protocol in PROTOCOLS
            if not any(look[host, protocol].startswith("ok") for host in members)
        ]
