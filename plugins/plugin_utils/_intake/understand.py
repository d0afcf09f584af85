# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the words and numbers of a report to statements: protocol, direction, phase, scope, and what may be behind it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._intake.knowledge import (
    DIRECTIONS,
    FAMILIES,
    SCOPES,
    Entry,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.text import clauses, find, tidy

Document = dict[str, t.Any]

_MOST = 12
"""Statements that are kept; a report that says more is a log, not a complaint."""
_QUOTE = 80


class _Said(t.NamedTuple):
    """What one clause of the report says."""

    quote: str
    complaints: list[Entry]
    hints: list[Entry]
    well: bool


def understand(text: object, known: t.Sequence[Entry]) -> Document:
    """Read a report.

    :param text: as the user, the ticket or the mail program wrote it
    :returns: C(text); C(statements); C(scope), which is C(one), C(department), C(everyone), or null when it does not
        say; C(works), the protocols that do work as the user says. An unknown text gives no statements: nothing is
        guessed.
    """
    whole = tidy(text)
    said = [_read(clause, known) for clause in clauses(whole)]
    everywhere = [hint for clause in said if not clause.well for hint in clause.hints]
    statements: list[Document] = []
    for clause in said:
        for entry in clause.complaints:
            # A number that belongs to one protocol tells the protocol of the words beside it.
            beside = clause.hints + [other for other in clause.complaints if other is not entry]
            statement = _statement(entry, clause.quote, clause.hints, beside, everywhere)
            if len(statements) < _MOST and not any(_same(statement, other) for other in statements):
                statements.append(statement)
    scopes = [hint.scope for hint in everywhere if hint.scope]
    scopes += [entry.scope for clause in said for entry in clause.complaints if entry.scope]
    return {
        "text": whole,
        "statements": statements,
        "scope": _scope(scopes),
        "works": sorted({name for clause in said if clause.well for name in _spoken(clause.hints)}),
    }


def _same(one: Document, other: Document) -> bool:
    """Said before, or a number and its own words in one sentence."""
    if one["protocols"] != other["protocols"]:
        return False
    return bool(one["id"] == other["id"] or (one["quote"], one["phase"]) == (other["quote"], other["phase"]))


def _read(clause: str, known: t.Sequence[Entry]) -> _Said:
    """Find what stands in a clause; of two phrases in the same place the longer one is meant.

    A hint inside of a complaint still counts: "denied POP3 access" complains, and tells of POP3.
    """
    folded = clause.casefold()
    found: list[tuple[int, int, Entry]] = []
    for entry in known:
        if entry.company and not any(find(word, folded) for word in entry.company):
            continue
        for phrase in entry.phrases:
            place = find(phrase, folded)
            if place:
                found.append((*place, entry))
    taken: list[tuple[int, int, bool]] = []
    chosen: dict[str, tuple[int, Entry]] = {}
    for begin, end, entry in sorted(found, key=lambda one: (one[0] - one[1], one[0], one[2].id)):
        hint = entry.kind == "hint"
        over = [complains for start, stop, complains in taken if begin < stop and start < end]
        if not over or (hint and all(over)):
            taken.append((begin, end, entry.kind == "complaint"))
            chosen.setdefault(entry.id, (begin, entry))
    entries = [entry for dummy, entry in sorted(chosen.values(), key=lambda one: (one[0], one[1].id))]
    complaints = [entry for entry in entries if entry.kind == "complaint"]
    fine = [entry for entry in entries if entry.kind == "fine"]
    return _Said(
        quote=clause if len(clause) <= _QUOTE else clause[: _QUOTE - 1].rstrip() + "…",
        complaints=complaints,
        hints=[entry for entry in entries if entry.kind == "hint"] + fine,
        well=bool(fine) and not complaints,
    )


def _statement(entry: Entry, quote: str, near: list[Entry], beside: list[Entry], everywhere: list[Entry]) -> Document:
    """Put an entry and the hints beside it together; the hints of the whole text count where the clause has none."""
    direction = entry.direction
    if direction is None:
        for hints in (near, everywhere):
            said = {hint.direction for hint in hints if hint.direction}
            direction = said.pop() if len(said) == 1 else "both" if said else None
            if direction:
                break
    spoken = _spoken(near) or _spoken(beside) or _spoken(everywhere)
    protocols = _narrow(list(entry.protocols) or list(spoken), spoken)
    if direction in ("send", "receive"):
        protocols = _narrow(protocols or list(DIRECTIONS[direction]), DIRECTIONS[direction])
    elif direction is None and protocols:
        ways = {way for way, names in DIRECTIONS.items() for name in protocols if name in names}
        direction = next(iter(ways)) if len(ways) == 1 else "both"
    return {
        "id": entry.id,
        "quote": quote,
        "protocols": protocols,
        "direction": direction or "both",
        "phase": entry.phase,
        "says": entry.says,
        "hypothesis": entry.hypothesis,
        "fits": list(entry.fits),
    }


def _narrow(names: list[str], to: t.Iterable[str]) -> list[str]:
    """Those of the names that are also in the other list; all of them where none is."""
    wanted = set(to)
    return [name for name in names if name in wanted] or names


def _spoken(hints: list[Entry]) -> list[str]:
    """The protocols that words name: "POP3", "port 143"."""
    named = {name for hint in hints for name in hint.protocols}
    return [name for name in FAMILIES if name in named]


def _scope(scopes: list[str]) -> str | None:
    """ "Only I" excludes the others; else the widest that was said."""
    if SCOPES[0] in scopes:
        return SCOPES[0]
    return max(scopes, key=SCOPES.index, default=None)
