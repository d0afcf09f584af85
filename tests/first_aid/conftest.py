# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for all tests of first aid, which run beside each other: each file breaks hosts of its own.

Most of their time goes by in waiting for daemons. The verdicts that depend on how busy the machine is are tested among
the lab tests, one after the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("first_aid", "chaos", "accuracy")]

import restarted
from labkit import bmc, has_workers
from labkit.lab import Lab

HOSTS = 20
"""mail1 stays well; the hosts of a file stand at its head."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Boot the lab once, before there are workers."""
    if has_workers.boots(session):
        bmc.install()  # the collection that sends mail comes with it
        Lab().up(HOSTS)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Power it off when all workers have ended."""
    if has_workers.boots(session):
        Lab().down()


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab that is up."""
    return Lab()


@pytest.fixture
def host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """The host of the file, which the test may spoil."""
    name: str = request.module.HOST
    yield name
    lab.reset(name)


@pytest.fixture
def remedy(host: str, tmp_path: Path) -> restarted.Remedy:
    """The role restart_daemon on the host of the file."""
    return partial(restarted.remedy, tmp_path, host)
