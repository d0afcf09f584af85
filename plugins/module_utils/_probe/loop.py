# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread that climbs all ladders at once.

Each ladder is a generator, resumed when its socket is ready: a quarter of the processor time of asyncio. Sockets are
armed for one event at a time, and the moment the event was *seen* goes into the ladder at once, even when it has to
queue behind others before it is resumed. So a rung's milliseconds are the server's, also with 6,000 ladders in flight.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import collections
import heapq
import select
import selectors
from time import monotonic

from ansible_collections.mailops.triage.plugins.module_utils._probe.errors import Cut, Expired, Failure
from ansible_collections.mailops.triage.plugins.module_utils._probe.wire import WRITE

# How long ladders are resumed, or new ones started, between two looks at the sockets.
SLICE_SECONDS = 0.005


class _Epoll:
    """One-shot readiness by epoll (Linux)."""

    def __init__(self):
        self._epoll = select.epoll()

    def arm(self, fd: int, write: bool, known: bool) -> None:
        """Wait for the next event of a descriptor."""
        events = (select.EPOLLOUT if write else select.EPOLLIN) | select.EPOLLONESHOT
        if known:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)

    def poll(self, seconds: float) -> list:
        """Descriptors that are ready, within so many seconds."""
        return [fd for fd, _events in self._epoll.poll(seconds)]

    def forget(self, fd: int) -> None:
        """The descriptor is about to be closed."""
        self._epoll.unregister(fd)

    def close(self) -> None:
        """Give the epoll descriptor back."""
        self._epoll.close()


class _Selector:
    """The same with what the platform has (a controller need not be Linux)."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()

    def arm(self, fd: int, write: bool, known: bool) -> None:
        """Wait for the next event of a descriptor."""
        self._selector.register(fd, selectors.EVENT_WRITE if write else selectors.EVENT_READ)

    def poll(self, seconds: float) -> list:
        """Descriptors that are ready, within so many seconds."""
        ready = [key.fd for key, _events in self._selector.select(seconds)]
        for fd in ready:
            self._selector.unregister(fd)
        return ready

    def forget(self, fd: int) -> None:
        """The descriptor is about to be closed."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def close(self) -> None:
        """Give the selector's descriptor back."""
        self._selector.close()


