# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that need root: hosts that are made quiet, in namespaces of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from world import World, unpacked


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A machine and its client."""
    found = World(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="session")
def monit() -> Path:
    """The program Monit, as Debian has it."""
    return unpacked("monit") / "usr/bin/monit"


@pytest.fixture(scope="session")
def at() -> Path:
    """The programs at, atq, atrm and atd, as Debian has them."""
    return unpacked("at")
