# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measure is chosen by: who is connected to which port, who is at the limit, how much memory is left.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ipaddress
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    dovecot,
    memory,
    postfix,
    procfs,
    sessions,
    traffic,
)

# services: records of the fact subset traffic; sessions: list of sessions.Session; available: bytes of memory, or None;
# login_bytes: what a login process takes; per_user: Dovecot's mail_max_userip_connections; queue: the queue directory
Look = namedtuple("Look", "services sessions available login_bytes per_user queue")

PORTS = {
    "smtp": (25,),
    "submission": (465, 587),
    # Where passwords are asked for.
    "login": (110, 143, 465, 587, 993, 995, 4190),
    "mail": (25, 110, 143, 465, 587, 993, 995, 4190),
}
WORDS = {"smtp": "SMTP", "submission": "submission", "login": "all ports with a login", "mail": "all mail ports"}
LOGIN_PORTS = {"imap-login": (143, 993), "pop3-login": (110, 995), "imap": (143, 993), "pop3": (110, 995)}
_SMTP, _SUBMISSION = ("smtp", "smtpd", "postscreen", "25"), ("submission", "submissions", "smtps", "587", "465")
_LOGIN = ("imap", "imaps", "imap-login", "pop3", "pop3s", "pop3-login", "dovecot", "managesieve-login", "sieve")
_BUDGET_S, _LATE_S = 10.0, 5.0
_LEAST_LOGIN_BYTES = 12 << 20
"""A login process and the session behind it."""


def take():
    """Look at this host; a part that cannot be seen is empty."""
    context = shared.Context({"time_budget": _BUDGET_S})
    services = _seen(lambda: traffic.collect(context)["services"], [])
    found = _seen(lambda: sessions.ask_kernel()[0], [])
    told = memory.summary(memory.parse_meminfo(procfs.try_text("/proc/meminfo", 1 << 16)))
    # On an overloaded host the first look may use up all the time: these few have some of their own.
    late = context if context.left() >= _LATE_S else shared.Context({"time_budget": _LATE_S})
    settings = _seen(lambda: dovecot.parse_settings(dovecot.text(late)), {})
    per_user = settings.get("mail_max_userip_connections", "")
    return Look(
        services,
        found,
        told["available_bytes"],
        max(_LEAST_LOGIN_BYTES, _seen(lambda: _largest_login(late), 0)),
        int(per_user) if per_user.isdigit() else 10,
        _seen(lambda: postfix.value(late, "queue_directory"), "") or "/var/spool/postfix",
    )


def _seen(ask, otherwise):
    """What a look gives, or something else where it cannot be taken in time."""
    try:
        return ask()
    except (OSError, ValueError, KeyError, shared.OutOfTime):
        return otherwise


def group(service):
    """The ports that a service stands for, by the name of their group in PORTS."""
    name = service.rpartition(":")[2]
    for known, answer in ((_SMTP, "smtp"), (_SUBMISSION, "submission"), (_LOGIN, "login")):
        if name in known:
            return answer
    return "mail"


def by_client(look, ports, network=None):
    """How many sessions each client has at some ports, as a dict; those of a network alone when there is one."""
    found: dict = {}
    for session in look.sessions:
        if session.port not in ports:
            continue
        if network is not None and ipaddress.ip_address(session.peer) not in network:
            continue
        found[session.peer] = found.get(session.peer, 0) + 1
    return found


def limit(look, service):
    """The most processes of a Postfix service, or None."""
    name = service.rpartition(":")[2]
    for record in look.services:
        if record["daemon"] == "postfix" and record["name"].rpartition(":")[2] == name:
            return record["limit"]
    return None


def _largest_login(context):
    sizes = [
        record.rss_bytes
        for record in context.shared(shared.processes).values()
        if record.name in ("imap-login", "pop3-login", "imap", "pop3")
    ]
    return max(sizes or [0])
