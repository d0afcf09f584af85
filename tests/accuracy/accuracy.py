#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy on real hosts: every fault, on servers that differ and are busy, under several seeds.

For each fault: detected, category, scope, root cause, remedy, forbidden remedy. For all: strict root set, precision and
recall by category, false alarms; what is said when rules or facts are withheld; and, on the same broken hosts, what a
watchdog and Monit make of them. Ends with 0 when every goal is met.

A case that failed is played again alone with "--seed S FAULT".
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import metrics
import rounds
import scenario
import tables
import variation
import withheld
from labkit.lab import Lab
from labkit.shell import LabError


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", help="ids; without any: all of them")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="play seeds 1 to N (default 3)")
    parser.add_argument("--seed", type=int, metavar="S", help="play this one only; 0 is the plain lab host")
    parser.add_argument("--rate", type=float, default=2.0, help="ordinary traffic per host and second (default 2)")
    parser.add_argument("--no-peers", action="store_true", help="leave out the watchdog's and Monit's columns")
    parser.add_argument("--hosts", type=int, default=9, help="mail hosts in the lab, one of them well (default 9)")
    parser.add_argument("--hosts-named", metavar="A,B", help="use these hosts of a lab that is up, and leave it up")
    parser.add_argument("--json", type=Path, help="write the outcomes there too")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    parser.add_argument(
        "--record", type=Path, help="keep there what was seen of each fault on plain, idle hosts, for the unit tests"
    )
    asked = parser.parse_args()
    if asked.record:
        asked.seed, asked.rate, asked.no_peers = 0, 0.0, True
    return asked


def main() -> int:
    """Play all faults, print the tables, answer 0 when every goal is met."""
    asked = options()
    seeds = list(range(1, asked.seeds + 1)) if asked.seed is None else [asked.seed]
    names = asked.faults or scenario.all_faults()
    begun = time.monotonic()
    rules = withheld.load_rules()  # a mistake in one is told before anything is booted
    lab = Lab()
    played = rounds.Played()
    broken_off = []
    try:
        sick = _hosts(lab, asked)
        for seed in seeds:
            peers = seed == seeds[0] and not asked.no_peers
            for number, batch in enumerate(scenario.batches(variation.order(seed, names), sick), 1):
                target = scenario.STATE_DIR / "reports" / f"accuracy-{seed}-{number}"
                one = rounds.Round(lab, batch, target, seed, asked.rate, peers, [scenario.CONTROL, *sick], rules)
                one.play(played, asked.record)
    except (LabError, KeyboardInterrupt) as failure:
        broken_off = [f"broken off: {failure or 'by hand'}"]  # what was seen until then is still told
    finally:
        if not asked.keep and not asked.hosts_named:
            lab.down()
    missed = [*metrics.missed(played.results(), played.blamed()), *played.unplayed(), *broken_off]
    tables.show(played, missed, time.monotonic() - begun)
    if asked.json:
        asked.json.write_text(json.dumps(played.as_json(missed), indent=1))
    return 1 if missed else 0


def _hosts(lab: Lab, asked: argparse.Namespace) -> list[str]:
    """The hosts that may be broken."""
    if asked.hosts_named:
        names: list[str] = asked.hosts_named.split(",")
        if scenario.CONTROL in names:
            raise LabError(f"{scenario.CONTROL} is the host that stays well")
        lab.reset(*names)
        return names
    lab.up(asked.hosts)
    # Not "all that run": a lab that was left up may have more, and fewer may be asked for.
    return [f"mail{number}" for number in range(2, asked.hosts + 1)]


if __name__ == "__main__":
    sys.exit(main())
