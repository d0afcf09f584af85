# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ticket systems and alerts speak: load and check C(rules/tickets/*.yml), one file for each of them.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A file tells how to read what the system sends (C(read)) and how an answer gets back into it (C(answer)). As with rules,
files of later directories may add systems, change single keys of one with the same name, or switch it off with
C(enabled: false). Every mistake is a L(RuleError) that names file and key.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import Expression, ExpressionError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import RuleError, check_keys, parse
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import answers

FOLDER = "tickets"
"""Where, within a directory of rules, the files lie."""

GENERIC = "generic"
"""The system that reads whatever no other one knows."""

MANUAL = "manual"
"""The system that reads the variables which a person or a survey sets."""

FIELDS = (
    "id",
    "title",
    "text",
    "url",
    "reporter_name",
    "reporter_address",
    "hosts",
    "site",
    "protocols",
    "severity",
    "since",
    "state",
    "language",
)
"""What can be read of a ticket."""

KINDS = ("ticket", "alert")

MEANINGS: dict[str, tuple[str, ...]] = {
    "severity": ("critical", "major", "minor", "info"),
    "state": ("open", "closed"),
}
"""Fields whose values C(values) translates, each with what a value can mean."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_KEYS: dict[str, tuple[type, ...]] = {
    "system": (str,),
    "title": (str,),
    "enabled": (bool,),
    "order": (int,),
    "kind": (str,),
    "match": (str,),
    "ignore": (str,),
    "html": (bool,),
    "read": (dict,),
    "values": (dict,),
    "answer": (dict,),
}
_MERGED = ("read", "values", "answer")
"""Keys of which a later file changes single entries."""


@dataclasses.dataclass(frozen=True)
class System:
    """One ticket system, or one source of alerts; see docs/tickets.md for the meaning of each key.

    Of the expressions of a field in C(read) the first one counts that finds something.
    """

    name: str
    title: str
    order: int
    kind: str
    match: Expression | None
    ignore: Expression | None
    html: bool
    read: dict[str, tuple[Expression, ...]]
    values: dict[str, dict[str, str]]
    answer: answers.Answer | None
    place: str


def load(directories: t.Iterable[Path]) -> dict[str, System]:
    """Read C(tickets/*.yml) of each directory of rules; a directory need not have any.

    :param directories: the collection's own C(rules) first, then those of the site
    :returns: the systems by name, in the order in which they are tried
    :raises RuleError: on the first mistake, naming file and key
    """
    raw: dict[str, dict[str, t.Any]] = {}
    places: dict[str, str] = {}
    for directory in directories:
        own: dict[str, str] = {}
        for path in sorted((directory / FOLDER).glob("*.yml")):
            entry = _file(path)
            name = entry["system"]
            if name in own:
                raise RuleError(f"{path}: system '{name}' is defined twice, first in {own[name]}")
            own[name] = str(path)
            raw[name] = _merged(raw.get(name, {}), entry)
            places[name] = str(path)
    systems = [_build(entry, places[name]) for name, entry in raw.items() if entry.get("enabled", True) is not False]
    return {system.name: system for system in sorted(systems, key=lambda one: (one.order, one.name))}


def _file(path: Path) -> dict[str, t.Any]:
    data, dummy = parse(path)
    if not isinstance(data, dict):
        raise RuleError(f"{path}: a file about a ticket system holds a mapping, not a {type(data).__name__}")
    if not isinstance(data.get("system"), str) or not _NAME.match(data["system"]):
        raise RuleError(f"{path}: 'system' is missing or no name; a name has small letters, digits and _, such as jira")
    check_keys(data, _KEYS, f"{path}: system '{data['system']}'")
    return data


def _merged(known: dict[str, t.Any], entry: dict[str, t.Any]) -> dict[str, t.Any]:
    merged = {**known, **entry}
    for key in _MERGED:
        if key in known and key in entry:
            merged[key] = {**known[key], **entry[key]}
    return merged


def _build(entry: dict[str, t.Any], place: str) -> System:
    where = f"{place}: system '{entry['system']}'"
    if entry.get("kind", "ticket") not in KINDS:
        raise RuleError(f"{where}: 'kind' is '{entry['kind']}'; it must be one of: {', '.join(KINDS)}")
    read = entry.get("read", {})
    if not read:
        raise RuleError(f"{where}: 'read' is missing: nothing would be known of a ticket")
    for field in read:
        if field not in FIELDS:
            raise RuleError(f"{where}: 'read' has '{field}'; there are: {', '.join(FIELDS)}")
    return System(
        name=entry["system"],
        title=entry.get("title", entry["system"]),
        order=entry.get("order", 50),
        kind=entry.get("kind", "ticket"),
        match=_expression(entry["match"], where, "match") if "match" in entry else None,
        ignore=_expression(entry["ignore"], where, "ignore") if "ignore" in entry else None,
        html=entry.get("html", False),
        read={field: _alternatives(texts, where, f"read.{field}") for field, texts in read.items()},
        values=_values(entry.get("values", {}), where),
        answer=answers.build(entry["answer"], where) if "answer" in entry else None,
        place=place,
    )


def _expression(text: t.Any, where: str, key: str) -> Expression:
    if not isinstance(text, str):
        raise RuleError(f"{where}: '{key}' must be a text (JMESPath), not {type(text).__name__}")
    try:
        return Expression(text)
    except ExpressionError as exc:
        raise RuleError(f"{where}: '{key}': {exc}") from exc


def _alternatives(texts: t.Any, where: str, key: str) -> tuple[Expression, ...]:
    return tuple(_expression(text, where, key) for text in (texts if isinstance(texts, list) else [texts]))


def _values(entry: dict[str, t.Any], where: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for field, words in entry.items():
        if field not in MEANINGS:
            raise RuleError(f"{where}: 'values' has '{field}'; there are: {', '.join(MEANINGS)}")
        if not isinstance(words, dict):
            raise RuleError(f"{where}: 'values.{field}' must be a mapping, not {type(words).__name__}")
        for word, meaning in words.items():
            if meaning not in MEANINGS[field]:
                raise RuleError(
                    f"{where}: 'values.{field}': '{word}' means '{meaning}'; there are: {', '.join(MEANINGS[field])}"
                )
        found[field] = {str(word).casefold(): meaning for word, meaning in words.items()}
    return found
