# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts by which a daemon is brought back, each remembered before it is done and looked at afterwards.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import signal
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import daemon as daemons
from ansible_collections.mailops.triage.plugins.module_utils._aid import ending, rising, unit
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused
from ansible_collections.mailops.triage.plugins.module_utils._aid.members import STOPPED, TRACED, WAITING
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context

_WAKE_S, _ANSWER_S, _HELPER_S = 1.0, 8.0, 5.0
_POLL_S = 0.25


class Failed(Exception):
    """It was tried and did not help.

    :param code: a short word
    :param why: a sentence
    :param retry_at: epoch second at which it may be tried again, or None
    """

    def __init__(self, code, why, retry_at=None):
        Exception.__init__(self, why)
        self.code, self.why, self.retry_at = code, why, retry_at


class Acts(object):
    """What is done to one daemon.

    :param systemd: unit.Systemd
    :param guard: guard.Guard, entered
    :param record: record.Record
    :param settle: seconds that the daemon gets to come up
    :param stop_timeout: seconds that its processes get to end by themselves
    """

    def __init__(self, systemd, guard, record, settle, stop_timeout):
        self.systemd, self.guard, self.record = systemd, guard, record
        self.settle, self.stop_timeout = float(settle), float(stop_timeout)
        self.daemon = None

    def carry_out(self, plan, daemon, helper):
        """Do what was planned, one after the other.

        :param plan: list of words: reset-failed, start, restart, continue, reload, or anything else for the helpers
        :param daemon: daemon.Daemon, as it was looked at last
        :param helper: name of the helper processes to end, or an empty text
        :returns: the daemon as it is then
        :raises Failed: when it did not help
        :raises Refused: when it cannot be remembered, so that it was not done
        """
        self.daemon = daemon
        # A connection that breaks now must not leave it half done.
        heard = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        acts = {"reset-failed": self._forget, "continue": self._continue, "reload": self._reload}
        try:
            for what in plan:
                if what in ("start", "restart"):
                    self._start(what)
                elif what in acts:
                    acts[what]()
                else:
                    self._end_helpers(helper)
        finally:
            try:
                self.daemon = self.daemon.again(self.systemd)
                self.record.after = self.daemon.measured()
            except unit.UnitError as error:
                self.record.note(str(error))
            signal.signal(signal.SIGHUP, heard)
        return self.daemon

    def _forget(self):
        """Let systemd forget the failures, or it would refuse the start that the budget allows."""
        words = self.systemd.tell("reset-failed", self.daemon.unit.name)
        self.record.step("systemctl reset-failed", words or "taken")

    def _tell(self, what):
        words = self.systemd.tell(what, self.daemon.unit.name)
        self.record.step("systemctl " + what, words or "taken")
        if words:
            raise Failed("start_failed", "systemd does not {0} {1}: {2}".format(what, self.daemon.unit.name, words))

    def _began(self, what, starts=False):
        self.guard.began(what, starts=starts)
        self.record.changed = True

    def _start(self, what):
        """One job in systemd's hands, helped along where the old processes do not end; then wait until it is up."""
        old, heard = self.daemon, daemons.spelled(self.daemon.listening())
        self._began(what, starts=True)
        self._tell(what)
        if what == "restart":
            self._see_it_stop(old)
        ports = daemons.configured_ports(Context(), self.daemon.unit.product)
        wanted = tuple(ports) if ports else tuple(heard)
        self.daemon, code, why = rising.up(self.daemon, self.systemd, self.settle, wanted)
        self.record.step("wait until it is up", why or "up: " + self.daemon.unit.spell())
        if code:
            raise Failed(code, why)

    def _see_it_stop(self, old):
        """The stop is systemd's; what does not obey it is woken, asked again, and killed."""
        began = time.monotonic()
        watched = [old.main] if old.main is not None else old.processes
        while True:
            now = old.again(self.systemd)
            stopping = now.unit.active == "deactivating"
            passed = time.monotonic() - began
            if not old.group.left(watched) and not stopping:
                self.record.step("wait until it has stopped", "after {0:.1f} s".format(passed))
                return
            if passed >= _WAKE_S:
                woken = ending.wake(old.group, old.processes)
                if woken:
                    self.record.step("CONT to its stopped processes", "{0} continued".format(woken))
            if passed >= self.stop_timeout:
                # While it is being stopped all that is left is to end: also a command that was to stop it and hangs.
                self._finish(now.processes if stopping else old.processes)
                return
            time.sleep(_POLL_S)

    def _finish(self, processes):
        """End some processes.

        :raises Failed: when one of them is still there
        """
        left = ending.end(self.daemon.group, processes, self.record.step)
        if left:
            raise Failed("stuck", "the kernel holds {0}: not even KILL ends it".format(ending.spell(left)))

    def _continue(self):
        """A stopped daemon goes on where it was; nobody loses a connection."""
        self._began("continue")
        woken = ending.wake(self.daemon.group, self.daemon.processes)
        self.daemon, well = rising.answers(self.daemon, self.systemd, _ANSWER_S)
        result = "it takes its clients again" if well else "it does not serve for all that"
        self.record.step("CONT to {0} stopped processes".format(woken), result)
        if well:
            return
        code, why, retry_at = self.guard.next_start()
        if code:
            raise Failed(code, "{0}: {1}".format(self.daemon.unit.name, why), retry_at)
        self._start("restart")

    def _reload(self):
        """The main process reads its configuration again; helpers that hung before and are still there are ended."""
        hung, main = self.daemon.hung(), self.daemon.main
        self._began("reload")
        self._tell("reload")
        self.daemon = rising.moved(self.daemon, self.systemd, self.settle)
        if not self.daemon.runs or self.daemon.unit.on_its_way:
            raise Failed("reload_failed", "after the reload it is {0}".format(self.daemon.unit.spell()))
        self.record.step("wait for the reload", self.daemon.unit.spell())
        if main is not None and not self.daemon.group.left([main]):
            self.record.note("its main process is another one since the reload")
        self._finish(self.daemon.group.left([one for one in hung if one.state == STOPPED]))

    def _end_helpers(self, name):
        """End the hung helpers and no others; their parent starts new ones when it needs them."""
        targets = within_reach(self.daemon, name)
        self._began("end " + ending.spell(targets))
        self._finish(targets)
        until = time.monotonic() + _HELPER_S
        while time.monotonic() < until:
            self.daemon = self.daemon.again(self.systemd)
            fresh = [one for one in self.daemon.processes if one.name == name]
            if fresh:
                self.record.step("wait for a new {0}".format(name), ending.spell(fresh))
                return
            time.sleep(_POLL_S)
        self.record.step("wait for a new {0}".format(name), "none yet: its parent starts one when it is needed")


def within_reach(daemon, name):
    """The helpers of one name that hang, and that a signal can reach.

    :raises Refused: when there is none
    """
    found = daemon.hung(name)
    if any(one.state == TRACED or daemon.group.tracer(one) for one in found):
        raise Refused("traced", "somebody looks into {0} with a debugger".format(ending.spell(found)))
    reached = [one for one in found if one.state == STOPPED]
    if found and not reached:
        why = "the kernel holds {0} (state {1}): no signal reaches it, look at the storage"
        raise Refused("stuck", why.format(ending.spell(found), WAITING))
    if not reached:
        raise Refused("gone", "no {0} of {1} hangs any more".format(name, daemon.unit.name))
    return reached
