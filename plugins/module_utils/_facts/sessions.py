# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is connected to the mail ports, how many of them wait to be accepted, and how long each has said nothing.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import socket
import struct
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import sockets

PORTS = {
    25: "smtp",
    465: "submissions",
    587: "submission",
    110: "pop3",
    995: "pop3s",
    143: "imap",
    993: "imaps",
    4190: "sieve",
}
SILENT_S = 5.0
"""A side that has said nothing for so long, when it was its turn, keeps a process from the others."""

# port: the local one; waiting: established by the kernel, not yet taken by the daemon; turn: whose turn it is to speak,
# "client" or "server", None when not told; silent_s: for how long that side has said nothing
Session = namedtuple("Session", "port peer waiting turn silent_s")

_ESTABLISHED = 1 << 1
_INFO = 2  # INET_DIAG_INFO: struct tcp_info
# Offsets in it: tcpi_last_data_sent and tcpi_last_data_recv (milliseconds), tcpi_data_segs_out
_LAST_SENT, _LAST_RECEIVED, _SEGMENTS_OUT = 44, 52, 156
_ENTRY = 72  # struct inet_diag_msg
_MOST = 20000
_SECONDS = 0.5
_TOP = 5


def parse(data, ports=frozenset(PORTS)):
    """Sessions at these ports in one buffer of sock_diag answers; those of the host with itself are left out."""
    found, place = [], 0
    while place + 16 <= len(data):
        size, kind = struct.unpack_from("=IH", data, place)
        if size < 16 or place + size > len(data):
            break
        if kind == 20 and size >= 16 + _ENTRY:
            session = _session(data, place + 16, place + size, ports)
            if session is not None:
                found.append(session)
        place += (size + 3) & ~3
    return found


def _session(data, start, end, ports):
    family = data[start]
    (port,) = struct.unpack_from("!H", data, start + 4)
    if port not in ports or family not in (socket.AF_INET, socket.AF_INET6):
        return None
    raw = data[start + 24 : start + 40]
    peer = socket.inet_ntop(family, raw[:4] if family == socket.AF_INET else raw)
    peer = peer[7:] if peer.startswith("::ffff:") and "." in peer else peer
    if sockets.is_loopback(peer):
        return None
    (inode,) = struct.unpack_from("=I", data, start + 68)
    return Session(port, peer, inode == 0, *_turn(data, start + _ENTRY, end))


def _turn(data, place, end):
    """Whose turn it is, and for how many seconds, from the attributes of an entry."""
    while place + 4 <= end:
        size, kind = struct.unpack_from("=HH", data, place)
        if size < 4:
            break
        if kind == _INFO and size >= 4 + _SEGMENTS_OUT + 4:
            sent, received, spoken = (
                struct.unpack_from("=I", data, place + 4 + offset)[0]
                for offset in (_LAST_SENT, _LAST_RECEIVED, _SEGMENTS_OUT)
            )
            # A server that has not greeted yet is the one that is waited for.
            if not spoken or received < sent:
                return "server", received / 1000.0
            return "client", sent / 1000.0
        place += (size + 3) & ~3
    return None, None


def ask_kernel(ports=frozenset(PORTS)):
    """The sessions at the mail ports, or at others.

    :param ports: any container of port numbers
    :returns: (list of Session, complete)
    :raises OSError: when the kernel does not offer it here
    """
    found, deadline = [], time.monotonic() + _SECONDS
    for data in sockets.dump(_ESTABLISHED, 1 << (_INFO - 1), 5000):
        found += parse(data, ports)
        if len(found) >= _MOST or time.monotonic() >= deadline:
            return found, False
    return found, True


def block(address) -> str:
    """The network that an address is counted under: /24, or /64 of IPv6."""
    if ":" in address:
        try:
            raw = socket.inet_pton(socket.AF_INET6, address)
        except OSError:
            return address
        return socket.inet_ntop(socket.AF_INET6, raw[:8] + bytes(8)) + "/64"
    return address.rpartition(".")[0] + ".0/24"


def summary(found):
    """The contract's records: one for each mail port that anybody is connected to."""
    records = []
    for port in sorted(PORTS):
        here = [session for session in found if session.port == port]
        if here:
            clients, blocks = {}, {}
            for session in here:
                clients[session.peer] = clients.get(session.peer, 0) + 1
                blocks[block(session.peer)] = blocks.get(block(session.peer), 0) + 1
            # Who still waits to be accepted has not had a turn.
            served = [session for session in here if not session.waiting]
            told = [session for session in served if session.turn is not None]
            late = [session.turn for session in told if session.silent_s >= SILENT_S]
            records.append(
                {
                    "port": port,
                    "protocol": PORTS[port],
                    "count": len(here),
                    "waiting": len(here) - len(served),
                    "idle": late.count("client") if told else None,
                    "idle_share": round(late.count("client") / float(len(told)), 3) if told else None,
                    "stalled": late.count("server") if told else None,
                    "stalled_share": round(late.count("server") / float(len(told)), 3) if told else None,
                    "clients": len(clients),
                    "served_clients": len({session.peer for session in served}),
                    "blocks": len(blocks),
                    "top_clients": _top(clients, len(here)),
                    "top_blocks": _top(blocks, len(here)),
                }
            )
    return records


def _top(table, total):
    ordered = sorted(table.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP]
    return [{"name": name, "count": count, "share": round(count / float(total), 3)} for name, count in ordered]
