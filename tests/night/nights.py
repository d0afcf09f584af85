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
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import scenario
from labkit import plan, updates
from labkit.lab import Lab

PROTOCOLS = ("smtp", "imap")
VARIABLES = {
    "patch_night_soak": 5,
    "patch_night_settle": 2,
    "patch_night_drain_deadline": 20,
}
"""What a test does not wait for; the rest is as a site has it."""

Groups = Mapping[str, Sequence[str]]


class Night:
    """Nights over the redundancy groups of some hosts; all that they write lies in one folder.

    :param groups: for each redundancy group its members
    :param variables: of the playbook, beside VARIABLES
    """

    def __init__(self, folder: Path, groups: Groups, **variables: object) -> None:
        self.hosts = [host for members in groups.values() for host in members]
        self._folder, self._inventory = folder / "nights", folder / "groups.json"
        own = {host: {"mail_redundancy_group": name} for name, members in groups.items() for host in members}
        self._inventory.write_text(json.dumps({"all": {"hosts": own}}), encoding="utf-8")
        kept = {"patch_night_dir": str(self._folder), "triage_history_dir": str(folder)}
        self._variables = {**VARIABLES, **variables, **kept}

    def command(self, *more: str) -> list[str]:
        """The command line of a night."""
        return [
            *("ip", "netns", "exec", plan.namespace(plan.CONTROLLER)),
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", str(plan.STATE_DIR / "inventory.yml"), "-i", str(self._inventory)),
            str(scenario.ROOT / "playbooks" / "patch_night.yml"),
            *("-l", ",".join(self.hosts), "-e", json.dumps(self._variables)),
            *more,
        ]

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        """A whole night."""
        return subprocess.run(
            self.command(*more),
            env=scenario.environment(),
            cwd=scenario.ROOT,
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )

    def folders(self) -> list[Path]:
        """What nights there were, the last one last."""
        there = self._folder.iterdir() if self._folder.exists() else []
        return sorted(there, key=lambda one: one.stat().st_mtime)

    def report(self) -> dict[str, Any]:
        """The report of the last night."""
        found: dict[str, Any] = json.loads((self.folders()[-1] / "report.json").read_text(encoding="utf-8"))
        return found

    def states(self) -> dict[str, str]:
        """How each host has ended in the last night."""
        return {name: host["state"] for name, host in self.report()["hosts"].items()}


def switch_on(lab: Lab, hosts: Sequence[str]) -> None:
    """The day's updates are pending on these hosts."""
    with ThreadPoolExecutor() as pool:
        lines = f"cp {updates.SOURCES} /etc/apt/sources.list && apt-get -q update"
        list(pool.map(lambda host: lab.run(host, lines, check=True, timeout=120), hosts))


def pending(lab: Lab, host: str) -> list[str]:
    """What apt itself would still upgrade."""
    said = lab.run(host, "apt-get -q -s dist-upgrade", check=True, timeout=120).stdout
    return [line.split()[1] for line in said.splitlines() if line.startswith("Inst ")]


class Outside:
    """Looks at SMTP and IMAP of every member, again and again, until it is told to stop."""

    def __init__(self, lab: Lab, groups: Groups) -> None:
        self._lab, self._groups, self._over = lab, groups, threading.Event()
        self.looks: list[dict[tuple[str, str], str]] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Outside:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        ways = [(host, protocol) for members in self._groups.values() for host in members for protocol in PROTOCOLS]
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
            for group, members in self._groups.items()
            for protocol in PROTOCOLS
            if not any(look[host, protocol].startswith("ok") for host in members)
        ]
