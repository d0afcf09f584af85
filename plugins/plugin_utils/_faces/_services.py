# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What works and what does not, per protocol, summed over the vantage points.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe, _words


class Cell(NamedTuple):
    """One protocol seen from one vantage point; state is `good`, `bad` or `none` (not tried, or not offered)."""

    protocol: str
    outcome: str
    word: str
    state: str


class Row(NamedTuple):
    """All protocols seen from one vantage point."""

    vantage: str
    cells: tuple[Cell, ...]


class Matrix(NamedTuple):
    """Vantage points by protocols, with every row as long as `protocols`."""

    protocols: tuple[str, ...]
    rows: tuple[Row, ...]


class Group(NamedTuple):
    """Protocols that share a fate: `✗ smtp, submission(s)  refused  from outside`."""

    state: str
    protocols: str
    word: str
    where: str


def vantage_name(name: str) -> str:
    """`controller` as it is; any name for the host itself as `the host itself`."""
    return "the host itself" if name in _words.LOCAL_VANTAGES else name


def matrix(reach: object, expected: Sequence[str]) -> Matrix:
    """The reach part of a host as rows of equal length, protocols in the usual order, the host itself last."""
    seen: dict[str, dict[str, str]] = {}
    names: set[str] = set()
    for vantage, answers in list(_safe.mapping(reach).items())[:60]:
        row = {_safe.inert(key, 20): _safe.inert(value, 20) for key, value in list(_safe.mapping(answers).items())[:30]}
        seen[_safe.inert(vantage, 40)] = row
        names.update(row)
    protocols = _ordered(names)
    rows = []
    for vantage in sorted(seen, key=lambda name: (name in _words.LOCAL_VANTAGES, name != "controller", name)):
        cells = (_cell(protocol, seen[vantage].get(protocol, "skipped"), expected) for protocol in protocols)
        rows.append(Row(vantage_name(vantage), tuple(cells)))
    return Matrix(protocols, tuple(rows))


def groups(table: Matrix, expected: Sequence[str]) -> tuple[Group, ...]:
    """Protocols with the same fate put together, what fails first; protocols nobody expects here are left out."""
    fates: dict[tuple[str, str, str], list[str]] = {}
    for index, protocol in enumerate(table.protocols):
        if not _wanted(protocol, expected):
            continue
        cells = {row.vantage: row.cells[index] for row in table.rows}
        for fate in _fates(cells):
            fates.setdefault(fate, []).append(protocol)
    order = {"bad": 0, "good": 1, "none": 2}
    asked = [protocol for protocol in table.protocols if _wanted(protocol, expected)]
    found = [
        Group(state, "all services" if len(names) == len(asked) > 3 else joined(names), word, where)
        for (state, word, where), names in fates.items()
    ]
    return tuple(sorted(found, key=lambda group: order[group.state]))


def failing(table: Matrix) -> int:
    """How many protocols fail from at least one vantage point."""
    columns = zip(*(row.cells for row in table.rows))
    return sum(any(cell.state == "bad" for cell in column) for column in columns)


def _fates(cells: Mapping[str, Cell]) -> Iterable[tuple[str, str, str]]:
    """The fate of one protocol: one when all vantage points agree, else one per kind of failure with its places."""
    tried = {vantage: cell for vantage, cell in cells.items() if cell.state != "none"}
    bad: dict[str, list[str]] = {}
    for vantage, cell in tried.items():
        if cell.state == "bad":
            bad.setdefault(cell.word, []).append(vantage)
    if not tried:
        return [("none", "not probed", "")]
    if not bad:
        return [("good", "", "")]
    if len(bad) == 1 and len(next(iter(bad.values()))) == len(tried):
        return [("bad", next(iter(bad)), "")]
    remote = [vantage for vantage in tried if vantage != "the host itself"]
    fates = []
    for word, places in bad.items():
        outside = len(places) == len(remote) and "the host itself" not in places
        fates.append(("bad", word, "from outside" if outside and len(tried) > len(remote) else _places(places)))
    return fates


def _places(places: Sequence[str]) -> str:
    shown = ", ".join("itself" if place == "the host itself" else place for place in places[:2])
    return f"from {shown}" + (f" +{len(places) - 2}" if len(places) > 2 else "")


def _cell(protocol: str, outcome: str, expected: Sequence[str]) -> Cell:
    word = _words.OUTCOMES[outcome].word if outcome in _words.OUTCOMES else outcome
    state = "good" if outcome == "ok" else "none" if outcome == "skipped" else "bad"
    # A backup MX without IMAP is not a fault: what nobody expects of a host cannot fail there.
    if state == "bad" and protocol != "ssh" and not _wanted(protocol, expected):
        state = "none"
    return Cell(protocol, outcome, word, state)


def _wanted(protocol: str, expected: Sequence[str]) -> bool:
    """Whether users count on this protocol; ssh is for administrators and counts only where it is asked for."""
    return protocol in expected if expected else protocol != "ssh"


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    rank = {name: index for index, name in enumerate(_words.PROTOCOLS)}
    return tuple(sorted(names, key=lambda name: (rank.get(name, len(rank)), name)))


def joined(names: Iterable[str]) -> str:
    """`imaps pop3 imap` as `imap(s) pop3`: in the usual order, plain and TLS port of one service as one word."""
    words: list[str] = []
    for name in _ordered(names):
        if words and name == words[-1] + "s":
            words[-1] += "(s)"
        else:
            words.append(name)
    return " ".join(words)
