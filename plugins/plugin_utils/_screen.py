# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller's terminal can show, for the faces that write to it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import os
import sys
import typing as t

from ansible.utils import color
from ansible.utils.display import Display

display = Display()

# Workers have no terminal. Ansible loads action plugins before it forks, when there may still be one.
_TERMINAL = sys.stdout.isatty()
_ENCODING = sys.stdout.encoding or "ascii"

ASKABLE = _TERMINAL and sys.stdin is not None and sys.stdin.isatty()
"""A person can be asked: there is a terminal to read from, and one to write to."""


def manner() -> dict[str, t.Any]:
    """How a face should write: C(width), C(color), C(verbose), C(ascii_only)."""
    return {
        "width": _width(),
        "color": bool(color.ANSIBLE_COLOR),
        "verbose": display.verbosity > 0,
        "ascii_only": "utf" not in _ENCODING.lower(),
    }


def _width() -> int:
    """Columns of the terminal; 100 where there is none, as in AWX or a log file."""
    if _TERMINAL and display.columns:
        return min(160, int(display.columns))
    return int(os.environ.get("COLUMNS") or 100)
