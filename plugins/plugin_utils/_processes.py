# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending ssh clients that hang: the connection plugins have no time-out for a command that does not come back.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def end_children() -> None:
    """Ask every process that this one itself started to end. Where /proc does not tell which, none is touched."""
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError, ValueError):
            for pid in listing.read_text(encoding="ascii").split():
                os.kill(int(pid), signal.SIGTERM)
