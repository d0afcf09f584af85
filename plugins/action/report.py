# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.report): the page and the terminal view of a report."""

from __future__ import annotations

import shutil
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils import _artifacts, _monitoring, _screen
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import SEVERITIES
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html, terminal
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import PAGE, REPORT, Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import merge, store

display = Display()

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "str", "required": True},
    "keep": {"type": "bool", "default": False},
    "show": {"type": "bool", "default": True},
    "fail_on": {"type": "str", "choices": ["never", *SEVERITIES], "default": "never"},
    **_monitoring.OPTIONS,
}


class ActionModule(ActionBase):
    """Show a report."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with where the page lies and the artifacts; fail when the caller asked to fail on what was found."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        recording = Recording(options["report_dir"])
        try:
            report = recording.read(REPORT)
            if (recording.path / store.PLAN).exists():
                merge.into(report, recording)
                recording.write(REPORT, report)
            if self._task.check_mode:
                report["run"]["report_dir"] = None
            else:
                recording.write(PAGE, html.render(report))
                for warning in _monitoring.tell(report, options):
                    display.warning(warning)
            # Strategy plugins take it from the result of any task: no set_stats, which would template it, is needed.
            result["ansible_stats"] = _artifacts.of(report, recording)
        except RecordingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if options["show"]:
            display.display(terminal.render(report, **_screen.manner()))
        if self._task.check_mode and not options["keep"]:
            shutil.rmtree(recording.path)
        elif not self._task.check_mode:
            result["page"] = str(recording.path / PAGE)
        result["changed"] = False
        bad = _worst(report)
        if options["fail_on"] != "never" and bad is not None:
            if SEVERITIES.index(bad) <= SEVERITIES.index(options["fail_on"]):
                result.update(
                    failed=True, msg=f"triage_fail_on is '{options['fail_on']}' and the worst finding is {bad}"
                )
        return result


def _worst(report: dict[str, t.Any]) -> str | None:
    """Severity of the worst root cause in the report."""
    everything = [*report["fleet"]["findings"]]
    for host in report["hosts"].values():
        everything.extend(host["findings"])
    found = [finding["severity"] for finding in everything if finding["kind"] == "root_cause"]
    return min(found, key=SEVERITIES.index, default=None)
