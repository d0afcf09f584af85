#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet of real mail hosts, broken in different ways, diagnosed with one command.

Where this machine cannot carry the lab, recorded hosts are diagnosed instead, and this machine itself.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario
from labkit import check
from labkit.lab import Lab
from labkit.shell import LabError, say

FLEET = {"mail2": "F041", "mail3": "F073", "mail4": "D02", "mail5": "F001", "mail6": "F088"}
"""Postfix dead; queue volume full; two faults at once; powered off; certificate expired. mail1 is well."""

RECORDING = ROOT / "tests" / "recordings" / "demo"
REPORT = ROOT / "triage-reports" / "demo"


def main() -> int:
    """Answer 0 when every verdict was right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the broken hosts running, to look around")
    options = parser.parse_args()
    try:
        check.require(install=True)
    except LabError as failure:
        return _without_lab(str(failure))
    lab = Lab()
    try:
        lab.up(6)
        for host, fault in FLEET.items():
            say(f"{host}: {scenario.faults.load(fault)['title']}")
        outcomes = scenario.play(lab, FLEET, REPORT, say, show=True)
    except LabError as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            say("the lab is left running: tests/lab/lab.py status; make lab-down ends it")
        else:
            lab.down()
    wrong = {outcome.host: outcome.wrong() for outcome in outcomes if outcome.wrong()}
    for host, said in wrong.items():
        print(f"demo: {host}: {said}", file=sys.stderr)
    print(f"\n{len(outcomes) - len(wrong)} of {len(outcomes)} verdicts are right.")
    _where()
    return 1 if wrong else 0


def _without_lab(why: str) -> int:
    print(f"No lab on this machine: {why}\nRecorded hosts are diagnosed instead, then this machine itself.\n")
    playbook = [str(Path(sys.executable).parent / "ansible-playbook"), str(ROOT / "playbooks" / "diagnose.yml")]
    replay = [*playbook, "-e", f"triage_replay={RECORDING}", "-e", f"triage_report_dir={REPORT}"]
    here = [
        *playbook,
        *("-i", "localhost,", "-e", "triage_hosts=all", "-e", "ansible_connection=local"),
        *("-e", f"ansible_python_interpreter={sys.executable}", "-e", f"triage_report_dir={REPORT}-localhost"),
    ]
    code = 0
    for line in (replay, here):
        code = code or subprocess.run(line, env=scenario.environment(), cwd=ROOT, check=False).returncode
    _where()
    return code


def _where() -> None:
    print(
        f"The report lies in {REPORT}\n  for a browser: {REPORT / 'index.html'}\n"
        f"  for a program: {REPORT / 'triage.json'}"
    )


if __name__ == "__main__":
    sys.exit(main())
