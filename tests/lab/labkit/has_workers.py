# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for all the workers of a test session."""

from __future__ import annotations

from typing import Any


def boots(session: Any) -> bool:
    """Is this the process that boots the lab before it has others work for it, or the only one?

    Whoever only collects needs no lab.

    :param session: of pytest
    """
    return not hasattr(session.config, "workerinput") and not session.config.option.collectonly
