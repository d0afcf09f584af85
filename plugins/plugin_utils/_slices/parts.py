# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of one run, read as they are: whole, torn, too old or useless. None of them is dropped without a word.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.module_utils._collect import SCHEMA
from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import (
    REPORT,
    Recording,
    RecordingError,
    unseen,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._slices.place import PREFIX

Document = dict[str, t.Any]

COMPLETE, TORN, STALE, USELESS = "complete", "torn", "stale", "useless"


class PartError(ValueError):
    """A part that must not be judged here; the message says where to."""


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of a run.

    C(state) is C(complete); C(torn), when it did not come to its end and what it had seen by then counts; C(stale),
    when it is of an earlier run of the same name; or C(useless), when nothing of it can be read.
    """

    recording: Recording
    state: str
    why: str = ""
    run: Document = dataclasses.field(default_factory=dict)
    vantages: Document = dataclasses.field(default_factory=dict)
    hosts: dict[str, Document] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of its directory, which may be anybody's."""
        return clean(self.recording.path.name, 120)

    @property
    def counts(self) -> bool:
        """Is there anything in it that may be judged?"""
        return self.state in (COMPLETE, TORN)

    @property
    def started(self) -> float:
        """When it began, in epoch seconds."""
        return float(self.run.get("started", 0.0))

    @property
    def node(self) -> str:
        """The machine that made it; its own name where it does not say."""
        return clean((self.run.get("part") or {}).get("node") or self.name, 200)

    def told(self) -> Document:
        """What the merged report tells of it."""
        version = (self.run.get("versions") or {}).get("collection")
        return {
            "name": self.name,
            "state": self.state,
            "why": self.why,
            "run": self.run.get("id"),
            "started": self.run.get("started"),
            "finished": self.run.get("finished"),
            "hosts": len(self.hosts),
            "node": (self.run.get("part") or {}).get("node"),
            "collection": version,
        }


def find(folder: Path, spread: float) -> list[Part]:
    """Read all parts of a run, in the order of their names.

    :param folder: of the run
    :param spread: seconds; what began longer before the newest part belongs to an earlier run of the same name
    :raises PartError: when a part speaks a newer language than this collection
    """
    try:
        places = sorted(path for path in folder.iterdir() if path.name.startswith(PREFIX))
    except OSError as exc:
        raise PartError(f"{folder}: {exc.strerror or exc}") from exc
    found = [read(Recording(path)) for path in places]
    newest = max((part.started for part in found), default=0.0)
    return [_aged(part, newest - part.started, spread) for part in found]


def read(recording: Recording) -> Part:
    """Read one part.

    :raises PartError: when a part speaks a newer language than this collection
    """
    try:
        run, sweep, names = recording.begun()
        vantages = _vantages(recording, sweep["vantages"])
    except (RecordingError, OSError) as exc:
        return Part(recording, USELESS, clean(exc, 300))
    hosts = {}
    torn = ""
    for name in names:
        try:
            hosts[name] = _host(recording, name)
        except (RecordingError, OSError) as exc:
            torn = clean(exc, 300)
            hosts[name] = unseen(name, f"what was seen of it cannot be read: {torn}")
    try:
        recording.read(REPORT)
    except (RecordingError, OSError):
        torn = "it did not come to its end; what it had seen by then counts"
    return Part(recording, TORN if torn else COMPLETE, torn, run, vantages, hosts)


def _vantages(recording: Recording, vantages: Document) -> Document:
    for name, seen in vantages.items():
        if not isinstance(seen, dict) or ("error" not in seen and not isinstance(seen.get("hosts"), dict)):
            raise RecordingError(f"{recording.path / 'sweep.json'}: vantage point '{clean(name, 60)}' has no hosts")
    return vantages


def _host(recording: Recording, name: str) -> Document:
    record = recording.host(name)
    facts = record.get("facts")
    schema = facts.get("schema") if isinstance(facts, dict) else SCHEMA
    if schema != SCHEMA:
        raise PartError(
            f"{recording.path}: the facts of host '{clean(name, 60)}' are of the kind '{clean(schema, 60)}', and this"
            f" version of the collection reads '{SCHEMA}'; merge with the newest version that made a part"
        )
    return record


def _aged(part: Part, age: float, spread: float) -> Part:
    if not part.counts or age <= spread:
        return part
    why = f"it began {age / 3600:.1f} h before the newest part, so it is of an earlier run of the same name"
    return dataclasses.replace(part, state=STALE, why=why)
