# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that clients meet, each with its processes, its accept queue, and who is connected to it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Nothing is judged here: processes are counted by service and connections by port, and rules need them side by side.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import protocols

Document = dict[str, t.Any]

_OF_DOVECOT = {"imap-login": ("imap", "imaps"), "pop3-login": ("pop3", "pop3s")}
_OF_POSTFIX = {"smtps": "submissions"}


def front(document: Document) -> list[Document] | None:
    """One record per service that listens for clients; None when nobody looked."""
    traffic = document["traffic"]
    if traffic is None:
        return None
    found = []
    for service in traffic["services"]:
        names = _protocols(service)
        if names:
            ports = [protocols.PORTS[name] for name in names]
            found.append(
                {**service, "protocols": list(names), **_waiting(document, ports), **_sessions(traffic, ports)}
            )
    return found


def _protocols(service: Document) -> tuple[str, ...]:
    name: str = service["name"]
    if service["role"] in ("smtpd", "postscreen"):
        # "smtp", "smtps", "587" or "192.0.2.1:25"
        name = name.rpartition(":")[2]
        known = {**_OF_POSTFIX, **{str(number): protocol for protocol, number in protocols.PORTS.items()}}
        name = known.get(name, name)
        return (name,) if name in protocols.PORTS else ()
    return _OF_DOVECOT.get(name, ())


def _waiting(document: Document, ports: list[int]) -> Document:
    """The fullest accept queue of these ports."""
    heard = [one for one in (document["listeners"] or {}).get("tcp", []) if one["port"] in ports]
    fullest = max(heard, key=lambda one: one["queued"], default={"queued": 0, "backlog": None})
    return {"queued": fullest["queued"], "backlog": fullest["backlog"]}


def _sessions(traffic: Document, ports: list[int]) -> Document:
    """The connections to these ports together."""
    here = [one for one in traffic["sessions"] or [] if one["port"] in ports]
    count = sum(one["count"] for one in here)
    served = sum(one["count"] - one["waiting"] for one in here)
    return {
        "sessions": count,
        "waiting": sum(one["waiting"] for one in here),
        "idle_share": _share(sum(one["idle"] or 0 for one in here), served),
        "stalled_share": _share(sum(one["stalled"] or 0 for one in here), served),
        "clients": sum(one["clients"] for one in here),
        "served_clients": sum(one["served_clients"] for one in here),
        "top_client": _first(here, "top_clients", count),
        "top_block": _first(here, "top_blocks", count),
    }


def _share(part: float, whole: float) -> float:
    return round(part / whole, 3) if whole else 0.0


def _first(here: list[Document], which: str, count: int) -> Document | None:
    counted: collections.Counter[str] = collections.Counter()
    for one in here:
        for entry in one[which]:
            counted[entry["name"]] += entry["count"]
    best = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:1]
    return next(({"name": name, "count": number, "share": _share(number, count)} for name, number in best), None)
