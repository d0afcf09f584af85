# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(loopback): the mail protocols tried from inside, over 127.0.0.1 and ::1.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import sockets

PROTOCOLS = {
    25: "smtp",
    587: "submission",
    465: "submissions",
    143: "imap",
    993: "imaps",
    110: "pop3",
    995: "pop3s",
    4190: "sieve",
    22: "ssh",
}
_ANY = ("0.0.0.0", "::", "::ffff:0.0.0.0")
# A rung that takes longer than this is broken for a user, too.
_RUNG_TIMEOUT_S = 5.0
_DEADLINE_S = 12.0


def plan(listeners, wanted_protocols=None):
    """Which services to try at which loopback address.

    Each dialogue costs the host a process or two, so what is known to answer to others need not be tried here.

    :param listeners: list of sockets.Listener
    :param wanted_protocols: just these, tried over 127.0.0.1 whether or not anybody listens; None means all that listen
    :returns: list of targets for the sweep
    """
    wanted = {"127.0.0.1": {}, "::1": {}}
    for listener in listeners:
        if listener.port not in PROTOCOLS:
            continue
        if wanted_protocols is not None and PROTOCOLS[listener.port] not in wanted_protocols:
            continue
        if listener.address in _ANY or sockets.is_loopback(listener.address):
            if listener.family == "ipv4" or listener.address in _ANY and not _has(listeners, listener):
                wanted["127.0.0.1"][PROTOCOLS[listener.port]] = listener.port
            if listener.address in ("::", "::1"):
                wanted["::1"][PROTOCOLS[listener.port]] = listener.port
    ports = {protocol: port for port, protocol in PROTOCOLS.items()}
    ports["lmtp"] = 24
    for protocol in wanted_protocols or ():
        if protocol in ports:
            wanted["127.0.0.1"].setdefault(protocol, ports[protocol])
    return [
        {
            "name": address,
            "address": address,
            "services": [{"protocol": protocol, "port": port} for protocol, port in sorted(found.items())],
        }
        for address, found in sorted(wanted.items())
        if found
    ]


def _has(listeners, listener):
    """True when a socket of IPv4's own serves the port, so that the IPv6 one need not."""
    return any(other.family == "ipv4" and other.port == listener.port for other in listeners)


def collect(context):
    """The C(loopback) part of the document: one probe result in the shape of a sweep's C(hosts) entry."""
    targets = plan(context.shared(sockets.listening), context.options["services"])
    merged = {
        "resolve": {
            "outcome": "skipped",
            "addresses": [target["address"] for target in targets],
            "text": "",
            "ms": None,
        },
        "ping": {"outcome": "skipped", "sent": 0, "received": 0, "loss_percent": None, "rtt_ms": None, "text": ""},
        "neighbour": "none",
        "services": [],
    }
    if not targets:
        return merged
    # Compiling the probe and loading TLS takes as long as all the rest: only where something is to be tried.
    from ansible_collections.mailops.triage.plugins.module_utils._probe.sweep import sweep

    limit = max(1.0, min(_DEADLINE_S, context.left() - 0.5))
    began = time.monotonic()
    options = {"ping": False, "timeout": min(_RUNG_TIMEOUT_S, limit), "deadline": limit, "vantage": "loopback"}
    found = sweep(targets, options)
    for target in targets:
        merged["services"] += found["hosts"][target["name"]]["services"]
    if time.monotonic() - began > limit:
        context.note("loopback", "cut after %.0f s" % limit)
    return merged
