# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.diagnose): hold the rules against a recording and write the report."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
import typing as t
from pathlib import Path

from ansible import __version__ as ansible_version
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.mailops.triage.plugins.plugin_utils import _history
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import InventoryError, diagnose
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.reported import ReportedError, taken_in
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import REPORT, TICKET, Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import store
from ansible_collections.mailops.triage.plugins.plugin_utils._versions import versions

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "str", "required": True},
    "replay": {"type": "bool", "default": False},
    "replay_to": {"type": "str"},
    "rules_dirs": {"type": "list", "elements": "str", "default": []},
    "history_dir": {"type": "str"},
    "supersede": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Diagnose the fleet of a recording."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the verdicts and with where the report lies."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        source = Recording(options["report_dir"])
        directories = [schema.ROOT / "rules", *(Path(name) for name in options["rules_dirs"])]
        try:
            known = rules.load(directories, {"host": schema.host(), "fleet": schema.fleet()})
            run, sweep, hosts = source.load()
            run.update(replay=None, versions=versions(ansible_version))
            target = source
            if options["replay"]:
                run["replay"] = str(source.path)
                # Another report about the same evidence; without one, what was reported then still counts.
                run.update(taken_in(task_vars or {}, directories, hosts, sweep["vantages"]))
                target = self._copy(source, options["replay_to"], run["id"])
            else:
                first = Recording(run.pop("continues")) if run.get("continues") else None
                folder = self._history(first or source, options["history_dir"])
                run["history"] = _history.look(folder, run, hosts)
                if first:
                    self._go_on(run, first)
            run["check_mode"] = bool(self._task.check_mode)
            # A replay tells how long the recorded run took, not how long ago it was.
            run.setdefault("finished", time.time())
            target.write("run.json", run)
            report = diagnose(run, sweep, hosts, known)
            report["run"]["report_dir"] = str(target.path)
            target.write(REPORT, report)
            if not options["replay"] and not run["check_mode"]:
                left = _history.trace(run, report, hosts)
                target.write(_history.TRACE, left)
                if options["history_dir"]:
                    _history.leave(Path(options["history_dir"]), left, bool(run.get("round")))
                if first and options["supersede"]:
                    target = self._supersede(first, report)
        except (rules.RuleError, RecordingError, InventoryError, ReportedError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        except OSError as exc:
            raise AnsibleActionFail(f"history_dir: {exc.filename}: {exc.strerror}") from exc
        result.update(
            changed=False,
            report_dir=str(target.path),
            verdict=report["fleet"]["verdict"],
            scope=report["fleet"]["scope"],
            verdicts={name: host["verdict"] for name, host in report["hosts"].items()},
        )
        return result

    def _go_on(self, run: dict[str, t.Any], first: Recording) -> None:
        """This is another look of a run that has acted: what it did counts as history, too."""
        run["round"] = 2
        whole, run["between"] = _history.of_this_run(first, store.read(first, store.PROOFS).get("hosts", {}))
        for name, seen in whole.items():
            mine = run["history"].setdefault(name, {"runs": [], "memory": []})
            mine["runs"] = sorted([*mine["runs"], *seen], key=lambda one: one[0])

    def _supersede(self, first: Recording, report: dict[str, t.Any]) -> Recording:
        """The last diagnosis of a run is what its report directory shows."""
        first.supersede()
        report["run"]["report_dir"] = str(first.path)
        first.write(REPORT, report)
        return first

    def _history(self, source: Recording, wanted: str | None) -> Path:
        """Where earlier runs left their traces: beside this report, and in check mode where reports would lie."""
        if wanted:
            return Path(wanted)
        return Path("triage-reports") if self._task.check_mode else source.path.absolute().parent

    def _copy(self, source: Recording, wanted: str | None, run_id: str) -> Recording:
        """A replay reports beside the recording, not into it: the recording is evidence."""
        if self._task.check_mode:
            target = Recording(tempfile.mkdtemp(prefix=f"mailops-triage-{run_id}-"))
        else:
            target = Recording(
                os.path.abspath(wanted or os.path.join("triage-reports", f"{run_id}-replay-{secrets.token_hex(2)}"))
            )
        if target.path == source.path.absolute():
            raise RecordingError(f"{target.path}: a replay cannot report into the recording itself")
        target.create()
        for name in ("run.json", "sweep.json"):
            shutil.copyfile(source.path / name, target.path / name)
        shutil.copytree(source.path / "facts", target.path / "facts", dirs_exist_ok=True)
        if (source.path / TICKET).exists():
            shutil.copyfile(source.path / TICKET, target.path / TICKET)
        return target
