# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP echo to many hosts at once, from one socket per family.

An unprivileged ICMP socket where the kernel allows it (net.ipv4.ping_group_range), else a raw one where the process
may have it. Five requests per host, a fifth of a second apart, so that a share of loss can be told.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import errno
import os
import socket
import struct
from time import monotonic

from ansible_collections.mailops.triage.plugins.module_utils._probe.resolve import FAMILIES, socket_address

COUNT = 5
SPACING_SECONDS = 0.03
# How long the last request may take; a longer round trip counts as lost.
WAIT_SECONDS = 1.5
# How often it is looked whether the missing answers have come.
_LOOK_SECONDS = 0.05

_PROTOCOLS = {"ipv4": socket.IPPROTO_ICMP, "ipv6": socket.IPPROTO_ICMPV6}
_REQUEST = {"ipv4": 8, "ipv6": 128}
_REPLY = {"ipv4": 0, "ipv6": 129}
_UNREACHABLE = {"ipv4": 3, "ipv6": 1}
# (level, IP_RECVERR or IPV6_RECVERR): Linux, not named by the socket module before Python 3.14.
_RECVERR = {"ipv4": (socket.IPPROTO_IP, 11), "ipv6": (socket.IPPROTO_IPV6, 25)}
_MSG_ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF


def request(family: str, identifier: int, sequence: int, payload: bytes) -> bytes:
    """An echo request. The kernel fills in the checksum of ICMPv6 itself."""
    kind = _REQUEST[family]
    head = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence)
    if family == "ipv6":
        return head + payload
    return struct.pack("!BBHHH", kind, 0, checksum(head + payload), identifier, sequence) + payload


def read_packet(family: str, raw: bool, data: bytes):
    """What an arrived packet says: ("reply", payload), ("unreachable", address it did not reach) or None."""
    if raw and family == "ipv4":
        # Raw IPv4 sockets show the IP header as well.
        if len(data) < 20:
            return None
        data = data[(data[0] & 0x0F) * 4 :]
    if len(data) < 8:
        return None
    if data[0] == _REPLY[family]:
        return "reply", data[8:]
    if data[0] == _UNREACHABLE[family]:
        inner = data[8:]
        if family == "ipv4" and len(inner) >= 20 and inner[9] == socket.IPPROTO_ICMP:
            return "unreachable", socket.inet_ntop(socket.AF_INET, inner[16:20])
        if family == "ipv6" and len(inner) >= 40 and inner[6] == socket.IPPROTO_ICMPV6:
            return "unreachable", socket.inet_ntop(socket.AF_INET6, inner[24:40])
    return None


def empty(outcome: str, text: str) -> dict:
    """A ping record without packets."""
    return {"outcome": outcome, "sent": 0, "received": 0, "loss_percent": None, "rtt_ms": None, "text": text}


class Echo:
    """The packets of one host."""

    __slots__ = ("family", "sockaddr", "index", "sent", "times", "outcome", "text")

    def __init__(self, family: str, address: str, index: int):
        self.family = family
        self.sockaddr = socket_address(family, address, 0)
        self.index = index
        self.sent = {}
        self.times = {}
        self.outcome = "timeout"
        self.text = "no echo"

    def result(self) -> dict:
        """The contract's ping record; rtt_ms is the mean."""
        sent, received = len(self.sent), len(self.times)
        if not sent:
            return empty("skipped" if self.outcome == "timeout" else self.outcome, self.text)
        return {
            "outcome": "ok" if received else self.outcome,
            "sent": sent,
            "received": received,
            "loss_percent": round(100.0 * (sent - received) / sent, 1),
            "rtt_ms": round(sum(self.times.values()) * 1000 / received, 2) if received else None,
            "text": "" if received else self.text,
        }


