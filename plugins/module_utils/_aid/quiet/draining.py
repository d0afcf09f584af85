# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining a host and opening it again: the whole way through the gate.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import functools
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import guard, outcome, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import expiry, ledger, plan, protected
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed, Here
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet import drain, leaving, mark, taking
from ansible_collections.mailops.triage.plugins.module_utils._aid.record import Record
from ansible_collections.mailops.triage.plugins.module_utils._facts import sessions
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

ROLES = {"mta": (25,), "submission": (465, 587), "imap": (143, 993), "pop3": (110, 995), "sieve": (4190,)}
"""The roles of the inventory's C(mail_roles), and what belongs to them."""
_SSH = 22


class Draining(object):
    """One call.

    :param options: dict of the module's options
    :param check: true in check mode: all the same way, up to the act
    :param memory: a state.State
    :param here: a here.Here
    :param ask: see leaving.take
    :param timer: see taking.Taking
    :param names: see guard.Guard
    """

    def __init__(self, options, check=False, memory=None, here=None, ask=sessions.ask_kernel, timer=expiry, names=None):
        self.options, self.check = options, check
        self.memory = memory or state.State()
        self.here = here or Here(folder=self.memory.folder)
        self.record = Record(drain.ACTION, "mail ports")
        self.diff: dict = {"before": [], "after": []}
        self.left, self.seconds, self.measure = None, 0.0, None
        self._taking = taking.Taking(self.here, self.memory, self.record, timer)
        self._ask, self._names = ask, names

    def run(self):
        """Do it; the result is the module's."""
        try:
            told = outcome.of(self._open if self.options["state"] == "open" else self._drain)
        finally:
            self.memory.unlock()
        answer = self.record.answer(**told)
        if self.check and told["state"] == "planned":
            answer["changed"] = True
        if answer["changed"] and not self.check:
            taking.tell(self.record, "{0}: {1}".format(answer["state"], answer["why"]), self.options["guard"]["run"])
        del answer["evidence"]
        answer["measures"] = [ledger.told(self.measure)] if self.measure else []
        answer["sessions_left"] = self.left.count if self.left else None
        answer["sessions_working"] = self.left.working if self.left else None
        answer["seconds"] = round(self.seconds, 1)
        return answer

    def _drain(self):
        """(state, why) of ports that are to be closed."""
        wanted = drain.data(self._ports(), self._admitted())
        self.record.subject = "ports " + drain.spelled(wanted["ports"])
        gate = guard.Guard(
            self.options["guard"],
            drain.ACTION,
            self.record.subject,
            self.check,
            self.memory,
            names=self._names,
            marker_path=mark.path(self.here),
        )
        gate.enter()
        known = self._mine()
        look = functools.partial(leaving.take, wanted["ports"], wanted["admitted"], self.options["idle"], self._ask)
        self.left = look()
        self.record.before = leaving.told(self.left)
        changes = self._meant(known, wanted)
        if changes:
            self._taking.allowed([self.measure])
            before, after = drain.diff(self.here, self.measure["data"])
            self.diff["before"] += before
            self.diff["after"] += after
            if not self.check:
                gate.began("drain")
                self._taking.take([self.measure])
        for note in gate.notes:
            self.record.note(note)
        # The sessions may take minutes: the host's lock is for others, and for the timer.
        gate.leave()
        if self.check:
            return ("planned" if changes else "nothing"), self._sentence()
        self.left, self.seconds = leaving.wait(look, self.options["deadline"])
        self.record.after = leaving.told(self.left)
        if not drain.present(self.here, self.measure["data"]):
            raise Failed("the ports were opened again while their sessions ended")
        return ("done" if changes else "nothing"), self._sentence()

    def _meant(self, known, wanted):
        """Settle on the measure; true when something has to be done for it."""
        asked, expires = self.options["guard"], self.options["expires"]
        fresh = plan.measure(drain.KIND, "host", "new sessions refused at " + self.record.subject, wanted)
        if known is None:
            self.measure = ledger.dated(fresh, {}, asked, expires)
            return True
        same = {name: known["data"][name] for name in wanted} == wanted and self._taking.holds(known)
        if same and not self.options["prolong"]:
            self.measure = known
            return False
        self.measure = ledger.dated(fresh, {}, asked, expires)
        if not self.options["prolong"]:
            self.measure["until"] = self.measure["data"]["until"] = known["until"]
        return True

    def _open(self):
        """(state, why) of ports that are to be open. Neither marker nor work in progress keeps it from being done."""
        if not self.check:
            taking.locked(self.memory, float(self.options["guard"].get("wait") or 0.0))
        mine = self._mine(over=True)
        if mine is None and not drain.stands(self.here):
            return "nothing", "new sessions are taken"
        # A table that nobody remembers is in the way all the same.
        self.measure = mine or plan.measure(drain.KIND, "host", "new sessions refused", drain.data([], []))
        self.diff["before"].append(self.measure["what"])
        if self.check:
            return "planned", "ended: " + self.measure["what"]
        failed = self._taking.end([self.measure])
        if failed:
            raise Failed("; ".join(failed))
        return "done", "ended: " + self.measure["what"]

    def _mine(self, over=False):
        """The measure that is in force, or None.

        :param over: see taking.Taking.known
        :raises guard.Refused: when it is another run's
        """
        run = clean(self.options["guard"]["run"], 120)
        for one in self._taking.known((drain.KIND,), over):
            if one.get("run") != run and one in self._taking.known((drain.KIND,)):
                why = "run {0} has drained this host, until {1} UTC; to act for it, give its name as guard.run"
                raise guard.Refused("drained", why.format(one.get("run"), _clock(one["until"])), one["until"])
            return one
        return None

    def _ports(self):
        """The ports to close.

        :raises Cannot: when the way in would be among them
        """
        found = set(self.options["ports"])
        for role in self.options["roles"] or ([] if found else sorted(ROLES)):
            found.update(ROLES[role])
        if _SSH in found or not all(0 < port < 65536 for port in found):
            raise Cannot("invalid", "these are no ports that may be closed: {0}".format(drain.spelled(found)))
        return found

    def _admitted(self):
        found = []
        for text in self.options["admit"]:
            found += protected.resolved(self.here, str(text).strip())
        return found

    def _sentence(self):
        left = self.left
        words = "{0}, until {1} UTC at the latest".format(self.measure["what"], _clock(self.measure["until"]))
        if self.check:
            return "{0}; {1} sessions now".format(words, left.count)
        if left.working:
            rest = "{0} of {1} sessions are still at work after {2:.0f} s".format(
                left.working, left.count, self.seconds
            )
        elif left.count:
            rest = "{0} idle sessions left after {1:.0f} s".format(left.count, self.seconds)
        else:
            rest = "no session left after {0:.0f} s".format(self.seconds)
        return "{0}; {1}".format(words, rest)


def _clock(epoch):
    return time.strftime("%H:%M:%S", time.gmtime(epoch))
