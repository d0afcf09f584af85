# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.explain): why the hosts of a report were judged as they were."""

from __future__ import annotations

import copy
import shutil
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _screen
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import InventoryError, diagnose
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.explain import explain
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html, terminal_why
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import PAGE, Recording, RecordingError

display = Display()

_MOST = 100
"""Hosts that are explained when none are named."""

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "str", "required": True},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "rule": {"type": "str"},
    "rules_dirs": {"type": "list", "elements": "str", "default": []},
    "discard": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Explain a report."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the hosts that were explained and with where the page lies."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        recording = Recording(options["report_dir"])
        directories = [schema.ROOT / "rules", *(Path(name) for name in options["rules_dirs"])]
        try:
            known = rules.load(directories, {"host": schema.host(), "fleet": schema.fleet()})
            seen = recording.load()
            report = diagnose(*copy.deepcopy(seen), known)
            report["run"]["report_dir"] = str(recording.path)
            names = _chosen(options["hosts"], report["hosts"])
            if options["rule"] and options["rule"] not in {rule.id for rule in known}:
                raise AnsibleActionFail(f"explain_rule: there is no rule '{options['rule']}'; rules/*.yml hold them")
            explanations = explain(seen, known, report, names, options["rule"])
            if options["discard"]:
                shutil.rmtree(recording.path)
            elif not self._task.check_mode:
                recording.write(PAGE, html.render(report, explanations))
                result["page"] = str(recording.path / PAGE)
        except (rules.RuleError, RecordingError, InventoryError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        untold = sum(_sick(host) for host in report["hosts"].values()) - len(names)
        if not options["hosts"] and untold > 0:
            display.warning(f"{untold} more hosts are not well; name those to be explained with explain_host")
        display.display(terminal_why.render(explanations, **_screen.manner()))
        result.update(changed=False, hosts=names)
        return result


def _chosen(wanted: list[str], hosts: dict[str, t.Any]) -> list[str]:
    """The hosts that were asked for, else all that are not well.

    :raises AnsibleActionFail: naming a host that the report does not have
    """
    for name in wanted:
        if name not in hosts:
            raise AnsibleActionFail(f"explain_host: the report has no host '{name}'; there are: {', '.join(hosts)}")
    return list(dict.fromkeys(wanted)) or [name for name, host in hosts.items() if _sick(host)][:_MOST]


def _sick(host: dict[str, t.Any]) -> bool:
    return host["verdict"] not in ("healthy", "maintenance")
