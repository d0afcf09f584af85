# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove one thing that was planned, if it still is what it was.

Names are looked up in open directories only, and these are reached through no symbolic link. What is removed has the
device, inode, owner, type, size and times that were planned, and nobody has it open: the kernel is asked for that, and
keeps others from opening it until it is gone. Between the last look and the removal only somebody who may write to
that very directory could put another thing in its place, and only that thing would go.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import stat

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import opened, walk
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import mount_id, open_folder

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# Constants that Python 3.6 may lack.
_PATH_ONLY = getattr(os, "O_PATH", 0o10000000)
_NO_ATIME = getattr(os, "O_NOATIME", 0o1000000)


class Left(Exception):
    """A thing stays. The message says why, in a few words that are the same for all such things."""


class Remover(object):
    """Removes things from one place. To be used inside opened.quiet().

    :param place: a Place
    :param known: an Opened, for file systems where the kernel cannot tell whether a file is open
    :param store: a quarantine.Store that gets a copy first, or None
    """

    def __init__(self, place, known=None, store=None):
        self.place, self.known, self.store = place, known, store
        self._folder, self._number = None, None

    def close(self):
        """Let go of the last directory."""
        if self._number is not None:
            os.close(self._number)
        self._folder, self._number = None, None

    def remove(self, one, keep_copy=False):
        """Remove a walk.Seen.

        :param keep_copy: true to have a copy in the store first
        :raises Left: when it stays, and why
        """
        number = self._enter(one.folder)
        if stat.S_ISDIR(one.mode):
            self._as_planned(one, number)
            self._unlink(os.rmdir, one.name, number)
            return
        self._as_planned(one, number)
        held = self._hold(one, number)
        try:
            if self.store is not None and keep_copy:
                self.store.keep(one, held)
            self._as_planned(one, number)
            self._unlink(os.unlink, one.name, number)
        finally:
            os.close(held)

    def tidy(self, folder):
        """Remove a directory if it is empty and still the one that was walked; true when it went."""
        if folder.parent is None:
            return False
        try:
            number = self._enter(folder.parent)
            info = os.stat(folder.path.rpartition("/")[2], dir_fd=number, follow_symlinks=False)
            if not stat.S_ISDIR(info.st_mode) or (info.st_dev, info.st_ino) != (folder.dev, folder.ino):
                return False
            os.rmdir(folder.path.rpartition("/")[2], dir_fd=number)
        except (OSError, Left):
            return False
        return True

    def _enter(self, folder):
        """The planned directory, open."""
        if self._folder is folder:
            return self._number
        self.close()
        try:
            number = open_folder(folder.path)
        except OSError as error:
            raise Left("its directory has changed since the plan") from error
        info = os.fstat(number)
        if (info.st_dev, info.st_ino, info.st_uid) != (folder.dev, folder.ino, folder.uid) or not (
            self.place.holds_folder(number)
        ):
            os.close(number)
            raise Left("its directory has changed since the plan")
        self._folder, self._number = folder, number
        return number

    def _as_planned(self, one, number):
        try:
            info = os.stat(one.name, dir_fd=number, follow_symlinks=False)
        except OSError as error:
            raise Left("it was gone already") from error
        if not walk.unchanged(one, info):
            raise Left("it has changed since the plan")

    def _hold(self, one, number):
        """The file itself, open, and nobody else has it open."""
        try:
            handle = os.open(one.name, _PATH_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=number)
        except OSError as error:
            raise Left("it was gone already") from error
        try:
            if not walk.unchanged(one, os.fstat(handle)):
                raise Left("it has changed since the plan")
            if self.place.mount is not None and mount_id(handle) != self.place.mount:
                raise Left("something is mounted upon it")
            held = _reopen(handle)
        finally:
            os.close(handle)
        alone = opened.alone(held)
        if alone is None and self.known is not None and self.known.complete:
            alone = (one.dev, one.ino) not in self.known.files
        if not alone:
            os.close(held)
            raise Left("it is open" if alone is False else "nobody can tell whether it is open")
        return held

    def _unlink(self, how, name, number):
        try:
            how(name, dir_fd=number)
        except FileNotFoundError as error:
            raise Left("it was gone already") from error
        except OSError as error:
            raise Left("the system refuses: {0}".format(error.strerror or error)) from error


def _reopen(handle):
    """A descriptor to read from, of the same file as one that only names it."""
    path = "/proc/self/fd/{0}".format(handle)
    try:
        return os.open(path, _READ | _NO_ATIME)
    except PermissionError:
        pass
    except OSError as error:
        raise Left("it is open") from error
    try:
        return os.open(path, _READ)
    except OSError as error:
        raise Left("the system refuses: {0}".format(error.strerror or error)) from error
