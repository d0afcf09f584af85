# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.notify): tell chats and telephones what a report says."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _notify
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import chat
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import REPORT, Recording, RecordingError

display = Display()

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "path", "required": True},
    "to": {**_notify.OPTION, "required": True},
    "timeout": {"type": "float", "default": 10.0},
    "retries": {"type": "int", "default": 2},
    "delay": {"type": "float", "default": 5.0},
}


class ActionModule(ActionBase):
    """Tell it."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with who was told and who was not; the latter is a warning, and no failure."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        how = {name: options[name] for name in ("timeout", "retries", "delay")}
        result.update(changed=False, told=[], failed_to_tell=[])
        try:
            _notify.check(options["to"])
            if self._task.check_mode:
                return result
            message = chat.message(Recording(options["report_dir"]).read(REPORT))
        except (_notify.NotifyError, RecordingError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        good, bad = _notify.tell(options["to"], message, **how)
        for failure in bad:
            display.warning(f"triage_notify: {failure.name} was not told what the report says: {failure.why}")
        result.update(told=good, failed_to_tell=[failure.name for failure in bad])
        return result
