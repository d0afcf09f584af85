# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reason of a deferral, a bounce or a refusal without what differs from one message to the next.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

_LONGEST = 120
_CHANGES = (
    (re.compile(rb"\[[^\]]*\](?::\d+)?"), b""),
    (re.compile(rb"<[^>]*>"), b"<>"),
    (re.compile(rb"(?:https?|ftp)://\S+"), b"URL"),
    (re.compile(rb"[^\s<>@]+@[^\s<>@]+"), b"ADDRESS"),
    (re.compile(rb"\b(?:[\w-]+\.)+[A-Za-z]{2,}\b\.?"), b"HOST"),
    (re.compile(rb"\b(?=\w*\d)(?:[0-9A-Za-z]{6,}|\d{4,})\b"), b"N"),
    (re.compile(rb"\s+"), b" "),
)


def normal(reason):
    """A reason (bytes) that many lines share.

    :returns: at most 120 bytes
    """
    reason = reason[:400]
    if reason.endswith(b")"):
        reason = reason[:-1]
    for pattern, put in _CHANGES:
        reason = pattern.sub(put, reason)
    return reason.strip()[:_LONGEST]
