# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.night_gate): may the next batch of a night begin?"""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe
from ansible_collections.mailops.triage.plugins.plugin_utils._night import (
    batches,
    fleet,
    gate,
    ledger,
    progress,
    window,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import RecordingError

display = Display()

_SPEC: dict[str, t.Any] = {
    "night_dir": {"type": "str", "required": True},
    "batch": {"type": "int", "required": True},
    "window": {"type": "dict", "default": {}},
    "estimate": {"type": "float", "default": 1800.0},
}
_MAINTENANCE = 2.0
"""Maintenance lasts at least twice as long as a batch should: it ends by itself when the run is gone."""
_LEAST_S = 900.0


class ActionModule(ActionBase):
    """Ask the window and the stop rule."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the hosts that may be begun with, and with those that must be brought to an end."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        here = set((task_vars or {})["ansible_play_hosts_all"])
        night = ledger.Ledger(options["night_dir"])
        number, now = options["batch"], time.time()
        try:
            with night.change() as document:
                if not 0 <= number < len(document["batches"]):
                    raise AnsibleActionFail(f"{night.path}: the plan has no batch {number}")
                batch = document["batches"][number]
                # Asked each time, like the window: between two runs, rules may have come that the plan did not know.
                fleet.hold(document, window.held(options["window"]))
                takes = gate.estimate(document, options["estimate"])
                check = bool(self._task.check_mode)
                said = gate.decide(document, number, lambda: window.ask(options["window"], now, takes), here, check)
                fresh, begun = said.fresh, said.begun
                if fresh or begun:
                    batch["began"] = batch["began"] or round(now, 3)
                elif said.code not in ("nothing", "open"):
                    document["held_up"] = {"code": said.code, "why": said.why, "retry_at": said.retry_at}
                document["runner"]["seen"] = now
        except (RecordingError, window.WindowError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        both = fresh + begun
        self._say(batch["name"], both, said)
        hosts = document["hosts"]
        near = {other for name in both for members in fleet.neighbours(document, name) for other in members}
        # A batch that is worked at in parts has its looks once for each.
        closed = sum(hosts[name]["state"] in ledger.CLOSED for name in batch["hosts"])
        result.update(
            changed=False,
            go=bool(both),
            code=said.code,
            why=said.why,
            retry_at=said.retry_at,
            fresh=fresh,
            begun=begun,
            hosts=both,
            look_at=[*both, *sorted(near - set(both))],
            canary=said.alone or batch["name"] == batches.CANARY,
            more=said.more,
            name=f"{number:03d}-{len(document['runs'])}{f'-{closed}' if closed else ''}",
            went_back=[name for name in begun if progress.went_back(hosts[name])],
            back=[name for name in begun if progress.condemned(hosts[name])],
            expires=int(max(_LEAST_S, takes * _MAINTENANCE)),
        )
        return result

    def _say(self, name: str, hosts: list[str], said: gate.Decision) -> None:
        """Tell who watches what comes now, or why nothing does."""
        if hosts:
            more = f" ({said.why})" if said.why else ""
            display.display(f"{name}: {', '.join(_safe.inert(one, 80) for one in hosts)}{more}")
        elif said.code != "nothing":
            display.display(f"{name} is not begun: {_safe.inert(said.why, 300)}")
