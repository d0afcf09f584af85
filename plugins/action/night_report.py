# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.night_report): end a night, and tell what became of it."""

from __future__ import annotations

import json
import shutil
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _screen
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html_night, terminal_night
from ansible_collections.mailops.triage.plugins.plugin_utils._night import ledger, series, summary, window
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import PAGE, RecordingError

display = Display()

_SPEC: dict[str, t.Any] = {
    "night_dir": {"type": "str", "required": True},
    "window": {"type": "dict", "default": {}},
    "fail_on": {"type": "str", "choices": ["never", "failed", "left"], "default": "failed"},
}
_REPORT = "report.json"


class ActionModule(ActionBase):
    """Report a night."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with where the report lies; fail when the caller asked to, and there is a reason."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        night = ledger.Ledger(options["night_dir"])
        check, now = bool(self._task.check_mode), time.time()
        try:
            with night.change() as document:
                if not check:
                    summary.end(document, now)
            coming = window.coming(options["window"], now)
            report = summary.make(document, series.load(night.path / ledger.PROBES), now, coming, check)
            if not check:
                night.recording.write(_REPORT, json.dumps(report, indent=1, sort_keys=True) + "\n")
                night.recording.write(PAGE, html_night.render(report))
        except (RecordingError, window.WindowError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        display.display(terminal_night.render(report, **_screen.manner()))
        result.update(changed=False, state=report["state"], counts=report["counts"], next_window=coming)
        if check:
            shutil.rmtree(night.path, ignore_errors=True)
            return result
        result.update(page=str(night.path / PAGE), report=str(night.path / _REPORT))
        why = summary.bad(report, options["fail_on"])
        if why:
            result.update(failed=True, msg=why)
        return result
