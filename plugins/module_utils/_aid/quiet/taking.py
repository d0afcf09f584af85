# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking measures for a time, and ending them: remembered before they are done, taken back when one goes wrong.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import journal, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import expiry, ledger, undo
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused

_TROUBLES = (Cannot, Failed, OSError, ValueError, KeyError, TypeError)


class Taking(object):
    """The measures of one call.

    :param here: here.Here
    :param memory: state.State
    :param record: record.Record
    :param timer: what ends them without the controller; the module expiry
    """

    def __init__(self, here, memory, record, timer=expiry):
        self.here, self.memory, self.record, self.timer = here, memory, record, timer

    def known(self, kinds, over=False):
        """The measures of some kinds that are remembered.

        :param over: true for those, too, whose time is over and that the timer has not ended yet
        """
        found = [one for one in ledger.known(self.memory) if one["kind"] in kinds]
        return [one for one in found if over or not undo.due(one, time.time())]

    def holds(self, measure) -> bool:
        """Is it in force, as it was meant to be?"""
        return measure.get("applied") is True and undo.KINDS[measure["kind"]].present(self.here, measure["data"])

    def allowed(self, measures):
        """Everything that could be in the way, before anything is done.

        :raises Cannot: when something is
        """
        why = self.timer.check(self.here)
        if why:
            raise Cannot("expiry", why)
        for one in measures:
            undo.KINDS[one["kind"]].check(self.here, one["data"])

    def take(self, measures):
        """Take them one after the other; when one goes wrong, those before it end, too.

        :raises Failed: when one went wrong
        """
        self.timer.install(self.here)
        done = []
        for one in measures:
            ledger.put(self.memory, one)
            done.insert(0, one)
            try:
                said = undo.KINDS[one["kind"]].apply(self.here, one["data"])
            except _TROUBLES as error:
                self.record.step(one["what"], "failed: {0}".format(error))
                left = self.end(done)
                raise Failed("; ".join([str(error)] + left)) from error
            one["applied"] = True
            ledger.put(self.memory, one)
            self.record.step(one["what"], "; ".join(said))
            self.record.changed = True

    def end(self, measures):
        """End them all, whatever becomes of one.

        :returns: what could not be ended, as texts; the timer goes on trying
        """
        left = []
        for one in measures:
            try:
                said = undo.KINDS[one["kind"]].undo(self.here, one["data"])
            except _TROUBLES as error:
                left.append("{0}: {1}".format(one["what"], error))
                self.record.step("end: " + one["what"], "failed: {0}".format(error))
                self._hand_over(one)
                continue
            self.record.step("end: " + one["what"], "; ".join(said))
            self.record.changed = True
            self._forget(one)
        if not ledger.known(self.memory):
            undo.dismiss(self.here)
        return left

    def _forget(self, measure):
        known = self.memory.read()
        known["measures"] = [one for one in known["measures"] if one.get("id") != measure["id"]]
        self._write(known)

    def _hand_over(self, measure):
        """Its time is over from now on: the timer on the host tries it every half minute."""
        known = self.memory.read()
        for one in known["measures"]:
            if one.get("id") == measure["id"]:
                one["until"] = round(time.time(), 3)
        self._write(known)

    def _write(self, known):
        """Without room for the memory what was undone is undone all the same; the timer finds nothing more to do."""
        try:
            self.memory.write(known)
        except state.StateError as error:
            self.record.note("this could not be remembered: {0}".format(error))


def locked(memory, wait):
    """Take the host's lock for ending something: nothing else may be in its way, not even a full disk.

    :raises Refused: when another process still has it after these seconds
    """
    try:
        if not memory.lock(wait, anyhow=True):
            raise Refused("locked", "another remedy is at this host just now")
    except state.StateError as error:
        raise Refused("state", str(error)) from error


def tell(record, result, run):
    """One line for the host's journal."""
    journal.tell("{0}: {1}: {2} (run {3})".format(record.action, record.subject, result, run))
