# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walk a tree that somebody may be changing: by open directories only, so that no name is ever looked up twice.

A directory that is swapped for a symbolic link, or that something is mounted upon, is not entered.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import fcntl
import os
import stat
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import FOLDER, open_folder

# path: absolute; dev, ino: its identity; touched: epoch seconds; depth below the root of the walk; parent: Folder
Folder = namedtuple("Folder", "path dev ino uid touched depth parent")
# One thing that was seen, with all by which it is known again. bytes: what it takes up; times in nanoseconds.
Seen = namedtuple("Seen", "folder name dev ino uid mode nlink size bytes mtime_ns ctime_ns atime_ns")

DEEPEST = 24
_LOOK_AT_CLOCK = 256
# With a light hand: so many entries, then a rest.
_LIGHT_ENTRIES, _LIGHT_REST_S = 100, 0.05
_LIGHT_REMOVAL_S = 0.1


class Pace(object):
    """How fast, and how long.

    :param deadline: time.monotonic() at which looking and removing end
    :param small: true for a sick disk: few operations, with rests between them
    """

    def __init__(self, deadline, small=False):
        self.deadline, self.small, self.entries = deadline, small, 0

    def over(self) -> bool:
        """Is the time up?"""
        return time.monotonic() >= self.deadline

    def entry(self) -> bool:
        """Count one entry of a directory; false when the time is up."""
        self.entries += 1
        if self.small and not self.entries % _LIGHT_ENTRIES:
            time.sleep(_LIGHT_REST_S)
        return bool(self.entries % _LOOK_AT_CLOCK) or not self.over()

    def removal(self):
        """Rest after a removal, where that is asked for."""
        if self.small:
            time.sleep(_LIGHT_REMOVAL_S)


def seen(folder, name, info):
    """The Seen of a name and its stat."""
    return Seen(
        folder,
        name,
        info.st_dev,
        info.st_ino,
        info.st_uid,
        info.st_mode,
        info.st_nlink,
        info.st_size,
        info.st_blocks * 512,
        info.st_mtime_ns,
        info.st_ctime_ns,
        info.st_atime_ns,
    )


def unchanged(one, info) -> bool:
    """Is what has this stat still what was seen? Everything but the time of the last reading counts."""
    return (one.dev, one.ino, one.uid, one.mode, one.nlink, one.size, one.mtime_ns, one.ctime_ns) == (
        info.st_dev,
        info.st_ino,
        info.st_uid,
        info.st_mode,
        info.st_nlink,
        info.st_size,
        info.st_mtime_ns,
        info.st_ctime_ns,
    )


def _touched(info):
    """When something last came into a directory or left it; that it was read may be our own doing."""
    return max(info.st_mtime, info.st_ctime)


class Walk(object):
    """A walk below one root.

    :param place: the Place it must not leave
    :param pace: a Pace
    :param depth: how many levels of directories below the root are entered
    :param enters: function of a path relative to the root and of the Folder: may that directory be entered?
    :param barred: set of (device, inode) of directories that are never entered, whatever they are called
    :param empty: true to yield directories too that hold nothing
    :param locks: true to stay out of directories that somebody holds a lock on, as systemd-tmpfiles does
    """

    def __init__(self, place, pace, depth=DEEPEST, enters=None, barred=frozenset(), empty=False, locks=False):
        self.place, self.pace, self.depth = place, pace, min(depth, DEEPEST)
        self.enters, self.barred, self.empty, self.locks = enters, barred, empty, locks

    def below(self, root):
        """Everything below a root, as (relative path, Seen): files, and directories only when they are empty.

        A root that is not there, is reached through a symbolic link, or lies elsewhere yields nothing.
        """
        try:
            number = open_folder(root)
        except OSError:
            return
        try:
            info = os.fstat(number)
            if self.place.holds_folder(number) and (info.st_dev, info.st_ino) not in self.barred:
                folder = Folder(root.rstrip("/"), info.st_dev, info.st_ino, info.st_uid, _touched(info), 0, None)
                yield from self._inside(number, folder, "")
        finally:
            os.close(number)

    def _inside(self, number, folder, prefix):
        held = 0
        # Opened anew through the descriptor: the same directory, streamed, with a position of its own.
        try:
            listing = os.scandir("/proc/self/fd/{0}".format(number))
        except OSError:
            return
        with listing:
            for entry in _readable(listing):
                if not self.pace.entry():
                    return
                held += 1
                try:
                    info = os.stat(entry.name, dir_fd=number, follow_symlinks=False)
                except OSError:
                    continue
                path = prefix + entry.name
                if stat.S_ISDIR(info.st_mode):
                    yield from self._deeper(number, folder, entry.name, path)
                elif self.place.holds_file(folder.path + "/" + entry.name, info):
                    yield path, seen(folder, entry.name, info)
        if self.empty and not held and folder.parent is not None:
            info = os.fstat(number)
            yield prefix[:-1], seen(folder.parent, folder.path.rpartition("/")[2], info)

    def _deeper(self, number, folder, name, path):
        if folder.depth >= self.depth:
            return
        try:
            deeper = os.open(name, FOLDER, dir_fd=number)
        except OSError:
            return
        try:
            info = os.fstat(deeper)
            inside = Folder(
                folder.path + "/" + name,
                info.st_dev,
                info.st_ino,
                info.st_uid,
                _touched(info),
                folder.depth + 1,
                folder,
            )
            if (
                self.place.holds_folder(deeper)
                and (info.st_dev, info.st_ino) not in self.barred
                and (self.enters is None or self.enters(path, inside))
                and not (self.locks and _locked(deeper))
            ):
                yield from self._inside(deeper, inside, path + "/")
        finally:
            os.close(deeper)


def _readable(listing):
    """The entries of a directory as far as a sick disk gives them."""
    while True:
        try:
            yield next(listing)
        except (StopIteration, OSError):
            return


def _locked(number) -> bool:
    """Does somebody hold a lock on an open directory? Programs say so that they still need what is in it."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(number, fcntl.LOCK_UN)
    except OSError:
        return True
    return False
