# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a report that somebody outside wrote: made inert, bounded, and searched for plain phrases.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

No pattern is ever matched against the text: phrases are found by C(str.find), at a cost that the text's bounded length
bounds, whatever an attacker writes into a ticket.
"""

from __future__ import annotations

import unicodedata

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

LONGEST = 4000
"""Characters of a report that are read; the complaint stands at the beginning, quoted mail below it."""

_MOST_CLAUSES = 80
_ENDS = "。！？；"
_ENDS_BEFORE_SPACE = ".!?;,、"
_TURNS = (" but ", " however ", " while ", " aber ", " jedoch ", "ですが", "けれど", "けど")
_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-"})


def tidy(value: object) -> str:
    """The text in one normal form: NFKC (full-width letters become plain ones), straight quotes, single spaces.

    A line break becomes a full stop, since it ends a sentence.
    """
    raw = str(value)[: 2 * LONGEST]
    text = unicodedata.normalize("NFKC", " ; ".join(raw.splitlines())).translate(_STRAIGHT)
    return " ".join(clean(text, LONGEST).split())


def fold(value: object) -> str:
    """The text as it is compared: tidy and without regard to case."""
    return tidy(value).casefold()


def clauses(text: str) -> list[str]:
    """Cut a tidy text where one statement ends and the next may begin."""
    found: list[str] = []
    begin = 0
    for index, char in enumerate(text):
        follows = text[index + 1 : index + 2]
        if char in _ENDS or char in _ENDS_BEFORE_SPACE and (follows in ("", " ") or char == "、"):
            found.append(text[begin : index + 1])
            begin = index + 1
    found.append(text[begin:])
    for turn in _TURNS:
        found = [part for clause in found for part in clause.split(turn)]
    return [clause.strip(" .!?;,、。！？；") for clause in found if clause.strip(" .!?;,、。！？；")][:_MOST_CLAUSES]


def find(phrase: str, text: str) -> tuple[int, int] | None:
    """Where a phrase stands in a folded text as words of its own: C(pop) is not found in "popular".

    Between scripts no space is needed: C(pop) is found in "POPサーバ".
    """
    begin = text.find(phrase)
    while begin >= 0:
        end = begin + len(phrase)
        if not _joined(text, begin - 1, phrase[0], -1) and not _joined(text, end, phrase[-1], 1):
            return begin, end
        begin = text.find(phrase, begin + 1)
    return None


def _joined(text: str, index: int, edge: str, step: int) -> bool:
    """Does the phrase's edge go on in the text: the same word, or the same dotted number?"""
    beyond = text[index] if 0 <= index < len(text) else " "
    if not _wordlike(edge):
        return False
    if _wordlike(beyond):
        return True
    further = text[index + step] if 0 <= index + step < len(text) else " "
    return edge.isdigit() and beyond == "." and further.isdigit()


def _wordlike(char: str) -> bool:
    return char.isascii() and char.isalnum() or char in "äöüßéèà"