class Pinger:
    """Sends and collects inside the loop.

    :param loop: a Loop; the rounds of requests and the end of waiting are timers there
    """

    def __init__(self, loop):
        self._loop = loop
        self._sockets = {}
        self._refused = {}
        self._echoes = []
        self._by_address = {}
        # Answers to somebody else's requests arrive at a raw socket too.
        self._cookie = os.urandom(8)
        self._identifier = int.from_bytes(os.urandom(2), "big")

    def _socket(self, family: str):
        """(socket, raw) of a family, opened at first use; None when not permitted."""
        if family in self._sockets or family in self._refused:
            return self._sockets.get(family)
        for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                sock = socket.socket(FAMILIES[family], kind, _PROTOCOLS[family])
            except OSError as error:
                self._refused[family] = "no ICMP socket: %s" % os.strerror(error.errno or errno.EPERM)
                continue
            sock.setblocking(False)
            try:
                # Thousands of answers may arrive within one slice of the loop.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
                if kind == socket.SOCK_DGRAM and _MSG_ERRQUEUE:
                    sock.setsockopt(_RECVERR[family][0], _RECVERR[family][1], 1)
            except OSError:
                # Without them answers may be lost or "unreachable" be called "timeout": less, but not wrong.
                pass
            self._refused.pop(family, None)
            self._sockets[family] = (sock, kind == socket.SOCK_RAW)
            self._loop.watch(sock.fileno(), lambda: self._collect(family))
            return self._sockets[family]
        return None

    def refusal(self, family: str) -> str:
        """Why no socket of this family could be had; empty when one could."""
        return "" if self._socket(family) else self._refused[family]

    def add(self, hosts: list) -> list:
        """Start pinging; returns one Echo per host, whose result() is asked for at the end.

        :param hosts: (family, address) pairs; refusal() of the family was empty
        """
        batch = []
        for family, address in hosts:
            batch.append(Echo(family, address, len(self._echoes)))
            self._echoes.append(batch[-1])
            self._by_address.setdefault(address, batch[-1])
        if batch:
            self._loop.errands += 1
            self._round(batch, 0)
        return batch

    def _round(self, batch: list, sequence: int) -> None:
        for echo in batch:
            self._send(echo, sequence)
        if sequence + 1 < COUNT:
            self._loop.at(monotonic() + SPACING_SECONDS, lambda: self._round(batch, sequence + 1))
        else:
            self._patience(batch, monotonic() + WAIT_SECONDS)

    def _patience(self, batch: list, end: float) -> None:
        """Wait for what is missing, no longer than needed."""
        if monotonic() >= end or all(len(echo.times) >= len(echo.sent) for echo in batch):
            self._loop.errands -= 1
        else:
            self._loop.at(min(end, monotonic() + _LOOK_SECONDS), lambda: self._patience(batch, end))

    def _send(self, echo: Echo, sequence: int) -> None:
        sock = self._sockets[echo.family][0]
        payload = self._cookie + struct.pack("!IH", echo.index, sequence)
        packet = request(echo.family, self._identifier, sequence, payload)
        for _attempt in (1, 2):
            start = monotonic()
            try:
                sock.sendto(packet, echo.sockaddr)
            except OSError as error:
                # An unprivileged socket reports an earlier packet's error here: collect that one, then try again.
                if self._errors(echo.family):
                    continue
                if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                    echo.outcome, echo.text = "unreachable", os.strerror(error.errno)
                elif error.errno in (errno.EACCES, errno.EPERM):
                    echo.outcome, echo.text = "skipped", "not permitted by this host"
                return
            echo.sent[sequence] = start
            return

    def _errors(self, family: str) -> bool:
        """Empty the error queue of an unprivileged socket; True when there was something in it."""
        sock, raw = self._sockets[family]
        found = False
        while not raw and _MSG_ERRQUEUE:
            try:
                _data, _control, _flags, destination = sock.recvmsg(512, 512, _MSG_ERRQUEUE)
            except OSError:
                break
            found = True
            self._not_reached(destination[0])
        return found

    def _not_reached(self, address: str) -> None:
        echo = self._by_address.get(address)
        if echo is not None:
            echo.outcome, echo.text = "unreachable", "ICMP destination unreachable"

    def _collect(self, family: str) -> None:
        sock, raw = self._sockets[family]
        while True:
            try:
                data, sender = sock.recvfrom(2048)
            except BlockingIOError:
                if not self._errors(family):
                    return
                continue
            except OSError:
                # The pending error of a packet that did not arrive; the queue says whose.
                if not self._errors(family):
                    return
                continue
            now = monotonic()
            said = read_packet(family, raw, data)
            if said is None:
                continue
            if said[0] == "unreachable":
                self._not_reached(said[1])
            elif said[1][:8] == self._cookie and len(said[1]) == 14:
                index, sequence = struct.unpack("!IH", said[1][8:])
                echo = self._echoes[index] if index < len(self._echoes) else None
                if echo is not None and sequence in echo.sent and sender[0].partition("%")[0] == echo.sockaddr[0]:
                    # A duplicate does not make up for a loss.
                    echo.times.setdefault(sequence, now - echo.sent[sequence])

    def close(self) -> None:
        """Close the sockets."""
        for sock, _raw in self._sockets.values():
            self._loop.unwatch(sock.fileno())
            sock.close()
        self._sockets = {}
