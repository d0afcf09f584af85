# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a core dump says of itself: that it is one, and of which program.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import struct

_HEAD, _MOST_NOTES = 64, 64 << 10
_CORE, _NOTE, _PRPSINFO = 4, 4, 3
# Offset of the program's name in the note's description, by word size; the same on all common processors.
_NAME_AT = {1: 28, 2: 40}
_NAME_BYTES = 16


def program(number):
    """Name of the program whose core dump an open file is.

    :param number: file descriptor that may be read
    :returns: None when it is no core dump; an empty text when it is one that does not tell
    """
    head = os.pread(number, _HEAD, 0)
    if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    order, wide = "<" if head[5] == 1 else ">", head[4] == 2
    if struct.unpack_from(order + "H", head, 16)[0] != _CORE:
        return None
    try:
        return _named(number, head, order, wide)
    except struct.error:
        return ""


def _named(number, head, order, wide):
    where = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)[0]
    each, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    if not 0 < where < 1 << 40 or not 32 <= each <= 128:
        return ""
    table = os.pread(number, each * min(count, 64), where)
    for start in range(0, len(table) - each + 1, each):
        if struct.unpack_from(order + "I", table, start)[0] != _NOTE:
            continue
        at, size = (
            (
                struct.unpack_from(order + "Q", table, start + 8)[0],
                struct.unpack_from(order + "Q", table, start + 32)[0],
            )
            if wide
            else (
                struct.unpack_from(order + "I", table, start + 4)[0],
                struct.unpack_from(order + "I", table, start + 16)[0],
            )
        )
        if at < 1 << 50:
            return _in_notes(os.pread(number, min(size, _MOST_NOTES), at), order, head[4])
    return ""


def _in_notes(notes, order, word):
    place = 0
    while place + 12 <= len(notes):
        name, size, kind = struct.unpack_from(order + "III", notes, place)
        body = place + 12 + (name + 3) // 4 * 4
        if kind == _PRPSINFO:
            start = body + _NAME_AT[word]
            return notes[start : start + _NAME_BYTES].split(b"\0")[0].decode("ascii", "replace")
        place = body + (size + 3) // 4 * 4
    return ""
