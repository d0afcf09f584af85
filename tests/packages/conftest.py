# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh system for each test; what the tests need is installed first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ownroot


def pytest_sessionstart(session: pytest.Session) -> None:
    """Install what is missing, before there are workers."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        ownroot.install()


@pytest.fixture
def root() -> Iterator[ownroot.OwnRoot]:
    """A system with empty archives and nothing pending."""
    system = ownroot.OwnRoot()
    yield system
    system.close()
