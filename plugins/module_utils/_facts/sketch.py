# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is named most often, and how many there are: answers in bounded memory.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import socket
import zlib
from collections import Counter

# Keys that a sketch keeps: a key with more than one part in so many of all is never lost.
_KEPT = 1000
# Up to so many different keys are counted exactly; beyond, a sample of them is.
_EXACT = 4096


class Top(object):
    """Misra and Gries's heavy hitters: counts may be too low by 1/1000 of the total, never too high."""

    def __init__(self):
        self.total = 0
        self.counts = {}

    def absorb(self, counts):
        """Add what one piece of the log has counted.

        :param counts: dict of key to number
        """
        own = self.counts
        for key, number in counts.items():
            own[key] = own.get(key, 0) + number
            self.total += number
        if len(own) > 2 * _KEPT:
            cut = sorted(own.values(), reverse=True)[_KEPT]
            self.counts = {key: number - cut for key, number in own.items() if number > cut}

    def best(self, most=10):
        """The most frequent keys, as list of (key, count); equal counts in the order of the keys."""
        return sorted(self.counts.items(), key=lambda entry: (-entry[1], entry[0]))[:most]


class Distinct(object):
    """How many different keys there were: exact while they are few, else by Wegman's adaptive sampling."""

    def __init__(self):
        self._kept = set()
        self._level = 0

    def absorb(self, keys):
        """Take note of keys (bytes)."""
        mask = (1 << self._level) - 1
        self._kept.update([mark for mark in map(zlib.crc32, keys) if not mark & mask])
        while len(self._kept) > _EXACT:
            self._level += 1
            mask = (1 << self._level) - 1
            self._kept = {mark for mark in self._kept if not mark & mask}

    def number(self):
        """How many, or about how many."""
        return len(self._kept) << self._level


def blocks(addresses):
    """Counts by address block.

    :param addresses: dict of address (bytes) to number
    """
    found = Counter()
    for address, number in addresses.items():
        name = block(address)
        if name:
            found[name] += number
    return found


def block(address):
    """The /24 or /64 that an address (bytes) is in, as bytes; empty for what is none."""
    if address.count(b".") == 3 and b":" not in address:
        return address.rpartition(b".")[0] + b".0/24"
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.decode("ascii", "replace"))
    except (OSError, ValueError):
        return b""
    return socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8)).encode("ascii") + b"/64"
