# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The neighbour tables: does the target answer at the link, one level below IP?

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import socket
import struct
from time import monotonic

ARP_FILE = "/proc/net/arp"
# A failed entry may be cleared away within seconds on a busy segment, so the tables are read again during the sweep.
_FRESH_SECONDS = 0.2

# rtnetlink(7), linux/neighbour.h: the kernel shows IPv6 neighbours in no file.
_RTM_NEWNEIGH = 28
_RTM_GETNEIGH = 30
_NLMSG_DONE = 3
_NLM_F_REQUEST_DUMP = 0x301
_NDA_DST = 1
_NUD_INCOMPLETE = 0x01
_NUD_FAILED = 0x20
_NUD_NONE = 0x00


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


def parse_neighbours(data: bytes, table: dict) -> bool:
    """Add IPv6 neighbours of a netlink answer to {address: complete}.

    :param data: what one recv() of a dump gave
    :returns: True at the end of the dump
    """
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        end = min(at + length, len(data))
        if length < 16 or kind == _NLMSG_DONE:
            return True
        if kind == _RTM_NEWNEIGH and end - at >= 28:
            family, state = struct.unpack_from("=B7xH", data, at + 16)
            attribute = at + 28
            while family == socket.AF_INET6 and attribute + 4 <= end:
                size, name = struct.unpack_from("=HH", data, attribute)
                if size < 4:
                    break
                if name == _NDA_DST and size == 20 and attribute + 20 <= end and state != _NUD_NONE:
                    address = socket.inet_ntop(socket.AF_INET6, data[attribute + 4 : attribute + 20])
                    complete = not state & (_NUD_INCOMPLETE | _NUD_FAILED)
                    table[address] = table.get(address, False) or complete
                attribute += (size + 3) & ~3
        at += (length + 3) & ~3
    return False


def read_neighbours() -> dict:
    """{IPv6 address: complete} of the kernel. Raises OSError where it cannot be asked."""
    if not hasattr(socket, "AF_NETLINK"):
        raise OSError("no netlink")
    table = {}
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    try:
        sock.settimeout(0.5)
        header = struct.pack("=IHHII", 28, _RTM_GETNEIGH, _NLM_F_REQUEST_DUMP, 1, 0)
        sock.send(header + struct.pack("=B11x", socket.AF_INET6))
        for _packet in range(10000):
            if parse_neighbours(sock.recv(65536), table):
                break
    finally:
        sock.close()
    return table


class Neighbours:
    """What the tables said during the sweep.

    :param path: the ARP table
    :param families: those worth reading
    """

    def __init__(self, path: str = ARP_FILE, families=("ipv4", "ipv6")):
        self._path = path
        self._families = families
        self._read_at = 0.0
        self._table = {}
        self._readable = set()

    def _read(self, family: str) -> dict:
        if family == "ipv6":
            return read_neighbours()
        with open(self._path) as handle:
            return parse_arp(handle.read(4 << 20))

    def refresh(self, force: bool = False) -> None:
        """Read the tables, unless that was just done; what has gone from them meanwhile is kept."""
        now = monotonic()
        if not force and now - self._read_at < _FRESH_SECONDS:
            return
        self._read_at = now
        for family in self._families:
            try:
                self._table.update(self._read(family))
                self._readable.add(family)
            except OSError:
                self._readable.discard(family)

    def incomplete(self, address: str) -> bool:
        """The link did not answer for this address."""
        return self._table.get(address.partition("%")[0]) is False

    def state(self, chosen: dict) -> str:
        """reachable, incomplete, none (not a neighbour) or unknown (no table, no address).

        :param chosen: {family: address}; the IPv4 address counts where there is one
        """
        family = "ipv4" if "ipv4" in chosen else "ipv6"
        if family not in chosen or family not in self._readable:
            return "unknown"
        complete = self._table.get(chosen[family].partition("%")[0])
        return "none" if complete is None else "reachable" if complete else "incomplete"
