# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a daemon back by the gentlest step that can work, with the evidence saved before anything is touched.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import (
    acts,
    budget,
    ending,
    evidence,
    hazards,
    unit,
)
from ansible_collections.mailops.triage.plugins.module_utils._aid import daemon as daemons
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Guard, Refused
from ansible_collections.mailops.triage.plugins.module_utils._aid.record import Record
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

ACTION = "restart_daemon"
HOWS = ("start", "reload", "restart", "kill_helper")
_PROCESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}$")
# What was looked at before a wait of this many seconds is looked at again.
_STALE_S = 5.0
_POLL_S = 0.25
_CONTINUED_S = 3600.0
_STARTS = frozenset(("start", "restart"))
# Acts that start nothing, and so are not counted by the budget.
_GENTLE = {"reload": "reload", "restart": "continue"}


class DaemonRestart(object):
    """One call of the remedy.

    :param options: dict of service, how, process, found_at, settle, stop_timeout, guard
    :param check: true in check mode
    :param systemd: unit.Systemd
    :param guard: function of (asked, action, subject, check) that gives a Guard
    :param belongs: see members.Members
    """

    def __init__(self, options, check=False, systemd=None, guard=Guard, belongs=None):
        self.options, self.how, self.check = options, options["how"], check
        self.systemd = systemd or unit.Systemd()
        self._guard_of, self._belongs = guard, belongs
        self.record = Record(ACTION, options["service"])
        self.guard, self.daemon = None, None

    def run(self):
        """Look, save, ask, act and look again; the answer as a dict."""
        try:
            self.daemon = daemons.Daemon(unit.find(self.systemd, self.options["service"]), self._belongs)
        except unit.UnitError as error:
            return self.record.answer("refused", error.code, str(error))
        self.record.subject = self.daemon.unit.name
        self.record.before = self.daemon.measured()
        self.guard = self._guard_of(self.options["guard"], ACTION, self.daemon.unit.name, self.check)
        try:
            why = self._nothing()
            if why:
                return self._told("nothing", why=why)
            self._save()
            return self._through_the_gate()
        except Refused as error:
            return self._told("refused", error.code, error.why, error.retry_at)
        except acts.Failed as error:
            return self._told("failed", error.code, error.why, error.retry_at)
        except unit.UnitError as error:
            return self._told("failed" if self.record.changed else "refused", error.code, str(error))

    def _told(self, state, code="", why="", retry_at=None):
        for note in self.guard.notes:
            self.record.note(note)
        if self.record.changed:
            self.guard.ended("{0}{1}".format(state, ": " + why if why else ""))
        return self.record.answer(state, code, why, retry_at)

    def _save(self):
        if self.daemon.unit.get("NeedDaemonReload") == "yes":
            self.record.note("its unit file was changed and systemd has not read it again (systemctl daemon-reload)")
        context = Context({"time_budget": evidence.SECONDS})
        listening = daemons.spelled(self.daemon.listening())
        self.record.evidence = evidence.collect(context, self.daemon.unit, self.daemon.group, listening)

    def _look_for_hazards(self):
        hazards.refuse(Context(), self.daemon, self.how, self.record.note, plans=self.check)

    def _through_the_gate(self):
        # Looking for hazards writes into the spool and walks the queue: not while an operator is at it.
        self.guard.heed_maintenance()
        self._look_for_hazards()
        looked = time.monotonic()
        until = looked + float(self.options["guard"].get("wait") or 0.0)
        starts = self._starts()
        self.guard.enter(starts=starts)
        try:
            self._wait_for_others(until)
            if time.monotonic() - looked > _STALE_S:
                self.daemon = self.daemon.again(self.systemd)
                why = self._nothing()
                if why:
                    self.record.evidence = {}
                    return self._told("nothing", why=why)
                self._look_for_hazards()
            self._not_again()
            plan = self._plan()
            if not starts and _STARTS.intersection(plan):
                # It went down while others were waited for.
                self._afford()
            if self.check:
                for what in plan:
                    self.record.step(what, "planned")
                return self._told("planned", why=self._sentence(plan))
            work = acts.Acts(
                self.systemd, self.guard, self.record, self.options["settle"], self.options["stop_timeout"]
            )
            self.daemon = work.carry_out(plan, self.daemon, self._helper() if self.how == "kill_helper" else "")
            if self.daemon.unit.product == "dovecot":
                self.record.note("Postfix tries its submission service again within 60 s, and needs no restart for it")
            return self._told("done", why=self._sentence(plan))
        finally:
            self.guard.leave()

    def _sentence(self, plan):
        return "{0}: {1}".format(self.daemon.unit.name, ", ".join(plan))

    def _nothing(self):
        """Why there is nothing to do, or an empty text."""
        daemon, found_at = self.daemon, self.options.get("found_at")
        if self.how == "start" and daemon.runs and not daemon.hangs and not daemon.unit.on_its_way:
            return "{0} runs already".format(daemon.unit.name)
        if self.how == "kill_helper":
            name = self._helper()
            if daemon.runs and not daemon.hung(name):
                return "no {0} of {1} hangs".format(name, daemon.unit.name)
        if self.how in _GENTLE and found_at and daemon.runs and not daemon.hangs:
            if max(daemon.started() or 0.0, self.guard.last_act(_GENTLE[self.how]) or 0.0) > found_at:
                return "{0} was brought back after the fault was found".format(daemon.unit.name)
        return ""

    def _helper(self):
        name = self.options.get("process") or ""
        if not _PROCESS.match(name):
            raise Refused("unknown_process", "{0} is not the name of a process".format(clean(name, 60) or "nothing"))
        if self.daemon.main is not None and self.daemon.main.name == name[:15]:
            raise Refused("unknown_process", "{0} is the main process: that would be a restart".format(name))
        return name[:15]

    def _wait_for_others(self, until):
        """A unit between two states is somebody's work, systemd's own or an operator's."""
        while self.daemon.unit.on_its_way:
            if self.check or time.monotonic() >= until:
                why = "systemd is at work at {0}: {1}"
                raise Refused("busy", why.format(self.daemon.unit.name, self.daemon.unit.spell()))
            time.sleep(_POLL_S)
            self.daemon = self.daemon.again(self.systemd)

    def _not_again(self):
        """A reload, or a daemon that was told to go on, has no budget: it gets its time to show whether it helped."""
        if self.how not in _GENTLE or self.daemon.hangs:
            return
        last, grace = self.guard.last_act(_GENTLE[self.how]), self.options["guard"].get("grace")
        grace = budget.DEFAULTS["grace"] if grace is None else float(grace)
        if last is not None and 0 <= time.time() - last < grace:
            why = "{0} was brought back {1:.0f} s ago ({2}), and gets {3:.0f} s to show whether that helped"
            words = why.format(self.daemon.unit.name, time.time() - last, _GENTLE[self.how], grace)
            raise Refused("grace", words, last + grace)

    def _starts(self):
        """Does the first thing to be done start the daemon?"""
        return self.how in ("start", "restart") and not self._wakes()

    def _afford(self):
        code, why, retry_at = self.guard.next_start()
        if code:
            raise Refused(code, "{0}: {1}".format(self.daemon.unit.name, why), retry_at)

    def _wakes(self):
        """Is it enough to let it go on? Not when that was tried within the hour and it stopped again."""
        if self.how != "restart" or not self.daemon.runs or not self.daemon.stopped:
            return False
        last = self.guard.last_act("continue")
        return last is None or not 0 <= time.time() - last < _CONTINUED_S

    def _plan(self):
        """What will be done, in words and in order."""
        daemon = self.daemon
        if self.how in ("reload", "kill_helper"):
            return [
                self.how if self.how == "reload" else "end " + ending.spell(acts.within_reach(daemon, self._helper()))
            ]
        if daemon.unit.down:
            tired = daemon.unit.active == "failed" or daemon.unit.get("Result") == "start-limit-hit"
            return (["reset-failed"] if tired else []) + ["start"]
        if self._wakes():
            self.record.note("when it does not serve after that, it is restarted")
            return ["continue"]
        if self.how == "start":
            self.record.note("its main process is gone, and systemd has not noticed: a start alone would do nothing")
        return ["restart"]


def diff(answer):
    """The daemon before and after as two texts; in check mode what it would be."""
    before = _lines(answer["before"], answer["subject"])
    if not answer["changed"]:
        return {"before": before, "after": before}
    if answer["state"] == "planned":
        done = [step["what"] for step in answer["steps"]]
        return {
            "before": before,
            "after": "{0}: active\nmain process: runs\n{1}".format(answer["subject"], _done(done)),
        }
    done = [step["what"] for step in answer["steps"] if not step["what"].startswith("wait ")]
    return {"before": before, "after": _lines(answer["after"], answer["subject"]) + _done(done)}


def _done(steps):
    return "".join("done: {0}\n".format(what) for what in steps)


def _lines(measured, subject):
    main = measured.get("main")
    state = "none" if not main else "hangs (state {0})".format(main["state"]) if main["state"] in "TtD" else "runs"
    return "{0}: {1}\nmain process: {2}\n".format(subject, measured.get("active", "unknown"), state)
