#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long is mail down? The same fault on two hosts in the same minutes: one has first aid, the other has Monit.

Monit runs when the fault strikes, set up by an expert (tests/accuracy/monit/), with a cycle of 30 seconds, which is its
own default; its clock starts when the symptom is there. First aid is a person or a ticket that starts the playbook: its
clock starts with that. Both end when every transaction of a user works. Ends with 0 when the goal is met.

Hosts with first aid take turns, as one ticket comes after the other: several playbooks at once would be measured by how
many processors the machine has.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "accuracy"), str(HERE.parent / "lab")]

import peer_monit
import peers
import rounds_of_chaos as chaos
from labkit import faults
from labkit.lab import Lab
from labkit.shell import LabError, say

PATIENCE_S = 240.0
"""How long each of them may take."""
CYCLE_S = 30
GOAL = 3.0
"""So many times faster than Monit, in the median over what first aid mends.

Where Monit does not, its time is longer than the patience, which stands for it: that can only make the median smaller.
"""
POLL_S = 0.3


@dataclasses.dataclass
class Race:
    """One fault, two hosts."""

    fault: str
    title: str
    ours: float | None = None
    """Seconds until mail worked again; None: not within the patience."""
    monits: float | None = None
    noticed: bool = True
    """Does a transaction of a user fail at all? If not, there is nothing to measure."""
    problem: str = ""


def repairable() -> list[str]:
    """Faults that first aid mends without asking."""
    found = []
    for name in faults.names():
        one = faults.load(name)
        if one["remedy"]["auto"] and one["remedy"]["action"] in chaos.REMEDIES and one["kind"] == "fault":
            found.append(name)
    return found


def until_mended(lab: Lab, host: str, over: threading.Event | None = None) -> float | None:
    """Seconds until every transaction works, or None."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE_S:
        if not peers.broken(lab, host):
            return round(time.monotonic() - begun, 1)
        if over is not None and over.is_set():
            return None
        time.sleep(POLL_S)
    return None


def first_aid(lab: Lab, race: Race, host: str, turn: threading.Lock) -> None:
    """Our side."""
    with turn:
        _first_aid(lab, race, host)


def _first_aid(lab: Lab, race: Race, host: str) -> None:
    lab.inject(race.fault, host)
    race.noticed = bool(peers.broken(lab, host))
    run = chaos.remediate(host, f"recovery-{race.fault}")
    over = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        clock = pool.submit(until_mended, lab, host, over)
        run.wait(PATIENCE_S + 60)
        # What is not mended when it has ended is given the time that Postfix needs to try logins again.
        threading.Timer(peers.THROTTLED, over.set).start()
        race.ours = clock.result()


def monit(lab: Lab, race: Race, host: str, rng: random.Random) -> None:
    """Monit's side: it runs already, at some point of its cycle."""
    lab.run(host, peer_monit.INSTALL, check=True, stdin=peer_monit.archive())
    lab.run(host, f"sed -i 's/^set daemon .*/set daemon {CYCLE_S}/' {peer_monit.HOME}/monitrc", check=True)
    lab.run(host, peer_monit.START, check=True)
    time.sleep(2 + rng.uniform(0, CYCLE_S))
    lab.inject(race.fault, host)
    race.monits = until_mended(lab, host)
    lab.run(host, peer_monit.END)


def play(lab: Lab, names: list[str], hosts: list[str], seed: int) -> list[Race]:
    """All faults, as many pairs at a time as there are hosts for."""
    pairs = list(zip(hosts[::2], hosts[1::2]))
    races = [Race(name, faults.load(name)["title"]) for name in names]
    turn = threading.Lock()
    for start in range(0, len(races), len(pairs)):
        batch = list(zip(races[start : start + len(pairs)], pairs))
        with ThreadPoolExecutor(max_workers=2 * len(pairs)) as pool:
            jobs = []
            for race, (ours, theirs) in batch:
                jobs.append((race, pool.submit(first_aid, lab, race, ours, turn)))
                jobs.append((race, pool.submit(monit, lab, race, theirs, random.Random(f"{seed} {race.fault}"))))
            for race, job in jobs:
                try:
                    job.result()
                except LabError as wrong:
                    race.problem = str(wrong)
        for race, _pair in batch:
            say(f"{race.fault}: first aid {race.ours} s, Monit {race.monits} s {race.problem}")
        lab.reset(*(host for _race, pair in batch for host in pair))
    return races


def show(races: list[Race]) -> list[str]:
    """Print the table; return what was not reached."""
    print(f"\n{'fault':<8} {'title':<52} {'first aid':>10} {'Monit':>10} {'times':>7}")
    ratios = []
    for race in races:
        times = (race.monits or PATIENCE_S) / race.ours if race.ours and race.noticed else None
        ratios += [times] if times else []
        ours, monits = (f"{one:.1f} s" if one is not None else "never" for one in (race.ours, race.monits))
        said = f"{'' if race.monits else '> '}{times:.1f}" if times else "-"
        print(f"{race.fault:<8} {race.title[:52]:<52} {ours:>10} {monits:>10} {said:>7}")
    median = statistics.median(ratios) if ratios else 0.0
    alone = sum(1 for race in races if race.ours is not None and race.monits is None)
    print(f"mended by first aid: {len(ratios)}, median {median:.1f} times faster; {alone} of them by first aid alone")
    missed = [f"{race.fault}: not mended by first aid {race.problem}" for race in races if race.ours is None]
    return missed + ([f"only {median:.1f} times faster in the median"] if median < GOAL else [])


def main() -> int:
    """Play and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", help="ids; without any: all that are mended without asking")
    parser.add_argument("--seed", type=int, default=1, help="where in Monit's cycle a fault strikes (default 1)")
    parser.add_argument("--hosts", type=int, default=8, help="hosts that break (default 8)")
    parser.add_argument("--hosts-named", metavar="A,B", help="use these hosts of a lab that is up, and leave it up")
    parser.add_argument("--json", type=Path, help="write the outcomes there too")
    asked = parser.parse_args()
    lab = Lab()
    try:
        if asked.hosts_named:
            hosts = asked.hosts_named.split(",")
            lab.reset(*hosts)
        else:
            lab.up(asked.hosts + 1)
            hosts = [f"mail{number}" for number in range(2, asked.hosts + 2)]
        races = play(lab, asked.faults or repairable(), hosts, asked.seed)
    finally:
        if not asked.hosts_named:
            lab.down()
    missed = show(races)
    if asked.json:
        asked.json.write_text(json.dumps([dataclasses.asdict(race) for race in races], indent=1))
    for text in missed:
        print(f"recovery: {text}")
    print("recovery: " + (f"{len(missed)} goals missed" if missed else "every goal is met"))
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as failure:
        sys.exit(f"recovery: {failure}")
