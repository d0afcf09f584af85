# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users and their mail programs say when mail fails: load and check C(rules/symptoms/*.yml).

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

An entry is a C(complaint) (something does not work), a C(hint) (a word that tells protocol, direction or scope), or
C(fine) (the words of somebody who says what does work). As with rules, later directories may add entries, change
single keys of one with the same C(id), or switch it off.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import RuleError, entries
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.text import fold

FOLDER = "symptoms"
"""Where, within a directory of rules, the entries lie."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "pop3": ("pop3", "pop3s"),
    "imap": ("imap", "imaps"),
    "submission": ("submission", "submissions"),
    "smtp": ("smtp",),
    "sieve": ("sieve",),
}
"""What a user calls by one name, and the ports that it may mean."""

DIRECTIONS: dict[str, tuple[str, ...]] = {"receive": ("pop3", "imap"), "send": ("submission", "smtp"), "both": ()}
"""Each direction with the protocols that a mail program uses for it."""

PHASES = ("resolve", "connect", "tls", "login", "transfer", "delivery")
SCOPES = ("one", "department", "everyone")
KINDS = ("complaint", "hint", "fine")

_KEYS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "enabled": (bool,),
    "kind": (str,),
    "codes": (list,),
    "words": (list,),
    "with": (list,),
    "protocols": (list,),
    "direction": (str,),
    "phase": (str,),
    "scope": (str,),
    "says": (str,),
    "hypothesis": (str,),
    "fits": (list,),
}
_LISTS = ("codes", "words", "with", "protocols", "fits")
_LONGEST = 120


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing that a report may say."""

    id: str
    kind: str
    phrases: tuple[str, ...]
    company: tuple[str, ...]
    protocols: tuple[str, ...]
    direction: str | None
    phase: str | None
    scope: str | None
    says: str
    hypothesis: str
    fits: tuple[str, ...]


def load(directories: t.Iterable[Path]) -> list[Entry]:
    """Read C(symptoms/*.yml) of each directory of rules; a directory need not have any.

    :raises RuleError: on the first mistake, naming file, line, entry and key
    """
    raw: dict[str, dict[str, t.Any]] = {}
    places: dict[str, str] = {}
    for directory in directories:
        own: dict[str, str] = {}
        for path in sorted((directory / FOLDER).glob("*.yml")):
            for entry, place in entries(path, _KEYS, "symptom"):
                name = entry["id"]
                if name in own:
                    raise RuleError(f"{place}: symptom '{name}' is defined twice, first at {own[name]}")
                own[name] = place
                raw[name] = {**raw.get(name, {}), **entry}
                places[name] = place
    return [_build(entry, places[name]) for name, entry in raw.items() if entry.get("enabled", True) is not False]


def _build(entry: dict[str, t.Any], place: str) -> Entry:
    where = f"{place}: symptom '{entry['id']}'"
    for key in _LISTS:
        for item in entry.get(key, []):
            if not isinstance(item, str) or not item.strip() or len(item) > _LONGEST:
                raise RuleError(f"{where}: '{key}' must hold texts of 1 to {_LONGEST} characters (quote numbers)")
    for key, choices in (
        ("kind", KINDS),
        ("direction", tuple(DIRECTIONS)),
        ("phase", PHASES),
        ("scope", SCOPES),
    ):
        if key in entry and entry[key] not in choices:
            raise RuleError(f"{where}: '{key}' is '{entry[key]}'; it must be one of: {', '.join(choices)}")
    for protocol in entry.get("protocols", []):
        if protocol not in FAMILIES:
            raise RuleError(f"{where}: 'protocols' names '{protocol}'; there are: {', '.join(FAMILIES)}")
    kind = entry.get("kind", "complaint")
    if kind == "complaint" and not entry.get("says"):
        raise RuleError(f"{where}: 'says' is missing: a complaint needs a sentence for the report")
    # A number is written with and without its 0x.
    codes = [fold(code).removeprefix("0x") for code in entry.get("codes", [])]
    hexadecimal = [f"0x{code}" for code in codes if len(code) == 8 and "." not in code]
    phrases = (*codes, *hexadecimal, *(fold(word) for word in entry.get("words", [])))
    if not all(phrases) or not phrases:
        raise RuleError(f"{where}: it needs 'words' or 'codes' to be recognised by")
    return Entry(
        id=entry["id"],
        kind=kind,
        phrases=tuple(dict.fromkeys(phrases)),
        company=tuple(fold(word) for word in entry.get("with", [])),
        protocols=tuple(entry.get("protocols", [])),
        direction=entry.get("direction"),
        phase=entry.get("phase"),
        scope=entry.get("scope"),
        says=entry.get("says", ""),
        hypothesis=entry.get("hypothesis", ""),
        fits=tuple(entry.get("fits", [])),
    )
