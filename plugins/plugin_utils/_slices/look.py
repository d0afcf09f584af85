# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no part could see from a vantage point, because it was not in its slice, is looked at when the parts are merged.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

AWX deals out all hosts of an inventory, the vantage points among them: each is at the disposal of one slice only. And
each slice has a controller of its own, which may be cut off by itself. Whoever merges has the whole inventory, and
another network.
"""

from __future__ import annotations

import typing as t

from ansible.playbook.play_context import PlayContext

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _targets, _vantage
from ansible_collections.mailops.triage.plugins.plugin_utils._slices.parts import Part

Document = dict[str, t.Any]

_SILENT = ("timeout", "filtered", "skipped")


def deaf(parts: list[Part]) -> dict[str, set[str]]:
    """Machines from which nothing answered while others of the run had answers, each with the hosts it was to look at.

    :returns: by the name of the machine; one host alone says nothing of the way to it
    """
    heard: dict[str, bool] = {}
    hosts: dict[str, set[str]] = {}
    for part in parts:
        views = part.vantages.get(_vantage.CONTROLLER, {}).get("hosts", {})
        tried = {name: view for name, view in views.items() if name in part.hosts and view.get("services")}
        answers = any(service["outcome"] not in _SILENT for view in tried.values() for service in view["services"])
        heard[part.node] = heard.get(part.node, False) or answers
        hosts.setdefault(part.node, set()).update(tried)
    if not any(heard.values()):
        return {}
    return {node: mine for node, mine in hosts.items() if not heard[node] and len(mine) >= 2}


def gaps(
    vantages: Document, points: t.Iterable[str], hosts: t.Iterable[str], doubtful: set[str]
) -> dict[str, set[str]]:
    """For each vantage point the hosts that it has not looked at; none for one that was tried and could not help.

    :param vantages: what was seen, by vantage point
    :param hosts: those that the inventory knows
    :param doubtful: hosts that the controller shall look at once more
    """
    found = {}
    for name in points:
        seen = vantages.get(name, {})
        missing = set() if "error" in seen else set(hosts) - set(seen.get("hosts", {}))
        if name == _vantage.CONTROLLER:
            missing |= doubtful & set(hosts)
        if missing:
            found[name] = missing
    return found


def fill(
    vantages: Document,
    points: dict[str, Document],
    missing: dict[str, set[str]],
    options: Document,
    reader: _hostvars.Reader,
    context: PlayContext,
) -> list[str]:
    """Look at what is missing, and put it into what was seen.

    :param points: connection variables of each vantage point
    :param missing: as C(gaps) tells
    :param options: of the probe
    :returns: what a reader of the report should know of it
    :raises TargetError: when the inventory names something that cannot be probed
    :raises UnknownRoleError: when it gives a host a role that does not exist
    """
    if not missing:
        return []
    wanted = sorted(set().union(*missing.values()))
    targets = [_targets.target(host, reader) for host in wanted]
    seen = _vantage.from_everywhere({name: points[name] for name in missing}, targets, options, context)
    notes = []
    for name, view in seen.items():
        if "error" in view:
            vantages.setdefault(name, view)
            notes.append(f"vantage point '{clean(name, 60)}' could not help to fill gaps ({clean(view['error'], 200)})")
            continue
        mine = vantages.setdefault(name, {**view, "hosts": {}})
        mine["hosts"].update({host: view["hosts"][host] for host in missing[name] if host in view["hosts"]})
        notes.append(
            f"vantage point '{clean(name, 60)}' looked at {len(missing[name])} hosts when the parts were merged:"
            " no part had seen them from there"
        )
    return notes
