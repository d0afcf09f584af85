# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that a measure is taken on: its commands, its files, and what can go wrong with both.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid import state
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_PATIENCE_S = 20.0


class Cannot(Exception):
    """A measure that is not to be had here, and why; nothing was changed.

    :param code: short word: invalid, protected, wide, tool, syntax, memory, state
    :param why: one sentence for a person
    """

    def __init__(self, code, why):
        Exception.__init__(self, why)
        self.code, self.why = code, why


class Failed(Exception):
    """A step that should have worked and did not."""


class Here(object):
    """This host.

    :param folder: where what has to be remembered is kept
    :param programs: directory whose programs come before the host's own, or an empty text
    :param etc: where the configuration is
    :param proc: where the proc file system is mounted
    """

    def __init__(self, folder=state.FOLDER, programs="", etc="/etc", proc="/proc"):
        self.folder, self.programs, self.etc, self.proc = folder, programs, etc, proc

    def has(self, name) -> bool:
        """Is there a program of this name?"""
        return self._program(name) is not None

    def run(self, argv, timeout=_PATIENCE_S, input=None):
        """A _run.Result; input is text or None."""
        program = self._program(argv[0])
        words = [program or argv[0]] + [str(word) for word in argv[1:]]
        return _run.run(words, timeout, 8 << 20, None if input is None else input.encode("utf-8"))

    def must(self, argv, timeout=_PATIENCE_S, input=None):
        """Standard output, as text, of a command that has to work.

        :raises Failed: with the command's own words
        """
        result = self.run(argv, timeout, input)
        if result.status != "ok" or result.rc:
            raise Failed(self.said(argv, result))
        return result.out.decode("utf-8", "replace")

    def said(self, argv, result):
        """Why a command did not work, in a line."""
        words = clean(result.err, 200) or (result.status if result.rc is None else "status {0}".format(result.rc))
        return "{0}: {1}".format(os.path.basename(argv[0]), words)

    def kept(self, name):
        """Path of a file beside the state."""
        return os.path.join(self.folder, name)

    def keep(self, name, data):
        """Write a file beside the state, whole or not at all; bytes, for root alone.

        :raises Failed: when it cannot be written
        """
        try:
            replace(self.kept(name), data, 0o600)
        except OSError as error:
            raise Failed("{0}: {1}".format(self.kept(name), error.strerror or error)) from error

    def _program(self, name):
        if "/" in name:
            return name
        own = os.path.join(self.programs, name)
        return own if self.programs and os.access(own, os.X_OK) else _run.find_program(name)


def replace(path, data, mode):
    """Put a file in place of another, whole or not at all.

    :raises OSError: when that cannot be done
    """
    draft = path + ".mailops-new"
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(number, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, path)


def remove(path) -> bool:
    """Unlink a file; false when it was not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
