# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the envelope of a message in Postfix's queue: who sent it, under which login, and who still waits for it.

The file is only ever read. It is a row of records: a letter, the length in groups of seven bits, the content.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
from collections import namedtuple

# sender: text, empty for bounces; login: of the session it came in by, or an empty text; waiting: recipients that it
# was not delivered to yet; originals: recipients as they were given, before aliases and the like; about: recipients
# whose mail this bounce returns; arrived: epoch seconds, or 0
Envelope = namedtuple("Envelope", "sender login waiting originals about arrived")

QUEUES = ("incoming", "active", "deferred")
"""Where mail waits that can be put on hold."""

_MOST_BYTES = 64 << 10
_ID = re.compile(r"[0-9A-Za-z]{6,24}\Z")
_ABOUT = re.compile(rb"(?:Final|Original)-Recipient: *rfc822; *(.*)\Z", re.I)


def read(path):
    """The Envelope of a queue file, or None when it is gone or cannot be understood."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as stream:
            data = stream.read(_MOST_BYTES)
    except OSError:
        return None
    return parse(data)


def parse(data):
    """The Envelope in the bytes of a queue file's beginning, or None."""
    sender, login, arrived, waiting, originals, about, seen = None, "", 0, [], [], [], b""
    for kind, content in _records(data):
        if kind == b"S" and sender is None:
            sender = content.decode("utf-8", "replace")
        elif kind == b"T" and not arrived:
            first = content.split(b" ")[0]
            arrived = int(first) if first.isdigit() and len(first) < 12 else 0
        elif kind == b"A" and content.startswith(b"sasl_username="):
            login = content[14:].decode("utf-8", "replace")
        elif kind == b"R":
            waiting.append(content.decode("utf-8", "replace"))
        elif kind == b"O":
            originals.append(content.decode("utf-8", "replace"))
        elif kind in (b"N", b"L") and sender == "":
            match = _ABOUT.match(content)
            if match:
                about.append(match.group(1).strip().decode("utf-8", "replace"))
        seen = kind
    if sender is None or not seen:
        return None
    return Envelope(sender, login, waiting, originals, about, arrived)


def _records(data):
    place = 0
    while place < len(data):
        kind, size, shift = data[place : place + 1], 0, 0
        place += 1
        while True:
            if place >= len(data) or shift > 28:
                return
            byte = data[place]
            place += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if place + size > len(data):
            return
        yield kind, data[place : place + size]
        place += size


def files(queue, name):
    """(queue id, path) of the messages in one queue, also where it is spread over directories of one letter.

    :param queue: the queue directory
    :param name: for example C(deferred)
    """
    folders = [(os.path.join(queue, name), 0)]
    while folders:
        folder, depth = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if len(entry.name) == 1 and depth < 4 and entry.is_dir(follow_symlinks=False):
                folders.append((entry.path, depth + 1))
            elif _ID.match(entry.name) and entry.is_file(follow_symlinks=False):
                yield entry.name, entry.path
