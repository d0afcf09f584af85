# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What remedies remember on the host: their acts, the lease, what has an end and must be undone.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import errno
import fcntl
import json
import os
import stat
import time

FOLDER = "/var/lib/mailops-triage"
SCHEMA = "mailops.triage/state/1"

_ACTS = 200
"""Acts that are remembered; a day of the busiest budget is a fraction of it."""
_MOST_BYTES = 1 << 20
_POLL_S = 0.1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class StateError(Exception):
    """The state cannot be kept: without memory no remedy may act. The message names the file.

    :param full: true when nothing but room is missing: then what makes room may go on
    """

    def __init__(self, why, full=False):
        Exception.__init__(self, why)
        self.full = full


class State(object):
    """The state directory of a host, owned by root and closed to everybody else.

    :param folder: where it is; made when it is wanted for writing

    makeshift is true while the lock is one that others do not know, for lack of room for the right one.
    """

    def __init__(self, folder=FOLDER):
        self.folder = folder
        self.file = os.path.join(folder, "state.json")
        self.note = ""
        self.makeshift = False
        self._lock = None

    def prepare(self):
        """Make the directory, or make sure that the one there is ours alone.

        :raises StateError: when it cannot be made, or belongs to somebody else
        """
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            found = os.lstat(self.folder)
        except OSError as error:
            raise _error(self.folder, error) from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise StateError("{0} must be a directory that only its owner, root, may write to".format(self.folder))

    def lock(self, wait=0.0, anyhow=False):
        """Take the host's lock; it goes with the process, however that ends.

        :param wait: seconds to wait for another process
        :param anyhow: true to lock the directory, or the one above, while there is no room for a file
        :returns: false when another process still has it
        :raises StateError: when it cannot be had at all
        """
        path, makeshift = os.path.join(self.folder, "lock"), False
        try:
            self.prepare()
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if not anyhow or error.errno not in _NO_ROOM:
                raise _error(path, error) from error
            number, makeshift = self._nearest(), True
        except StateError as error:
            if not anyhow or not error.full:
                raise
            number, makeshift = self._nearest(), True
        until = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    os.close(number)
                    raise _error(path, error) from error
                if time.monotonic() >= until:
                    os.close(number)
                    return False
                time.sleep(_POLL_S)
                continue
            self.unlock()
            self._lock, self.makeshift = number, makeshift
            return True

    def _nearest(self):
        """The directory, or the one above it, open."""
        folder = self.folder if os.path.isdir(self.folder) else os.path.dirname(self.folder)
        try:
            return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise _error(folder, error) from error

    def unlock(self):
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self):
        """The state as it was written last; an empty one on a host where nothing was ever done.

        A file that cannot be understood is put aside and the one before it taken: acts that are forgotten would let a
        budget be spent twice. note says what happened.
        """
        for path in (self.file, self.file + ".before"):
            try:
                found = _load(path)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self.note = "{0} could not be read ({1})".format(path, error)
                continue
            return found
        if self.note:
            # Somebody did something here, and nobody knows what: as if the last act had been just now.
            return dict(_empty(), forgotten=time.time())
        return _empty()

    def write(self, state):
        """Write the state whole or not at all; the one before stays beside it.

        :raises StateError: when it cannot be written, for example because the disk is full
        """
        self.prepare()
        state["acts"] = state["acts"][-_ACTS:]
        draft = self.file + ".new"
        data = (json.dumps(state, sort_keys=True) + "\n").encode()
        try:
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if _understood(self.file):
                os.replace(self.file, self.file + ".before")
            os.replace(draft, self.file)
            _sync(self.folder)
        except OSError as error:
            raise _error(self.file, error) from error


def _error(path, error):
    return StateError("{0}: {1}".format(path, error.strerror or error), error.errno in _NO_ROOM)


def _empty():
    return {"schema": SCHEMA, "lease": None, "acts": [], "measures": []}


def _load(path):
    """One state file.

    :raises ValueError: when it is not what was written
    """
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as stream:
        found = json.loads(stream.read(_MOST_BYTES).decode("utf-8"))
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError("not a state of schema " + SCHEMA)
    state = _empty()
    state.update(found)
    if not isinstance(state["acts"], list) or not isinstance(state["measures"], list):
        raise ValueError("acts and measures must be lists")
    state["acts"] = [act for act in state["acts"] if isinstance(act, dict) and isinstance(act.get("at"), (int, float))]
    return state


def _understood(path):
    try:
        _load(path)
    except (OSError, ValueError):
        return False
    return True


def _sync(folder):
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
