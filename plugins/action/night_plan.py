# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.night_plan): begin a night or take one up again, and plan it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _hostvars, _screen
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import terminal_night
from ansible_collections.mailops.triage.plugins.plugin_utils._night import (
    fleet,
    ledger,
    progress,
    runner,
    series,
    window,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import event as events

display = Display()

_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["begun", "planned"], "required": True},
    "dir": {"type": "str", "default": "patch-nights"},
    "night_dir": {"type": "str"},
    "resume": {"type": "bool", "default": True},
    "settings": {"type": "dict", "default": {}},
    "window": {"type": "dict", "default": {}},
    "at_once": {"type": "str", "default": "25%"},
    "groups": {"type": "dict", "default": {}},
}
_REQUIRED = [("state", "planned", ["night_dir"])]
_HOST_VARIABLES = ("mail_redundancy_group", "mail_roles")


class ActionModule(ActionBase):
    """Plan a night."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the directory of the night, and with its plan."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC, required_if=_REQUIRED)
        task_vars = task_vars or {}
        try:
            if options["state"] == "begun":
                result.update(self._begin(options, task_vars))
            else:
                result.update(self._plan(options))
        except (RecordingError, fleet.NightError, window.WindowError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        result["changed"] = False
        return result

    def _begin(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """A new night, or one that was interrupted."""
        why = fleet.sliced(task_vars)
        if why:
            raise fleet.NightError(why)
        window.held(options["window"])
        now = time.time()
        window.ask(options["window"], now, 1.0)
        hosts: list[str] = task_vars["ansible_play_hosts_all"]
        mine = runner.me(os.getppid(), now)
        check = bool(self._task.check_mode)
        night, resumed = self._interrupted(options, hosts, mine, now), True
        if night is None:
            reader = _hostvars.Reader(task_vars, self._templar)
            everybody = [*hosts, *(name for name in task_vars["groups"].get("all", []) if name not in hosts)]
            known = fleet.grouped(_known(everybody, reader), options["groups"])
            made = fleet.new(ledger.identifier(now), now, hosts, known, options["settings"])
            night, resumed = self._place(options["dir"], made, check), False
        elif check:
            night = self._place(options["dir"], night.read(), check)
        with night.change() as document:
            document["runner"] = mine
            document["runs"].append({"began": round(now, 3), "by": runner.who(), "resumed": resumed})
            number = len(document["runs"])
            planned = document["state"] == "planned"
            name = document["id"]
            begun = {host: one for host, one in document["hosts"].items() if one["state"] == "begun"}
        if resumed:
            display.display(f"The night {name} was interrupted; this run goes on with it.")
        return {
            "night_dir": str(night.path),
            "id": name,
            "ticket": events.named(task_vars),
            "resumed": resumed,
            "planned": planned,
            "number": number,
            "untouched": [host for host, one in begun.items() if not progress.touched(one)],
        }

    def _interrupted(
        self, options: dict[str, t.Any], hosts: list[str], mine: dict[str, t.Any], now: float
    ) -> ledger.Ledger | None:
        """The night to be gone on with, if there is one; others that have not come to an end are given up."""
        found = None
        for path in ledger.nights(options["dir"])[:20]:
            night = ledger.Ledger(path)
            document = night.read()
            if document["state"] not in ledger.RUNNING:
                continue
            looked = max((one["last"] for one in series.load(path / ledger.PROBES)), default=0.0)
            busy = runner.busy(document["runner"], mine, looked)
            if busy:
                raise fleet.NightError(f"the night {document['id']} is going on: {busy}")
            why = fleet.resumable(document, hosts, now) if options["resume"] else "it was not to be gone on with"
            if found is None and not why:
                found = night
                continue
            half = [name for name, host in document["hosts"].items() if host["state"] == "begun"]
            words = f"; begun and not ended: {', '.join(half)}" if half else ""
            display.warning(f"the night {document['id']} is given up: {why or 'there is a later one'}{words}")
            if not self._task.check_mode:
                with night.change() as changed:
                    changed.update(state="given_up", ended=round(now, 3))
        return found

    def _place(self, parent: str, document: dict[str, t.Any], check: bool) -> ledger.Ledger:
        """The directory of a night; check mode leaves nothing behind: its own is temporary until it is reported."""
        path = os.path.abspath(os.path.join(parent, document["id"]))
        if check:
            path = tempfile.mkdtemp(prefix="mailops-triage-night-")
        night = ledger.Ledger(path)
        try:
            night.create(document)
        except RecordingError:
            if check:
                shutil.rmtree(path)
            raise
        return night

    def _plan(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """The plan; one that stands already is not made again."""
        night = ledger.Ledger(options["night_dir"])
        now = time.time()
        with night.change() as document:
            if document["state"] == "begun":
                fleet.plan(document, window.held(options["window"]), options["at_once"])
        may, dummy, why, dummy_at = window.ask(options["window"], now, 1.0)
        gate = "" if may else why
        check = bool(self._task.check_mode)
        display.display(terminal_night.plan(document, gate=gate, check=check, **_screen.manner()))
        return {
            "batches": len(document["batches"]),
            "hosts": fleet.told(document),
            "working": sum(host["state"] in ledger.OPEN for host in document["hosts"].values()),
        }


def _known(names: list[str], reader: _hostvars.Reader) -> dict[str, dict[str, t.Any]]:
    found = {}
    for name in names:
        variables = reader.read(name, _HOST_VARIABLES)
        group = variables["mail_redundancy_group"]
        found[name] = {"groups": [str(group)] if group else [], "roles": fleet.roles(variables["mail_roles"])}
    return found
