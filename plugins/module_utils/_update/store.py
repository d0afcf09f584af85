# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package files of the versions before an update: what the way back needs where the archive has moved on.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import shutil
import tempfile
import time

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid.state import FOLDER, State
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_FIRST_S, _EACH_S = 60.0, 5.0


class Store(object):
    """A directory of package files that belongs to root alone.

    :param backend: Apt or Dnf
    :param folder: the state directory of the host
    """

    def __init__(self, backend, folder=FOLDER):
        self.folder, self._backend, self._state = os.path.join(folder, "packages"), backend, folder

    def find(self, package, version, arch):
        """Path of the file of a version, here or where the package manager has it; None when it is nowhere."""
        for name in self._backend.locate(package, version, arch):
            for path in (os.path.join(self.folder, name), self._backend.cached(name)):
                if path and os.path.isfile(path):
                    return path
        return None

    def has(self, package, version, arch):
        """True when the file of a version is kept here already."""
        names = self._backend.locate(package, version, arch)
        return any(os.path.isfile(os.path.join(self.folder, name)) for name in names)

    def keep(self, versions, deadline):
        """Take the files of versions in, from the package manager's cache or from the archive.

        :param versions: list of (package, version, arch)
        :param deadline: by the monotonic clock
        :returns: list of {package, version, path}; path is None where the file is nowhere to be had
        :raises StateError: when the state directory cannot be used
        :raises OSError: when there is no room
        """
        State(self._state).prepare()
        if not os.path.isdir(self.folder):
            os.mkdir(self.folder, 0o700)
        lost = [one for one in versions if self.find(*one) is None]
        self._obtain(lost, deadline)
        for one in lost if len(lost) > 1 else ():
            if self.find(*one) is None:
                self._obtain([one], deadline)
        answer = []
        for package, version, arch in versions:
            path = self.find(package, version, arch)
            if path is not None and os.path.dirname(path) != self.folder:
                path = self._take(path)
            answer.append({"package": clean(package, 80), "version": clean(version, 80), "path": path})
        return answer

    def prune(self, versions):
        """Remove what belongs to none of these versions, a list of (package, version, arch)."""
        wanted = {name for one in versions for name in self._backend.locate(*one)}
        try:
            names = os.listdir(self.folder)
        except OSError:
            return
        for name in names:
            if name not in wanted:
                try:
                    os.unlink(os.path.join(self.folder, name))
                except OSError:
                    continue

    def _obtain(self, versions, deadline):
        """Ask the archive; what it gives comes into a directory of its own first."""
        left = min(_FIRST_S + _EACH_S * len(versions), deadline - time.monotonic())
        if not versions or left <= 0:
            return
        work = tempfile.mkdtemp(prefix=".fetch-", dir=self._state)
        try:
            result = _run.run(self._backend.obtain(versions, work), left)
            wanted = {name for one in versions for name in self._backend.locate(*one)}
            for name in os.listdir(work) if result.status == "ok" and result.rc == 0 else ():
                if name in wanted:
                    os.rename(os.path.join(work, name), os.path.join(self.folder, name))
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _take(self, path):
        """A second name for a file, or a copy where that cannot be."""
        target = os.path.join(self.folder, os.path.basename(path))
        try:
            os.link(path, target)
        except OSError:
            draft = target + ".new"
            shutil.copyfile(path, draft)
            os.replace(draft, target)
        return target
