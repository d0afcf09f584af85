# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for the patch nights: two redundancy groups of two hosts, and one host that stays as it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("night", "chaos", "accuracy")]

from labkit.lab import Lab

HOSTS = 5


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab, up for all nights."""
    running = Lab()
    running.up(HOSTS)
    yield running
    running.down()
