# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for all lab tests: booted once, each test leaves its hosts as it found them.

Some files break a host of their own and run beside the tests of first aid, in the same lab.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario
from labkit import has_workers
from labkit.lab import Lab
from labkit.shell import say

HOSTS = 17


def pytest_sessionstart(session: pytest.Session) -> None:
    """Boot the lab once, before there are workers; what is up already stays."""
    if has_workers.boots(session):
        Lab().up(HOSTS)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Power it off when all workers have ended."""
    if has_workers.boots(session):
        Lab().down()


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab that is up: mail hosts, of which one stays well, and two vantage hosts."""
    return Lab()


@pytest.fixture(scope="session")
def outcomes(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], scenario.Outcome]:
    """Play the batch of a fault when its verdict is first asked for; later ones of the batch are there already."""
    sick = [host for host in lab.hosts() if host.startswith("mail") and host != scenario.CONTROL]
    waiting = list(scenario.batches(scenario.all_faults(), sick))
    known: dict[str, scenario.Outcome] = {}

    def outcome(fault: str) -> scenario.Outcome:
        while fault not in known:
            batch = waiting.pop(0)
            report = tmp_path_factory.mktemp("report") / "run"
            for found in scenario.play(lab, batch, report, say):
                # The control host must be well in every batch; its first bad day stays on record.
                if found.fault not in known or found.wrong():
                    known[found.fault] = found
            lab.reset(*batch)
        return known[fault]

    return outcome
