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
FORMATS = ("text", "markdown", "html")
AUTHS = ("none", "bearer", "basic")
"""Beside these, C(header:NAME) sends the token in a header of that name."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
STEPS = ("find", "create", "update")

MEANINGS: dict[str, tuple[str, ...]] = {
    "severity": ("critical", "major", "minor", "info"),
    "state": ("open", "closed"),
}
"""Fields whose values C(values) translates, each with what a value can mean."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")

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
_ANSWER_KEYS: dict[str, tuple[type, ...]] = {
    "format": (str,),
    "auth": (str,),
    "longest": (int,),
    "headers": (dict,),
    "find": (list,),
    "create": (list,),
    "update": (list,),
    "states": (dict,),
}
_STEP_KEYS: dict[str, tuple[type, ...]] = {
    "method": (str,),
    "path": (str,),
    "headers": (dict,),
    "body": (dict, list, str),
    "take": (dict,),
}
_MERGED = ("read", "values", "answer")
"""Keys of which a later file changes single entries."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One request of an answer.

    C(path), the values of C(headers) and all texts within C(body) may hold C({name}), to be filled in. C(take) gives
    names to what was answered; each expression searches C({status, headers, body}), with the names of headers in lower
    case and the body parsed when it is JSON.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: t.Any
    take: dict[str, Expression]

    @property
    def names(self) -> frozenset[str]:
        """The names that the request wants filled in."""
        return placeholders([self.path, self.headers, self.body])


@dataclasses.dataclass(frozen=True)
class Answer:
    """How an answer gets back into the system.

    C(longest) is the most characters that a comment may have, null for no limit. C(states) are the steps that bring a
    ticket into a state, by its name.
    """

    format: str
    auth: str
    longest: int | None
    headers: dict[str, str]
    find: tuple[Step, ...]
    create: tuple[Step, ...]
    update: tuple[Step, ...]
    states: dict[str, tuple[Step, ...]]


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
    answer: Answer | None
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


def placeholders(value: t.Any) -> frozenset[str]:
    """The names between braces in a text, and in all texts within a list or a mapping."""
    if isinstance(value, str):
        return frozenset(_PLACEHOLDER.findall(value))
    if isinstance(value, dict):
        value = list(value.values())
    return frozenset().union(*map(placeholders, value)) if isinstance(value, (list, tuple)) else frozenset()


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
        answer=_answer(entry["answer"], where) if "answer" in entry else None,
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


def _answer(entry: dict[str, t.Any], where: str) -> Answer:
    check_keys(entry, _ANSWER_KEYS, f"{where}: 'answer'")
    if entry.get("format", "text") not in FORMATS:
        raise RuleError(f"{where}: 'answer.format' is '{entry['format']}'; it must be one of: {', '.join(FORMATS)}")
    auth = entry.get("auth", "none")
    if auth not in AUTHS and not (auth.startswith("header:") and _HEADER.match(auth.removeprefix("header:"))):
        raise RuleError(f"{where}: 'answer.auth' is '{auth}'; it must be one of: {', '.join(AUTHS)}, header:NAME")
    if entry.get("longest", 1) < 1:
        raise RuleError(f"{where}: 'answer.longest' must be at least 1 character")
    if not entry.get("create"):
        raise RuleError(f"{where}: 'answer.create' is missing: it is what writes a comment")
    return Answer(
        format=entry.get("format", "text"),
        auth=auth,
        longest=entry.get("longest"),
        headers=_headers(entry.get("headers", {}), f"{where}: 'answer.headers'"),
        states={
            str(state): _steps(steps, f"{where}: 'answer.states.{state}'")
            for state, steps in entry.get("states", {}).items()
        },
        **{key: _steps(entry.get(key, []), f"{where}: 'answer.{key}'") for key in STEPS},
    )


def _steps(entries: t.Any, where: str) -> tuple[Step, ...]:
    if not isinstance(entries, list):
        raise RuleError(f"{where} must be a list of steps, not {type(entries).__name__}")
    return tuple(_step(entry, f"{where} (step {number})") for number, entry in enumerate(entries, 1))


def _step(entry: t.Any, where: str) -> Step:
    if not isinstance(entry, dict):
        raise RuleError(f"{where}: a step is a mapping, not {type(entry).__name__}")
    check_keys(entry, _STEP_KEYS, where)
    method = entry.get("method", "GET")
    if method not in METHODS:
        raise RuleError(f"{where}: 'method' is '{method}'; it must be one of: {', '.join(METHODS)}")
    if not entry.get("path", "").startswith("/"):
        raise RuleError(f"{where}: 'path' must begin with '/': it follows the address of the ticket system")
    for name in entry.get("take", {}):
        if not isinstance(name, str) or not _NAME.match(name):
            raise RuleError(f"{where}: 'take' has '{name}'; a name has small letters, digits and _")
    return Step(
        method=method,
        path=entry["path"],
        headers=_headers(entry.get("headers", {}), f"{where}: 'headers'"),
        body=entry.get("body"),
        take={name: _expression(text, where, f"take.{name}") for name, text in entry.get("take", {}).items()},
    )


def _headers(entry: dict[t.Any, t.Any], where: str) -> dict[str, str]:
    for name, value in entry.items():
        if not isinstance(name, str) or not _HEADER.match(name):
            raise RuleError(f"{where}: '{name}' is no name of a header")
        if not isinstance(value, str) or not value.isprintable():
            raise RuleError(f"{where}: '{name}' must be a text of one line (quote numbers)")
    return dict(entry)
