# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not work, seen from outside and from inside: the things that a diagnosis has to explain.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The id of a symptom is C(protocol.where.outcome), for example C(imap.remote.timeout): C(remote) when every
vantage point that looked sees it, C(segment) when only some do, C(local) when the host itself sees it over
loopback.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import protocols

Document = dict[str, t.Any]


def symptoms(document: Document) -> list[Document]:
    """Derive the symptoms from the ports of a host document, in the order of the ports."""
    found = []
    for port in document["ports"]:
        if not port["expected"]:
            continue
        if port["remote"] not in (None, "ok") and not served_otherwise(port, document, "remote"):
            where = "remote" if port["everywhere"] else "segment"
            found.append(_symptom(port, where, port["remote"], port["remote_rung"], port["failed_from"]))
        if port["local"] not in (None, "ok") and not served_otherwise(port, document, "local"):
            found.append(_symptom(port, "local", port["local"], port["local_rung"], ["loopback"]))
    return found


def served_otherwise(port: Document, document: Document, side: str) -> bool:
    """A closed port is no symptom when nothing is meant to listen there and the role has another way that works."""
    if port[side] != "refused" or port["listening"]:
        return False
    ways = (port["protocol"], *protocols.partners(port["protocol"]))
    return any(
        other[side] == "ok"
        for other in document["ports"]
        if other["protocol"] in ways and (other["protocol"], other["family"]) != (port["protocol"], port["family"])
    )


def _symptom(port: Document, where: str, outcome: str, rung: str, seen_from: list[str]) -> Document:
    return {
        "id": f"{port['protocol']}.{where}.{outcome}",
        "protocol": port["protocol"],
        "family": port["family"],
        "where": where,
        "outcome": outcome,
        "rung": rung,
        "code": port["code"],
        "text": port["text"],
        "from_": seen_from,
    }
