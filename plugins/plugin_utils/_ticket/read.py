# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a system sent, and what a person said, to one event: what the ticket or the alert is about.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What a person says goes before what a payload says, field by field. A payload is data: it can name neither variables nor
options, and no text of it is ever evaluated.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._intake import reported
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import payload as payloads
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import values
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.event import SCHEMA
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.payload import Document, Payload, TicketError
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.systems import FIELDS, MANUAL, System

_PREFIX = "triage_"
_OURS = (payloads.VARIABLE, payloads.FILE)


class Reading(t.NamedTuple):
    """What was read.

    C(event) is the event document, as yet without hosts. C(named) are the names that it has for hosts, as they came.
    C(ignored) says why the event starts nothing, null when it does. C(notes) tell what could not be used.
    """

    event: Document
    named: list[str]
    ignored: str | None
    notes: list[str]


def read(
    variables: t.Mapping[str, t.Any], payload: Payload | None, systems: dict[str, System], forced: str | None
) -> Reading:
    """Read an event.

    :param variables: of the play, not templated
    :param systems: by name, in the order in which they are tried
    :param forced: the name of the system, when it is known
    :raises TicketError: when there is no such system, or when a payload holds nothing that could be read
    """
    if forced and forced not in systems:
        raise TicketError(
            f"triage_ticket_system: there is no system '{clean(forced, 60)}'; there are: {_names(systems)}"
        )
    said = _said(variables, systems)
    if payload is None:
        system = systems[forced] if forced else None
        name, kind = (system.name, system.kind) if system else (MANUAL, "ticket")
        return Reading(_event(name, "variables", kind, said, {}), values.hosts(said.get("hosts")), None, [])
    system = systems[forced] if forced else _matching(payload, systems)
    found, notes = _mapped(payload.document, system)
    whole = {**found, **said}
    event = _event(system.name, payload.source, system.kind, whole, system.values, system.html and "text" not in said)
    named = values.hosts(whole.get("hosts"))
    for other in payload.others:
        named += [name for name in values.hosts(_mapped(other, system)[0].get("hosts")) if name not in named]
    ignored = None
    if system.ignore is not None and _true(system.ignore.search(payload.document)):
        ignored = f"{system.title} tells of something that starts no diagnosis ('ignore' in {system.place})"
    elif event["state"] == "closed":
        ignored = f"the {event['kind']} is closed"
    elif not (event["title"] or event["text"] or named):
        raise TicketError(
            f"{payload.place} was read as {system.title} ('{system.name}'), and neither title nor text nor host was"
            f" found in it. {_advice(systems)}"
        )
    return Reading(event, named, ignored, notes)


def _matching(payload: Payload, systems: dict[str, System]) -> System:
    for system in systems.values():
        if system.match is not None and _true(system.match.search(payload.document)):
            return system
    raise TicketError(f"{payload.place} holds nothing, or is like that of no known system. {_advice(systems)}")


def _said(variables: t.Mapping[str, t.Any], systems: dict[str, System]) -> Document:
    """What a person says in variables of the play; an empty answer to a survey says nothing."""
    manual = systems.get(MANUAL)
    if manual is None:
        return {}
    spoken = {
        name: payloads.plain(value)
        for name, value in variables.items()
        if name.startswith(_PREFIX) and name not in _OURS
    }
    text = variables.get(reported.TEXT)
    if text is not None and (isinstance(text, bool) or not isinstance(text, (str, int))):
        raise TicketError(f"{reported.TEXT} must be a text")
    return _mapped(spoken, manual)[0]


def _mapped(document: Document, system: System) -> tuple[Document, list[str]]:
    """The fields that a system's expressions find, and notes about those that hold what they should not."""
    found: Document = {}
    notes = []
    for field in FIELDS:
        seen = [(expression.text, expression.search(document)) for expression in system.read.get(field, ())]
        good = [value for dummy, value in seen if values.scalars(value)]
        if good:
            found[field] = good[0]
            continue
        wrong = [(text, value) for text, value in seen if _nested(value)]
        if wrong and not any(value == "" for dummy, value in seen):
            notes.append(f"{field}: '{wrong[0][0]}' finds no text in the payload, but a {_kind(wrong[0][1])}")
    return found, notes


def _nested(value: t.Any) -> bool:
    """Not just nothing, but something that is no text."""
    return bool(value) and (
        isinstance(value, dict) or isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )


def _event(
    system: str, source: str, kind: str, found: Document, own: dict[str, dict[str, str]], is_html: bool = False
) -> Document:
    title = values.line(
        values.without_tags(values.line(found.get("title"), "; ", 2000)) if is_html else found.get("title"), "; "
    )
    text = values.body(found.get("text"), is_html)
    return {
        "schema": SCHEMA,
        "system": system,
        "source": source,
        "kind": kind,
        "id": values.line(found.get("id"), limit=200),
        "title": title,
        "text": text,
        "url": values.link(found.get("url")),
        "reporter": {
            "name": values.line(found.get("reporter_name"), limit=100),
            "address": values.address(found.get("reporter_address")),
        },
        "hosts": [],
        "unknown_hosts": [],
        "site": values.line(found.get("site"), limit=100),
        "protocols": values.protocols(found.get("protocols")),
        "severity": values.meaning("severity", found.get("severity"), own.get("severity", {})),
        "since": values.moment(found.get("since")),
        "state": values.meaning("state", found.get("state"), own.get("state", {})),
        "language": values.language(found.get("language"), f"{title} {text[:4000]}"),
    }


def _true(value: t.Any) -> bool:
    """As JMESPath has it: a zero is something, an empty text or list is not."""
    return bool(value) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _advice(systems: dict[str, System]) -> str:
    return (
        f"Name its system with triage_ticket_system ({_names(systems)}), or describe it in a file of your own"
        " (docs/tickets.md)"
    )


def _names(systems: dict[str, System]) -> str:
    return ", ".join(systems)


def _kind(value: t.Any) -> str:
    return "mapping" if isinstance(value, dict) else "list of other things"
