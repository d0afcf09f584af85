# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for sessions to end: how many are left at some ports, and how many of them are in the midst of something.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ipaddress
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import sessions

_POLL_S = 1.0

# count: all sessions; working: those that are waited for; protocols: dict of count by name; complete: false when there
# were too many to look at all
Left = namedtuple("Left", "count working protocols complete")


def take(ports, admitted, idle, ask=sessions.ask_kernel):
    """The sessions at some ports now.

    :param ports: TCP ports
    :param admitted: networks, as texts, whose sessions do not count: they go on beginning new ones
    :param idle: seconds; a session in which the client has said nothing for so long, when it was its turn, is not
        waited for: an IMAP client that only listens would be there for days, and loses nothing
    :param ask: function that gives (list of sessions.Session, complete) of a container of ports
    :returns: Left
    :raises OSError: when the kernel does not tell
    """
    nets = [ipaddress.ip_network(one) for one in admitted]
    found, complete = ask(ports)
    count, working, protocols = 0, 0, {}
    for session in found:
        if nets and _within(session.peer, nets):
            continue
        name = sessions.PORTS.get(session.port, str(session.port))
        count += 1
        protocols[name] = protocols.get(name, 0) + 1
        rests = session.turn == "client" and not session.waiting and (session.silent_s or 0.0) >= idle
        working += 0 if rests else 1
    return Left(count, working, protocols, complete)


def wait(look, deadline):
    """Look until nobody is in the midst of something, or until the deadline.

    :param look: function that gives a Left
    :param deadline: seconds
    :returns: (Left, seconds that it took)
    """
    began = time.monotonic()
    while True:
        left = look()
        passed = time.monotonic() - began
        if not left.working or passed >= deadline:
            return left, passed
        time.sleep(max(0.0, min(_POLL_S, deadline - passed)))


def told(left):
    """A Left as the module returns it."""
    return {
        "sessions": left.count,
        "working": left.working,
        "protocols": left.protocols,
        "complete": left.complete,
    }


def _within(peer, nets):
    address = ipaddress.ip_address(peer.partition("%")[0])
    return any(address in one for one in nets)
