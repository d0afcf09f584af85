# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are open or mapped, and which deleted ones still take up room because somebody holds them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import contextlib
import errno
import fcntl
import os
import signal
import stat
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import filesystems, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# files: set of (device, inode); paths: set of paths that are mapped (what the kernel calls their device is not what
# stat says on every file system); deleted: list of dicts, largest first; complete: false when the time was up
Opened = namedtuple("Opened", "files paths deleted complete")

_MOST_DELETED = 20
_DELETED = " (deleted)"


def scan(place, seconds=5.0, proc="/proc"):
    """One look at every process.

    :param place: the Place whose deleted files are wanted
    """
    mounts = filesystems.parse_mountinfo(procfs.try_text(proc + "/self/mountinfo", 4 << 20))
    remote = tuple(one.mount.rstrip("/") + "/" for one in mounts if one.fstype in filesystems.REMOTE)
    files, paths, deleted = set(), set(), {}
    until, complete = time.monotonic() + seconds, True
    for entry in os.listdir(proc):
        if not entry.isdigit():
            continue
        if time.monotonic() >= until:
            complete = False
            break
        folder = proc + "/" + entry
        for name in _listed(folder + "/fd"):
            target = procfs.try_link(folder + "/fd/" + name)
            # A file of a server that is gone would keep whoever asks for it, for ever.
            if not target.startswith("/") or target.startswith(remote):
                continue
            try:
                info = os.stat(folder + "/fd/" + name)
            except OSError:
                continue
            if not stat.S_ISREG(info.st_mode):
                continue
            files.add((info.st_dev, info.st_ino))
            if not info.st_nlink and target.endswith(_DELETED):
                _add(deleted, place, mounts, entry, target[: -len(_DELETED)], info)
        for line in procfs.try_text(folder + "/maps", 1 << 20).splitlines():
            fields = line.split(None, 5)
            if len(fields) == 6 and fields[4] != "0":
                paths.add(fields[5])
    found = sorted(deleted.values(), key=lambda one: (-one["bytes"], one["path"]))[:_MOST_DELETED]
    for record in found:
        _name_owner(record, proc)
    return Opened(files, paths, found, complete)


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _add(deleted, place, mounts, pid, path, info):
    nearest = filesystems.mount_of(path, mounts)
    # Of a file in memory only, or on another file system, nothing would be won here.
    if nearest is None or nearest.mount != place.path or not info.st_blocks or len(deleted) >= 2000:
        return
    if not place.holds_file(path, info):
        return
    deleted.setdefault(
        (info.st_dev, info.st_ino), {"pid": int(pid), "path": clean(path, 300), "bytes": info.st_blocks * 512}
    )


def _name_owner(record, proc):
    """Who holds it: the program, and the unit whose reload would let it go."""
    folder = "{0}/{1}".format(proc, record["pid"])
    record["name"] = clean(procfs.try_text(folder + "/comm", 64).strip(), 40) or None
    record["unit"] = procfs.parse_unit(procfs.try_text(folder + "/cgroup"))


@contextlib.contextmanager
def quiet():
    """While a lease is held, somebody who opens the file makes the kernel send a signal that would end us."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGIO, before)


def alone(number):
    """Does nobody else have this file open, in whatever container, as a loop device or as swap? The kernel answers.

    While the file stays open here, whoever opens it waits until it is closed. To be called inside quiet().

    :param number: file descriptor, open for reading, the only one of this process
    :returns: None where the file system cannot tell
    """
    try:
        fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return False if error.errno in (errno.EAGAIN, errno.EBUSY) else None
    return True
