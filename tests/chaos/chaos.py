#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break hosts under load, let first aid at them, disturb that too, and count every message.

Each round: a fresh host, numbered mail by SMTP and submission and readers over IMAP; a fault; then first aid, either
undisturbed, or its controller is killed at some moment and it is started again, or two of them at the same time. At the
end every message that the server accepted lies in a mailbox or in the queue, once. Ends with 0 when that is so.

A round is played again alone with "--seed S --only FAULT".
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "accuracy"), str(HERE.parent / "lab")]

import rounds_of_chaos as chaos
from labkit import crowd
from labkit.lab import Lab
from labkit.shell import LabError, say


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50, help="rounds (default 50)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn (default 1)")
    parser.add_argument("--only", metavar="FAULT", action="append", help="this fault only; may be given again")
    parser.add_argument("--hosts", type=int, default=6, help="hosts that break at the same time (default 6)")
    parser.add_argument("--hosts-named", metavar="A,B", help="use these hosts of a lab that is up, and leave it up")
    parser.add_argument("--json", type=Path, help="write the outcomes there too")
    return parser.parse_args()


def main() -> int:
    """Play the rounds and print the table."""
    asked = options()
    lab = Lab()
    begun = time.monotonic()
    played: list[chaos.Outcome] = []
    try:
        if asked.hosts_named:
            hosts = asked.hosts_named.split(",")
            lab.reset(*hosts)
        else:
            lab.up(asked.hosts + 1)
            hosts = [f"mail{number}" for number in range(2, asked.hosts + 2)]
        plan = chaos.draw(asked.seed, asked.rounds, asked.only or chaos.candidates())
        with crowd.at_home():
            for start in range(0, len(plan), len(hosts)):
                batch = dict(zip(hosts, plan[start : start + len(hosts)]))
                for outcome in chaos.play(lab, batch, random.Random(f"{asked.seed} {start}")):
                    say(str(outcome))
                    played.append(outcome)
                lab.reset(*batch)
    finally:
        if not asked.hosts_named:
            lab.down()
    bad = chaos.show(played, time.monotonic() - begun)
    if asked.json:
        asked.json.write_text(json.dumps([outcome.as_json() for outcome in played], indent=1))
    return 1 if bad or len(played) < asked.rounds else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as failure:
        sys.exit(f"chaos: {failure}")
