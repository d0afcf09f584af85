# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mended first on a host: space, then what others lean on, the MTA last.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]

_OTHERS = ("resolver", "database", "directory", "filter")
"""Roles of companions, those that the others lean on first."""
_MIDDLE = 4
_MDA, _MTA = 5, 6
"""Postfix asks Dovecot for logins and hands it the mail: started before Dovecot, it would have to be started again."""
_ACTIONS = {"purge_spool": -2, "contain_surge": -1, "escalate": 9}
"""Nothing starts on a full disk, and nothing settles in a storm. People are told when the rest has been tried."""


def rank(action: str, args: Document, services: Document | None) -> int:
    """The place of a remedy among those for the same host; the smaller comes first.

    :param services: the facts of that name: which unit has which role is theirs to know
    """
    if action != "restart_daemon":
        return _ACTIONS.get(action, _MIDDLE)
    return _ranks(services or {}).get(unit(args.get("service")), _MIDDLE)


def unit(name: t.Any) -> str:
    """The name of a unit in one spelling: C(opendkim) and C(opendkim.service) are the same."""
    return str(name or "").removesuffix(".service")


def _ranks(services: Document) -> dict[str, int]:
    found: dict[str, int] = {}
    for other in services.get("others") or []:
        places = [_OTHERS.index(role) for role in other.get("roles") or [] if role in _OTHERS]
        if places:
            for name in (other.get("unit"), other.get("product")):
                found[unit(name)] = min(places)
    for role, place in (("resolver", 0), ("mda", _MDA), ("mta", _MTA)):
        known = services.get(role) or {}
        for name in (known.get("unit"), known.get("product")):
            if name:
                found[unit(name)] = place
    return found
