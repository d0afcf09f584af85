# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounted file systems: which there are, how full they are, what fills them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import stat
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

# readonly: by its mount options or by the file system's own; device: major:minor as a number, or None
Mount = namedtuple("Mount", "mount source fstype readonly device")
# Sizes in bytes; inodes None where the file system has no table of them.
Space = namedtuple("Space", "total available used_percent inodes inodes_free inodes_used_percent")

# Whose server may be gone: asking them can take for ever, so a child is asked instead.
REMOTE = frozenset(
    "nfs nfs4 cifs smb3 smbfs ceph glusterfs fuse.glusterfs fuse.sshfs 9p afs lustre beegfs gfs2 ocfs2 "
    "fuse.s3fs davfs fuse".split()
)
# Read-only by nature.
_ALWAYS_READONLY = frozenset("iso9660 squashfs erofs cramfs udf romfs".split())
_DEVICE = re.compile(r"([0-9]{1,4}):([0-9]{1,7})$")
_OCTAL = re.compile(r"\\([0-7]{3})")
_WALK_ENTRIES, _WALK_SECONDS, _TOP = 30000, 1.0, 8
_MOST_LINKS = 40


def _plain(text):
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)


def parse_mountinfo(text):
    """Mounts of a /proc/self/mountinfo in their order; what is mounted over an older one comes later."""
    found = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields, tail = left.split(), right.split()
        if len(fields) < 6 or len(tail) < 2:
            continue
        options = fields[5].split(",") + (tail[2].split(",") if len(tail) > 2 else [])
        numbers = _DEVICE.match(fields[2])
        device = os.makedev(int(numbers.group(1)), int(numbers.group(2))) if numbers else None
        found.append(Mount(_plain(fields[4]), _plain(tail[1]), tail[0], "ro" in options, device))
    return found


def parse_fstab_readonly(text):
    """Mount points that /etc/fstab wants read-only, as a set."""
    found = set()
    for line in text.splitlines():
        fields = line.split("#")[0].split()
        if len(fields) >= 4 and "ro" in fields[3].split(","):
            found.add(_plain(fields[1]).rstrip("/") or "/")
    return found


def expected_readonly(mount, fstab):
    """Is this mount meant to be read-only?"""
    return mount.fstype in _ALWAYS_READONLY or mount.mount in fstab


def mount_of(path, mounts):
    """The mount that a path lies on: the longest, and of equals the last."""
    best = None
    for mount in mounts:
        inside = mount.mount == "/" or path == mount.mount or path.startswith(mount.mount + "/")
        if inside and (best is None or len(mount.mount) >= len(best.mount)):
            best = mount
    return best


def far(mount) -> bool:
    """May asking for a file below this mount take for ever, because somebody else has to answer?"""
    return mount.fstype in REMOTE or mount.fstype.startswith("fuse") or mount.fstype == "autofs"


def real(path, mounts):
    """A path with its symbolic links followed, as os.path.realpath does, but nothing is asked at or below a far mount.

    There the rest of the path stands as it is written. The root itself is always asked: were its server gone, nobody
    would be here to ask.

    :param path: absolute
    :param mounts: of parse_mountinfo
    """
    done, left, links, asking = "", path.split("/"), 0, True
    while left:
        part = left.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        here = done + "/" + part
        mount = mount_of(here, mounts) if asking else None
        asking = asking and links < _MOST_LINKS and (mount is None or mount.mount == "/" or not far(mount))
        target = ""
        if asking:
            try:
                target = os.readlink(here)
            except OSError:
                pass  # no link, or nothing at all
        if target:
            links += 1
            done = "" if target.startswith("/") else done
            left = target.split("/") + left
        else:
            done = here
    return done or "/"


def space_from(block, blocks, available, free, inodes, inodes_free):
    """Space from the numbers of a statvfs; used_percent as df shows it, of what ordinary users may use."""
    usable = blocks - free + available
    used = round(100.0 * (blocks - free) / usable, 1) if usable > 0 else (100.0 if blocks else 0.0)
    return Space(
        blocks * block,
        available * block,
        used,
        inodes or None,
        inodes_free if inodes else None,
        round(100.0 * (inodes - inodes_free) / inodes, 1) if inodes else None,
    )


def space(context, mount):
    """Space of one mount, or None when it does not answer."""
    if far(mount):
        # A thread that hangs in the kernel could not be left behind; a child can.
        question = ["stat", "-f", "-c", "%S %b %a %f %c %d", "--", mount.mount]
        result = context.run(question, timeout=2.0, limit_bytes=4096)
        words = result.out.split()
        if result.status != "ok" or result.rc or len(words) != 6:
            return None
        return space_from(*[int(word) for word in words])
    found = os.statvfs(mount.mount)
    return space_from(found.f_frsize, found.f_blocks, found.f_bavail, found.f_bfree, found.f_files, found.f_favail)


def consumers(top, seconds=_WALK_SECONDS, entries=_WALK_ENTRIES, by_entries=False):
    """What holds most of a file system: a walk that never leaves it, nearest directories first.

    :param top: mount point
    :param seconds: time limit
    :param entries: most directory entries looked at
    :param by_entries: sort by number of entries, for a file system that has no inodes left, and not by bytes
    :returns: (list of {path, bytes, entries}, complete); a directory counts what lies directly in it; a file that makes
        up most of its directory stands there itself
    """
    try:
        device = os.stat(top).st_dev
    except OSError:
        return [], False
    # What is mounted further down is not even asked who it is: its server may be gone, and the answer never come.
    elsewhere = {mount.mount for mount in parse_mountinfo(procfs.try_text("/proc/self/mountinfo", 4 << 20))}
    deadline, seen, found = time.monotonic() + seconds, 0, []
    waiting, linked = [top], set()
    while waiting:
        folder = waiting.pop(0)
        size, count, largest, largest_name = 0, 0, 0, None
        try:
            listing = os.scandir(folder)
        except OSError:
            continue
        for entry in readable(listing):
            seen += 1
            if seen > entries or not seen % 256 and time.monotonic() >= deadline:
                _note(found, folder, size, count, largest, largest_name)
                return _largest(found, by_entries), False
            if entry.path in elsewhere:
                continue
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            count += 1
            if stat.S_ISDIR(info.st_mode):
                if info.st_dev == device:
                    waiting.append(entry.path)
                continue
            if info.st_nlink > 1:
                if (info.st_dev, info.st_ino) in linked:
                    continue
                linked.add((info.st_dev, info.st_ino))
            used = info.st_blocks * 512
            size += used
            if used > largest:
                largest, largest_name = used, entry.path
        _note(found, folder, size, count, largest, largest_name)
    return _largest(found, by_entries), True


def readable(listing, errors=None):
    """The entries of a directory as far as a sick disk gives them.

    :param errors: list that the OSError is added to which ended it before its time
    """
    while True:
        try:
            entry = next(listing)
        except StopIteration:
            return
        except OSError as error:
            if errors is not None:
                errors.append(error)
            return
        yield entry


def _note(found, folder, size, count, largest, largest_name):
    if largest_name is not None and largest * 2 >= size and largest >= 1 << 20:
        found.append((largest_name, largest, 1))
        size -= largest
        count -= 1
    if count:
        found.append((folder, size, count))


def _largest(found, by_entries):
    column = 2 if by_entries else 1
    chosen = sorted(found, key=lambda item: (-item[column], item[0]))[:_TOP]
    return [{"path": path, "bytes": size, "entries": count} for path, size, count in chosen]
