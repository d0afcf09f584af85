# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One daemon as it is at a moment: its unit, its processes, and where it listens.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import socket
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.members import HUNG, STOPPED, WAITING, Members
from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix, procfs, sockets
from ansible_collections.mailops.triage.plugins.module_utils._text import whole

_MOST_ASKED, _MOST_SOCKETS = 40, 60
_WAITING_S, _POLL_S = 1.5, 0.25


class Daemon(object):
    """A look at one daemon.

    :ivar unit: unit.Unit
    :ivar group: members.Members
    :ivar processes: list of procfs.Process, the oldest first
    :ivar main: the process that the others depend on, or None
    """

    def __init__(self, unit, belongs=None):
        self.unit, self._belongs_to = unit, belongs
        self.group = Members(unit.name, belongs=belongs)
        self.processes = self.group.all()
        self.main = self.group.main(unit.product, unit.main_pid, self.processes)

    def again(self, systemd):
        """A new look at the same daemon.

        :raises unit.UnitError: when systemd gives no answer
        """
        return Daemon(self.unit.again(systemd), self._belongs_to)

    @property
    def runs(self):
        """Its unit is active and its main process is there; a oneshot unit has none when it is done."""
        if self.unit.active != "active":
            return False
        return self.main is not None or self.unit.get("Type") == "oneshot"

    @property
    def hangs(self):
        """Its main process is stopped, or the kernel holds it."""
        return self.main is not None and self.main.state in HUNG

    def hung(self, name=None):
        """Its processes beside the main one that hang, of one name or of all, as they are now.

        Every process waits for a disk now and then: one that does is looked at again after a moment.
        """
        found = [one for one in self.processes if one is not self.main and name in (None, one.name)]
        found = [one for one in self.group.left(found) if one.state in HUNG]
        until = time.monotonic() + _WAITING_S
        while any(one.state == WAITING for one in found) and time.monotonic() < until:
            time.sleep(_POLL_S)
            found = [one for one in self.group.left(found) if one.state in HUNG]
        return found

    def stays_waiting(self):
        """True when the kernel holds the main process all the time."""
        until = time.monotonic() + _WAITING_S
        while time.monotonic() < until:
            now = self.group.fresh(self.main) if self.main is not None else None
            if now is None or now.state != WAITING:
                return False
            time.sleep(_POLL_S)
        return True

    @property
    def stopped(self):
        """True when somebody stopped its main process with a signal."""
        return self.main is not None and self.main.state == STOPPED

    def started(self):
        """Epoch second at which its main process was started, or None."""
        if self.main is None:
            return None
        return round(procfs.boot_time() + self.main.started / float(procfs.CLOCK_TICKS), 2)

    def listening(self):
        """Its listening TCP sockets, as a list of sockets.Listener."""
        inodes = set()
        for process in self.processes[:_MOST_ASKED]:
            folder = "/proc/{0}/fd".format(process.pid)
            try:
                names = os.listdir(folder)
            except OSError:
                continue
            inodes.update(procfs.try_link(folder + "/" + name) for name in names[:4096])
        try:
            everybody = sockets.ask_kernel()
        except OSError:
            everybody = sockets.parse_proc_net(procfs.try_text("/proc/net/tcp", 8 << 20), "ipv4")
            everybody += sockets.parse_proc_net(procfs.try_text("/proc/net/tcp6", 8 << 20), "ipv6")
        return [one for one in everybody if "socket:[{0}]".format(one.inode) in inodes][:_MOST_SOCKETS]

    def queued(self):
        """Number of clients whose connections nobody has taken yet."""
        return sum(one.queued for one in self.listening())

    def measured(self):
        """What is told of it before and after, as a small dict."""
        main = None
        if self.main is not None:
            main = {
                "pid": self.main.pid,
                "name": self.main.name,
                "state": self.main.state,
                "started": self.started(),
            }
        return {
            "unit": self.unit.name,
            "active": self.unit.active,
            "sub": self.unit.get("SubState"),
            "result": self.unit.get("Result"),
            "main": main,
            "processes": len(self.processes),
            "hung": sum(1 for one in self.processes if one.state in HUNG),
            "listens": spelled(self.listening()),
        }


def spelled(listeners):
    """Listening sockets as sorted texts without repeats."""
    return sorted({"{0}:{1}".format(one.address, one.port) for one in listeners})


def configured_ports(context, product):
    """TCP ports that the configuration wants served, as a set; an empty one where it is not known."""
    if product != "postfix":
        return set()
    found = set()
    for service in context.shared(postfix.master_services):
        if service["type"] != "inet":
            continue
        name = service["name"].rpartition(":")[2]
        try:
            found.add(whole(name) or socket.getservbyname(name, "tcp"))
        except OSError:
            continue
    return found
