# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking measures against a surge, and ending them: the whole way through the gate.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import guard, journal, outcome, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import (
    expiry,
    ledger,
    names,
    plan,
    protected,
    undo,
)
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import look as looks
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed, Here
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet import taking
from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

ACTION = "contain_surge"
_KEEPS_OUT = ("nft", "fail2ban")
_LINGERS = "{0}; what SMTP sessions bring on hold that began before is still released, for half an hour at most"


class Containment(object):
    """One call of the remedy.

    :param options: dict of the module's options
    :param check: true in check mode: all the same way, up to the act
    :param memory: a state.State
    :param here: a here.Here
    :param look: function that gives a look.Look
    """

    def __init__(self, options, check=False, memory=None, here=None, look=looks.take, timer=expiry):
        self.options, self.check = options, check
        self.memory = memory or state.State()
        self.here = here or Here(folder=self.memory.folder)
        self.steps: list = []
        self.notes: list = []
        self.diff: dict = {"before": [], "after": []}
        self.before: dict = {}
        self.after: dict = {}
        self.gate = None
        self._take_look, self._timer, self._protected = look, timer, None

    def run(self):
        """Do it; the result is the module's."""
        answer = {"changed": False, "state": "refused", "code": "", "why": "", "retry_at": None, "subject": ""}
        measures: list = []

        def work():
            asked = plan.understood(self.options)
            answer["subject"] = plan.subject(asked) or self.options.get("of_run") or "all measures"
            if self.options["state"] == "absent":
                # Neither marker, nor work in progress, nor a full disk keeps a measure from being taken back.
                if not self.check:
                    taking.locked(self.memory, float(self.options["guard"].get("wait") or 0.0))
                reached, why, measures[:] = self._end(asked)
            else:
                self.gate = guard.Guard(self.options["guard"], ACTION, answer["subject"], self.check, self.memory)
                self.gate.enter()
                reached, why, measures[:] = self._take(asked)
            answer["changed"] = reached in ("planned", "done")
            return reached, why

        try:
            answer.update(outcome.of(work))
        finally:
            if answer["state"] in ("done", "failed"):
                self._tell(answer)
            self.memory.unlock()
        # What was done before it went wrong was done all the same.
        answer["changed"] = answer["changed"] or any(step["result"] == "done" for step in self.steps)
        answer.update(
            action=ACTION,
            steps=self.steps,
            before=self.before,
            after=self.after,
            notes=[clean(note, 300) for note in (self.gate.notes if self.gate else []) + self.notes],
            measures=[ledger.told(one) for one in measures],
        )
        answer["why"] = clean(answer["why"], 400)
        return answer

    def _tell(self, answer):
        """One line for the host's journal."""
        result = "{0}: {1}".format(answer["state"], answer["why"])
        if self.gate is not None:
            self.gate.ended(result)
        elif not self.check:
            run = self.options["guard"]["run"]
            journal.tell("{0}: {1}: {2} (run {3})".format(ACTION, answer["subject"], result, run))

    def _take(self, asked):
        """(state, why, measures) of measures that are to be in force."""
        if not asked:
            raise Cannot("invalid", "the finding names nobody who could be contained")
        mine = self._end_stale(ledger.chosen(self.memory, asked, ""))
        look = None
        if not mine:
            look = self._take_look()
            planned, self.notes = plan.make(self.here, asked, look, self._guarded)
            if not planned:
                return "nothing", "; ".join(self.notes) or "there is nothing to contain", []
            mine = [self._known_or_new(one, asked) for one in planned]
        again = [one for one in mine if not self._holds(one)]
        if self.options["prolong"]:
            again = mine
            for one in mine:
                one["until"] = one["data"]["until"] = round(time.time() + self.options["expires"], 3)
        if not again:
            return "nothing", "it is contained: {0}".format(self._sentence(mine)), mine
        self.before = self._measured(look or self._take_look(), asked)
        for one in again:
            self._allowed(one)
            self._difference(one)
        if self.check:
            for one in again:
                self._step(one["what"], "planned")
            return "planned", self._sentence(again), again
        self._timer.install(self.here)
        for one in again:
            self._apply(one)
        self.after = self._measured_again(asked)
        held = [one["data"]["count"] for one in mine if one["kind"] == "hold"]
        if held:
            self.after["held"] = sum(held)
        return "done", self._sentence(again), mine

    def _end(self, asked):
        """(state, why, measures) of measures that are to end."""
        mine = ledger.chosen(self.memory, asked, self.options.get("of_run"))
        if not mine:
            return "nothing", "no such measure is in force", []
        ended = [one for one in mine if undo.lingers(one)]
        mine = [one for one in mine if one not in ended]
        if not mine:
            what = "; ".join(one["what"] for one in ended)
            return "nothing", _LINGERS.format("ended: " + what), ended
        failed = []
        for one in mine:
            self.diff["before"].append(one["what"])
            if self.check:
                self._step("end: " + one["what"], "planned")
                continue
            try:
                said = self._undone(one)
            except (Cannot, Failed, OSError, ValueError, KeyError) as error:
                failed.append("{0}: {1}".format(one["what"], error))
                self._step("end: " + one["what"], "failed")
                continue
            self._step("end: " + one["what"], "done")
            self.notes += said
        if failed:
            raise Failed("; ".join(failed))
        if not self.check and not ledger.known(self.memory):
            undo.dismiss(self.here)
        what = "ended: " + "; ".join(one["what"] for one in mine)
        if any(undo.lingers(one) for one in mine + ended):
            what = _LINGERS.format(what)
        return ("planned" if self.check else "done"), what, mine

    def _undone(self, one):
        """What was done to end it. Without room to forget it, it is undone all the same, and the timer forgets it."""
        said = undo.KINDS[one["kind"]].undo(self.here, one["data"])
        try:
            undo.settle(self.memory, one)
        except state.StateError as error:
            said.append("this could not be remembered: {0}".format(error))
        return said

    def _end_stale(self, mine):
        """End those whose time is over before new ones are chosen; gives the others back."""
        left = []
        for one in mine:
            if not undo.due(one, time.time()):
                left.append(one)
            elif not self.check:
                self.notes += undo.end(self.here, self.memory, one)
        return left

    def _known_or_new(self, one, asked):
        """The measure as it is remembered, with what was before it; else the new one, from now on."""
        known = ledger.find(self.memory, one["id"])
        if known is not None and not undo.due(known, time.time()):
            return known
        if known is not None and not self.check:
            self.notes += undo.end(self.here, self.memory, known)
        if known is not None and undo.lingers(known):
            # What those sessions hold is this measure's to release now.
            one["data"].update(since=known["data"]["since"], others=known["data"].get("others") or [])
        return ledger.dated(one, asked, self.options["guard"], self.options["expires"])

    def _holds(self, one):
        return one.get("applied") is True and undo.KINDS[one["kind"]].present(self.here, one["data"])

    def _guarded(self):
        if self._protected is None:
            self._protected = protected.networks(self.here, self.options["protect"])
        return self._protected

    def _allowed(self, one):
        """Everything that could be in the way, before anything is done.

        :raises Cannot: when something is
        """
        if ledger.full(self.memory) and ledger.find(self.memory, one["id"]) is None:
            raise Cannot("state", "so many measures are in force here that a person should look")
        why = self._timer.check(self.here)
        if why:
            raise Cannot("expiry", why)
        if one["kind"] in _KEEPS_OUT:
            network = names.network(one["data"]["network"])
            in_the_way = protected.against(network, self._guarded())
            if in_the_way is not None:
                raise Cannot("protected", "{0} is not kept out: {1}".format(names.plain(network), in_the_way[1]))
        undo.KINDS[one["kind"]].check(self.here, one["data"])

    def _difference(self, one):
        before, after = undo.KINDS[one["kind"]].diff(self.here, one["data"])
        self.diff["before"] += before
        self.diff["after"] += after

    def _apply(self, one):
        """Remember it, do it, remember that it is done; one that goes wrong is taken back."""
        kind = undo.KINDS[one["kind"]]
        self.gate.began("contain")
        if hasattr(kind, "prepare"):
            kind.prepare(self.here, one["data"])
        ledger.put(self.memory, one)
        try:
            said = kind.apply(self.here, one["data"])
        except (Cannot, Failed, OSError) as error:
            self._step(one["what"], "failed")
            self.notes.append(str(error))
            self.notes += undo.end(self.here, self.memory, one)
            raise Failed("{0}: {1}".format(one["what"], error)) from error
        one["applied"] = True
        ledger.put(self.memory, one)
        self._step(one["what"], "done")
        self.notes += said

    def _step(self, what, result):
        self.steps.append({"at": round(time.time(), 3), "what": clean(what, 300), "result": result})

    def _sentence(self, measures):
        ends = max(one["until"] for one in measures)
        words = "; ".join(one["what"] for one in measures)
        return "{0}, until {1} UTC".format(words, time.strftime("%H:%M:%S", time.gmtime(ends)))

    def _measured_again(self, asked):
        """The same numbers after the act; without them what was done is told all the same."""
        try:
            return self._measured(self._take_look(), asked)
        except (OSError, ValueError, KeyError, shared.OutOfTime) as error:
            self.notes.append("what it came to could not be measured: {0}".format(error))
            return {}

    def _measured(self, look, asked):
        """What the measure is meant to change, in numbers."""
        found = {"sessions": len(look.sessions)}
        for name in ("block", "client"):
            if name in asked:
                ports = looks.PORTS[looks.group(asked.get("service", ""))]
                found["sessions_of_" + name] = sum(looks.by_client(look, ports, asked[name]).values())
        full = [one["name"] for one in look.services if (one["share"] or 0.0) >= 0.95]
        return dict(found, full_services=", ".join(full))
