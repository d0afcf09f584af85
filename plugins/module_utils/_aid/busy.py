# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in progress that a remedy must not walk into: a package run, a backup, a unit on its way.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import fcntl
import os
import struct

PACKAGE_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/.rpm.lock",
)
# Not unattended-upgrades: its helper for the shutdown waits all day under that name. While it works it holds a lock.
_PACKAGE_TOOLS = frozenset("dnf yum zypper rpm".split())
_BACKUPS = frozenset(
    "borg restic duplicity rsnapshot bacula-fd bareos-fd amandad dsmc veeamagent doveadm-backup xfsdump dump".split()
)
_RESIDENT = frozenset("bacula-fd bareos-fd dsmc veeamagent amandad".split())
"""Agents that wait all day: that they run says nothing."""
WATCHERS = {
    "monit": "Monit",
    "watchdog.sh": "a watchdog script",
    "supervisord": "supervisord",
    "keepalived": "keepalived",
    "pacemakerd": "Pacemaker",
}


def packages(names, locks=PACKAGE_LOCKS):
    """What works at the host's packages just now, or an empty text.

    :param names: command names of all processes
    """
    for path in locks:
        holder = lock_holder(path)
        if holder:
            return "process {0} works at the packages (lock {1})".format(holder, path)
    at_it = sorted(_PACKAGE_TOOLS.intersection(names))
    return "{0} is running".format(at_it[0]) if at_it else ""


def backup(names):
    """A backup that runs just now, or an empty text; agents that wait all day do not count."""
    at_it = sorted((_BACKUPS - _RESIDENT).intersection(names))
    return "a backup is running ({0})".format(at_it[0]) if at_it else ""


def watchers(names):
    """Others that may start daemons on this host: list of names."""
    return sorted(WATCHERS[name] for name in WATCHERS if name in names)


def lock_holder(path):
    """Process id of whoever has a record lock on a file, or 0; nothing is locked by asking."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        # struct flock: type, whence, start, length, pid
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _whence, _start, _length, pid = struct.unpack("hhqqi4x", fcntl.fcntl(number, fcntl.F_GETLK, asked))
    except OSError:
        return 0
    finally:
        os.close(number)
    return pid if kind != fcntl.F_UNLCK else 0
