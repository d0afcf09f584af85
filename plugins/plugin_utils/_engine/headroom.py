# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a host is from each of its limits, the nearest first: what to enlarge when more mail comes.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]


def headroom(document: Document) -> list[Document] | None:
    """One record per limit that is known, the fullest first; None when nothing of the inside is known.

    :param document: the fact subsets of the host
    """
    parts = [document[name] for name in ("traffic", "load", "memory", "disk", "queue")]
    if all(part is None for part in parts):
        return None
    found = [*_processes(document["traffic"]), *_machine(document), *_space(document["disk"])]
    queue = document["queue"]
    if queue and queue.get("active_limit"):
        found.append(_limit("active queue", queue["counts"]["active"], queue["active_limit"]))
    return sorted(found, key=lambda record: (-record["percent"], record["what"]))


def _processes(traffic: Document | None) -> list[Document]:
    return [
        _limit(f"processes of {service['daemon']}/{service['name']}", service["count"], service["limit"])
        for service in (traffic or {}).get("services", [])
        if service["share"] is not None
    ]


def _machine(document: Document) -> list[Document]:
    found = []
    load, memory = document["load"], document["memory"]
    if load and load["load1"] is not None and load["cpus"]:
        found.append(_limit("processors (load)", load["load1"], load["cpus"]))
    if memory and memory.get("available_percent") is not None:
        found.append(_limit("memory (percent in use)", round(100 - memory["available_percent"], 1), 100))
    return found


def _space(disk: Document | None) -> list[Document]:
    """The file systems that mail lies on; what Postfix keeps free does not count as room."""
    found = []
    for system in (disk or {}).get("filesystems", []):
        if system["holds_mail"] and system["total_bytes"] and system["available_bytes"] is not None:
            usable = system["total_bytes"] - (system.get("floor_bytes") or 0)
            used = system["total_bytes"] - system["available_bytes"]
            if usable > 0:
                found.append(_limit(f"space on {system['mount']} (MiB)", used // (1 << 20), usable // (1 << 20)))
    return found


def _limit(what: str, used: float, limit: float) -> Document:
    percent = round(100 * used / limit, 1) if limit else 100.0
    return {"what": what, "used": used, "limit": limit, "percent": percent, "says": f"{what}: {used:g} of {limit:g}"}
