# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance of a host, begun and ended: other runs are kept away, other watchers are paused and always released.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import busy, guard, marker, outcome, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import expiry, ledger, plan
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed, Here
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet import mark, monit, taking
from ansible_collections.mailops.triage.plugins.module_utils._aid.record import Record
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._schedule import clocks
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

LONGEST_S = 7 * 86400
_KINDS = (monit.KIND, mark.KIND)
"""The watchers before the marker: this is the order in which they end."""
_WATCHERS = {monit.KIND: busy.WATCHERS["monit"]}


class Maintaining(object):
    """One call.

    :param options: dict of the module's options
    :param check: true in check mode: all the same way, up to the act
    :param memory: a state.State
    :param here: a here.Here
    :param timer: see taking.Taking
    :param names: function that gives the command names of all processes
    """

    def __init__(self, options, check=False, memory=None, here=None, timer=expiry, names=None):
        self.options, self.check = options, check
        self.memory = memory or state.State()
        self.here = here or Here(folder=self.memory.folder)
        self.record = Record(mark.ACTION, "host")
        self.diff: dict = {"before": [], "after": []}
        self.measures: list = []
        self._names = names or _command_names
        self._taking = taking.Taking(self.here, self.memory, self.record, timer)

    def run(self):
        """Do it; the result is the module's."""
        try:
            told = outcome.of(self._end if self.options["state"] == "ended" else self._begin)
        finally:
            self.memory.unlock()
        answer = self.record.answer(**told)
        if answer["changed"] and not self.check:
            taking.tell(self.record, "{0}: {1}".format(answer["state"], answer["why"]), self.options["run"])
        for name in ("before", "after", "evidence"):
            del answer[name]
        answer["measures"] = [ledger.told(one) for one in self.measures]
        paused = [_WATCHERS[one["kind"]] for one in self.measures if one["kind"] in _WATCHERS]
        begun = self.options["state"] == "begun" and answer["state"] in ("done", "planned", "nothing")
        answer["paused"] = paused if begun else []
        answer["watching"] = [one for one in busy.watchers(self._names()) if one not in answer["paused"]]
        if begun and answer["watching"]:
            self.record.note("still watching, and may start daemons: {0}".format(", ".join(answer["watching"])))
        return answer

    def _begin(self):
        """(state, why) of a maintenance that is to be in force."""
        now, until = time.time(), _moment(self.options["until"] or "")
        if not now < until <= now + LONGEST_S:
            raise Cannot("invalid", "a maintenance ends within a week from now, not at {0} UTC".format(_spelled(until)))
        gate = guard.Guard(
            self.options,
            mark.ACTION,
            "host",
            self.check,
            self.memory,
            names=self._names,
            marker_path=mark.path(self.here),
        )
        gate.enter()
        known = {one["kind"]: one for one in self._taking.known(_KINDS)}
        stale = [one for one in self._taking.known(_KINDS, over=True) if one not in known.values()]
        if stale and not self.check:
            # What Monit watches is asked only when it watches again.
            self._taking.end(stale)
        again, later = self._meant(known, until)
        words = "in maintenance until {0} UTC: {1}".format(
            _spelled(until), "; ".join(one["what"] for one in self.measures)
        )
        if not again and not later:
            return "nothing", words
        self._taking.allowed(again)
        for one in again:
            before, after = _difference(self.here, one)
            self.diff["before"] += before
            self.diff["after"] += after
        if self.check:
            return "planned", words
        gate.began("begin")
        # What is in force already only ends at another time; the marker, which tells it, is among what is done again.
        for one in later:
            ledger.put(self.memory, one)
        self._taking.take(again)
        return "done", words

    def _meant(self, known, until):
        """Settle on the measures: (those to take, those that only last longer or shorter)."""
        asked = {"run": self.options["run"], "ticket": self.options["ticket"], "finding": ""}
        until = float(int(until))
        words = marker.compose(
            until, asked["run"], self.options["reason"] or "", self.options["by"] or "", asked["ticket"] or ""
        )
        wanted = [(mark.KIND, "other runs are kept away", {"text": words, "run": clean(asked["run"], 120)})]
        again, later = [], []
        if self.options["pause_watchers"] and "monit" in self._names():
            # What Monit watched is known from before it was paused.
            found = known[monit.KIND]["data"] if monit.KIND in known else monit.data(self.here)
            if found is not None:
                wanted.append((monit.KIND, "Monit is paused", found))
        elif monit.KIND in known:
            wanted.append((monit.KIND, "Monit is paused", known[monit.KIND]["data"]))
        for kind, what, data in wanted:
            one = plan.measure(kind, "host", what, dict(data))
            ledger.dated(one, {}, asked, 0)
            one["until"] = one["data"]["until"] = until
            old = known.get(kind)
            self.measures.append(one)
            if old is None or not self._taking.holds(dict(one, applied=old.get("applied"))):
                again.append(one)
            elif old["until"] != until:
                later.append(dict(one, applied=True, since=old["since"]))
        return again, later

    def _end(self):
        """(state, why) of a maintenance that is to end. Nothing may keep the watchers from being released."""
        if not self.check:
            taking.locked(self.memory, float(self.options["wait"]))
        run = clean(self.options["run"], 120)
        mine = [one for one in self._taking.known(_KINDS, over=True) if one.get("run") == run]
        others = self._taking.known(_KINDS)
        if others and not mine:
            why = "run {0} is at this host, until {1} UTC; to act for it, give its name as run"
            raise guard.Refused("maintenance", why.format(others[0].get("run"), _spelled(others[0]["until"])))
        if not mine and self._stray(run):
            mine = [plan.measure(mark.KIND, "host", "other runs are kept away", {"text": "", "run": run})]
        if not mine:
            return "nothing", "this run has no maintenance here"
        self.measures = sorted(mine, key=lambda one: _KINDS.index(one["kind"]))
        for one in self.measures:
            self.diff["before"].append(one["what"])
        words = "ended: " + "; ".join(one["what"] for one in self.measures)
        if self.check:
            return "planned", words
        failed = self._taking.end(self.measures)
        if failed:
            raise Failed("the host's own timer goes on trying: " + "; ".join(failed))
        return "done", words

    def _stray(self, run):
        """Is there a marker of this run that nobody remembers?"""
        try:
            return marker.owner(marker.read(mark.path(self.here))) == run
        except OSError:
            return False


def _moment(text):
    try:
        return clocks.moment(text)
    except ValueError as error:
        raise Cannot("invalid", str(error)) from error


def _difference(here, measure):
    kind = {mark.KIND: mark, monit.KIND: monit}[measure["kind"]]
    return kind.diff(here, measure["data"])


def _spelled(epoch):
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(epoch))


def _command_names():
    """Names of all processes, as the kernel has them."""
    return {process.name for process in procfs.scan("/proc").values()}
