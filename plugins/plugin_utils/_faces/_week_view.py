# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposal of C(patch_window), made ready for every face: levels of a heat map, and inert texts.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEVELS = 5
"""Shades of the map, from quiet to busy."""
_MOST_WINDOWS = 3
_MOST_SLOTS = 200


class Cell(NamedTuple):
    """An hour of the week.

    hour: of the day; level: 0 to LEVELS - 1, None when nothing is known; place: of the window that it lies in, 0 for
    the best one, None for none; says: the same in words
    """

    hour: int
    level: int | None
    place: int | None
    says: str


class Slot(NamedTuple):
    """When one host is worked at."""

    host: str
    text: str
    groups: str


class Window(NamedTuple):
    """One proposed window."""

    text: str
    expected: str
    confidence: str
    because: tuple[str, ...]
    why: tuple[str, ...]
    slots: tuple[Slot, ...]
    more: int


class Proposal(NamedTuple):
    """All of it. rows: the week from Monday, 24 cells each."""

    timezone: str
    length: str
    rows: tuple[tuple[Cell, ...], ...]
    windows: tuple[Window, ...]
    why: tuple[str, ...]
    held: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Something is known of some hour."""
        return any(cell.level is not None for row in self.rows for cell in row)


def build(found: Mapping[str, Any]) -> Proposal:
    """Read a proposal; what is missing or of a wrong type is left out."""
    windows = [_safe.mapping(window) for window in _safe.sequence(found.get("windows"))[:_MOST_WINDOWS]]
    minutes, slots = _safe.number(found.get("length_minutes")) or 0, _safe.number(found.get("slots")) or 1
    each = f"{minutes:.0f} minutes for each host"
    return Proposal(
        timezone=_safe.inert(found.get("timezone"), 60),
        length=each if slots < 2 else f"{each}, {slots:.0f} one after the other",
        rows=_rows(found.get("heat"), windows),
        windows=tuple(_window(window) for window in windows),
        why=_safe.texts(found.get("why"), 400),
        held=_safe.texts(found.get("held"), 80),
    )


def _rows(heat: object, windows: list[Mapping[Any, Any]]) -> tuple[tuple[Cell, ...], ...]:
    places: dict[tuple[int, int], int] = {}
    for place, window in reversed(list(enumerate(windows))):
        for cell in _safe.sequence(window.get("cells"))[:168]:
            pair = [_safe.number(part) for part in _safe.sequence(cell)[:2]]
            if len(pair) == 2 and None not in pair:
                places[int(pair[0] or 0), int(pair[1] or 0)] = place
    values = [[_safe.number(one) for one in _safe.sequence(row)[:24]] for row in _safe.sequence(heat)[:7]]
    most = max((one for row in values for one in row if one is not None), default=0.0)
    rows = []
    for day, name in enumerate(DAYS):
        row = values[day] if day < len(values) else []
        row = [*row, *[None] * (24 - len(row))]
        rows.append(tuple(_cell(name, hour, value, most, places.get((day, hour))) for hour, value in enumerate(row)))
    return tuple(rows)


def _cell(day: str, hour: int, value: float | None, most: float, place: int | None) -> Cell:
    known = "not known" if value is None else f"about {value:.0f} messages and logins"
    chosen = "" if place is None else "; the proposed window" if place == 0 else f"; proposal {place + 1}"
    return Cell(hour, _level(value, most), place, f"{day} {hour:02d}:00: {known}{chosen}")


def _level(value: float | None, most: float) -> int | None:
    """By the square root: nights differ from each other too, not only from the days."""
    if value is None:
        return None
    if value <= 0 or most <= 0:
        return 0
    return min(LEVELS - 1, int(math.sqrt(value / most) * LEVELS))


def _window(window: Mapping[Any, Any]) -> Window:
    expected, sure = _safe.mapping(window.get("expected")), _safe.mapping(window.get("confidence"))
    slots = [_safe.mapping(slot) for slot in _safe.sequence(window.get("slots"))]
    counts = [(_safe.number(expected.get(key)) or 0.0, word) for key, word in _COUNTED]
    return Window(
        text=_safe.inert(window.get("text"), 80),
        expected=", ".join(f"{count:.0f} {word}" for count, word in counts),
        confidence=_safe.inert(sure.get("level"), 10),
        because=_safe.texts(sure.get("because"), 300),
        why=_safe.texts(window.get("why"), 400),
        slots=tuple(
            Slot(
                _safe.inert(slot.get("host"), 80),
                _safe.inert(slot.get("text"), 80),
                ", ".join(_safe.texts(slot.get("groups"), 80)),
            )
            for slot in slots[:_MOST_SLOTS]
        ),
        more=max(0, len(slots) - _MOST_SLOTS),
    )


_COUNTED = (("delivered", "messages"), ("logins", "logins"), ("connections", "connections"))
