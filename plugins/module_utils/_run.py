# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a command that may hang, flood or fork, and always come back.

A sick mail host is full of commands that never return (C(postqueue) on a spool without inodes, anything that touches a
dead NFS server), that print without end, or whose children keep a pipe open. None of them may stop the collector.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import select
import signal
import subprocess
import time
from collections import namedtuple

# System directories first: what the host's administrator installed, not what a user's PATH says.
SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"

# status: ok (it ended by itself, whatever rc says; or it was cut at the output limit: then truncated is true),
# timeout, missing (no such program), failed (could not be started).
Result = namedtuple("Result", "rc out err status seconds truncated")

_CHUNK = 65536
# How long to wait for a process after SIGKILL. One in uninterruptible sleep takes no signal at all.
_REAP_S = 0.5
# How long a grandchild that inherited the pipes may delay the end of a command that itself has ended.
_LINGER_S = 0.2


def find_program(name):
    """Full path of a program in the system directories.

    :param name: program name without a directory
    :returns: path, or None when no executable file of this name is there
    """
    for folder in SEARCH_PATH.split(":"):
        path = folder + "/" + name
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def run(argv, timeout: float = 5.0, limit_bytes: int = 1 << 20, input=None) -> Result:
    """Run a command without a shell; come back within the time-out plus about half a second.

    The command gets its own session; at the time-out, at the output limit and when a child of it keeps the pipes open
    the whole process group is killed.

    :param argv: list of str; a program without a slash is looked for in the system directories
    :param timeout: seconds
    :param limit_bytes: most bytes kept of standard output and of standard error, each; more than that kills the command
    :param input: bytes for standard input, or None for /dev/null
    :returns: Result(rc, out, err, status, seconds, truncated); out and err are bytes; rc is None unless it ended by
        itself; rc is -N when signal N ended it
    """
    started = time.monotonic()
    program = argv[0] if "/" in argv[0] else find_program(argv[0])
    if program is None:
        return Result(None, b"", b"", "missing", 0.0, False)
    env = dict(os.environ)
    env.update(LC_ALL="C", LANG="C", PATH=SEARCH_PATH, SYSTEMD_PAGER="", SYSTEMD_COLORS="0", TERM="dumb")
    try:
        child = subprocess.Popen(
            [program] + list(argv[1:]),
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            close_fds=True,
            start_new_session=True,
            cwd="/",
            env=env,
        )
    except FileNotFoundError:
        return Result(None, b"", b"", "missing", time.monotonic() - started, False)
    except (OSError, ValueError) as error:
        return Result(None, b"", str(error).encode(), "failed", time.monotonic() - started, False)
    return _Conversation(child, started, timeout, limit_bytes, input).finish()


class _Conversation(object):
    """Feeding, draining and ending one child."""

    def __init__(self, child, started, timeout, limit_bytes, data):
        self.child = child
        self.started = started
        self.deadline = started + max(timeout, 0.0)
        self.limit = limit_bytes
        self.data = memoryview(data or b"")
        self.kept = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray()}
        self.order = [child.stdout.fileno(), child.stderr.fileno()]
        self.poll = select.poll()
        self.open = set(self.order)
        for number in self.order:
            os.set_blocking(number, False)
            self.poll.register(number, select.POLLIN | select.POLLHUP)
        if child.stdin is not None:
            number = child.stdin.fileno()
            os.set_blocking(number, False)
            self.poll.register(number, select.POLLOUT)

    def finish(self):
        """Drain until the end, the limit or the deadline; then make sure that nothing is left running."""
        status, truncated = self._drain()
        unfinished = status == "timeout" or truncated or bool(self.open)
        if unfinished:
            self._kill()
        rc = self._reap(_REAP_S if unfinished else max(_REAP_S, self.deadline - time.monotonic()))
        if rc is None and not unfinished:
            # It closed both pipes and went on: the time it was given is over.
            self._kill()
            status = "timeout"
            self._reap(_REAP_S)
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass
        if status == "timeout" or truncated:
            rc = None
        out, err = (bytes(self.kept[number]) for number in self.order)
        return Result(rc, out, err, status, time.monotonic() - self.started, truncated)

    def _drain(self):
        ended_at = None
        while self.open:
            now = time.monotonic()
            if now >= self.deadline:
                return "timeout", False
            if ended_at is None and _has_ended(self.child.pid):
                ended_at = now
            if ended_at is not None and now - ended_at > _LINGER_S:
                return "ok", False
            wait = min(self.deadline - now, 0.05 if ended_at is not None else 0.25)
            for number, _event in self.poll.poll(wait * 1000.0 + 1):
                if number not in self.kept:
                    self._feed(number)
                elif not self._read(number):
                    return "ok", True
        return "ok", False

    def _read(self, number):
        """Read one piece; false when the limit is reached."""
        try:
            piece = os.read(number, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            piece = b""
        if not piece:
            self.poll.unregister(number)
            self.open.discard(number)
            return True
        kept = self.kept[number]
        kept += piece
        if len(kept) <= self.limit:
            return True
        del kept[self.limit :]
        return False

    def _feed(self, number):
        try:
            self.data = self.data[os.write(number, self.data[:_CHUNK]) :] if self.data else self.data
        except BlockingIOError:
            return
        except OSError:
            self.data = memoryview(b"")
        if not self.data:
            self.poll.unregister(number)
            self.child.stdin.close()

    def _kill(self):
        # The child has not been reaped yet, so its number still names this group and no other.
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except OSError:
            pass

    def _reap(self, patience):
        """Exit status, or None when it does not end in time (then it is left behind: it is in D state)."""
        try:
            return self.child.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            return None


def _has_ended(pid):
    """True when the child has ended; it stays a zombie, so that its process group keeps its number."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except OSError:
        return True
