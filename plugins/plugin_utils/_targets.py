# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is probed from where: the same for a diagnosis, for the proof of a remedy and for a watch.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _vantage
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import protocols

Document = dict[str, t.Any]

OPTIONS: Document = {
    "vantage_points": {"type": "list", "elements": "str"},
    "account": {
        "type": "dict",
        "options": {
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
    "timeout": {"type": "float", "default": 3.0},
    "deadline": {"type": "float", "default": 15.0},
}
"""What every action that probes may be told: where from, as whom, and how patiently (seconds)."""
_HOST_VARIABLES = ("ansible_host", "ansible_port", "mail_roles")


class TargetError(ValueError):
    """The inventory or the caller names something that cannot be probed, or cannot probe."""


def points(wanted: list[str] | None, task_vars: Document, reader: _hostvars.Reader) -> dict[str, Document]:
    """The vantage points by name, each with its connection variables.

    :param wanted: those asked for; without any the controller and the group C(vantage_points)
    :raises TargetError: naming the option and the host that does not exist
    """
    names = wanted or [_vantage.CONTROLLER, *task_vars.get("groups", {}).get("vantage_points", [])]
    known = task_vars["hostvars"]
    for name in names:
        if name != _vantage.CONTROLLER and name not in known:
            raise TargetError(
                f"triage_vantage_points: '{name}' is neither '{_vantage.CONTROLLER}' nor a host of the inventory"
            )
    return {name: {} if name == _vantage.CONTROLLER else reader.connection(name) for name in names}


def roles(host: str, given: t.Any) -> tuple[str, ...]:
    """The roles of a host; those of DEFAULT_ROLES where the inventory does not tell.

    :param given: its C(mail_roles)
    :raises TargetError: naming the host whose C(mail_roles) is no list
    """
    if given is None:
        return protocols.DEFAULT_ROLES
    if not isinstance(given, list) or not all(isinstance(role, str) for role in given):
        raise TargetError(f"mail_roles of host '{host}' must be a list of roles, such as [mta, imap]")
    return tuple(given)


def target(host: str, reader: _hostvars.Reader) -> Document:
    """One host as the prober wants it.

    :raises TargetError: naming the host whose C(mail_roles) is no list
    :raises UnknownRoleError: naming the host and the role that does not exist
    """
    variables = reader.read(host, _HOST_VARIABLES)
    spoken = protocols.of_roles(roles(host, variables["mail_roles"]), host)
    ports = {name: protocols.PORTS[name] for name in ("ssh", *spoken) if name in protocols.PROBED}
    ports["ssh"] = int(variables["ansible_port"] or ports["ssh"])
    return {
        "name": host,
        "address": variables["ansible_host"] or host,
        "services": [{"protocol": name, "port": port} for name, port in ports.items()],
    }
