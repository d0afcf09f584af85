# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of one unit: which they are, how they are, and signals that reach them and nobody else.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import whole

STOPPED, TRACED, WAITING = "T", "t", "D"
HUNG = frozenset((STOPPED, TRACED, WAITING))


class Members(object):
    """Processes by the control group they live in, so that a name alone never decides.

    :param unit: name of the unit
    :param proc: where the proc file system is mounted
    :param belongs: function of a process id; without it the control group and the PID namespace decide
    """

    def __init__(self, unit, proc="/proc", belongs=None):
        self.unit, self._proc = unit, proc
        self._belongs = belongs or self._in_group

    def _in_group(self, pid):
        group = procfs.try_text("{0}/{1}/cgroup".format(self._proc, pid))
        return procfs.parse_unit(group) == self.unit and procfs.same_pid_namespace(pid, self._proc)

    def all(self):
        """Its processes now, zombies left out, the oldest first."""
        found = [one for one in procfs.scan(self._proc).values() if one.state not in "ZX" and self._belongs(one.pid)]
        return sorted(found, key=lambda one: (one.started, one.pid))

    def fresh(self, process):
        """The same process now, or None when it has ended, also when its number is somebody else's by now."""
        now = procfs.parse_stat(procfs.try_text("{0}/{1}/stat".format(self._proc, process.pid), 4096))
        if now is None or now.started != process.started or now.state in "ZX":
            return None
        return now

    def left(self, processes):
        """Those of some processes that are still there, as they are now."""
        return [now for now in (self.fresh(one) for one in processes) if now is not None]

    def main(self, product, main_pid, processes):
        """The process that the others depend on, or None.

        Where systemd does not know it (Postfix on Debian 12), it is the oldest that is nobody's child here, and for
        Postfix and Dovecot only one of the master's name: children may outlive it.
        """
        known = {one.pid: one for one in processes}
        if main_pid in known:
            return known[main_pid]
        name = {"postfix": "master", "dovecot": "dovecot"}.get(product)
        for one in processes:
            if one.ppid not in known and name in (None, one.name):
                return one
        return None

    def tracer(self, process):
        """Process id of the debugger that holds a process, or 0."""
        for line in procfs.try_text("{0}/{1}/status".format(self._proc, process.pid), 8192).splitlines():
            if line.startswith("TracerPid:"):
                return whole(line[10:].strip(), 0)
        return 0

    def signal(self, process, number):
        """Send a signal, when this is still the same process and still the unit's.

        Looked at right before it is sent: between a look and a signal of long ago a number changes its owner.

        :returns: true when it was sent
        """
        if process.pid <= 1 or self.fresh(process) is None or not self._belongs(process.pid):
            return False
        try:
            os.kill(process.pid, number)
        except OSError:
            return False
        return True
