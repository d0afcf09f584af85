# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate that every remedy goes through on the host, and the record it leaves.

A remedy is refused, not failed, when it would be in somebody's way: that is the right answer, and tells who.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import budget, busy, journal, marker, state
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

LEASE_S = 90.0
"""How long the host stays this run's after an act: as long as proving it may take."""
_POLL_S = 1.0
_FORGETFUL = "what is done could not be remembered, so nothing is done: {0}"

OPTIONS = {
    "run": {"type": "str", "required": True},
    "ticket": {"type": "str"},
    "by": {"type": "str"},
    "finding": {"type": "str"},
    "wait": {"type": "float", "default": 90.0},
    "starts_per_hour": {"type": "int", "default": 3},
    "grace": {"type": "float", "default": 120.0},
}
"""Suboptions of the C(guard) option that every remedy module has; documented in the fragment C(remedy)."""


class Refused(Exception):
    """The remedy must not be tried now.

    :param code: maintenance, locked, busy, grace, budget, state or a hazard's own word
    :param why: one sentence for a person
    :param retry_at: epoch seconds, or None
    """

    def __init__(self, code, why, retry_at=None):
        Exception.__init__(self, why)
        self.code, self.why, self.retry_at = code, why, retry_at


class Guard(object):
    """One remedy's way in and out.

    :param asked: dict of the suboptions, see OPTIONS
    :param action: name of the remedy, for example C(restart_daemon)
    :param subject: what it is about: a unit, a mount, an account
    :param check: true in check mode: looks, and remembers nothing
    :param memory: a state.State
    :param names: function that gives the command names of all processes
    :param makes_room: true for the remedy of a full disk: where nothing but room is missing it goes on, and remembers
        what it did as soon as there is some
    """

    def __init__(
        self, asked, action, subject, check=False, memory=None, names=None, marker_path=marker.PATH, makes_room=False
    ):
        self.asked, self.action, self.subject, self.check = asked, action, clean(subject, 200), check
        self.memory = memory or state.State()
        self.notes = []
        self._names = names or _command_names
        self._marker = marker_path
        self._makes_room, self._unwritten = makes_room, []
        self._until = time.monotonic() + float(asked.get("wait") or 0.0)

    def enter(self, starts=False):
        """Pass, or be refused; afterwards the host is this run's.

        :param starts: true for what starts a daemon: its budget is asked
        :raises Refused: with the reason
        """
        self.heed_maintenance()
        self._wait_for_work()
        if self.check:
            self._alone(self.memory.read())
            self._afford(self.memory.read(), starts)
            return
        try:
            self._lock()
            # It may have begun while others were waited for.
            self.heed_maintenance()
            known = self.memory.read()
            if starts and known.get("forgotten"):
                # Kept before it refuses: forgotten anew at each look, the grace would never end.
                self.memory.write(known)
            self._afford(known, starts)
            self._write(known)
        except state.StateError as error:
            self.leave()
            raise Refused("state", _FORGETFUL.format(error)) from error
        except Refused:
            self.leave()
            raise
        if self.memory.note:
            self.notes.append(self.memory.note)
        self.notes += [
            "{0} watches this host, and may start daemons too".format(one) for one in busy.watchers(self._names())
        ]

    def heed_maintenance(self):
        """Be refused while an operator keeps remedies away; for what looks into the host before it enters.

        :raises Refused: with what the marker says
        """
        why = marker.active(time.time(), self._marker, self.asked["run"])
        if why:
            raise Refused("maintenance", why)

    def began(self, what, starts=False):
        """Remember an act before it is done: one that kills the host counts too.

        :param what: a few words, such as C(start)
        :param starts: true when it counts as a start of the subject
        :raises Refused: when it cannot be remembered
        """
        if self.check:
            return
        self._unwritten.append(
            {
                "at": round(time.time(), 3),
                "action": self.action,
                "subject": self.subject,
                "what": what,
                "starts": bool(starts),
                "run": clean(self.asked["run"], 120),
                "ticket": clean(self.asked.get("ticket") or "", 120),
                "finding": clean(self.asked.get("finding") or "", 120),
            }
        )
        try:
            self._write(self.memory.read())
        except state.StateError as error:
            self._unwritten.pop()
            raise Refused("state", _FORGETFUL.format(error)) from error
        journal.tell("{0}: {1} {2} ({3})".format(self.action, what, self.subject, self._who()))

    def catch_up(self):
        """Remember what could not be remembered before, should there be room by now; true when nothing is owed."""
        if self.check or not self._makes_room:
            return True
        try:
            if not self.memory.makeshift or self.memory.lock():
                self._write(self.memory.read())
        except state.StateError:
            return False
        return not self._unwritten

    def ended(self, result):
        """Tell the journal how it came out."""
        if not self.check:
            self.catch_up()
            journal.tell("{0}: {1}: {2} ({3})".format(self.action, self.subject, result, self._who()))

    def leave(self):
        """Let go of the lock; the lease stays until the proof is done."""
        self.memory.unlock()

    def next_start(self):
        """What would be in the way of one more start of the subject now: see budget.judge."""
        return self._judge(self.memory.read())

    def last_act(self, what):
        """When this remedy last did something to the subject, in epoch seconds; None when it did not.

        An act of a clock that ran ahead is left out, see budget.AHEAD_S.

        :param what: the words that it began with
        """
        latest = time.time() + budget.AHEAD_S
        asked = (self.action, self.subject, what)
        times = [
            float(act["at"])
            for act in self.memory.read()["acts"]
            if (act.get("action"), act.get("subject"), act.get("what")) == asked and act["at"] <= latest
        ]
        return max(times) if times else None

    def _write(self, known):
        """Write down the lease, and the acts that are not written yet.

        :raises StateError: when that cannot be, except where room is all that is missing and this makes it
        """
        known["lease"] = self._lease()
        known["acts"] = known["acts"] + self._unwritten
        try:
            self.memory.write(known)
        except state.StateError as error:
            if not (self._makes_room and error.full):
                raise
            note = "what is done is remembered as soon as there is room for it: {0}".format(error)
            self.notes += [note] if note not in self.notes else []
            return
        self._unwritten = []

    def _who(self):
        words = ["run " + self.asked["run"]]
        words += ["ticket " + self.asked["ticket"]] if self.asked.get("ticket") else []
        words += ["for " + self.asked["finding"]] if self.asked.get("finding") else []
        return clean(", ".join(words), 300)

    def _lease(self):
        now = time.time()
        return {
            "run": clean(self.asked["run"], 120),
            "ticket": clean(self.asked.get("ticket") or "", 120),
            "by": clean(self.asked.get("by") or "", 120),
            "since": round(now, 3),
            "until": round(now + LEASE_S, 3),
        }

    def _work_in_progress(self):
        names = self._names()
        return busy.packages(names) or busy.backup(names)

    def _wait_for_work(self):
        why = self._work_in_progress()
        while why:
            # A plan does not wait: it says what it would be waiting for.
            if self.check or time.monotonic() >= self._until:
                raise Refused("busy", why)
            time.sleep(_POLL_S)
            why = self._work_in_progress()

    def _lock(self):
        """Have the lock while no other run's lease holds.

        It is let go between the looks: that run needs it for its next step, and so does what undoes a measure.
        """
        while True:
            if not self.memory.lock(max(0.0, self._until - time.monotonic()), anyhow=self._makes_room):
                raise Refused("locked", self._holder(self.memory.read()) or "another remedy is at this host just now")
            why = self._holder(self.memory.read())
            if not why:
                return
            self.memory.unlock()
            if time.monotonic() >= self._until:
                raise Refused("locked", why)
            time.sleep(_POLL_S)

    def _alone(self, known):
        why = self._holder(known)
        if why:
            raise Refused("locked", why, known["lease"]["until"])

    def _holder(self, known):
        """Who else is at this host, or an empty text."""
        lease = known["lease"]
        if not isinstance(lease, dict) or lease.get("run") == clean(self.asked["run"], 120):
            return ""
        left = float(lease.get("until") or 0.0) - time.time()
        # One that lasts longer than any can be is the clock's doing.
        if not 0 < left <= LEASE_S:
            return ""
        words = "run {0}".format(lease.get("run"))
        words += " of {0}".format(lease["by"]) if lease.get("by") else ""
        words += " (ticket {0})".format(lease["ticket"]) if lease.get("ticket") else ""
        return "{0} is at this host, for {1} more at most".format(words, budget.spell(left))

    def _judge(self, known):
        times = [act["at"] for act in known["acts"] if act.get("starts") and act.get("subject") == self.subject]
        if known.get("forgotten"):
            times.append(float(known["forgotten"]))
        limits = {"starts": self.asked.get("starts_per_hour"), "grace": self.asked.get("grace")}
        return budget.judge(times, time.time(), limits)

    def _afford(self, known, starts):
        if not starts:
            return
        code, why, retry_at = self._judge(known)
        if code:
            raise Refused(code, "{0}: {1}".format(self.subject, why), retry_at)


def _command_names():
    """Names of all processes, as the kernel has them."""
    return {process.name for process in procfs.scan("/proc").values()}
