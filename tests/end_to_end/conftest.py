# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ticket system, a real ansible-rulebook and real mail hosts: all of them where the lab's controller is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("accuracy", "awx", "eda", "playbooks", "tickets")]

import rulebook
import runner_layout
import tracker
from labkit import has_workers, net, plan
from labkit.lab import Lab

HOSTS = 3


def pytest_sessionstart(session: pytest.Session) -> None:
    """Install what is missing, and boot the lab, once, before there are workers; what is up already stays."""
    if has_workers.boots(session):
        runner_layout.install()
        rulebook.install()
        # The lab's controller has no way out.
        tracker.fetch()
        Lab().up(HOSTS)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Power the lab off when all workers have ended."""
    if has_workers.boots(session):
        Lab().down()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The lab that is up, and this process at its controller: what it starts has the controller's network."""
    with net.inside(plan.namespace(plan.CONTROLLER)):
        yield Lab()


@pytest.fixture(scope="module")
def roundup(lab: Lab) -> Iterator[tracker.Tracker]:
    """A Roundup tracker that runs at the controller."""
    desk = tracker.Tracker()
    try:
        desk.install()
        desk.start()
        yield desk
    finally:
        desk.remove()
