# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of rungs climbed on one connection.

All waiting of a rung, however many packets it takes, ends at the same moment: a server that drips one byte a second
gains nothing by it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from time import monotonic

from ansible_collections.mailops.triage.plugins.module_utils._probe.errors import Cut, Expired, Failure
from ansible_collections.mailops.triage.plugins.module_utils._probe.wire import Wire

# How long a good-bye may take once the verdict is in.
BYE_SECONDS = 1.0


class Session(Wire):
    """State of one ladder.

    :param job: what to probe (see job.Job)
    :param setup: what all ladders of a sweep share (see job.Setup)
    """

    def __init__(self, job, setup):
        Wire.__init__(self, job, setup)
        # The loop's: when it saw the socket ready, when the rung's time ends, when it will look next, which ladder.
        self.stamp = 0.0
        self.until = 0.0
        self.queued = 0.0
        self.ready = False
        self.climber = None
        # The dialogue's: its clock, what it heard, how to leave it, how the next reply must begin.
        self.started = 0.0
        self.began = 0.0
        self.rungs = []
        self.greeting = ""
        self.note = ""
        self.bye: tuple = ()
        self.expects = None
        # The verdict's.
        self.outcome = None
        self.failed_rung = "done"
        self.code = None
        self.text = ""
        self.ms = 0.0

    # Rungs

    def begin(self, rung: str, seconds=None) -> None:
        """Start the clock of a rung."""
        self.rung = rung
        self.began = self.stamp = monotonic()
        self.until = self.began + (self.setup.timeout if seconds is None else seconds)
        self.reply_bytes = 0

    def record(self, good: bool, code, text) -> None:
        """Write the running rung down."""
        self.rungs.append(
            {
                "rung": self.rung,
                "ok": good,
                "code": code,
                "text": self.safe(text),
                "ms": round(max(0.0, self.stamp - self.began) * 1000, 1),
            }
        )

    def passed(self, code, text="") -> None:
        """The rung was good."""
        self.record(True, code, text)

    def fail(self, failure: Failure) -> None:
        """The rung failed, and with it the ladder."""
        self.record(False, failure.code, failure.text)
        self.outcome = failure.outcome
        self.failed_rung = self.rung
        self.code = failure.code
        self.text = self.rungs[-1]["text"]

    def open(self, implicit_tls: bool):
        """Rung connect, and rung tls where the port begins with it."""
        self.begin("connect")
        self.started = self.began
        yield from self.connect()
        self.passed(None)
        if implicit_tls:
            self.begin("tls")
            self.passed(None, (yield from self.secure()))

    # The end

    def _part(self):
        """Rung quit: leave as the protocol wants it. Whatever comes of it no longer changes the outcome."""
        command, reader = self.bye
        self.begin("quit", min(BYE_SECONDS, self.setup.timeout))
        try:
            yield from self.send(command)
            code, text = yield from reader(self)
        except (Failure, Expired) as error:
            self.stamp = max(self.stamp, self.began)
            closed = isinstance(error, Failure) and error.outcome == "reset"
            self.record(closed, None, "closed without an answer" if closed else "no good answer to the good-bye")
        else:
            self.passed(code, text)

    def _expired(self) -> Failure:
        """What the silence at this rung is called."""
        heard = bytes(self.buffer[:400])
        self.stamp = monotonic()
        seconds = self.stamp - self.began
        if heard and self.expects is not None and not self.expects.match(heard):
            return Failure("protocol_error", "not the protocol expected here: %s" % self.safe(heard, 120))
        if heard:
            return Failure("timeout", "incomplete after %.1f s: %s" % (seconds, self.safe(heard, 120)))
        if self.rung == "banner" and not self.reply_bytes:
            return Failure("no_banner", "connected, but nothing said within %.1f s" % seconds)
        return Failure("timeout", "no answer at %s within %.1f s" % (self.rung, seconds))

    def climb(self, ladder):
        """Climb the ladder to its end or to the first rung that fails; leave the outcome in the session."""
        cut = False
        try:
            try:
                yield from ladder(self)
            except Expired:
                raise self._expired() from None
        except Failure as failure:
            self.fail(failure)
        except Cut:
            cut = True
            self.stamp = monotonic()
            # Silence is a fact only for a server that had at least one rung's time to speak.
            fair = self.stamp - self.started >= self.setup.timeout
            text = "not finished when the time of the whole call was over"
            self.fail(Failure("timeout" if fair else "skipped", text))
        try:
            if self.bye and self.outcome in (None, "protocol_error", "auth_error"):
                yield from self._part()
            elif self.bye and cut:
                self.last_words(self.bye[0])
        except Cut:
            self.note = self.note or "no time left for the good-bye"
        self.ms = round(max(0.0, self.stamp - self.started) * 1000, 1)
        if self.outcome is None:
            self.outcome = "ok"
            self.text = self.note or self.greeting
        self.close()

    def result(self) -> dict:
        """The contract's service record."""
        job = self.job
        return {
            "protocol": job.protocol,
            "port": job.port,
            "family": job.family,
            "address": job.address,
            "outcome": self.outcome,
            "rung": self.failed_rung,
            "code": self.code,
            "text": self.text,
            "ms": self.ms,
            "rungs": self.rungs,
            "retransmits": self.retransmits,
            "certificate": self.certificate,
        }
