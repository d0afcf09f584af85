# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.ticket_read): what a ticket or an alert says, and which hosts it concerns."""

from __future__ import annotations

import ipaddress
import time
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _targets, _vantage
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import protocols
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import RuleError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._intake import affected, knowledge
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.understand import understand
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import (
    TICKET,
    Recording,
    RecordingError,
    new_run_id,
    report_directory,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import choose, payload, systems
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.event import symptom
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.read import Reading, read

display = Display()

_SPEC: dict[str, t.Any] = {
    "payload_file": {"type": "path"},
    "system": {"type": "str"},
    "report_dir": {"type": "str"},
    "vantage_points": {"type": "list", "elements": "str"},
    "rules_dirs": {"type": "list", "elements": "str", "default": []},
}
_MOST_SHOWN = 5


class ActionModule(ActionBase):
    """Read a ticket or an alert."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the hosts to look at, which are none when the event starts nothing, and with the event's file.

        No text of the event is in the answer: it would become a variable.
        """
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        task_vars = task_vars or {}
        reader = _hostvars.Reader(task_vars, self._templar)
        directories = [ROOT / "rules", *(Path(name) for name in options["rules_dirs"])]
        try:
            known = systems.load(directories)
            found = payload.find(task_vars, options["payload_file"])
            reading = read(task_vars, found, known, options["system"])
            statements = understand(symptom(reading.event), knowledge.load(directories))["statements"]
            mail_hosts = [_host(name, reader) for name in task_vars["ansible_play_hosts_all"]]
            choice = choose.hosts(reading.event, reading.named, statements, mail_hosts)
            points = _points(options["vantage_points"], task_vars, reader)
            near, inside = choose.points(reading.event, points)
            run_id = new_run_id(time.time())
            event = {
                **reading.event,
                "run": run_id,
                "hosts": choice.hosts,
                # Not from hostvars, which also have the localhost that no inventory tells of.
                "unknown_hosts": [name for name in choice.unknown if name not in task_vars["groups"]["all"]],
                "affected": _affected(reading.event, choice.named, inside, task_vars["hostvars"], points),
                "vantage_points": [_vantage.CONTROLLER, *near] if near and not options["vantage_points"] else [],
            }
            if reading.ignored is None:
                recording = Recording(report_directory(options["report_dir"], run_id, bool(self._task.check_mode)))
                recording.create()
                result.update(report_dir=str(recording.path), ticket_file=str(recording.write(TICKET, event)))
        except (
            payload.TicketError,
            protocols.UnknownRoleError,
            RecordingError,
            RuleError,
            _targets.TargetError,
        ) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        system = known.get(event["system"])
        _tell(reading, choice, event, system.title if system else event["system"])
        result.update(
            changed=False,
            hosts=[] if reading.ignored else choice.hosts,
            ignored=reading.ignored or "",
            system=event["system"],
            answers=bool(event["id"] and system and system.answer),
        )
        return result


def _host(name: str, reader: _hostvars.Reader) -> choose.Host:
    """A host as the inventory tells of it.

    :raises TargetError: naming the host whose C(mail_roles) is no list
    """
    variables = reader.read(name, ("ansible_host", "mail_site", "mail_roles"))
    return choose.Host(
        name=name,
        address=str(variables["ansible_host"] or ""),
        site=str(variables["mail_site"] or ""),
        roles=_targets.roles(name, variables["mail_roles"]),
    )


def _points(wanted: list[str] | None, task_vars: dict[str, t.Any], reader: _hostvars.Reader) -> list[choose.Point]:
    """The vantage points that are hosts.

    :raises TargetError: naming the option or the variable that cannot be used
    """
    found = []
    for name in _targets.points(wanted, task_vars, reader):
        if name == _vantage.CONTROLLER:
            continue
        variables = reader.read(name, ("mail_site", "mail_networks"))
        networks = variables["mail_networks"] or []
        if not isinstance(networks, list):
            raise _targets.TargetError(f"mail_networks of host '{name}' must be a list of networks")
        for network in networks:
            try:
                ipaddress.ip_network(str(network), strict=False)
            except ValueError as exc:
                raise _targets.TargetError(
                    f"mail_networks of host '{name}': '{clean(network, 60)}' is no network, such as 198.51.100.0/24"
                ) from exc
        found.append(choose.Point(name, str(variables["mail_site"] or ""), tuple(str(network) for network in networks)))
    return found


def _affected(
    event: dict[str, t.Any],
    named: list[str],
    inside: list[str],
    hosts: t.Container[str],
    points: list[choose.Point],
) -> list[str]:
    """Whom the event names, as C(triage_affected) takes it; nobody complains in an alert."""
    reporter = event["reporter"]["address"] if event["kind"] == "ticket" else ""
    names = {point.name for point in points}
    found = []
    for item in [*([reporter] if reporter else []), *named, *inside]:
        try:
            affected.affected([item], hosts, names)
        except affected.AffectedError:
            continue
        found.append(item)
    return found[:50]


def _tell(reading: Reading, choice: choose.Choice, event: dict[str, t.Any], title: str) -> None:
    """Say what was understood, in one line, and what could not be used."""
    name = clean(f"{event['kind'].capitalize()} {event['id']}".strip(), 120)
    if reading.ignored:
        display.display(f"{name} ({title}): nothing is diagnosed, {reading.ignored}")
        return
    if event["source"] != "variables" or event["id"]:
        count = f"{len(choice.hosts)} host{'' if len(choice.hosts) == 1 else 's'}"
        display.display(f"{name} ({title}): {count} to look at: {choice.why}")
    for note in reading.notes:
        display.warning(clean(f"{name}: {note}", 300))
    if choice.unknown:
        shown = ", ".join(clean(one, 100) for one in choice.unknown[:_MOST_SHOWN])
        more = f" and {len(choice.unknown) - _MOST_SHOWN} more" if len(choice.unknown) > _MOST_SHOWN else ""
        display.warning(f"{name} names no mail hosts of this play, which are left alone: {shown}{more}")
