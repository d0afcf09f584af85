# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests with a real ticket system."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tracker import Tracker


@pytest.fixture(scope="session")
def roundup() -> Iterator[Tracker]:
    """A Roundup tracker that runs."""
    # A proxy of this machine has no part in it.
    os.environ["no_proxy"] = "*"
    tracker = Tracker()
    try:
        tracker.install()
        tracker.start()
        yield tracker
    finally:
        tracker.remove()
