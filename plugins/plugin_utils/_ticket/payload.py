# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ticket system or a monitoring sent: found among the variables of a play, or in a file, and bounded.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The variables are read as they are: a template in a ticket is text. What comes out holds plain Python values only, as
few and as short as anybody needs, whatever went in: Ansible's own kinds of text, ten megabytes, a thousand levels.
"""

from __future__ import annotations

import datetime
import json
import math
import typing as t
from collections.abc import Mapping
from pathlib import Path

import yaml

Document = dict[str, t.Any]

WEBHOOKS = ("awx_webhook_payload", "tower_webhook_payload")
EVENT = "ansible_eda"
VARIABLE = "triage_payload"
FILE = "triage_payload_file"

LARGEST = 10 * 1024 * 1024
"""Bytes of a payload that are read at all."""
TEXT = 64 * 1024
"""Characters of one text that are kept."""

_MOST = 20_000
"""Values that are kept."""
_MOST_EVENTS = 200
_DEEPEST = 30
_LONGEST_KEY = 200
_WHOLE = 10**18


class TicketError(ValueError):
    """A payload that cannot be used; the message names the place and says what to do."""


class Payload(t.NamedTuple):
    """What was sent: C(source) (C(webhook), C(eda) or C(payload)), C(place) for messages, and the C(document).

    Beside it may be C(others), of the same outage: they tell of further hosts.
    """

    source: str
    place: str
    document: Document
    others: tuple[Document, ...] = ()


def find(variables: t.Mapping[str, t.Any], file: str | None) -> Payload | None:
    """Look for a payload where a launch may have put it; the first place that holds one counts.

    :param variables: of the play, not templated
    :param file: path of a JSON or YAML file
    :raises TicketError: when what is there is no payload
    """
    for name in WEBHOOKS:
        if variables.get(name):
            return Payload("webhook", name, _document(variables[name], name))
    if variables.get(EVENT):
        (place, value), *rest = _events(variables[EVENT])
        others = tuple(_document(other, where) for where, other in rest[:_MOST_EVENTS])
        return Payload("eda", place, _document(value, place), others)
    if variables.get(VARIABLE):
        return Payload("payload", VARIABLE, _document(variables[VARIABLE], VARIABLE))
    if file:
        return Payload("payload", f"{FILE} {file}", _file(Path(file)))
    return None


def plain(value: t.Any) -> t.Any:
    """The value in plain Python types, bounded; what is neither data nor bounded becomes null."""
    return _plain(value, [_MOST], 0)


def _plain(value: t.Any, left: list[int], depth: int) -> t.Any:
    left[0] -= 1
    if value is None or depth > _DEEPEST or left[0] < 0:
        return None
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, str):
        # A slice of a text of Ansible's own kind is a plain one.
        return str(value[:TEXT])
    if isinstance(value, int):
        return int(value) if abs(value) < _WHOLE else None
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        found = {}
        for key in value:
            if left[0] < 0:
                break
            if isinstance(key, (str, int)):
                found[str(key)[:_LONGEST_KEY]] = _plain(value[key], left, depth + 1)
        return found
    if isinstance(value, (list, tuple)):
        items = []
        for item in value:
            if left[0] < 0:
                break
            items.append(_plain(item, left, depth + 1))
        return items
    return None


def _events(value: t.Any) -> list[tuple[str, t.Any]]:
    """Place and content of what ansible-rulebook hands over: one event, or several that it has collected."""
    if not isinstance(value, Mapping):
        raise TicketError(f"{EVENT} must be a mapping with an event, as ansible-rulebook sets it")
    events = value.get("events")
    if not value.get("event") and isinstance(events, Mapping) and events:
        # They are called m_0, m_1 and so on, in the order in which they came.
        names = sorted((str(name) for name in events), key=lambda name: (len(name), name))
        return [_event(f"{EVENT}.events.{name[:60]}", events.get(name)) for name in names]
    return [_event(f"{EVENT}.event", value.get("event"))]


def _event(place: str, event: t.Any) -> tuple[str, t.Any]:
    if not isinstance(event, Mapping):
        raise TicketError(f"{place} must be a mapping with a payload or an alert, not {_kind(event)}")
    # An alert of its own says more precisely what it is about than the whole body that it came with.
    for key in ("alert", "payload"):
        if event.get(key):
            return f"{place}.{key}", event[key]
    return place, event


def _document(value: t.Any, place: str) -> Document:
    if isinstance(value, str):
        # A survey, or -e name=value, hands over a text.
        value = _parsed(value, place)
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
        value = {"alerts": value} if "labels" in value[0] else value[0]
    if not isinstance(value, Mapping):
        raise TicketError(f"{place} must be a mapping, as JSON of a webhook is, not {_kind(value)}")
    return t.cast(Document, plain(value))


def _parsed(text: str, place: str) -> t.Any:
    if len(text) > LARGEST:
        raise TicketError(f"{place} is larger than {LARGEST >> 20} MB; hand over the ticket without its attachments")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise TicketError(f"{place} is a text, and no JSON: {_why(exc)}") from exc


def _file(path: Path) -> Document:
    place = f"{FILE} {path}"
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as exc:
        raise TicketError(f"{place}: {exc.strerror or exc}") from exc
    if len(raw) > LARGEST:
        raise TicketError(f"{place} is larger than {LARGEST >> 20} MB; hand over the ticket without its attachments")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise TicketError(f"{place}: not UTF-8 text: {exc.reason}") from exc
    try:
        if text.lstrip()[:1] in ("{", "["):
            return _document(json.loads(text), place)
        data = yaml.load(text, Loader=_Loader)
        if isinstance(data, str):
            raise TicketError(f"{place} must hold a mapping, as JSON of a webhook is, not a text")
        return _document(data, place)
    except TicketError:
        raise
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as exc:
        raise TicketError(f"{place} is neither JSON nor plain YAML: {_why(exc)}") from exc


_SafeLoader: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """Safe YAML in which a tag such as C(!unsafe) or C(!vault) means nothing: what it stands before is text."""


def _untagged(loader: t.Any, dummy: str, node: t.Any) -> t.Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _untagged)


def _why(exc: Exception) -> str:
    """An error in a few words, without what was in the file."""
    if isinstance(exc, RecursionError):
        return "its parts lie too deep in each other"
    if isinstance(exc, json.JSONDecodeError):
        return f"{exc.msg} (line {exc.lineno})"
    mark = getattr(exc, "problem_mark", None)
    where = f" (line {mark.line + 1})" if mark else ""
    return f"{getattr(exc, 'problem', None) or type(exc).__name__}{where}"


def _kind(value: t.Any) -> str:
    names = ((bool, "true or false"), (str, "a text"), ((int, float), "a number"), ((list, tuple), "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "nothing" if value is None else "that")
