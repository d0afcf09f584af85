# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an answer gets back into a ticket system: the C(answer) half of C(rules/tickets/SYSTEM.yml), checked.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What a step sends is filled in, never put together as text and read again: a value stays one string within the body, one
part of the path, one header. Where the token or the password goes is said by C(auth) alone; no step can name them.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from urllib.parse import quote

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import Expression, ExpressionError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import RuleError, check_keys

FORMATS = ("text", "markdown", "html")
AUTHS = ("none", "bearer", "basic")
"""Beside these, C(header:NAME) and C(header:NAME:TEXT WITH {token}) send the token in a header."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
STATES = ("diagnosed", "resolved")
STEPS = ("begin", "find", "create", "update", "end")
REPLIES = ("json", "any")
GIVEN = (
    *("id", "base", "origin", "user", "run", "stage", "started"),
    *("verdict", "summary", "marker", "comment", "key"),
)
"""Names that every step can use, beside the named groups of C(id). C(update) has C(comment_id), too: the comment that
was found."""
COMMENTS = "comments"
"""The name under which a step of C(find) takes the list of comments, each with C(id) and C(text)."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_KEYS: dict[str, tuple[type, ...]] = {
    "format": (str,),
    "auth": (str, list),
    "longest": (int,),
    "id": (str,),
    "reply": (str,),
    "expect": (str,),
    "wrap": (list,),
    "replace": (dict,),
    "headers": (dict,),
    "states": (dict,),
    **dict.fromkeys(STEPS, (list,)),
}
_STEP_KEYS: dict[str, tuple[type, ...]] = {
    "method": (str,),
    "path": (str,),
    "headers": (dict,),
    "body": (dict, list, str),
    "take": (dict,),
    "when": (str,),
}


