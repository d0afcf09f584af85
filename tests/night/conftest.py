# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for the patch nights, which go on beside each other: each file has hosts of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("night", "chaos", "accuracy")]

from labkit import has_workers
from labkit.lab import Lab

HOSTS = 22
"""The first twenty are those of the tests of first aid, which may have this lab at the same time."""


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
    """The lab that is up."""
    return Lab()
