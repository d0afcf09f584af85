# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The neighbour table: does the target answer at the link, one level below IP?

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from time import monotonic

ARP_FILE = "/proc/net/arp"
# A failed entry may be cleared away within seconds on a busy segment, so the table is read again during the sweep.
_FRESH_SECONDS = 0.2


def parse_arp(text: str) -> dict:
    """{IPv4 address: complete} of /proc/net/arp; an address behind two devices is complete when one of them is."""
    table = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 6:
            continue
        try:
            complete = bool(int(fields[2], 16) & 0x2)
        except ValueError:
            continue
        table[fields[0]] = table.get(fields[0], False) or complete
    return table


class Neighbours:
    """What the table said during the sweep."""

    def __init__(self, path: str = ARP_FILE):
        self._path = path
        self._read_at = 0.0
        self._table = {}
        self.readable = False

    def refresh(self, force: bool = False) -> None:
        """Read the table, unless that was just done; an address seen incomplete stays so until seen complete."""
        now = monotonic()
        if not force and now - self._read_at < _FRESH_SECONDS:
            return
        self._read_at = now
        try:
            with open(self._path) as handle:
                self._table.update(parse_arp(handle.read(4 << 20)))
            self.readable = True
        except OSError:
            self.readable = False

    def incomplete(self, address: str) -> bool:
        """The link did not answer for this address."""
        return self._table.get(address) is False

    def state(self, family, address) -> str:
        """reachable, incomplete, none (not a neighbour) or unknown (no table for this family, or not readable)."""
        if family != "ipv4" or address is None or not self.readable:
            return "unknown"
        if address not in self._table:
            return "none"
        return "reachable" if self._table[address] else "incomplete"