class Loop:
    """Runs ladders, timers and watched descriptors until nothing is left or the time is over.

    :param deadline: monotonic time at which everything ends
    :param limit: most ladders (descriptors) at once
    :param per_host: most ladders into one address at once
    :param on_done: called with each session when its ladder is at its end
    """

    def __init__(self, deadline: float, limit: int, per_host: int, on_done):
        self.deadline = deadline
        self.peak = 0
        self._limit = max(1, limit)
        self._per_host = max(1, per_host)
        self._on_done = on_done
        self._poller = _Epoll() if hasattr(select, "epoll") else _Selector()
        self._pending = collections.deque()
        self._held = {}
        self._into = collections.Counter()
        self._active = {}
        self._watched = {}
        self._ready = collections.deque()
        self._timers = []
        self._ticket = 0
        # Work outside the ladders (names being resolved, echoes on their way) that keeps the loop going.
        self.errands = 0

    # What the loop is given

    def add(self, session, ladder) -> None:
        """Queue a ladder."""
        session.climber = session.climb(ladder)
        self._pending.append(session)

    def at(self, when: float, callback) -> None:
        """Call back at a monotonic time."""
        self._ticket += 1
        heapq.heappush(self._timers, (when, self._ticket, None, callback))

    def watch(self, fd: int, callback) -> None:
        """Call back whenever the descriptor is readable."""
        self._watched[fd] = callback
        self._poller.arm(fd, False, False)

    def unwatch(self, fd: int) -> None:
        """Stop watching."""
        if self._watched.pop(fd, None) is not None:
            self._poller.forget(fd)

    # One ladder

    def _resume(self, session, error=None) -> None:
        known = session.sock is not None
        fd = session.sock.fileno() if known else -1
        try:
            want = session.climber.throw(error) if error is not None else next(session.climber)
        except StopIteration:
            self._finish(session, fd)
            return
        except Exception as problem:  # one ladder's mishap must not cost the others their result
            session.fail(Failure("skipped", "not judged, the probe failed: %r" % (problem,)))
            session.close()
            self._finish(session, fd)
            return
        if not known:
            fd = session.sock.fileno()
            self._active[fd] = session
        self._poller.arm(fd, want == WRITE, known)
        if not session.queued or session.until < session.queued:
            self._wake(session)

    def _wake(self, session) -> None:
        session.queued = session.until
        self._ticket += 1
        heapq.heappush(self._timers, (session.until, self._ticket, session, None))

    def _finish(self, session, fd: int) -> None:
        session.climber = None
        # The closed descriptor left the poller by itself (epoll) or was unregistered by its last event.
        if fd >= 0:
            self._active.pop(fd, None)
        key = session.job.address
        self._into[key] -= 1
        if self._held.get(key):
            self._pending.appendleft(self._held[key].popleft())
        self._on_done(session)

    def _start(self, until: float) -> None:
        while self._pending and len(self._active) < self._limit:
            session = self._pending.popleft()
            key = session.job.address
            if self._into[key] >= self._per_host:
                self._held.setdefault(key, collections.deque()).append(session)
                continue
            self._into[key] += 1
            self._resume(session)
            if monotonic() > until:
                break
        self.peak = max(self.peak, len(self._active))

    # All of them

    def _look(self, seconds: float) -> None:
        for fd in self._poller.poll(seconds):
            session = self._active.get(fd)
            if session is not None:
                session.stamp = monotonic()
                session.ready = True
                self._ready.append(session)
            elif fd in self._watched:
                self._watched[fd]()
                if fd in self._watched:
                    self._poller.arm(fd, False, True)

    def _ring(self, now: float) -> None:
        """Fire the timers that were due before the last look at the sockets."""
        while self._timers and self._timers[0][0] <= now:
            when, _ticket, session, callback = heapq.heappop(self._timers)
            if session is None:
                callback()
            elif session.climber is not None and when == session.queued:
                if session.ready or session.until > now:
                    # Not silent: it waits for us, or went on to its next rung.
                    session.until = max(session.until, now + SLICE_SECONDS)
                    self._wake(session)
                else:
                    session.queued = 0.0
                    self._expire(session, Expired())

    def _expire(self, session, error) -> None:
        if isinstance(self._poller, _Selector):
            self._poller.forget(session.sock.fileno())
        self._resume(session, error)

    def run(self) -> None:
        """Until every ladder is at its end and no errand is left, or the deadline."""
        try:
            while self._active or self._pending or self.errands:
                now = monotonic()
                if now >= self.deadline:
                    break
                pause = 0.0
                if not self._ready and not (self._pending and len(self._active) < self._limit):
                    due = self._timers[0][0] if self._timers else self.deadline
                    pause = max(0.0, min(due, self.deadline) - now)
                self._look(pause)
                self._ring(now)
                end = monotonic() + SLICE_SECONDS
                while self._ready:
                    session = self._ready.popleft()
                    session.ready = False
                    if session.climber is not None:
                        self._resume(session)
                    if monotonic() > end:
                        break
                self._start(monotonic() + SLICE_SECONDS)
        finally:
            self._cut()

    def close(self) -> None:
        """Give the poller's descriptor back; nothing can be watched any more."""
        self._poller.close()

    def _cut(self) -> None:
        for session in list(self._active.values()):
            self._expire(session, Cut())
        self._pending.extend(session for held in self._held.values() for session in held)
        for session in self._pending:
            session.climber.close()
            session.fail(Failure("skipped", "not tried: the time of the whole call was over"))
            self._on_done(session)