@dataclasses.dataclass(frozen=True)
class Step:
    """One request of an answer.

    C(path), the values of C(headers) and all texts within C(body) may hold C({name}), to be filled in. C(take) gives
    names to what was answered; each expression searches C({status, headers, body}), with the names of headers in lower
    case and the body parsed when it is JSON. C(when) searches the values; the step is left out unless it finds true.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: t.Any
    take: dict[str, Expression]
    when: Expression | None

    @property
    def names(self) -> frozenset[str]:
        """The names that the request wants filled in."""
        return placeholders([self.path, self.headers, self.body])


@dataclasses.dataclass(frozen=True)
class Answer:
    """How an answer gets back into the system.

    C(longest) is the most characters that a comment may have, null for no limit but our own. C(id) is what the
    identifier of a ticket looks like; no request is made for another one, and its named groups can be filled in.
    C(reply) C(json) refuses an answer of success that is something else, such as the page of a proxy. C(expect) must
    find true in every answer (its C({status, headers, body})). C(wrap) is put before and after the comment, C(replace)
    replaces texts within it. C(states) are the steps that bring a ticket into a state.
    """

    format: str
    auth: tuple[str, ...]
    longest: int | None
    id: re.Pattern[str] | None
    reply: str
    expect: Expression | None
    wrap: tuple[str, str]
    replace: dict[str, str]
    headers: dict[str, str]
    begin: tuple[Step, ...]
    find: tuple[Step, ...]
    create: tuple[Step, ...]
    update: tuple[Step, ...]
    end: tuple[Step, ...]
    states: dict[str, tuple[Step, ...]]

    def steps(self) -> t.Iterator[Step]:
        """All steps there are."""
        for steps in (self.begin, self.find, self.create, self.update, *self.states.values(), self.end):
            yield from steps


def build(entry: dict[str, t.Any], where: str) -> Answer:
    """Check the C(answer) of a system.

    :param where: file and system, for messages
    :raises RuleError: on the first mistake
    """
    check_keys(entry, _KEYS, f"{where}: 'answer'")
    if entry.get("format", "text") not in FORMATS:
        raise RuleError(f"{where}: 'answer.format' is '{entry['format']}'; it must be one of: {', '.join(FORMATS)}")
    if entry.get("longest", 500) < 500:
        raise RuleError(f"{where}: 'answer.longest' must be at least 500 characters: less does not hold a verdict")
    if not entry.get("create"):
        raise RuleError(f"{where}: 'answer.create' is missing: it is what writes a comment")
    headers = _headers(entry.get("headers", {}), f"{where}: 'answer.headers'")
    steps = {key: _steps(entry.get(key, []), f"{where}: 'answer.{key}'") for key in STEPS}
    states = {}
    for state, entries in entry.get("states", {}).items():
        if state not in STATES:
            raise RuleError(f"{where}: 'answer.states' has '{state}'; there are: {', '.join(STATES)}")
        states[state] = _steps(entries, f"{where}: 'answer.states.{state}'")
    if steps["find"] and COMMENTS not in {name for step in steps["find"] for name in step.take}:
        raise RuleError(f"{where}: 'answer.find' takes no '{COMMENTS}': a list of mappings with 'id' and 'text'")
    if entry.get("reply", REPLIES[0]) not in REPLIES:
        raise RuleError(f"{where}: 'answer.reply' is '{entry['reply']}'; it must be one of: {', '.join(REPLIES)}")
    pattern = _pattern(entry.get("id"), where)
    _check_names(headers, steps, states, {*GIVEN, *(pattern.groupindex if pattern else ())}, where)
    return Answer(
        format=entry.get("format", "text"),
        auth=_auth(entry.get("auth", "none"), where),
        longest=entry.get("longest"),
        id=pattern,
        reply=entry.get("reply", REPLIES[0]),
        expect=_expression(entry["expect"], where, "answer.expect") if "expect" in entry else None,
        wrap=_wrap(entry.get("wrap", ["", ""]), where),
        replace=_replace(entry.get("replace", {}), where),
        headers=headers,
        states=states,
        **steps,
    )


def placeholders(value: t.Any) -> frozenset[str]:
    """The names between braces in a text, and in all texts within a list or a mapping."""
    if isinstance(value, str):
        return frozenset(_PLACEHOLDER.findall(value))
    if isinstance(value, dict):
        value = list(value.values())
    return frozenset().union(*map(placeholders, value)) if isinstance(value, (list, tuple)) else frozenset()


def fill(value: t.Any, values: t.Mapping[str, t.Any]) -> t.Any:
    """Fill names in, in a text or in all texts within a list or a mapping.

    A text that is nothing but one name becomes the value as it is (a number stays a number); within a longer text the
    value is written out. What was filled in is not searched for names again.

    :raises KeyError: for a name without a value
    """
    if isinstance(value, dict):
        return {key: fill(item, values) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, values) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:
        return values[whole[1]]
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)


def path(step: Step, values: t.Mapping[str, t.Any]) -> str:
    """The path of a step, each value a single part of it: no slash or question mark of a value means anything.

    :raises ValueError: when a value would lead to another place all the same
    """
    for name in placeholders(step.path):
        if str(values[name]) in ("", ".", ".."):
            raise ValueError(f"'{name}' is '{values[name]}', which no path can hold")
    return _PLACEHOLDER.sub(lambda found: quote(str(values[found[1]]), safe=""), step.path)


def _check_names(
    headers: dict[str, str],
    steps: dict[str, tuple[Step, ...]],
    states: dict[str, tuple[Step, ...]],
    given: set[str],
    where: str,
) -> None:
    """Each name must come from somewhere before it is used."""
    begun = _known(steps["begin"], given, f"{where}: 'answer.begin'")
    _unknown(placeholders(headers) - begun, f"{where}: 'answer.headers'", begun)
    found = _known(steps["find"], begun, f"{where}: 'answer.find'") - {COMMENTS}
    _known(steps["create"], found, f"{where}: 'answer.create'")
    _known(steps["update"], {*found, "comment_id"}, f"{where}: 'answer.update'")
    for state, entries in states.items():
        _known(entries, found, f"{where}: 'answer.states.{state}'")
    _known(steps["end"], begun, f"{where}: 'answer.end'")


def _known(steps: t.Iterable[Step], known: set[str], where: str) -> set[str]:
    """The names that are known after some steps."""
    known = set(known)
    for number, step in enumerate(steps, 1):
        _unknown(step.names - known, f"{where} (step {number})", known)
        known |= set(step.take)
    return known


def _unknown(names: t.Iterable[str], where: str, known: t.Iterable[str]) -> None:
    for name in sorted(names):
        raise RuleError(f"{where} uses '{{{name}}}', which nothing sets; there are: {', '.join(sorted(known))}")


def _auth(entry: t.Any, where: str) -> tuple[str, ...]:
    ways = entry if isinstance(entry, list) else [entry]
    for way in ways:
        kind, dummy, rest = way.partition(":") if isinstance(way, str) else ("", "", "")
        name, colon, text = rest.partition(":")
        header = kind == "header" and _HEADER.match(name) and (not colon or (text.isprintable() and "{token}" in text))
        if way not in AUTHS and not header:
            raise RuleError(
                f"{where}: 'answer.auth' has '{way}'; it must be one of: {', '.join(AUTHS)}, header:NAME, "
                "header:NAME:TEXT WITH {token}"
            )
    return tuple(ways)


def _pattern(entry: str | None, where: str) -> re.Pattern[str] | None:
    try:
        return None if entry is None else re.compile(entry)
    except re.error as exc:
        raise RuleError(f"{where}: 'answer.id' is no regular expression: {exc}") from exc


def _wrap(entry: list[t.Any], where: str) -> tuple[str, str]:
    if len(entry) != 2 or not all(isinstance(item, str) for item in entry):
        raise RuleError(f"{where}: 'answer.wrap' must be two texts: what stands before the comment, and after it")
    return entry[0], entry[1]


def _replace(entry: dict[t.Any, t.Any], where: str) -> dict[str, str]:
    for old, new in entry.items():
        if not isinstance(old, str) or not isinstance(new, str) or not old:
            raise RuleError(f"{where}: 'answer.replace' must map texts to texts")
    return dict(entry)


def _expression(text: t.Any, where: str, key: str) -> Expression:
    if not isinstance(text, str):
        raise RuleError(f"{where}: '{key}' must be a text (JMESPath), not {type(text).__name__}")
    try:
        return Expression(text)
    except ExpressionError as exc:
        raise RuleError(f"{where}: '{key}': {exc}") from exc


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
    # An empty path is the address itself, as of a receiver that takes whatever is posted there.
    if entry.get("path", "") and not entry["path"].startswith(("/", "?")):
        raise RuleError(f"{where}: 'path' must begin with '/': it follows the address of the ticket system")
    if "path" not in entry:
        raise RuleError(f"{where}: 'path' is missing")
    for name in entry.get("take", {}):
        if not isinstance(name, str) or not _NAME.match(name):
            raise RuleError(f"{where}: 'take' has '{name}'; a name has small letters, digits and _")
        if name in GIVEN:
            raise RuleError(f"{where}: 'take' has '{name}', which means something else already")
    return Step(
        method=method,
        path=entry["path"],
        headers=_headers(entry.get("headers", {}), f"{where}: 'headers'"),
        body=entry.get("body"),
        take={name: _expression(text, where, f"take.{name}") for name, text in entry.get("take", {}).items()},
        when=_expression(entry["when"], where, "when") if "when" in entry else None,
    )


def _headers(entry: dict[t.Any, t.Any], where: str) -> dict[str, str]:
    for name, value in entry.items():
        if not isinstance(name, str) or not _HEADER.match(name):
            raise RuleError(f"{where}: '{name}' is no name of a header")
        if not isinstance(value, str) or not value.isprintable():
            raise RuleError(f"{where}: '{name}' must be a text of one line (quote numbers)")
    return dict(entry)
