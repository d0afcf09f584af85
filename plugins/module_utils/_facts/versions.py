# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of version numbers, as dpkg has it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

_PARTS = re.compile(r"(\d+|[^\d]+)")


def key(version):
    """A sort key: epoch, upstream version, revision; a tilde sorts before everything, even the end."""
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdigit():
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    return int(epoch), _part(upstream), _part(revision)


def newer(one, other) -> bool:
    """Is one version higher than the other?"""
    return key(one) > key(other)


def _part(text):
    found = []
    # Text and numbers take turns, beginning with a text, which may be empty.
    if text[:1].isdigit():
        found.append(_letters(""))
    for piece in _PARTS.findall(text):
        found.append(int(piece) if piece.isdigit() else _letters(piece))
    if found and isinstance(found[-1], int) or not found:
        found.append(_letters(""))
    return tuple(found)


def _letters(piece):
    # The end of the text sorts before letters, and letters before everything else; a tilde before the end.
    return tuple(-1 if one == "~" else ord(one) if one.isalpha() else ord(one) + 256 for one in piece) + (0,)
