# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.record): keep what a remedy did on a host, at once and for good."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe, _words
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import outcome, store

display = Display()


class ActionModule(ActionBase):
    """Record one step of one host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with what was recorded, in short."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(
            argument_spec={
                "report_dir": {"type": "str", "required": True},
                "step": {"type": "int", "required": True},
                "begun": {"type": "float"},
                "failed": {"type": "bool", "default": False},
            }
        )
        task_vars = task_vars or {}
        host: str = task_vars["inventory_hostname"]
        recording = Recording(options["report_dir"])
        now = time.time()
        try:
            items = store.read(recording, store.PLAN).get("hosts", {}).get(host, [])
            go = [item for item in items if item["state"] == "go"]
            if not 0 <= options["step"] < len(go):
                raise AnsibleActionFail(f"{recording.path}: the plan has no step {options['step']} for host '{host}'")
            item = go[options["step"]]
            # Taken as it is: an option of this task would be templated, and the host's words must not be.
            answer = task_vars.get(f"{item['action']}_result")
            if options["failed"] and not outcome.failed(answer):
                # The role ended before its own task; what is there is the answer of an earlier step.
                answer = None
            entry, evidence = outcome.action(item, answer, options["begun"] or now, now)
            kept = store.append(recording, host, entry, evidence)
        except RecordingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        words = _words.ACTION_STATES[kept["state"]]
        why = f": {_safe.inert(kept['why'], 300)}" if kept["why"] else ""
        display.display(f"{host}: {words} {kept['action']} {_safe.inert(kept['subject'], 120)}{why}")
        result.update(changed=False, state=kept["state"], code=kept["code"])
        return result
