# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of a night: one file that says what is planned, begun and done, so that any run can go on from it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

C(DIR/night.json) is changed under a lock and replaced as a whole: several hosts are recorded at the same time, each by
a process of its own, and whatever is killed leaves the last complete state.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import secrets
import typing as t
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording, RecordingError

Document = dict[str, t.Any]

SCHEMA = "mailops.triage/night/1"
FILE = "night.json"
LOOKS = "looks"
PROBES = "probes"

RUNNING = ("begun", "planned")
"""States of a night that has not come to its end; the others are C(finished), C(stopped) and C(given_up)."""
OPEN = ("planned", "begun")
"""States of a host about which something is still to be done; the others are the ends of CLOSED."""
CLOSED = ("done", "nothing", "left", "rolled_back", "failed")


def identifier(now: float) -> str:
    """A name for a night: when it began, and a few digits that make it the only one of that second."""
    stamp = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return f"night-{stamp}-{secrets.token_hex(2)}"


class Ledger:
    """The ledger in the directory of a night.

    :param path: of the directory
    """

    def __init__(self, path: str | Path) -> None:
        self.recording = Recording(path)
        self.path = self.recording.path

    def create(self, document: Document) -> None:
        """Make the directory, readable by its owner only, and the first entry.

        :raises RecordingError: when that is not possible
        """
        try:
            for folder in (self.path, self.path / LOOKS, self.path / PROBES):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise RecordingError(f"directory of the night {self.path}: {exc.strerror or exc}") from exc
        self.recording.write(FILE, {"schema": SCHEMA, **document})

    def read(self) -> Document:
        """The ledger as it is.

        :raises RecordingError: when it is none, or one of another kind
        """
        found = self.recording.read(FILE)
        if found.get("schema") != SCHEMA:
            raise RecordingError(f"{self.path / FILE}: is not a {SCHEMA}")
        return found

    @contextlib.contextmanager
    def change(self) -> Iterator[Document]:
        """The ledger, to be changed in place; it is written when the block ends well.

        :raises RecordingError: when it cannot be read, locked or written
        """
        try:
            lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise RecordingError(f"{self.path / '.lock'}: {exc.strerror or exc}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = self.read()
            yield document
            self.recording.write(FILE, document)
        finally:
            os.close(lock)


def nights(parent: str | Path) -> list[Path]:
    """The directories of all nights in a directory, the newest first; their names begin with the time."""
    try:
        found = [path for path in Path(parent).iterdir() if (path / FILE).is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name, reverse=True)
