# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of log lines that mean something, as data: one table for each family.

A signature is only believed from the daemon that writes it: the identifier of the line is checked first, and its
pattern is matched from the beginning of the message. So a sender who puts C(fatal: no SASL authentication mechanisms)
into an address, a greeting or a command forges nothing.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures import (
    dovecot,
    good,
    kernel,
    postfix,
    system,
    traffic,
)
from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures.shape import IDENTIFIERS

CATALOGUE = kernel.TABLE + postfix.TABLE + traffic.TABLE + dovecot.TABLE + system.TABLE
IDS = tuple(entry.id for entry in CATALOGUE)
GOOD_IDS = frozenset(entry.id for entry in good.TABLE)

_COMPILED = {}


def compiled(pattern):
    """A compiled pattern; each is compiled at its first use, because most are never needed on a healthy host."""
    found = _COMPILED.get(pattern)
    if found is None:
        found = _COMPILED[pattern] = re.compile(pattern)
    return found


def of(identifier):
    """The signatures and good events that an identifier may write, e.g. C(postfix/smtpd)."""
    return [entry for entry in CATALOGUE + good.TABLE if compiled(IDENTIFIERS[entry.source]).match(identifier)]


def key(found):
    """Who or what a match is about, or None: the text of its key group."""
    for name, value in found.groupdict().items():
        if value and name.startswith("key"):
            return value
    return None
