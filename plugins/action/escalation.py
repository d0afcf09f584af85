# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.escalation): what a message about a finding says."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.mailops.triage.plugins.plugin_utils import _escalation
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import mapping
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import REPORT

_SPEC: dict[str, t.Any] = {
    "finding": {"type": "dict", "required": True},
    "host": {"type": "dict", "required": True},
    "report_dir": {"type": "path", "required": True},
    "relay": {"type": "str"},
}


class ActionModule(ActionBase):
    """Say what to tell whom."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the message; whatever stands in it is data, and stays data."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        name = str(variables.get("inventory_hostname", ""))
        hardware = self._hardware(variables)
        told = _escalation.message(name, options["finding"], options["host"], hardware, _run(options["report_dir"]))
        result.update(changed=False, message=told, relay=None, not_sent="")
        if options["relay"]:
            try:
                address, port = _escalation.relay(options["relay"])
            except ValueError as exc:
                raise AnsibleActionFail(str(exc)) from exc
            if {address.lower(), address.lower().split(".")[0]} & _sick(name, variables):
                result["not_sent"] = f"the message is not sent by {address}, because that is the host it is about"
            else:
                result["relay"] = {"host": address, "port": port}
        return result

    def _hardware(self, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the inventory tells of the host's hardware; the BMC's password is not even templated."""
        told = mapping(self._templar.template(variables.get("mail_hardware")) if _is_text(variables) else None) or (
            mapping(variables.get("mail_hardware"))
        )
        return {key: self._templar.template(told[key]) for key in _escalation.HARDWARE if told.get(key)}


def _sick(name: str, variables: dict[str, t.Any]) -> set[str]:
    """Names under which a relay would be the host itself."""
    facts = mapping(variables.get("ansible_facts"))
    names = {name, variables.get("ansible_host"), facts.get("fqdn"), facts.get("hostname")}
    return {one.lower() for one in names if isinstance(one, str)} | {name.lower().split(".")[0]}


def _is_text(variables: dict[str, t.Any]) -> bool:
    """Is the variable itself a template that has yet to become a mapping?"""
    return isinstance(variables.get("mail_hardware"), str)


def _run(folder: str) -> t.Mapping[str, t.Any]:
    """The run that a report tells of; an empty mapping where there is no report yet."""
    try:
        return mapping(mapping(json.loads((Path(folder) / REPORT).read_text(encoding="utf-8"))).get("run"))
    except (OSError, ValueError, RecursionError):
        return {}
