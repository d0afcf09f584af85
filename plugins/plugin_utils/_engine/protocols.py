# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which protocols a mail role speaks, and where.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._probe import options

# The login first: it decides what else can be seen.
PORTS: dict[str, int] = {"ssh": options.PORTS["ssh"], **options.PORTS}
"""Registered ports (IANA service names; C(sieve) is ManageSieve)."""

ROLES: dict[str, tuple[str, ...]] = {
    "mta": ("smtp",),
    "submission": ("submission", "submissions"),
    "imap": ("imap", "imaps"),
    "pop3": ("pop3", "pop3s"),
    "lmtp": ("lmtp",),
    "sieve": ("sieve",),
}
"""Ways into each role. A role is served when one of its ways works."""

DEFAULT_ROLES = ("mta", "submission", "imap", "pop3")
"""What is tried on a host whose C(mail_roles) the inventory does not tell."""

PROBED = ("ssh", "smtp", "submission", "imap", "imaps", "pop3")
"""What a sweep tries from outside: each role once, IMAP also over implicit TLS, which most clients use."""

SSH_TRANSPORTS = ("ssh", "paramiko", "paramiko_ssh", "libssh")
"""Ansible connections that log in by ssh; with another one a closed ssh port is nobody's trouble."""


class UnknownRoleError(ValueError):
    """The inventory gives a host a role that does not exist."""


def of_roles(roles: t.Iterable[str], host: str = "") -> list[str]:
    """Every protocol by which the roles may be reached.

    :raises UnknownRoleError: naming the host, the role and the roles that exist
    """
    found: list[str] = []
    for role in roles:
        if role not in ROLES:
            raise UnknownRoleError(
                f"mail_roles of host '{host}': '{role}' is no mail role; there are: {', '.join(ROLES)}"
            )
        found.extend(ROLES[role])
    return found


def partners(protocol: str) -> tuple[str, ...]:
    """The other ways into the same role."""
    for ways in ROLES.values():
        if protocol in ways:
            return tuple(way for way in ways if way != protocol)
    return ()
