# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of SSH: the banner, and a polite way out (RFC 4253).

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import struct

from ansible_collections.mailops.triage.plugins.module_utils._probe.errors import Expired, Failure

_IDENTITY = b"SSH-2.0-mailops.triage\r\n"
_BEGINNING = re.compile(rb"[\t\x20-\x7e]")


def _disconnect() -> bytes:
    """SSH_MSG_DISCONNECT, reason 11 (by application), in a packet of before the key exchange."""
    words = b"probe finished"
    payload = struct.pack(">BII", 1, 11, len(words)) + words + struct.pack(">I", 0)
    padding = 8 - (len(payload) + 5) % 8
    if padding < 4:
        padding += 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + b"\0" * padding


def _gone(session):
    """Wait until the server has closed, so that what it still sends does not meet a reset."""
    while True:
        try:
            yield from session.line()
        except Failure as failure:
            if failure.outcome == "protocol_error":
                del session.buffer[:]
                session.reply_bytes = 0
                continue
            raise


def ssh(session):
    """Port 22: the server's identification. No login is tried.

    To hang up without a word would be logged as an error and counted by some filters as an attack, so the probe names
    itself and says that it goes.
    """
    yield from session.open(False)
    session.begin("banner")
    session.expects = _BEGINNING
    said = None
    try:
        while True:
            line = yield from session.line()
            if line.startswith(b"SSH-"):
                break
            # RFC 4253 allows other lines before; a server of another kind says nothing else.
            said = line if said is None else said
    except (Expired, Failure) as error:
        if said is not None and not (isinstance(error, Failure) and error.outcome == "protocol_error"):
            raise Failure("protocol_error", "not an SSH banner: %s" % session.safe(said, 200)) from None
        raise
    session.greeting = session.safe(line)
    session.passed(None, line)
    session.bye = (_IDENTITY + _disconnect(), _gone)
