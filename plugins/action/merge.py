# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.merge): the parts of a run become one recording."""

from __future__ import annotations

import os
import tempfile
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _targets
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import hardware, protocols
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording, RecordingError, host_file
from ansible_collections.mailops.triage.plugins.plugin_utils._slices import join, look, parts, place, remedies

_SPEC: dict[str, t.Any] = {
    "parts_dir": {"type": "str", "required": True},
    "run_name": {"type": "str"},
    "parts_count": {"type": "int"},
    "spread": {"type": "float", "default": 21600.0},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "report_dir": {"type": "str"},
    "look": {"type": "bool", "default": True},
    **_targets.OPTIONS,
}
_ERRORS = (place.PlaceError, parts.PartError, RecordingError, _targets.TargetError, protocols.UnknownRoleError)
_INVENTORY = ("ansible_host", "mail_roles", "mail_site", "mail_redundancy_group", "mail_maintenance", "mail_hardware")


class ActionModule(ActionBase):
    """Merge the parts of a run."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with where the recording lies, and with what it was made from."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        task_vars = task_vars or {}
        try:
            folder = place.of_run(options["parts_dir"], options["run_name"], task_vars)
            found = parts.find(folder, options["spread"])
            counting = [part for part in found if part.counts]
            if not counting:
                raise place.PlaceError(_nothing(folder, found))
            inventory = self._inventory(options["hosts"], task_vars)
            limit = task_vars.get("ansible_limit")
            whole = join.join(folder.name, found, options["parts_count"], inventory, limit)
            if options["look"]:
                self._look(whole, counting, inventory, options, task_vars)
            target = self._target(options["report_dir"], folder)
            self._write(target, whole, counting)
        except _ERRORS as exc:
            raise AnsibleActionFail(str(exc)) from exc
        result.update(
            changed=False,
            report_dir=str(target.path),
            parts={part.name: part.state for part in found},
            notes=whole.run["parts"]["notes"],
        )
        return result

    def _inventory(self, wanted: list[str], task_vars: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
        """What the inventory says of the hosts that should have been seen, as far as this play has them."""
        reader = _hostvars.Reader(task_vars, self._templar)
        mine = set(task_vars["ansible_play_hosts_all"])
        found = {}
        for host in wanted:
            if host in mine:
                told = reader.read(host, _INVENTORY)
                address = told.pop("ansible_host") or host
                found[host] = {**told, "mail_hardware": hardware.public(told["mail_hardware"]), "address": address}
        return found

    def _look(
        self,
        whole: join.Whole,
        counting: list[parts.Part],
        inventory: t.Container[str],
        options: dict[str, t.Any],
        task_vars: dict[str, t.Any],
    ) -> None:
        """See now what no part could see from a vantage point, and what a machine without a network did not see."""
        reader = _hostvars.Reader(task_vars, self._templar)
        points = _targets.points(options["vantage_points"], task_vars, reader)
        hosts = [host for host in whole.hosts if host in inventory]
        deaf = look.deaf(counting)
        doubtful = set().union(*deaf.values())
        notes = [
            f"no host answered {node}, while others had answers: its network is in doubt, and the one that merges"
            f" looks at those {len(mine)} hosts once more"
            for node, mine in sorted(deaf.items())
        ]
        missing = look.gaps(whole.sweep["vantages"], points, hosts, doubtful)
        probe = {**{key: options[key] for key in ("timeout", "deadline", "account")}, "ping": True}
        notes += look.fill(whole.sweep["vantages"], points, missing, probe, reader, self._play_context)
        whole.run["parts"]["notes"] += notes

    def _target(self, wanted: str | None, folder: Path) -> Recording:
        """The parts stay as they are; check mode leaves nothing behind."""
        if self._task.check_mode:
            return Recording(tempfile.mkdtemp(prefix=f"mailops-triage-{folder.name}-"))
        target = Path(wanted).absolute() if wanted else folder / place.MERGED
        if target.parent == folder and target.name.startswith(place.PREFIX):
            raise place.PlaceError(f"{target}: the report of the whole cannot go into the place of a part")
        return Recording(target)

    def _write(self, target: Recording, whole: join.Whole, counting: list[parts.Part]) -> None:
        target.create()
        target.write("run.json", {**whole.run, "check_mode": bool(self._task.check_mode)})
        target.write("sweep.json", whole.sweep)
        for host, record in whole.hosts.items():
            target.write_host(host, {key: value for key, value in record.items() if key != "facts_file"})
            if record["facts_file"]:
                # How old the facts of a host are is told by their file.
                when = (whole.owners[host].recording.path / host_file(host)).stat().st_mtime
                os.utime(target.path / host_file(host), (when, when))
        remedies.into(target, counting, whole.owners)


def _nothing(folder: Path, found: list[parts.Part]) -> str:
    """Why there is nothing to merge."""
    told = "; ".join(f"{part.name}: {part.why}" for part in found[:5])
    return f"{folder}: no part of this run can be judged" + (f" ({told})" if told else "; there is none")
