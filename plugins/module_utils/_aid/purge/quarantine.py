# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a copy on another file system of what is removed: written, on disk, and read back before anything goes.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import hashlib
import json
import os
import stat

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import FOLDER, open_folder
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.remove import Left
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_PIECE = 1 << 20
_STAYS_FREE = 0.1
"""Part of the other file system that is not filled: it must not become the next that is full."""
_NAMES_IN_FULL = 200


class StoreError(Exception):
    """The quarantine cannot be used; the message says why."""


class Store(object):
    """A directory of one run below the quarantine.

    :param folder: the quarantine: on another file system, owned by us, and nobody else may write to it
    :param run: identifier of the run; part of the directory's name
    :param device: device number of the file system that needs room
    :raises StoreError: when it cannot be used
    """

    def __init__(self, folder, run, device):
        self.folder = folder.rstrip("/")
        self.count = 0
        try:
            self._above = open_folder(self.folder)
        except OSError as error:
            raise StoreError("{0}: {1}".format(folder, error.strerror or error)) from error
        info = os.fstat(self._above)
        if info.st_dev == device:
            why = "it is on the file system that needs room"
        elif info.st_uid != os.geteuid() or info.st_mode & 0o022:
            why = "only its owner, root, may be able to write to it"
        else:
            why = ""
        if why:
            os.close(self._above)
            raise StoreError("{0}: {1}".format(folder, why))
        self.name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in run)[:80] or "run"
        self._number = None

    def close(self):
        """Let go of the directories."""
        for number in (self._number, self._above):
            if number is not None:
                os.close(number)
        self._number = self._above = None

    def keep(self, one, source):
        """Copy a file here and make sure that the copy is good.

        :param one: its walk.Seen
        :param source: descriptor of the file
        :raises Left: when it cannot be kept, so that it has to stay
        """
        room = os.fstatvfs(self._above)
        if room.f_bavail * room.f_frsize - one.size < room.f_blocks * room.f_frsize * _STAYS_FREE:
            raise Left("the quarantine has no room for it")
        try:
            if self._number is None:
                self._number = self._open()
            self.count += 1
            name = "{0:06d}.{1}".format(self.count, clean(one.name, _NAMES_IN_FULL).replace("/", "_"))
            self._copy(one, source, name)
        except OSError as error:
            raise Left("it could not be put into quarantine: {0}".format(error.strerror or error)) from error

    def _open(self):
        number = 0
        # A second look at the host within the same run gets a directory of its own: nothing is ever written over.
        while True:
            name = self.name + (".{0}".format(number) if number else "")
            try:
                os.mkdir(name, 0o700, dir_fd=self._above)
            except FileExistsError:
                number += 1
                continue
            self.name = name
            return os.open(name, FOLDER, dir_fd=self._above)

    def _copy(self, one, source, name):
        target = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self._number)
        try:
            digest = hashlib.sha256()
            for piece in _pieces(source):
                digest.update(piece)
                _write(target, piece)
            os.fsync(target)
            # Read from the disk, and not from what memory remembers of it.
            os.posix_fadvise(target, 0, 0, os.POSIX_FADV_DONTNEED)
            again = hashlib.sha256()
            for piece in _pieces(target):
                again.update(piece)
            if again.digest() != digest.digest() or os.fstat(target).st_size != one.size:
                raise Left("its copy in the quarantine is not the same")
        except (OSError, Left):
            # Half a copy is none, and takes room from the others.
            os.unlink(name, dir_fd=self._number)
            raise
        finally:
            os.close(target)
        self._write_down(one, name, digest.hexdigest())

    def _write_down(self, one, name, digest):
        """Where it came from, whose it was: all that is needed to put it back."""
        record = {
            "name": name,
            "path": os.fsencode(one.folder.path + "/" + one.name).decode("utf-8", "backslashreplace"),
            "uid": one.uid,
            "mode": oct(stat.S_IMODE(one.mode)),
            "mtime": one.mtime_ns / 1e9,
            "bytes": one.size,
            "sha256": digest,
        }
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        number = os.open("CONTENTS.json", flags, 0o600, dir_fd=self._number)
        try:
            _write(number, (json.dumps(record, sort_keys=True) + "\n").encode())
            os.fsync(number)
        finally:
            os.close(number)
        os.fsync(self._number)


def _pieces(number):
    place = 0
    while True:
        piece = os.pread(number, _PIECE, place)
        if not piece:
            return
        place += len(piece)
        yield piece


def _write(number, data):
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(number, rest) :]
