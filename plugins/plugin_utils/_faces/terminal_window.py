# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposed patch window on a terminal: the week as a heat map, and what speaks for the window.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _week_view
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet

_SHADES = (" ", "░", "▒", "▓", "█")
_ASCII_SHADES = (" ", ".", ":", "+", "#")
_MARKS = ("[]", "()", "()")
_NARROW_MARKS = ("X", "o", "o")
_WIDE = 5 + 24 * 2
_PICTURE_WIDTH = 60
_MOST_SLOTS = 12


def render(
    found: Mapping[str, Any], *, width: int, color: bool, verbose: bool = False, ascii_only: bool = False
) -> str:
    """Show a proposal.

    :param found: what C(patch_window) answers
    """
    sheet = Sheet(width, color, ascii_only)
    view = _week_view.build(found)
    sheet.rule("Patch window", f"times of {view.timezone}")
    sheet.para(view.length, "dim", 5)
    if view.known:
        _map(sheet, view)
    for place, window in enumerate(view.windows):
        sheet.blank()
        label = "Proposed" if place == 0 else "Or"
        sheet.field(label, window.text, "bold", "do" if place == 0 else "dim")
        sheet.field("Affected", window.expected)
        sheet.field("Confidence", ": ".join(part for part in (window.confidence, "; ".join(window.because)) if part))
        if place and not verbose:
            continue
        for line in window.why:
            sheet.para(line, "dim", 14 if sheet.width >= 50 else 4)
        for slot in window.slots[: None if verbose else _MOST_SLOTS] if len(window.slots) > 1 else ():
            sheet.field("", f"{slot.text}  {slot.host}" + (f" ({slot.groups})" if slot.groups else ""))
        hidden = len(window.slots) - _MOST_SLOTS + window.more
        if hidden > 0 and not verbose:
            sheet.field("", f"and {hidden} more hosts", "dim")
    sheet.blank()
    for line in view.why:
        sheet.para(line, "", 2)
    if view.held:
        sheet.para(f"Held, not asked about: {', '.join(view.held)}", "", 2)
    return sheet.done()


def picture(found: Mapping[str, Any]) -> str:
    """The heat map alone, in plain ASCII: for a ticket or a log."""
    sheet = Sheet(_PICTURE_WIDTH, False, True)
    _map(sheet, _week_view.build(found))
    return sheet.done()


def _map(sheet: Sheet, view: _week_view.Proposal) -> None:
    wide = sheet.width >= _WIDE
    shades = _ASCII_SHADES if sheet.plain else _SHADES
    size = 2 if wide else 1
    marks = _MARKS if wide else _NARROW_MARKS
    every = 2 if wide else 6
    hours = "".join(f"{hour:02d}".ljust(size * every) for hour in range(0, 24, every))
    sheet.raw("     " + sheet.paint(hours.rstrip(), "dim"))
    for name, row in zip(_week_view.DAYS, view.rows):
        line = ""
        for cell in row:
            if cell.place is not None:
                line += sheet.paint(marks[cell.place], "do" if cell.place == 0 else "bold")
            else:
                line += ("?" if cell.level is None else shades[cell.level]) * size
        sheet.raw(f" {name} {line}")
    legend = [f"quiet '{''.join(shades)}' busy"]
    legend += [f"{marks[0]} proposed", f"{marks[1]} next best"] if view.windows else []
    legend += ["? not known"] if any(cell.level is None for row in view.rows for cell in row) else []
    sheet.parts(legend, "dim", 5)
