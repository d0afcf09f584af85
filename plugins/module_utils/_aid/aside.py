# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask several things at once, each in a child of its own, and come back on time whatever hangs.

A look at frozen storage or at a process that holds a lock of the kernel may never end, and a thread that waits there
cannot be ended either. A child can be left behind.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import select
import signal
import time

_CHUNK = 65536
# Descriptors of the module that a child could be left behind with; the lock of the host is one of them.
_MOST_DESCRIPTORS = 4096


def gather(works, seconds, limit=1 << 20):
    """Do some work in children, all at the same time.

    :param works: dict of name to a function without arguments that returns text
    :param seconds: time after which whatever has not answered is left behind
    :param limit: most bytes taken of each answer
    :returns: dict of name to (status, text); status is C(ok), C(failed) (text says why) or C(timeout) (text is empty)
    """
    deadline = time.monotonic() + seconds
    children = {name: _Child(works[name], limit) for name in works}
    poll = select.poll()
    waiting = {child.pipe: child for child in children.values()}
    for number in waiting:
        poll.register(number, select.POLLIN | select.POLLHUP)
    while waiting and time.monotonic() < deadline:
        for number, _event in poll.poll(max(0.0, deadline - time.monotonic()) * 1000.0 + 1):
            if not waiting[number].read():
                poll.unregister(number)
                del waiting[number]
    return {name: children[name].finish() for name in children}


class _Child(object):
    """One piece of work and what it has said so far."""

    def __init__(self, work, limit):
        self._limit, self._said, self._ended = limit, bytearray(), False
        self.pipe, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _work(work, writing)
        os.close(writing)

    def read(self):
        """Take one piece; false when there is no more to come."""
        try:
            piece = os.read(self.pipe, _CHUNK)
        except OSError:
            piece = b""
        self._said += piece[: max(0, self._limit + 1 - len(self._said))]
        self._ended = not piece
        return bool(piece)

    def finish(self):
        """End the child, or leave it behind; what came of it."""
        os.close(self.pipe)
        try:
            os.kill(self._pid, signal.SIGKILL)
        except OSError:
            pass
        # One that the kernel holds does not even end now; it does when the storage answers again.
        for _turn in range(20):
            try:
                if os.waitpid(self._pid, os.WNOHANG)[0]:
                    break
            except OSError:
                break
            time.sleep(0.005)
        if not self._ended:
            return "timeout", ""
        text = bytes(self._said[: self._limit]).decode("utf-8", "replace")
        return ("ok" if text.startswith("+") else "failed"), text[1:] or "it ended without a word"


def _work(work, writing):
    """The child: says C(+) and the answer, or C(-) and the reason."""
    try:
        os.closerange(3, writing)
        os.closerange(writing + 1, _MOST_DESCRIPTORS)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        try:
            sign, text = b"+", work()
        except Exception as error:
            sign, text = b"-", "{0}: {1}".format(type(error).__name__, error)
        data = sign + text.encode("utf-8", "replace")
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)
