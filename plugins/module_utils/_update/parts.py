# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that both package managers are spoken of in.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from collections import namedtuple

Installed = namedtuple("Installed", "version arch bytes held state")
"""One package that is there; state is an empty text, or how far an upgrade of it got."""
Pending = namedtuple("Pending", "package arch installed candidate origin security held secure")
"""One package that is not up to date: candidate is the version that the package manager would take, secure the one that
brings the security fixes and no more with its origin, as a pair, or None."""
Move = namedtuple("Move", "package arch before to")
"""One step of a package; before is None for one that comes anew."""
Sizes = namedtuple("Sizes", "download packed unpacked")
"""Bytes to download still, bytes of all package files, and a list of what each takes when it is unpacked."""


class Trouble(Exception):
    """The package manager finds no way.

    :param code: one word
    """

    def __init__(self, code, why):
        Exception.__init__(self, why)
        self.code = code
