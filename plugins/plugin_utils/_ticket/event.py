# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event document, C(ticket.json) in a report directory: written once, read by the sweep and by the answer.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Its texts never pass through a variable or an option of a task, where Ansible would template them.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils._recording import TICKET, Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.payload import plain
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.values import line

Document = dict[str, t.Any]

SCHEMA = "mailops.triage/ticket/1"

_TEXTS = ("id", "title", "text", "system", "run")
_LISTS = ("affected", "vantage_points", "hosts")


def load(path: str | Path) -> Document:
    """Read an event document.

    :raises RecordingError: naming the file
    """
    path = Path(path)
    event = Recording(path.parent).read(path.name)
    if event.get("schema") != SCHEMA:
        raise RecordingError(f"{path}: 'schema' is not {SCHEMA}; this is no event that ticket_read has written")
    good = all(isinstance(event.get(key), str) for key in _TEXTS)
    good = good and all(
        isinstance(event.get(key), list) and all(isinstance(item, str) for item in event[key]) for key in _LISTS
    )
    if not good:
        raise RecordingError(f"{path}: damaged: {', '.join(_TEXTS)} must be texts, {', '.join(_LISTS)} lists of texts")
    return event


def of_run(recording: Recording) -> Document | None:
    """The event that asked for a run, null where there is none.

    :raises RecordingError: naming the file
    """
    path = recording.path / TICKET
    return load(path) if path.exists() else None


def symptom(event: Document) -> str:
    """What the ticket says, as one text: the title says most, so it comes first."""
    title, text = event["title"], event["text"]
    return text if text.startswith(title) else f"{title}\n{text}".strip()


def named(task_vars: t.Mapping[str, t.Any]) -> str:
    """Identifier of the ticket that a run was given by its variable V(triage_ticket), as it is; empty without one."""
    return line(plain(task_vars.get("triage_ticket")), limit=200)
