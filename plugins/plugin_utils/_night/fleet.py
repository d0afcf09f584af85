# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a night: which hosts, in which batches, with which versions; and a night that is taken up again.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import protocols
from ansible_collections.mailops.triage.plugins.plugin_utils._night import batches, frozen, ledger
from ansible_collections.mailops.triage.plugins.plugin_utils._slices import awx

Document = dict[str, t.Any]

OLDEST_S = 24 * 3600.0
"""What was frozen longer ago is not gone on with: by then the archive holds other versions."""


class NightError(ValueError):
    """A night that cannot be begun like this."""


def sliced(variables: t.Mapping[str, t.Any]) -> str:
    """Why this run must not patch a fleet, or an empty text: as a slice of an AWX job it sees only a part of it."""
    why = awx.a_slice(variables)
    if not why:
        return ""
    return (
        f"this job sees only a slice of its inventory ({why}), and would think that its hosts are the whole fleet: "
        "members of one redundancy group could be patched at the same time, and no slice would know that another one "
        "has stopped. Set 'Job slicing' of the job template to 1 and start it again; a workflow must not bear the "
        "name of the job template"
    )


def new(name: str, now: float, hosts: t.Sequence[str], known: t.Mapping[str, Document], settings: Document) -> Document:
    """A night that has not been planned yet.

    :param known: C(groups) and C(roles) of each host of the inventory that may matter
    """
    return {
        "id": name,
        "made": round(now, 3),
        "state": "begun",
        "stopped": None,
        "held_up": None,
        "ended": None,
        "settings": settings,
        "runner": None,
        "runs": [],
        "groups": groups(hosts, known),
        "batches": [],
        "hosts": {host: _host(known[host]) for host in hosts},
    }


def grouped(known: t.Mapping[str, Document], more: t.Mapping[str, t.Any]) -> dict[str, Document]:
    """What is known of hosts, with the groups of a mapping added to those of the inventory.

    :param known: C(groups) of each host, among others
    :param more: members of further groups by name, such as C(patch_window_groups); of the same name is the same group
    :raises NightError: where a group is no list of names
    """
    for name, members in more.items():
        if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
            raise NightError(f"groups: '{clean(name, 80)}' must be a list of names of hosts")
    found = {}
    for host, one in known.items():
        further = sorted(str(name) for name, members in more.items() if host in members)
        found[host] = {**one, "groups": list(dict.fromkeys([*one["groups"], *further]))}
    return found


def neighbours(night: Document, name: str) -> list[list[str]]:
    """The other members of each group that a host is in, also those that are no part of the play."""
    there = night["hosts"][name]["groups"]
    return [[other for other in night["groups"][group] if other != name] for group in there]


def groups(hosts: t.Iterable[str], known: t.Mapping[str, Document]) -> dict[str, list[str]]:
    """The members of each redundancy group of these hosts, also those that are no part of the play."""
    wanted = {name for host in hosts for name in known[host]["groups"]}
    return {name: sorted(host for host, one in known.items() if name in one["groups"]) for name in sorted(wanted)}


def hold(night: Document, held: t.Collection[str]) -> None:
    """Keep away from hosts that nothing was done to yet; who is half-way is brought to an end. Changes the ledger.

    :param held: hosts that the rules of the window keep away from; who is no host of the night does not matter
    """
    for name, host in night["hosts"].items():
        if name in held and host["state"] == "planned":
            _close(host, "left", "held", "it is held back by the rules of the window (hold_hosts)")


def plan(night: Document, held: t.Collection[str], at_once: str | int) -> None:
    """Decide for each host what becomes of it, and put the batches together; changes the ledger in place.

    :param held: hosts that the rules of the window keep away from
    :raises NightError: when at_once makes no sense
    """
    hold(night, held)
    for host in night["hosts"].values():
        if host["state"] == "planned" and not frozen.work(host["frozen"]):
            _close(host, "nothing", "", "nothing is pending")
    working = [name for name, host in night["hosts"].items() if host["state"] == "planned"]
    everybody = [
        batches.Host(name, frozenset(host["groups"]), frozenset(host["roles"])) for name, host in night["hosts"].items()
    ]
    try:
        made = batches.make(everybody, working, at_once)
    except ValueError as exc:
        raise NightError(str(exc)) from exc
    night["batches"] = [{"name": one.name, "hosts": list(one.hosts), "began": None, "ended": None} for one in made]
    night["state"] = "planned"


def resumable(night: Document, hosts: t.Sequence[str], now: float) -> str:
    """Why an interrupted night is not gone on with, or an empty text."""
    if now - night["made"] > OLDEST_S:
        return "it was planned more than a day ago"
    more = sorted(set(hosts) - set(night["hosts"]))
    if more:
        return f"it was planned without {', '.join(more[:5])}"
    return ""


def roles(value: t.Any) -> list[str]:
    """The mail roles of a host; without any, those that a mail host has by default."""
    return [str(one) for one in value] if isinstance(value, list) and value else list(protocols.DEFAULT_ROLES)


def told(night: Document) -> dict[str, Document]:
    """For each host what the tasks need: frozen versions, and the way back."""
    return {
        name: {
            "only": frozen.only(host["frozen"]["packages"]),
            "back": frozen.back(host["frozen"]["packages"]),
            # Nothing frozen means nothing new, not everything.
            "exclude": night["settings"].get("exclude", []) if host["frozen"]["packages"] else ["*"],
            "state": host["state"],
        }
        for name, host in night["hosts"].items()
        if host["frozen"] and host["state"] in ledger.OPEN
    }


def _host(known: Document) -> Document:
    return {
        "groups": known["groups"],
        "roles": known["roles"],
        "state": "planned",
        "code": "",
        "why": "",
        "frozen": None,
        "steps": [],
        "packages": [],
        "went_back": [],
        "outcome": None,
        "before": None,
        "after": None,
        "judged": None,
        "again": None,
    }


def _close(host: Document, state: str, code: str, why: str) -> None:
    host.update(state=state, code=code, why=why)
