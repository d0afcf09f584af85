# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a night will install on a host: the versions that were there when it was planned, and no others.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What a canary has proved must be what the others get, whatever the archive publishes meanwhile.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

Document = dict[str, t.Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:-]{0,199}$", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:~^-]{0,199}$", re.ASCII)
_MOST = 2000


def freeze(answer: Document) -> Document:
    """From what a host listed to what the plan keeps of it.

    :param answer: of the module C(package_update) with O(state=listed)
    :returns: C(packages) by name with C(to), C(from) (null for one that comes new), C(security), C(mail_path) and
        C(daemon); C(left): what is pending and stays, with the reason; C(restarts), C(reboot), C(half_configured),
        C(room)
    """
    packages: dict[str, Document] = {}
    left = []
    entries = _entries(answer.get("pending"))
    for one in entries[:_MOST]:
        name, to, since = str(one.get("package")), str(one.get("candidate")), one.get("installed")
        if not _NAME.match(name) or not _VERSION.match(to) or since and not _VERSION.match(str(since)):
            left.append({"package": clean(name, 80), "why": "its name or version is none that a package can have"})
        elif one.get("held"):
            left.append({"package": name, "why": "it is on hold on the host"})
        else:
            packages[name] = {
                "from": str(since) if since else None,
                "to": to,
                "security": bool(one.get("security")),
                "mail_path": bool(one.get("mail_path")),
                "daemon": clean(one["daemon"], 40) if one.get("daemon") else None,
                "origin": clean(one.get("origin") or "", 80),
            }
    told = answer.get("pending_more")
    more = max(0, len(entries) - _MOST) + (max(0, told) if isinstance(told, int) else 0)
    if more:
        left.append(
            {"package": f"{more} more packages", "why": "so many at once are not taken; the next night has them"}
        )
    room = answer.get("room")
    return {
        "packages": packages,
        "left": left,
        "restarts": units(answer.get("restarts")),
        "reboot": reboot(answer.get("reboot")),
        "half_configured": names(answer.get("half_configured")),
        "room": room if isinstance(room, dict) else {},
    }


def only(packages: Document) -> dict[str, str]:
    """The frozen versions, as the module wants them."""
    return {name: one["to"] for name, one in packages.items()}


def back(packages: Document) -> dict[str, str]:
    """The versions to go back to; what came new is not taken away again."""
    return {name: one["from"] for name, one in packages.items() if one["from"]}


def units(value: t.Any) -> list[str]:
    """Names of units as systemd has them, each once, in their order."""
    found = [str(one.get("unit") if isinstance(one, dict) else one) for one in _list(value)]
    return list(dict.fromkeys(name for name in found if re.match(r"[A-Za-z0-9:_.\\@-]{1,200}$", name, re.ASCII)))


def reboot(value: t.Any) -> Document:
    """C(required), C(advised) and C(why) of a host's answer."""
    told = value if isinstance(value, dict) else {}
    advised = told.get("advised")
    return {
        "required": bool(told.get("required")),
        "why": names(told.get("why")),
        "advised": names(advised) if isinstance(advised, (list, tuple, str)) else [],
    }


def names(value: t.Any) -> list[str]:
    """A short list of short texts, whatever the host said."""
    return [
        clean(one.get("package") or one.get("path") or "?" if isinstance(one, dict) else one, 160)
        for one in _list(value)[:40]
    ]


def work(frozen: Document) -> str:
    """What there is to do on a host, in a few words; empty when there is nothing."""
    parts = []
    if frozen["packages"]:
        parts.append(f"packages: {len(frozen['packages'])}")
    if frozen["half_configured"]:
        parts.append(f"half done: {', '.join(frozen['half_configured'][:5])}")
    if frozen["restarts"]:
        parts.append(f"restarts: {', '.join(frozen['restarts'][:5])}")
    if frozen["reboot"]["required"]:
        parts.append("a reboot")
    return ", ".join(parts)


def _list(value: t.Any) -> list[t.Any]:
    if isinstance(value, str):
        return [value] if value else []
    return list(value) if isinstance(value, (list, tuple)) else []


def _entries(value: t.Any) -> list[Document]:
    return [one for one in _list(value) if isinstance(one, dict)]
