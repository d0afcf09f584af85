# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage that does not answer, found without asking it for anything.

A write to a frozen file system or a read from a dead server would hold the collector for ever, too. The processes
that are held already tell the same: they sit in state D, and from one look to the next nothing in them moves.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    disk,
    filesystems,
    postfix,
    processes,
    procfs,
    sysfs,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_PAUSE, _LOOKS = 1.0, 3
_MOST, _MOST_FILES = 100, 400
# State D, and yet no storage: a frozen control group, or a parent that waits for its child to exec.
_NO_STORAGE = ("refrigerator", "vfork", "freezer", "cgroup")
_NOT_ON_DISK = frozenset(
    "proc sysfs tmpfs ramfs devtmpfs devpts cgroup cgroup2 mqueue securityfs debugfs tracefs bpf pstore configfs "
    "hugetlbfs fusectl binfmt_misc autofs efivarfs rpc_pipefs nsfs".split()
)


def collect(context):
    """The C(storage) part of the hardware facts; more looks are taken only where the first one saw somebody wait."""
    first = context.shared(shared.processes)
    waiting = [pid for pid in sorted(first) if first[pid].state == "D"][:_MOST]
    if not waiting:
        return sysfs.source(sysfs.PRESENT, stuck=[], hung=[])
    begun = time.monotonic()
    before = {pid: (first[pid], _place(context, pid)) for pid in waiting}
    # A slow disk holds a process for a second, too: who has moved by the next look is let go.
    for dummy in range(_LOOKS):
        if before:
            time.sleep(min(_PAUSE, context.left() / 8.0))
        before = {pid: seen for pid, seen in before.items() if _stands(context, pid, seen)}
    mail = context.shared(postfix.mail)
    mounts = _mounts(context)
    stuck = []
    for pid in sorted(before):
        process, wchan = before[pid]
        if not about_storage(wchan) or not procfs.same_pid_namespace(pid, context.proc):
            continue
        daemon, role = mail.members.get(pid, ("other", process.name))
        stuck.append(
            {
                "pid": pid,
                "name": clean(process.name, 40),
                "daemon": daemon,
                "role": clean(role, 40),
                "wchan": wchan,
                "mounts": touched(context, pid, mounts),
            }
        )
    seconds = round(time.monotonic() - begun, 1)
    return sysfs.source(sysfs.PRESENT, stuck=stuck, hung=_hung(context, stuck, mounts, seconds))


def _stands(context, pid, seen):
    process, wchan = seen
    after = _now(context, pid)
    return after is not None and same(process, after) and _place(context, pid) == wchan


def same(first, second):
    """Has this process not moved at all between two looks?"""
    return second.state == "D" and (first.started, first.ticks) == (second.started, second.ticks)


def about_storage(wchan):
    """May the kernel function in which a process sleeps have to do with storage?"""
    return wchan is None or not any(word in wchan for word in _NO_STORAGE)


def _place(context, pid):
    return processes.wait_channel(pid, context.proc)


def _now(context, pid):
    return procfs.parse_stat(procfs.try_text("%s/%d/stat" % (context.proc, pid), 4096))


def _mounts(context):
    found = filesystems.parse_mountinfo(procfs.try_text(context.proc + "/self/mountinfo", 4 << 20))
    return [mount for mount in found if mount.fstype not in _NOT_ON_DISK]


def touched(context, pid, mounts):
    """Mount points of the file systems on which a process has files or its directory; only links of /proc are read."""
    base = "%s/%d/" % (context.proc, pid)
    links = [base + "cwd"]
    try:
        links += [base + "fd/" + name for name in os.listdir(base + "fd")[:_MOST_FILES]]
    except OSError:
        pass
    found = []
    for link in links:
        path = procfs.try_link(link)
        mount = filesystems.mount_of(path, mounts) if path.startswith("/") and not path.startswith("/dev/") else None
        if mount is not None and mount.mount not in found:
            found.append(mount.mount)
    # Everybody has something on the root; it is meant only where there is nothing else.
    return sorted(name for name in found if name != "/" or len(found) == 1)[:8]


def _hung(context, stuck, mounts, seconds):
    """For each mount on which somebody is stuck, who; those that hold mail first."""
    holds = dict(context.shared(disk.holders))
    records = {}
    for entry in stuck:
        for name in entry["mounts"]:
            mount = filesystems.mount_of(name, mounts)
            record = records.setdefault(
                name,
                {
                    "mount": clean(name, 300),
                    "device": clean(mount.source, 200),
                    "fstype": clean(mount.fstype, 40),
                    "holds": holds.get(name, []),
                    "holds_mail": bool({"queue", "mailstore"} & set(holds.get(name, []))),
                    "processes": 0,
                    "mail_processes": 0,
                    "names": [],
                    "wchans": [],
                    "watched_s": seconds,
                },
            )
            record["processes"] += 1
            record["mail_processes"] += entry["daemon"] in ("postfix", "dovecot")
            for key, value in (("names", entry["name"]), ("wchans", entry["wchan"])):
                if value is not None and value not in record[key]:
                    record[key].append(value)
    return sorted(records.values(), key=lambda record: (not record["holds_mail"], record["mount"]))[:16]
