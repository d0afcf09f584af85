# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sweep hands to its ladders: one job each, and one setup for all.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import base64
import ipaddress
import resource

from ansible_collections.mailops.triage.plugins.module_utils._probe.resolve import FAMILIES, socket_address
from ansible_collections.mailops.triage.plugins.module_utils._probe.tls import make_context

# Once a server has shown the first line of its greeting, it may take this long for the last (postscreen: 6 s).
GREET_SECONDS = 8.0
# Descriptors left to the rest of the process.
_RESERVE = 64


class Job:
    """One service to probe."""

    __slots__ = (
        "host",
        "order",
        "protocol",
        "port",
        "family",
        "af",
        "address",
        "sockaddr",
        "server_name",
        "loopback",
        "spare",
    )

    def __init__(self, host: str, order: int, protocol: str, port: int, family: str, address: str, server_name, spare):
        self.host = host
        self.order = order
        self.protocol = protocol
        self.port = port
        self.family = family
        self.af = FAMILIES[family]
        self.address = address
        self.sockaddr = socket_address(family, address, port)
        self.server_name = server_name
        self.loopback = ipaddress.ip_address(self.sockaddr[0]).is_loopback
        # The name has an address of another family as well.
        self.spare = spare


class Setup:
    """What all ladders of a sweep share."""

    def __init__(self, options: dict):
        self.timeout = options["timeout"]
        self.greet_seconds = max(GREET_SECONDS, self.timeout)
        self.context = make_context()
        self.certificates = {}
        self.helo = options["helo"].encode("ascii") if options["helo"] else None
        self.sender = options["sender"].encode("ascii")
        self.recipient = options["recipient"].encode("ascii")
        self.account = None
        self.secrets = []
        if options["account"] is not None:
            user, password = (options["account"][key].encode("utf-8") for key in ("user", "password"))
            self.account = (user, password)
            # In every form in which it is sent, since a server may repeat what it was told. Longest first.
            quoted = password.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            forms = {base64.b64encode(b"\0" + user + b"\0" + password), quoted, password, user}
            self.secrets = sorted(forms, key=len, reverse=True)


def descriptor_limit() -> tuple:
    """Raise the soft limit of open files to the hard one: (ladders that fit, limits as they were)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    now = soft
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or soft < hard):
        wanted = 65536 if hard == resource.RLIM_INFINITY else hard
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            now = wanted
        except (OSError, ValueError):
            # Not permitted after all: go on with what there is.
            pass
    if now == resource.RLIM_INFINITY:
        now = 65536
    return max(8, min(now, 65536) - _RESERVE), (soft, hard)
