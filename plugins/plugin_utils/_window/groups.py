# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is worked at when: never two members of one redundancy group at once.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

Neighbours = dict[str, frozenset[str]]


def neighbours(hosts: Iterable[str], groups: Mapping[str, Iterable[str]]) -> Neighbours:
    """For each host those that have to serve while it is worked at, so that they are not worked at themselves."""
    known = set(hosts)
    found: dict[str, set[str]] = {host: set() for host in known}
    for members in groups.values():
        here = known & set(members)
        for host in here:
            found[host] |= here - {host}
    return {host: frozenset(others) for host, others in found.items()}


def rounds(groups: Mapping[str, Iterable[str]], hosts: Iterable[str]) -> int:
    """Into how many slots, one after the other, the night is divided at least."""
    known = set(hosts)
    return max([1, *(len(known & set(members)) for members in groups.values())])


def assign(
    order: Sequence[str],
    near: Neighbours,
    number: int,
    cost: Callable[[str, int], float],
    first: frozenset[str] = frozenset(),
) -> dict[str, int] | None:
    """Give each host a slot.

    :param order: hosts, the busiest first: it gets the slot that is best for it
    :param number: of slots
    :param cost: of a host in a slot
    :param first: hosts that others do not lean on, such as a backup MX: they go first, as what is learnt from them
        helps the others
    :returns: slot from 0 by host; None when some group does not fit into so few slots
    """
    slots: dict[str, int] = {}
    for host in [*(host for host in order if host in first), *(host for host in order if host not in first)]:
        taken = {slots[other] for other in near[host] if other in slots}
        free = [slot for slot in range(number) if slot not in taken]
        if not free:
            return None
        slots[host] = free[0] if host in first else min(free, key=lambda slot: (cost(host, slot), slot))
    return slots
