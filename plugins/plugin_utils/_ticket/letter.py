# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer that is ready to be sent: the comment, and which ticket, run and stage it belongs to.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t
from datetime import datetime, timezone

from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import number
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import marker

STAGES = ("diagnosis", "result")
"""In their order: a later one says what an earlier one said, too."""

MOST_BYTES = 8 << 10
"""Bytes of a comment."""


_TIMES = ("started", "written")
_LATEST = 32503680000.0


class LetterError(ValueError):
    """What is no letter."""


@dataclasses.dataclass(frozen=True)
class Letter:
    """What is sent.

    :ivar system: name of the ticket system
    :ivar ticket: the ticket's identifier
    :ivar run: the run's identifier
    :ivar state: the state that the ticket shall have, or "" to leave it
    :ivar summary: the verdict in one line
    :ivar comment: the comment with its marker, as the system shall show it
    :ivar marker: the last line of the comment
    :ivar started: epoch seconds of the run; no comment of it is older
    :ivar written: epoch seconds
    """

    system: str
    ticket: str
    run: str
    stage: str
    state: str
    verdict: str
    summary: str
    comment: str
    marker: str
    started: float
    written: float

    @property
    def key(self) -> str:
        """Tells this stage of this run in this ticket from all others."""
        parts = "\0".join((self.system, self.ticket, self.run, self.stage))
        return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:32]

    def values(self) -> dict[str, t.Any]:
        """What the steps of an answer can fill in."""
        names = ("stage", "verdict", "summary", "marker", "comment", "key")
        began = datetime.fromtimestamp(self.started, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        own = {name: getattr(self, name) for name in names}
        return {"id": self.ticket, "run": marker.plain(self.run), "started": began, **own}

    def document(self) -> dict[str, t.Any]:
        """The letter as it is kept."""
        return dataclasses.asdict(self)


def letter(value: object) -> Letter:
    """A letter that was kept; somebody else may have written the file.

    :raises LetterError: when it is none
    """
    fields = {field.name for field in dataclasses.fields(Letter)}
    if not isinstance(value, dict) or not fields <= set(value):
        raise LetterError("it lacks what a letter has")
    for name in sorted(fields - {*_TIMES}):
        if not isinstance(value[name], str):
            raise LetterError(f"its '{name}' is no text")
    for name in _TIMES:
        seconds = number(value[name])
        if seconds is None or not 0 <= seconds < _LATEST:
            raise LetterError(f"its '{name}' is no time")
    found = Letter(**{name: value[name] for name in fields})
    if found.stage not in STAGES or not found.marker.startswith(marker.begin(found.run, found.stage)):
        raise LetterError("its marker does not belong to its run")
    # With what a system wants around a comment, and as it wants its characters written.
    if len(found.comment.encode("utf-8", "replace")) > 2 * MOST_BYTES or found.marker not in found.comment:
        raise LetterError("its comment is too long, or lacks the marker")
    return found
