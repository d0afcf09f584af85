# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(dns): does each resolver of this host answer?

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import select
import socket
import struct
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_TIMEOUT_S = 2.0
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
_TYPE_A, _CLASS_IN = 1, 1


def parse_resolvers(text):
    """Addresses of the C(nameserver) lines of a resolv.conf, at most the three that the resolver library uses."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and words[1] not in found:
            found.append(words[1])
    # Without any, the library asks this host itself.
    return found[:3] or ["127.0.0.1"]


def query(number, name="localhost", kind=_TYPE_A):
    """A DNS question as bytes; a resolver answers for localhost without asking anybody else."""
    labels = b"".join(bytes(bytearray([len(part)])) + part.encode("ascii") for part in name.split(".") if part)
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, _CLASS_IN)


def parse_rcode(data, number):
    """Response code name of an answer to the question with this number, or None when it is no such answer."""
    if len(data) < 12:
        return None
    answered, flags = struct.unpack("!HH", data[:4])
    if answered != number or not flags & 0x8000:
        return None
    code = flags & 15
    return _RCODES[code] if code < len(_RCODES) else "RCODE%d" % code


class _Question(object):
    def __init__(self, address):
        self.address = address
        self.number = struct.unpack("!H", os.urandom(2))[0]
        self.began = time.monotonic()
        self.socket = None
        self.record = None

    def ask(self):
        try:
            place = socket.getaddrinfo(self.address, 53, 0, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)[0]
            self.socket = socket.socket(place[0], socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            self.socket.connect(place[4])
            self.socket.send(query(self.number))
        except OSError as error:
            self._fail(error)

    def hear(self):
        try:
            rcode = parse_rcode(self.socket.recv(4096), self.number)
        except OSError as error:
            self._fail(error)
            return
        if rcode is not None:
            self.finish("ok", rcode, "")

    def _fail(self, error):
        refused = isinstance(error, ConnectionRefusedError)
        self.finish("refused" if refused else "error", None, error.strerror or str(error))

    def finish(self, outcome, rcode, text):
        took = round((time.monotonic() - self.began) * 1000.0, 1)
        self.record = {
            "address": clean(self.address, 60),
            "outcome": outcome,
            "rcode": rcode,
            "ms": took,
            "text": clean(text, 120),
        }
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def ask_all(addresses, timeout: float):
    """Ask every resolver at once.

    :param timeout: seconds for all of them together
    :returns: list of the contract's records, in the order of the addresses
    """
    questions = [_Question(address) for address in addresses]
    for question in questions:
        question.ask()
    deadline = time.monotonic() + timeout
    while True:
        waiting = {question.socket.fileno(): question for question in questions if question.socket is not None}
        left = deadline - time.monotonic()
        if not waiting or left <= 0:
            break
        poll = select.poll()
        for number in waiting:
            poll.register(number, select.POLLIN)
        for number, _event in poll.poll(left * 1000.0 + 1):
            waiting[number].hear()
    for question in questions:
        if question.record is None:
            question.finish("timeout", None, "no answer")
    return [question.record for question in questions]


def resolvers(context):
    """Shared look: addresses of the resolvers this host asks."""
    return parse_resolvers(procfs.try_text(context.path("/etc/resolv.conf")))


def collect(context):
    """The C(dns) part of the document; ms is milliseconds."""
    found = ask_all(context.shared(resolvers), min(_TIMEOUT_S, context.left()))
    return {"resolvers": found, "answering": sum(1 for record in found if record["outcome"] == "ok")}
