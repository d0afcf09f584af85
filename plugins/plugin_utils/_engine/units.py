# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as a person reads them.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

_UNITS = (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def size(count: float) -> str:
    """Bytes with a binary unit."""
    for unit, factor in _UNITS:
        if abs(count) >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"


def duration(seconds: float) -> str:
    """Seconds as days, hours, minutes or seconds; one unit is precise enough for a person."""
    for unit, factor in (("d", 86400), ("h", 3600), ("min", 60)):
        if abs(seconds) >= factor:
            return f"{seconds / factor:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} s"
