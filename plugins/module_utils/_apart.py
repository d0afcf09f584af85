# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in a process of its own, so that whoever waits for the answer never waits for the end of the work.

A thread that the kernel holds (a read from a dead server, a write to a frozen volume) cannot be ended, and a process
with such a thread cannot end either: the login that started it would stay open for ever. The work is done in a child
that lets go of the login's channels; the answer comes through a pipe, and the child is left behind if it must be.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json
import os
import struct
import traceback

_HEAD = struct.Struct("!?Q")


class ApartError(Exception):
    """The work ended without an answer; the message is its traceback."""


def apart(work, arguments) -> str:
    """Do some work in a child.

    :param work: function; its answer must be JSON
    :param arguments: list of its arguments
    :returns: the answer as JSON text
    :raises ApartError: when it raised, or the child was killed
    """
    reading, writing = os.pipe()
    if os.fork() == 0:
        # With this end open here, a child whose parent was killed would wait for ever to be read.
        os.close(reading)
        _child(work, arguments, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        # Not to the end of the stream: a child that cannot end does not close it.
        head = stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise ApartError("it ended without a word")
        good, size = _HEAD.unpack(head)
        text = stream.read(size).decode("utf-8", "replace")
    if not good or len(text) == 0:
        raise ApartError(text)
    return text


def _child(work, arguments, writing):
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        try:
            good, text = True, json.dumps(work(*arguments))
        except Exception:
            good, text = False, traceback.format_exc()
        data = text.encode("utf-8", "replace")
        data = _HEAD.pack(good, len(data)) + data
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)
