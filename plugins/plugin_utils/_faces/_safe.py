# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a report that may be damaged or hostile: every string made inert, every wrong type harmless.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_DROPPED = frozenset(("Cf", "Cc", "Cs", "Zl", "Zp"))


def inert(value: object, limit: int = 300) -> str:
    """Make a bounded, visible, single-line text of a value from outside.

    Beyond `clean()` this drops what only a screen suffers from: format characters and variation selectors (they
    change the width of what stands before them) and heaps of combining marks that paint over other lines.

    :returns: text of at most `limit` characters, "" for None
    """
    if value is None:
        return ""
    kept: list[str] = []
    marks = 0
    for char in clean(value, limit):
        if char.isascii():
            marks = 0
            kept.append(char)
            continue
        kind = unicodedata.category(char)
        if kind in _DROPPED or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
            continue
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks <= 2:
            kept.append(" " if kind == "Zs" else char)
    return " ".join("".join(kept).split())


def value_text(value: object, limit: int = 160) -> str:
    """One fact's value as a short text: numbers as people write them, structures as compact JSON."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else str(value)
    if isinstance(value, (dict, list, tuple)):
        try:
            return inert(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str), limit)
        except (TypeError, ValueError, RecursionError):
            return inert(type(value).__name__)
    return inert(value, limit)


def mapping(value: object) -> Mapping[Any, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[Any]:
    """The value as a list: a lone string or number becomes a list of one, None and mappings an empty list."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return [] if value is None or isinstance(value, Mapping) else [value]


def texts(value: object, limit: int = 300, most: int = 50) -> tuple[str, ...]:
    """The non-empty inert texts of a list, at most `most` of them."""
    found = (inert(item, limit) for item in sequence(value)[:most])
    return tuple(text for text in found if text)


def number(value: object) -> float | None:
    """The value as a finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts mail2 before mail10."""
    pieces = re.findall(r"[0-9]{1,18}|[^0-9]+", name)
    return tuple((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces)


def moment(value: object) -> str:
    """A point of time (epoch seconds, or an ISO text which is passed through) as `2026-05-04 06:12:09 UTC`."""
    seconds = number(value)
    if seconds is None:
        return inert(value, 40)
    try:
        return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return inert(value, 40)


def duration(seconds: float | None) -> str:
    """Seconds in words a person reads at a glance: `0.8 s`, `42 s`, `3 min 5 s`; "" when not known or negative."""
    if seconds is None or seconds < 0:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
