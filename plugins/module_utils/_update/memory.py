# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last update of a host began with: the versions that a way back leads to.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json
import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.state import FOLDER, State, StateError

SCHEMA = "mailops.triage/update/1"
_MOST_BYTES = 1 << 20


class Memory(object):
    """One small file, which survives torn writes and belongs to root alone.

    :param folder: the state directory of the host
    """

    def __init__(self, folder=FOLDER):
        self.folder, self.file = folder, os.path.join(folder, "update.json")

    def read(self):
        """The record, or None when there is none that can be understood.

        :returns: {run, kind (applied, rolled_back), begun, told, backend, before, moved, wanted}; before and moved are
            dicts of package to version or null, as it was before the run, and before what is asked for now was begun
        """
        try:
            with open(self.file, "rb") as stream:
                found = json.loads(stream.read(_MOST_BYTES).decode("utf-8"))
        except (OSError, ValueError):
            return None
        good = isinstance(found, dict) and found.get("schema") == SCHEMA and isinstance(found.get("before"), dict)
        return found if good and all(isinstance(found.get(name), dict) for name in ("moved", "wanted")) else None

    def begin(self, run, kind, backend, before, wanted):
        """Write down what is there before anything is changed.

        What the same run has changed already is remembered with what it was at first.

        :param wanted: dict of package to the version asked for; what else is in before comes because others need it
        :returns: the record
        :raises StateError: when it cannot be written
        """
        known, moved = self.read(), before
        if known is not None and known["run"] == run and known["backend"] == backend:
            before = dict(before, **known["before"])
            if known["kind"] == kind:
                moved, wanted = dict(moved, **known["moved"]), dict(known["wanted"], **wanted)
        record = {
            "schema": SCHEMA,
            "run": run,
            "kind": kind,
            "backend": backend,
            "begun": round(time.time(), 3),
            "told": False,
            "before": before,
            "moved": moved,
            "wanted": wanted,
        }
        self.write(record)
        return record

    def write(self, record):
        """Write the record whole or not at all.

        :raises StateError: when it cannot be written
        """
        State(self.folder).prepare()
        draft = self.file + ".new"
        try:
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "wb") as stream:
                stream.write((json.dumps(record, sort_keys=True) + "\n").encode())
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, self.file)
        except OSError as error:
            raise StateError("{0}: {1}".format(self.file, error.strerror or error)) from error
