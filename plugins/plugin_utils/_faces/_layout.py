# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns on a terminal: widths of East Asian text, wrapping, padding, colours.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_STYLES: dict[str, str] = {
    "down": "1;31",
    "degraded": "1;33",
    "unknown": "1;35",
    "maintenance": "1;34",
    "healthy": "1;32",
    "bad": "31",
    "good": "32",
    "bold": "1",
    "dim": "2",
    "do": "1;32",
    "dont": "1;31",
}

_TO_ASCII = str.maketrans(
    {
        "…": "...",
        "–": "-",
        "—": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "·": "|",
        "•": "*",
        "×": "x",
        "→": "->",
        "↳": "`-",
        "─": "-",
        "━": "=",
        "✗": "X",
        "✓": "+",
        "│": "|",
    }
)
# Closing punctuation stays with the character before it, as a Japanese reader expects.
_CLOSING = frozenset("、。，．・：；？！）」』】》〉］｝…ー")


def columns(text: str) -> int:
    """The columns `text` takes on a terminal: two for wide characters, none for combining marks."""
    if text.isascii():
        return len(text)
    total = 0
    for char in text:
        if unicodedata.category(char) in ("Mn", "Me"):
            continue
        total += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return total


def ascii_only(text: str) -> str:
    """The text in ASCII: usual signs by their like, other characters as `\\u30e1`, so that nothing is lost."""
    return text if text.isascii() else text.translate(_TO_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def cut(text: str, width: int) -> tuple[str, str]:
    """Split `text` where it fills `width` columns; the first part takes at least one character."""
    used = 0
    for index, char in enumerate(text):
        used += columns(char)
        if used > width and index:
            return text[:index], text[index:]
    return text, ""


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """The text in at most `width` columns, with an ellipsis when something had to go."""
    if columns(text) <= width:
        return text
    if width <= columns(ellipsis):
        return cut(text, width)[0] if width > 1 else ellipsis[:width]
    return cut(text, width - columns(ellipsis))[0].rstrip() + ellipsis


def pad(text: str, width: int) -> str:
    """The text followed by spaces up to `width` columns."""
    return text + " " * max(0, width - columns(text))


def wrap(text: str, width: int) -> list[str]:
    """Break `text` into lines of at most `width` columns: at spaces, between wide characters, else hard."""
    width = max(2, width)
    lines: list[str] = []
    line = ""
    for space, unit in _units(text):
        gap = " " if space and line else ""
        if columns(line + gap + unit) <= width:
            line += gap + unit
            continue
        if line:
            lines.append(line)
        line = unit
        while columns(line) > width:
            head, line = cut(line, width)
            lines.append(head)
    return [*lines, line] if line or not lines else lines


def pack(parts: Iterable[str], separator: str, width: int) -> list[str]:
    """Join parts to lines of at most `width` columns; a part is broken only when it is longer than a line."""
    lines: list[str] = []
    for part in parts:
        if lines and columns(lines[-1] + separator + part) <= width:
            lines[-1] += separator + part
        else:
            lines += wrap(part, width)
    return lines


def _units(text: str) -> list[tuple[bool, str]]:
    """The unbreakable pieces of a text, each with whether a space stands before it."""
    units: list[tuple[bool, str]] = []
    for word in text.split():
        if word.isascii():
            units.append((True, word))
            continue
        fresh = True
        for char in word:
            wide = unicodedata.east_asian_width(char) in "WF"
            last = units[-1][1] if units and not fresh else ""
            joins = last and (
                char in _CLOSING
                or unicodedata.combining(char)
                or not wide
                and unicodedata.east_asian_width(last[-1]) not in "WF"
            )
            if joins:
                units[-1] = (units[-1][0], last + char)
            else:
                units.append((fresh, char))
            fresh = False
    return units


class Sheet:
    """Lines of a fixed width, coloured only when asked; no line is ever longer than the width.

    :param width: columns; less than 30 is taken as 30
    :param color: write ANSI colours
    :param plain: write ASCII only
    """

    def __init__(self, width: int, color: bool, plain: bool) -> None:
        self.width = max(30, width)
        self.plain = plain
        self._color = color
        self._lines: list[str] = []

    def text(self, text: str) -> str:
        """The text as this sheet can show it."""
        return ascii_only(text) if self.plain else text

    def fit(self, text: str, width: int) -> str:
        """`fit()` with the sheet's own ellipsis."""
        return fit(self.text(text), width, "..." if self.plain else "…")

    def paint(self, text: str, style: str = "") -> str:
        """The text in a colour, or as it is on a sheet without colours."""
        code = _STYLES.get(style, "")
        return f"\x1b[{code}m{text}\x1b[0m" if code and self._color and text.strip() else text

    def raw(self, line: str) -> None:
        """Add a line that the caller has already made to fit."""
        self._lines.append(line.rstrip())

    def blank(self) -> None:
        """Add an empty line unless the sheet is empty or the last line already is."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def rule(self, title: str, right: str = "", style: str = "bold", right_style: str = "") -> None:
        """Add a heading with a line to the margin and a word at its end."""
        right = self.fit(right, self.width // 2)
        title = self.fit(title, self.width - columns(right) - 8)
        rule = "-" if self.plain else "─"
        fill = self.width - columns(title) - columns(right) - (5 if not right else 6)
        head = (
            self.paint(rule * 2, "dim") + " " + self.paint(title, style) + " " + self.paint(rule * max(1, fill), "dim")
        )
        self.raw(head + (" " + self.paint(right, right_style) if right else ""))

    def para(self, text: str, style: str = "", indent: int = 0, lead: str = "", lead_style: str = "") -> None:
        """Add a wrapped paragraph; `lead` stands before its first line and the others hang under the text."""
        lead = self.text(lead)
        start = indent + columns(lead)
        if start > self.width - 16:
            start = indent + 2
            self.raw(" " * indent + self.paint(self.fit(lead, self.width - indent), lead_style))
            lead = " " * 2
        self._hang(wrap(self.text(text), self.width - start), start, " " * indent + self.paint(lead, lead_style), style)

    def parts(self, parts: Iterable[str], style: str = "", indent: int = 0) -> None:
        """Add parts with a dot between them, broken between the parts where possible."""
        dot = "  |  " if self.plain else "  ·  "
        self._hang(pack(map(self.text, parts), dot, self.width - indent), indent, " " * indent, style)

    def _hang(self, lines: list[str], start: int, first: str, style: str) -> None:
        for index, line in enumerate(lines):
            before = first if index == 0 else " " * start
            self.raw(before + self.paint(line, style))

    def field(self, label: str, text: str, style: str = "", label_style: str = "dim", indent: int = 2) -> None:
        """Add `label   text` with the labels of a block in one column."""
        self.para(text, style, indent, pad(label, 12 if self.width >= 50 else len(label) + 1), label_style)

    def done(self) -> str:
        """All lines as one text that ends in a newline."""
        return "\n".join(self._lines).rstrip("\n") + "\n"
