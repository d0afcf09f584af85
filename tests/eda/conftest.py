# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook is installed first."""

from __future__ import annotations

import pytest
import rulebook


def pytest_sessionstart(session: pytest.Session) -> None:
    """Install what is missing, before there are workers."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        rulebook.install()
