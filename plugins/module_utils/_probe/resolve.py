# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names to addresses, in a few threads, because the system's resolver can only be waited for.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import queue
import socket
import threading
from time import monotonic

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# Enough that a slow resolver delays hundreds of names together, few enough not to be a burst for it.
MAX_THREADS = 32

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


def literal(address: str):
    """(family, sockaddr without port) of an IP literal, None for a name."""
    for family, af in (("ipv4", socket.AF_INET), ("ipv6", socket.AF_INET6)):
        try:
            socket.inet_pton(af, address.partition("%")[0] if family == "ipv6" else address)
        except (OSError, ValueError):
            continue
        return family, address
    return None


def socket_address(family: str, address: str, port: int) -> tuple:
    """What connect() takes; a zone ("fe80::1%eth0") becomes its number."""
    if family == "ipv4":
        return (address, port)
    host, _percent, zone = address.partition("%")
    scope = 0
    if zone:
        try:
            scope = int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
        except OSError:
            scope = 0
    return (host, port, 0, scope)


def lookup(name: str) -> tuple:
    """Ask the system's resolver: ("ok" or "error", addresses in its order, text)."""
    answer, text = None, ""
    for flags in (socket.AI_ADDRCONFIG, 0):
        # ADDRCONFIG spares a host without IPv6 the addresses it could not use; on a host that has nothing but
        # loopback it hides everything, so the second try goes without.
        try:
            answer = socket.getaddrinfo(name, None, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, flags)
            break
        except socket.gaierror as error:
            text = clean(error.strerror or error, 120)
            if error.errno == socket.EAI_AGAIN:
                break
        except (OSError, ValueError) as error:
            text = clean(error, 120)
    if answer is None:
        return "error", [], text
    addresses = []
    for af, _kind, _protocol, _canonical, sockaddr in answer:
        if af in FAMILIES.values() and sockaddr[0] not in addresses:
            addresses.append(sockaddr[0])
    return "ok" if addresses else "error", addresses, "" if addresses else "no address"


class Resolver:
    """Looks names up; finished ones are collected by the thread that owns it.

    :param names: the names, each asked for once
    """

    def __init__(self, names):
        self._todo = queue.Queue()
        self.done = queue.Queue()
        names = sorted(set(names))
        for name in names:
            self._todo.put(name)
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        for _number in range(min(MAX_THREADS, len(names))):
            # A daemon: one that hangs in the C library does not keep the process from ending.
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                name = self._todo.get_nowait()
            except queue.Empty:
                return
            start = monotonic()
            outcome = lookup(name)
            self.done.put((name, outcome, round((monotonic() - start) * 1000, 1)))
            try:
                self._writer.send(b"x")
            except OSError:
                # Full: then it is awake anyway. Closed: then nobody waits any more.
                pass

    def collect(self) -> list:
        """(name, (outcome, addresses, text), ms) of what was finished since the last call."""
        try:
            self.reader.recv(4096)
        except BlockingIOError:
            pass
        found = []
        while True:
            try:
                found.append(self.done.get_nowait())
            except queue.Empty:
                return found

    def close(self) -> None:
        """Leave what is still running to itself."""
        while True:
            try:
                self._todo.get_nowait()
            except queue.Empty:
                break
        self.reader.close()
        self._writer.close()
