# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one file system that is to be relieved, held open, so that it stays the same whatever is mounted meanwhile.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import stat
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import filesystems, procfs

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# Bytes and inodes free to ordinary users; inodes are 0 where the file system has no table of them.
Room = namedtuple("Room", "total available inodes inodes_free")


def open_folder(path):
    """A directory, component by component from the root, through no symbolic link.

    :param path: absolute, without C(.) and C(..)
    :returns: file descriptor
    :raises OSError: when it is not there, or a component is a symbolic link or no directory
    """
    number = os.open("/", FOLDER)
    for part in path.split("/"):
        if not part:
            continue
        try:
            deeper = os.open(part, FOLDER, dir_fd=number)
        finally:
            os.close(number)
        number = deeper
    return number


def mount_id(number):
    """Which mount an open file lies on, as the kernel numbers them; None where it does not tell.

    Two bind mounts of one file system have the same device, but never the same number.
    """
    for line in procfs.try_text("/proc/self/fdinfo/{0}".format(number), 4096).splitlines():
        if line.startswith("mnt_id:"):
            return int(line[7:])
    return None


class Place(object):
    """A mounted file system.

    :param path: its mount point, or any directory on it (then only what lies below that directory)
    :raises OSError: when it cannot be opened
    """

    def __init__(self, path):
        self.path = path.rstrip("/") or "/"
        self.number = open_folder(self.path)
        self.device = os.fstat(self.number).st_dev
        self.mount = mount_id(self.number)
        mounts = filesystems.parse_mountinfo(procfs.read_text("/proc/self/mountinfo", 4 << 20))
        self.points = {mount.mount for mount in mounts}
        nearest = filesystems.mount_of(self.path, mounts)
        self.fstype = nearest.fstype if nearest else ""
        self.readonly = bool(nearest and nearest.readonly)

    def close(self):
        """Let go of the file system."""
        os.close(self.number)

    def room(self):
        """What is free now, as a Room."""
        found = os.fstatvfs(self.number)
        return Room(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, found.f_files, found.f_favail)

    def holds_folder(self, number):
        """Does an open directory lie on this very mount?"""
        found = os.fstat(number)
        if not stat.S_ISDIR(found.st_mode) or found.st_dev != self.device:
            return False
        return self.mount is None or mount_id(number) == self.mount

    def holds_file(self, path, info):
        """Can a file, seen in a directory of this mount, lie here?

        :param path: where it was seen; a file can be a mount point too
        :param info: its stat
        """
        if path in self.points:
            return False
        # Layers of an overlay give their files device numbers of their own.
        return info.st_dev == self.device or self.fstype == "overlay"

    def start(self, root):
        """Where a search below a root begins on this mount, or None when that root has nothing to do with it."""
        if self.path == "/" or root == self.path or root.startswith(self.path + "/"):
            return root
        return self.path if self.path.startswith(root.rstrip("/") + "/") else None
