# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.night_watch): look at the fleet from outside while a night goes on."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _targets, _vantage
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.protocols import UnknownRoleError
from ansible_collections.mailops.triage.plugins.plugin_utils._night import ledger, series
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import RecordingError

display = Display()

_SPEC: dict[str, t.Any] = {
    "night_dir": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["begun", "ended"], "required": True},
    "every": {"type": "float", "default": 2.0},
    "vantage_points": _targets.OPTIONS["vantage_points"],
    "timeout": _targets.OPTIONS["timeout"],
    "deadline": _targets.OPTIONS["deadline"],
}
_PATIENCE_S = 20.0
"""Beyond the deadline of a look, for the look that is going on."""


class ActionModule(ActionBase):
    """Begin or end a series of looks."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the name of the series, and at its end with how many looks it had."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        night = ledger.Ledger(options["night_dir"])
        try:
            document = night.read()
            name = f"{len(document['runs']):04d}"
            looks = series.Series(night.path / ledger.PROBES, name)
            result.update(changed=False, series=name)
            if options["state"] == "begun":
                self._begin(looks, options, task_vars or {}, document["groups"])
            else:
                seen = looks.end(options["deadline"] + _PATIENCE_S)
                result["looks"] = seen["looks"] if seen else 0
                if seen is None or seen["ended"] is None:
                    display.warning("the series of looks from outside has broken off; downtime is only known in part")
        except (_targets.TargetError, UnknownRoleError, RecordingError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        except OSError as exc:
            raise AnsibleActionFail(f"the looks from outside: {exc.filename or ''} {exc.strerror}") from exc
        return result

    def _begin(
        self,
        looks: series.Series,
        options: dict[str, t.Any],
        task_vars: dict[str, t.Any],
        groups: dict[str, list[str]],
    ) -> None:
        reader = _hostvars.Reader(task_vars, self._templar)
        points = _targets.points(options["vantage_points"], task_vars, reader)
        # Whether a group was away only all of its members can tell, also those that are no part of the play.
        members = [host for group in groups.values() for host in group]
        hosts = dict.fromkeys([*task_vars["ansible_play_hosts_all"], *members])
        targets = [_targets.target(host, reader) for host in hosts]
        # No login: all night long, every few seconds, that would look like an attack.
        probe = {"timeout": options["timeout"], "deadline": options["deadline"], "account": None, "ping": False}
        context = self._play_context
        # In its own process nobody reads what it would display.
        looks.begin(
            lambda: _vantage.from_everywhere(points, targets, probe, context), max(0.5, options["every"]), os.getppid()
        )
