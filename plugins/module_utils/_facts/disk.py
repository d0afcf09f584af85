# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(disk): the file systems that mail, logs and state lie on.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    dovecot,
    filesystems,
    postfix,
    procfs,
    sockets,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# Below these a walk that looks for what ate the space is worth its time.
_SHORT_PERCENT, _SHORT_BYTES = 90.0, 20 << 20


def collect(context):
    """The C(disk) part of the document; sizes in bytes."""
    mounts = filesystems.parse_mountinfo(procfs.read_text(context.proc + "/self/mountinfo", 4 << 20))
    fstab = filesystems.parse_fstab_readonly(procfs.try_text(context.path("/etc/fstab")))
    paths = _paths(context, mounts)
    chosen = _chosen(paths, mounts)
    floor = _floor(context)
    found = []
    for mount, holds in chosen:
        found.append(_record(context, mount, holds, fstab, floor if "queue" in holds else None))
    deleted, complete = _deleted(context, mounts)
    if not complete:
        context.note("disk", "not every process could be asked for deleted files in time")
    return {
        "filesystems": found,
        "paths": paths,
        "deleted_open": deleted,
        "deleted_open_bytes": sum(record["bytes"] for record in deleted),
    }


def holders(context):
    """Shared look: (mount point, what it holds) of the mounts that matter."""
    mounts = filesystems.parse_mountinfo(procfs.read_text(context.proc + "/self/mountinfo", 4 << 20))
    return [(mount.mount, holds) for mount, holds in _chosen(_paths(context, mounts), mounts)]


def _paths(context, mounts):
    """Where things lie, by the configuration; symbolic links followed as far as no file server has to be asked."""
    queue, state = None, "/var/lib"
    if context.shared(postfix.installed):
        queue = postfix.value(context, "queue_directory")
        state = postfix.value(context, "data_directory") or state
    store = [filesystems.real(folder, mounts) for folder in context.shared(dovecot.mail_store)]
    return {
        "queue": filesystems.real(queue, mounts) if queue else None,
        "mailstore": [clean(folder, 300) for folder in store],
        "log": "/var/log" if os.path.isdir("/var/log") else None,
        "tmp": "/tmp" if os.path.isdir("/tmp") else None,
        "state": filesystems.real(state, mounts) if os.path.isdir(state) else None,
    }


def _chosen(paths, mounts):
    """The mounts that matter, each with what it holds, in a steady order."""
    wanted = [("root", "/"), ("queue", paths["queue"])] + [("mailstore", folder) for folder in paths["mailstore"]]
    wanted += [("log", paths["log"]), ("tmp", paths["tmp"]), ("tmp", "/var/tmp"), ("state", paths["state"])]
    order, holds = [], {}
    for word, path in wanted:
        mount = filesystems.mount_of(path, mounts) if path else None
        if mount is None:
            continue
        if mount.mount not in holds:
            holds[mount.mount] = []
            order.append(mount)
        if word not in holds[mount.mount]:
            holds[mount.mount].append(word)
    # Below the mail store every mailbox may have a mount of its own; the first few stand for them.
    folders = [folder + "/" for folder in paths["mailstore"] + [paths["queue"]] if folder]
    inside = [mount for mount in mounts if mount.mount not in holds and mount.mount.startswith(tuple(folders))]
    for mount in inside[:10]:
        if mount.mount not in holds:
            word = "queue" if paths["queue"] and mount.mount.startswith(paths["queue"] + "/") else "mailstore"
            holds[mount.mount] = [word]
            order.append(mount)
    return [(mount, holds[mount.mount]) for mount in order]


def _floor(context):
    """Free bytes below which Postfix refuses mail: 1.5 times the largest message, or queue_minfree."""
    if not context.shared(postfix.installed):
        return None
    largest = postfix.number(context, "message_size_limit", 10240000)
    return max(int(1.5 * largest), postfix.number(context, "queue_minfree", 0))


def _record(context, mount, holds, fstab, floor):
    record = {
        "mount": clean(mount.mount, 300),
        "device": clean(mount.source, 200),
        "fstype": clean(mount.fstype, 40),
        "readonly": mount.readonly,
        "expected_readonly": filesystems.expected_readonly(mount, fstab),
        "total_bytes": None,
        "available_bytes": None,
        "used_percent": None,
        "inodes_total": None,
        "inodes_free": None,
        "inodes_used_percent": None,
        "holds": holds,
        "holds_mail": "queue" in holds or "mailstore" in holds,
        "floor_bytes": floor,
        "unresponsive": False,
        "consumers": [],
    }
    try:
        space = filesystems.space(context, mount)
    except (OSError, shared.OutOfTime) as error:
        context.note("disk", "{0}: {1}".format(record["mount"], clean(error, 120)))
        space = None
    if space is None:
        record["unresponsive"] = True
        return record
    record.update(
        total_bytes=space.total,
        available_bytes=space.available,
        used_percent=space.used_percent,
        inodes_total=space.inodes,
        inodes_free=space.inodes_free,
        inodes_used_percent=space.inodes_used_percent,
    )
    local = not record["expected_readonly"] and mount.fstype not in filesystems.REMOTE
    if space.total and local and _short(space, floor):
        eaters, complete = filesystems.consumers(
            mount.mount,
            seconds=min(1.0, context.left()),
            by_entries=(space.inodes_used_percent or 0.0) >= max(_SHORT_PERCENT, space.used_percent),
        )
        record["consumers"] = [dict(eater, path=clean(eater["path"], 300)) for eater in eaters]
        if not complete:
            context.note("disk", "%s: not every directory was looked at for what fills it" % record["mount"])
    return record


def _short(space, floor):
    return (
        space.used_percent >= _SHORT_PERCENT
        or space.available < max(floor or 0, _SHORT_BYTES)
        or (space.inodes_used_percent or 0.0) >= _SHORT_PERCENT
    )


def _deleted(context, mounts):
    files = context.shared(sockets.open_files)
    names = context.shared(shared.processes)
    by_device = {mount.device: mount for mount in reversed(mounts)}
    found = []
    for item in sorted(files.deleted, key=lambda one: -one.bytes)[:20]:
        # A file system can be mounted in several places: the one that the file's name lies in is meant.
        nearest = filesystems.mount_of(item.path, mounts)
        if nearest is None or nearest.device != item.device:
            nearest = by_device.get(item.device)
        found.append(
            {
                "pid": item.pid,
                "name": clean(names[item.pid].name, 40) if item.pid in names else None,
                "path": clean(item.path, 300),
                "bytes": item.bytes,
                "mount": clean(nearest.mount, 300) if nearest is not None else None,
            }
        )
    return found, files.complete
