# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors share: the time that is left, the options, and every expensive look, done once.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import threading
import time

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

DEFAULTS: dict = {
    "time_budget": 20.0,  # seconds for the whole document
    "log_window": 86400.0,  # seconds the log is read back
    "log_bytes": 8 << 20,  # most bytes read of one log source
    "log_seconds": 2.0,  # most seconds spent on one log source
    "services": None,  # protocols to try over loopback; None: all that listen
    "users": None,  # mail users somebody reported: looked at one by one
    "addresses": None,  # client addresses to look for in lists of banned ones
}


class OutOfTime(Exception):
    """The time budget was spent before this look could be taken."""


class Context(object):
    """One collection's shared state; safe to use from several threads.

    :param options: dict, see DEFAULTS; absent or None values take the default
    :param proc: where the proc file system is mounted
    :param root: prefix of every path below /etc, /lib and the like
    """

    def __init__(self, options=None, proc="/proc", root=""):
        self.options: dict = dict(DEFAULTS)
        self.options.update((key, value) for key, value in (options or {}).items() if value is not None)
        self.proc = proc
        self.root = root
        self.started = time.monotonic()
        self.now = time.time()
        self.deadline = self.started + float(self.options["time_budget"])
        self.scanned_at = self.started
        self._lock = threading.Lock()
        self._shared = {}
        self._notes = {}

    def left(self) -> float:
        """Seconds left of the time budget; never negative."""
        return max(0.0, self.deadline - time.monotonic())

    def run(self, argv, timeout: float = 5.0, limit_bytes: int = 1 << 20, input=None):
        """Run a command within its own time-out and what is left of the budget; see _run.run.

        :raises OutOfTime: when nothing is left
        """
        left = self.left()
        if left <= 0:
            raise OutOfTime("no time left for " + argv[0])
        return _run.run(argv, min(timeout, left), limit_bytes, input)

    def shared(self, look):
        """Value of an expensive look, taken at most once per collection.

        A second caller waits for the first; an exception is remembered and raised for every caller.

        :param look: function of a Context; its qualified name is the key
        """
        key = look.__module__ + "." + look.__name__
        with self._lock:
            once = self._shared.get(key)
            if once is None:
                once = self._shared[key] = _Once()
        return once.value(look, self)

    def note(self, subset, reason):
        """Record that a subset is incomplete, and why: its collector becomes C(partial)."""
        with self._lock:
            reasons = self._notes.setdefault(subset, [])
            if reason not in reasons:
                reasons.append(reason)

    def notes(self, subset):
        """Reasons recorded for a subset so far."""
        with self._lock:
            return list(self._notes.get(subset, ()))

    def path(self, name) -> str:
        """A file name below the root this context looks at."""
        return self.root + name


class _Once(object):
    def __init__(self):
        self._lock = threading.Lock()
        self._done = False
        self._value = None
        self._error = None

    def value(self, look, context):
        # Waiting here without end would let one hung look hold everybody beyond the budget.
        if not self._lock.acquire(timeout=context.left() + 0.05):
            raise OutOfTime("waited in vain for " + look.__name__)
        try:
            if not self._done:
                try:
                    self._value = look(context)
                except Exception as error:
                    self._error = error
                self._done = True
        finally:
            self._lock.release()
        if self._error is not None:
            raise self._error
        return self._value


def processes(context):
    """Shared look: every process, see procfs.scan; context.scanned_at tells when (time.monotonic()).

    One that waits for a disk is only said to do so when it still does after a moment.
    """
    context.scanned_at = time.monotonic()
    found = procfs.scan(context.proc)
    procfs.settle(found, context.proc)
    return found


def boot_time(context):
    """Shared look: epoch second that process start times count from."""
    return procfs.boot_time(context.proc)
