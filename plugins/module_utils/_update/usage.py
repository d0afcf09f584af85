# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services run on files that an update replaced, and who uses the files of a package.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import unit as units
from ansible_collections.mailops.triage.plugins.module_utils._facts import mailprocs, patches, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MAPS_BYTES, _MOST_PROCESSES, _SECONDS = 512 << 10, 3000, 10.0
_MOST = 60
# Who restarts these takes everybody's sessions away, or cannot start anything else any more.
_WITH_THE_HOST = re.compile(r"(?:dbus|dbus-broker|systemd-logind)\.service$|init\.scope$")


class Usage(object):
    """One pass over the processes of this host.

    :param proc: where the proc file system is mounted
    :param pid: of the process that asks, when it is another than this
    :ivar stale: dict of unit to the set of replaced files that its processes run on
    :ivar users: dict of path to the set of units that have it loaded
    :ivar whole: false when there was no time to see all processes
    """

    def __init__(self, proc="/proc", pid=None):
        self.stale, self.users, self.whole = {}, {}, True
        self.processes = procfs.scan(proc)
        self._proc = proc
        until, here = time.monotonic() + _SECONDS, _identity(proc + "/self/root")
        own = self._connection(pid or os.getpid())
        for pid in sorted(set(self.processes) - own)[:_MOST_PROCESSES]:
            if time.monotonic() >= until:
                self.whole = False
                break
            folder = "{0}/{1}".format(proc, pid)
            # Those of containers run on files of their own.
            if _identity(folder + "/root") == here:
                self._process(folder)

    def _connection(self, pid):
        """This process and those that it comes from, up to the daemon: the connection, which ends when it does."""
        found, name = set(), self.unit("{0}/{1}".format(self._proc, pid))
        while pid in self.processes and self.processes[pid].ppid > 1 and pid not in found:
            if self.unit("{0}/{1}".format(self._proc, pid)) != name:
                break
            found.add(pid)
            pid = self.processes[pid].ppid
        return found

    def _process(self, folder):
        program = procfs.try_link(folder + "/exe")
        if not program:
            return
        name = self.unit(folder)
        maps = procfs.try_text(folder + "/maps", _MAPS_BYTES)
        gone = patches.stale_files(maps) + ([program[:-10]] if program.endswith(" (deleted)") else [])
        if gone:
            self.stale.setdefault(name, set()).update(gone)
        paths = {line.split(None, 5)[-1] for line in maps.splitlines() if line.count(" ") > 5}
        for path in [program] + sorted(paths):
            path = path[:-10] if path.endswith(" (deleted)") else path
            if path.startswith("/"):
                self.users.setdefault(path, set()).add(name)

    def unit(self, folder):
        """The unit that a process belongs to, or an empty text."""
        return procfs.parse_unit(procfs.try_text(folder + "/cgroup", 4096)) or ""

    def users_of(self, paths):
        """Units that have one of these files loaded."""
        found = set()
        for path in paths:
            # /lib is a link to /usr/lib by now, and package lists still say /lib.
            for name in (path, "/usr" + path, path[4:] if path.startswith("/usr/") else path):
                found.update(self.users.get(name, ()))
        found.discard("")
        return found

    def verdict(self, changed):
        """What has to be restarted.

        :param changed: when a library that mail daemons load was changed last, epoch seconds, or None
        :returns: {restarts, advised, left}: units for daemon_restart; those that only a restart of the host renews;
            what is left as it is, with sessions of users as one
        """
        restarts, advised, left = set(), set(), set()
        for name in self.stale:
            if _WITH_THE_HOST.match(name):
                advised.add(name)
            elif not name.endswith(".service"):
                left.add(name or "processes of no unit")
            elif units.untouched(name):
                left.add(name)
            else:
                restarts.add(name)
        restarts.update(self._postfix(changed))
        found = {"restarts": restarts, "advised": advised, "left": left}
        return {key: [clean(name, 120) for name in sorted(found[key])][:_MOST] for key in found}

    def _postfix(self, changed):
        """Its master lives long and loads next to nothing, and no look at it tells that its children are old."""
        master = mailprocs.identify(self.processes, self._proc).masters["postfix"]
        if master is None or changed is None:
            return []
        started = procfs.boot_time(self._proc) + master.started / float(procfs.CLOCK_TICKS)
        name = self.unit("{0}/{1}".format(self._proc, master.pid))
        return [name] if started < changed and name.endswith(".service") else []


def _identity(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
