# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ages and sizes as administrators write them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)$", re.I)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$", re.I)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def age(text) -> float:
    """Seconds of C(36h), C(10d), C(2w) or a plain number of seconds.

    :raises ValueError: for anything else, and for nothing
    """
    match = _AGE.match(str(text).strip())
    if not match or float(match.group(1)) <= 0:
        raise ValueError("'{0}' is no age; write for example 36h or 10d".format(text))
    return float(match.group(1)) * _SECONDS[match.group(2).lower()]


def size(text) -> int:
    """Bytes of C(500M), C(2G) or a plain number of bytes.

    :raises ValueError: for anything else
    """
    match = _SIZE.match(str(text).strip())
    if not match:
        raise ValueError("'{0}' is no size; write for example 500M or 2G".format(text))
    return int(float(match.group(1)) * _BYTES[match.group(2).lower()])


def spell(count) -> str:
    """Bytes as a person reads them."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return "{0:.0f} {1}".format(value, unit) if unit == "bytes" else "{0:.1f} {1}".format(value, unit)
        value /= 1024
    return "{0:.1f} TiB".format(value)
