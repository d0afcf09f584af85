# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the hosts come, and which at the same time: pure logic.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

First the canaries: for each role that more than one host has, one of them. Then the rest, and never two members of one
redundancy group in the same batch.
"""

from __future__ import annotations

import typing as t

CANARY = "canary"


class Host(t.NamedTuple):
    """What is known of a host here.

    name: of the inventory; groups: its redundancy groups; roles: its mail roles
    """

    name: str
    groups: frozenset[str]
    roles: frozenset[str]


class Batch(t.NamedTuple):
    """Hosts that are worked at together. name: C(canary), or C(batch) with its number."""

    name: str
    hosts: tuple[str, ...]


def make(everybody: t.Sequence[Host], working: t.Collection[str], at_once: str | int = "25%") -> list[Batch]:
    """The batches.

    :param everybody: all hosts of the fleet, also those about which nothing is to be done
    :param working: names of those about which something is
    :param at_once: how many hosts a batch may have after the canaries: a number, or a share of those that have work
    :raises ValueError: when that is neither
    """
    todo = [host for host in everybody if host.name in working]
    most = _most(at_once, len(todo))
    chosen = _canaries(everybody, todo)
    if not chosen and todo:
        # Everybody is alone in each of its roles: then one goes ahead of the others all the same.
        chosen = todo[:1]
    batches = [Batch(CANARY, part) for part in _apart(chosen, len(chosen) or 1)]
    rest = [host for host in todo if host not in chosen]
    batches += [Batch(f"batch {number}", part) for number, part in enumerate(_apart(rest, most), 1)]
    return batches


def _canaries(everybody: t.Sequence[Host], todo: t.Sequence[Host]) -> list[Host]:
    """As few hosts as stand for all roles that are not lost with one host; not the last of any role, if possible."""
    count: dict[str, int] = {}
    for host in everybody:
        for role in host.roles:
            count[role] = count.get(role, 0) + 1
    alone = {role for role, number in count.items() if number == 1}
    open_roles = {role for host in todo for role in host.roles if count[role] > 1}
    chosen: list[Host] = []
    while open_roles:
        fit = [host for host in todo if host.roles & open_roles]
        # Nobody's only host first, then whoever stands for most, then the order of the inventory.
        best = min(fit, key=lambda host: (bool(host.roles & alone), not host.groups, -len(host.roles & open_roles)))
        chosen.append(best)
        open_roles -= best.roles
    return chosen


def _apart(hosts: t.Sequence[Host], most: int) -> list[tuple[str, ...]]:
    """Parts of at most so many hosts, no two of one group in the same."""
    parts: list[list[Host]] = []
    for host in hosts:
        for part in parts:
            if len(part) < most and not any(host.groups & other.groups for other in part):
                part.append(host)
                break
        else:
            parts.append([host])
    return [tuple(host.name for host in part) for part in parts]


def _most(at_once: str | int, number: int) -> int:
    text = str(at_once).strip()
    share = text.endswith("%")
    digits = text[:-1].strip() if share else text
    if not digits.isascii() or not digits.isdecimal() or int(digits) < 1:
        raise ValueError(f"at_once is '{text[:40]}': give a number of hosts, or a share such as 25%")
    return max(1, number * int(digits) // 100) if share else int(digits)
