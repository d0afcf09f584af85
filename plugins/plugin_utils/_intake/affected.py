# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is affected: users, addresses, hosts, vantage points or a word, as C(triage_affected) tells.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.knowledge import SCOPES
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.text import tidy

Document = dict[str, t.Any]

MOST_USERS = 20
"""Users that are looked at one by one; more of them are a department."""

NOBODY: Document = {"users": [], "addresses": [], "hosts": [], "segments": [], "words": []}

_MOST = 100
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=-]{0,63}\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")


class AffectedError(ValueError):
    """A C(triage_affected) that cannot be understood; the message names the item."""


def affected(value: t.Any, hosts: t.Container[str], points: t.Container[str]) -> Document:
    """Sort what was given.

    :param value: a text (items separated by commas or spaces), a list, or null
    :param hosts: names of the inventory
    :param points: names of the vantage points: the segments that can be looked from
    :returns: C(users), C(addresses), C(hosts), C(segments), C(words)
    :raises AffectedError: naming the item that is none of these
    """
    found: Document = {kind: list(nobody) for kind, nobody in NOBODY.items()}
    for item in _items(value):
        kind, name = _sort(item, hosts, points)
        if name not in found[kind]:
            found[kind].append(name)
    if len(found["users"]) > MOST_USERS:
        raise AffectedError(
            f"triage_affected names {len(found['users'])} users; name at most {MOST_USERS}, or say 'department'"
        )
    return found


def scope(told: Document) -> str | None:
    """The scope that the list itself claims: its widest word, or one user."""
    words: list[str] = told["words"]
    if words:
        return max(words, key=SCOPES.index)
    return "one" if len(told["users"]) == 1 and not told["addresses"] and not told["segments"] else None


def _items(value: t.Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        given: list[t.Any] = value[: 300 * _MOST].replace(",", " ").split()
    elif isinstance(value, (list, tuple)):
        given = list(value)
    else:
        raise AffectedError("triage_affected must be a text or a list")
    for item in given:
        if not isinstance(item, str):
            raise AffectedError("triage_affected must hold texts, nothing else")
    if len(given) > _MOST:
        raise AffectedError(f"triage_affected holds {len(given)} items; {_MOST} are the most")
    return [text for text in (tidy(item) for item in given) if text]


def _sort(item: str, hosts: t.Container[str], points: t.Container[str]) -> tuple[str, str]:
    if item.casefold() in SCOPES:
        return "words", item.casefold()
    if item in points:
        return "segments", item
    if item in hosts:
        return "hosts", item
    try:
        return "addresses", str(ipaddress.ip_network(item, strict=False) if "/" in item else ipaddress.ip_address(item))
    except ValueError:
        pass
    local, at, domain = item.partition("@")
    if _USER.match(local) and (not at or (_DOMAIN.match(domain) and ".." not in domain)):
        return "users", item
    raise AffectedError(
        f"triage_affected: '{clean(item, 60)}' is no user name or mail address, no IP address or network, no host of"
        f" the inventory, no vantage point, and none of the words {', '.join(SCOPES)}"
    )
