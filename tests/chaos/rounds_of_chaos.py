# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One round of chaos on each host of a batch."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import peers
import scenario
from labkit import faults
from labkit.lab import Lab
from labkit.plan import CONTROLLER, STATE_DIR, namespace
from labkit.shell import LabError
from ledger import Balance, settle
from load import USERS, Load

REMEDIES = ("restart_daemon", "purge_spool", "contain_surge")
TEMPTING = ("capacity", "configuration", "dependency", "operator")
"""Faults of these kinds look as if a restart would help, and forbid it."""
MANNERS = ("undisturbed", "controller killed", "two at once")
WATCH_S = 3
"""Seconds that a remedy is watched here; ten minutes elsewhere."""
LONGEST_S = 300.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a round shall be."""

    number: int
    fault: str
    manner: str


@dataclasses.dataclass
class Outcome:
    """What a round was."""

    plan: Plan
    host: str
    balance: Balance | None = None
    works: bool = False
    """Did every transaction of a user work at the end?"""
    acts: list[str] = dataclasses.field(default_factory=list)
    problem: str = ""

    @property
    def bad(self) -> bool:
        """Was a message lost, or could the round not be counted?"""
        return self.balance is None or not self.balance.even

    def __str__(self) -> str:
        said = str(self.balance) if self.balance else f"NOT COUNTED: {self.problem}"
        after = "works again" if self.works else "still broken"
        did = ", ".join(self.acts) or "nothing done"
        return f"round {self.plan.number}: {self.plan.fault}, {self.plan.manner}: {said}; {did}; {after}"

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {**dataclasses.asdict(self), "even": bool(self.balance and self.balance.even)}


def candidates() -> list[str]:
    """Faults that first aid does something about, or would if it were careless."""
    found = []
    for name in faults.names():
        one = faults.load(name)
        if one["needs"].get("exclusive") or one["kind"] == "decoy":
            continue
        tempting = one["category"] in TEMPTING and "restart_daemon" in one["forbidden"]
        if one["remedy"]["action"] in REMEDIES or tempting:
            found.append(name)
    return found


def draw(seed: int, rounds: int, names: list[str]) -> list[Plan]:
    """Which faults, in which manner; every manner comes equally often."""
    rng = random.Random(seed)
    order: list[str] = []
    while len(order) < rounds:
        order += rng.sample(names, len(names))
    return [Plan(number, fault, MANNERS[number % len(MANNERS)]) for number, fault in enumerate(order[:rounds], 1)]


def play(lab: Lab, batch: dict[str, Plan], rng: random.Random) -> Iterator[Outcome]:
    """Play one round on each host, all at the same time; the hosts must be fresh."""
    seeds = {host: rng.random() for host in batch}
    with ThreadPoolExecutor(max_workers=len(batch)) as pool:
        jobs = [pool.submit(_round, lab, host, plan, random.Random(seeds[host])) for host, plan in batch.items()]
        for job in jobs:
            yield job.result()


def _round(lab: Lab, host: str, plan: Plan, rng: random.Random) -> Outcome:
    outcome = Outcome(plan, host)
    prefix = f"chaos-{plan.number}-"
    load = Load(host, prefix, plan.number, _recipients(plan.fault))
    load.start()
    try:
        time.sleep(rng.uniform(1.0, 3.0))
        try:
            lab.inject(plan.fault, host)
        except LabError as wrong:
            # Under load some symptoms look otherwise; messages are counted all the same.
            outcome.problem = str(wrong)
        _first_aid(host, plan, rng)
        done = remediate(host, f"chaos-{plan.number}-last")
        done.wait(LONGEST_S)
        outcome.acts = _acts([f"chaos-{plan.number}-{name}" for name in (0, 1, "last")], host)
        outcome.works = not peers.broken(lab, host)
    except (LabError, OSError, subprocess.SubprocessError) as wrong:
        outcome.problem = str(wrong)
    finally:
        load.stop()
    try:
        outcome.balance = settle(load.ledger, host, prefix)
    except (LabError, subprocess.SubprocessError, ValueError) as wrong:
        outcome.problem = str(wrong)
    return outcome


def _recipients(fault: str) -> list[str]:
    """Who can be written to: what is for a user over quota goes back to its sender, as it should."""
    full = {"alice"} if "client.user_over_quota" in faults.load(fault)["expect"]["root_causes"] else set()
    return [user for user in USERS if user not in full]


def _first_aid(host: str, plan: Plan, rng: random.Random) -> None:
    """First aid in the manner of the round; what it leaves undone the last one has to finish."""
    runs = [
        remediate(host, f"chaos-{plan.number}-{number}") for number in range(2 if plan.manner == "two at once" else 1)
    ]
    if plan.manner == "controller killed":
        time.sleep(rng.uniform(0.5, 12.0))
        for run in runs:
            _kill(run)
    for run in runs:
        try:
            run.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            _kill(run)
            run.wait()
            raise


def _kill(run: subprocess.Popen[bytes]) -> None:
    """The controller's power goes: no process of it hears a signal."""
    try:
        os.killpg(run.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def remediate(host: str, name: str) -> subprocess.Popen[bytes]:
    """Start first aid for a host; its report and what it printed lie in the lab's reports under that name."""
    folder = STATE_DIR / "reports" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *("ip", "netns", "exec", namespace(CONTROLLER)),
        str(Path(sys.executable).parent / "ansible-playbook"),
        *("-i", str(STATE_DIR / "inventory.yml"), str(scenario.ROOT / "playbooks" / "remediate.yml"), "-l", host),
        *("-e", f"triage_report_dir={folder}", "-e", f"triage_history_dir={folder}"),
        *("-e", "remediate_auto=all", "-e", f"remediate_watch_seconds={WATCH_S}"),
    ]
    with folder.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=scenario.ROOT,
            env=scenario.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _acts(names: list[str], host: str) -> list[str]:
    """What the reports of some runs say was done, or refused; one whose controller was killed may have none."""
    acts: list[str] = []
    for name in names:
        try:
            report = json.loads((STATE_DIR / "reports" / name / "triage.json").read_text(encoding="utf-8"))
            done = report["hosts"][host]["actions"]
        except (OSError, ValueError, KeyError):
            continue
        acts += [f"{act['action']} {act['state']}" for act in done if act["state"] != "planned"]
    return list(dict.fromkeys(acts))


def show(played: list[Outcome], seconds: float) -> int:
    """Print the table; return how many rounds were bad."""
    bad = [outcome for outcome in played if outcome.bad]
    accepted = sum(outcome.balance.accepted for outcome in played if outcome.balance)
    print(f"\n{len(played)} rounds in {seconds / 60:.0f} min, {accepted} messages accepted")
    for manner in MANNERS:
        here = [outcome for outcome in played if outcome.plan.manner == manner]
        lost = sum(len(outcome.balance.lost) for outcome in here if outcome.balance)
        works = sum(outcome.works for outcome in here)
        print(f"  {manner:<18} {len(here):3} rounds, {works:3} work again, {lost} messages lost")
    again = [ident for outcome in played if outcome.balance for ident in outcome.balance.again]
    if again:
        print(f"  there twice, for Postfix did not hear that they were saved: {' '.join(again)}")
    for outcome in bad:
        print(f"  {outcome}")
    print("chaos: " + (f"{len(bad)} rounds are not even" if bad else "not one message lost"))
    return len(bad)
