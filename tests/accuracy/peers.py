# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others would have seen and done on the same broken hosts: columns beside our own verdicts.

Two peers: a watchdog that tries the ports and restarts what does not answer, and Monit (its files lie in monit/).
Neither gives a diagnosis; what they say is taken for one where it names the cause by itself. Whether they mend
anything is measured as users would: by transactions.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labkit import plan, state
from labkit.lab import Lab
from labkit.shell import LabError

TRANSACTIONS = (
    ("smtp", plan.CONTROLLER),
    ("submission+verify", plan.CONTROLLER),
    ("imap+verify", plan.CONTROLLER),
    ("pop3+verify", plan.CONTROLLER),
    ("smtp", "dept-b"),
    ("imap", "dept-b"),
)
PATIENCE = 20.0
"""Seconds in which a transaction must work again after a peer has acted."""
THROTTLED = 65.0
"""Postfix asks for logins again only a minute after Dovecot has come back: submission alone may take so long."""

DAEMONS = {"mta": "postfix@-.service", "mda": "dovecot.service"}


@dataclasses.dataclass
class Deed:
    """What one peer saw of a fault, and what it did about it."""

    fault: str
    detected: bool = False
    named: bool = False
    """Does what it says name the true cause?"""
    actions: list[str] = dataclasses.field(default_factory=list)
    """As in a scenario: C(restart_daemon:mta), C(purge_spool)."""
    forbidden: list[str] = dataclasses.field(default_factory=list)
    """Actions of those that the fault forbids."""
    broken: list[str] = dataclasses.field(default_factory=list)
    """Transactions that did not work when it came."""
    left: list[str] = dataclasses.field(default_factory=list)
    """Those that did not work when it was done."""
    said: list[str] = dataclasses.field(default_factory=list)

    @property
    def repaired(self) -> bool:
        """Was something broken, and works all of it now?"""
        return bool(self.broken) and not self.left

    @property
    def lost(self) -> list[str]:
        """Transactions that worked before."""
        return [one for one in self.left if one not in self.broken]

    @property
    def harm(self) -> list[str]:
        """What it should not have done, and what it broke."""
        return [*self.forbidden, *(f"lost {one}" for one in self.lost)]


def lives(name: str) -> bool:
    """Does anything run on the host at all? Nobody can act on one that is off or frozen."""
    record = state.load()["hosts"].get(name, {})
    if not state.alive(record, "leader"):
        return False
    frozen = {"freezer.state": "FROZEN", "cgroup.freeze": "1"}
    for group in plan.cgroup_dirs(name):
        for file, word in frozen.items():
            if (group / file).exists() and (group / file).read_text().strip() == word:
                return False
    return True


def broken(lab: Lab, name: str) -> list[str]:
    """Which transactions of a user do not work; a message that does not arrive is one when all else works."""
    with ThreadPoolExecutor(max_workers=len(TRANSACTIONS)) as pool:
        seen = list(pool.map(lambda one: lab.probe(name, one[0], one[1], 3.0), TRANSACTIONS))
    failed = [f"{protocol} from {vantage}" for (protocol, vantage), said in zip(TRANSACTIONS, seen) if said != "ok"]
    if not failed:
        try:
            lab.deliver(name, timeout=6)
        except LabError:
            failed = ["delivery"]
    return failed


def settle(lab: Lab, name: str, since: float) -> list[str]:
    """Wait until all transactions work, or the patience is over; return those that do not."""
    while True:
        left = broken(lab, name)
        waited = time.monotonic() - since
        limit = THROTTLED if left and all(one.startswith("submission") for one in left) else PATIENCE
        if not left or waited > limit:
            return left
        time.sleep(1.0)


def forbidden(actions: Sequence[str], scenario: dict[str, Any]) -> list[str]:
    """Those of some actions that a scenario forbids, with or without naming the daemon."""
    never = set(scenario["forbidden"])
    return sorted({one for one in actions if one in never or one.partition(":")[0] in never})
