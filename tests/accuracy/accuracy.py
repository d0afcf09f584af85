#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accuracy, fault by fault, on real hosts: detected, category, root cause, remedy, forbidden remedy, seconds."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import scenario
from labkit.lab import Lab
from labkit.shell import LabError, say

MEASURES = ("detected", "category", "scope", "root cause", "offender", "remedy", "forbidden")


def main() -> int:
    """Play all faults, print the table, answer 0 when every measure of every fault is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", help="ids; without any: all of them")
    parser.add_argument("--runs", type=int, default=1, help="how many times in a row (default 1)")
    parser.add_argument("--hosts", type=int, default=6, help="mail hosts in the lab (default 6)")
    parser.add_argument("--json", type=Path, help="write the outcomes there too")
    parser.add_argument("--record", type=Path, help="keep there what was seen of each fault, for the unit tests")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    options = parser.parse_args()
    names = options.faults or scenario.all_faults()
    lab = Lab()
    outcomes: list[scenario.Outcome] = []
    try:
        lab.up(options.hosts)
        sick = [host for host in lab.hosts() if host.startswith("mail") and host != scenario.CONTROL]
        for number in range(1, options.runs + 1):
            for count, batch in enumerate(scenario.batches(names, sick), 1):
                target = scenario.STATE_DIR / "reports" / f"accuracy-{number}-{count}"
                played = scenario.play(lab, batch, target, lambda text, run=number: say(f"run {run}: {text}"))
                for outcome in played:
                    if options.record and outcome.host != scenario.CONTROL and not outcome.problem:
                        scenario.keep(outcome, target, options.record)
                outcomes += played
                lab.reset(*batch)
    except LabError as failure:
        print(f"accuracy: {failure}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            lab.down()
    _table(outcomes)
    if options.json:
        options.json.write_text(
            json.dumps(
                [{"fault": one.fault, "seconds": one.seconds, "wrong": one.wrong()} for one in outcomes], indent=1
            )
        )
    return 1 if any(one.wrong() for one in outcomes) else 0


def _table(outcomes: list[scenario.Outcome]) -> None:
    print(f"\n{'fault':9}{'title':44}" + "".join(f"{measure:>12}" for measure in MEASURES) + f"{'seconds':>9}")
    for outcome in outcomes:
        wrong = outcome.wrong()
        cells = "".join(f"{'WRONG' if measure in wrong else 'right':>12}" for measure in MEASURES)
        title = outcome.scenario.get("title", "a host without any fault")
        print(f"{outcome.fault:9}{title[:42]:44}{cells}{outcome.seconds:9.1f}")
        for measure, said in wrong.items():
            print(f"{'':9}{measure}: {said}")
    print("-" * 146)
    cells = "".join(
        f"{sum(measure not in one.wrong() for one in outcomes):>8}/{len(outcomes):<3}" for measure in MEASURES
    )
    print(f"{'total':53}{cells}")


if __name__ == "__main__":
    sys.exit(main())
