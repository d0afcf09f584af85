# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.night_judge): is a host fit to be patched, and is it worse than before?"""

from __future__ import annotations

import shutil
import time
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe
from ansible_collections.mailops.triage.plugins.plugin_utils._night import (
    downtime,
    fleet,
    gate,
    judge,
    ledger,
    progress,
    series,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import REPORT, Recording, RecordingError

display = Display()

_SPEC: dict[str, t.Any] = {
    "night_dir": {"type": "str", "required": True},
    "moment": {"type": "str", "choices": ["before", "after", "again"], "required": True},
    "look": {"type": "str"},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "begun": {"type": "list", "elements": "str", "default": []},
    "sick_too": {"type": "bool", "default": False},
    "last": {"type": "bool", "default": True},
}
_SETTLE_S = 90.0
"""What falls over later than this after the opening is not what it had to be patched and restarted for."""


class ActionModule(ActionBase):
    """Judge the hosts of a batch."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the hosts that may go on, or with those that have to go back."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        night = ledger.Ledger(options["night_dir"])
        try:
            report = Recording(options["look"]).read(REPORT)["hosts"] if options["look"] else {}
            with night.change() as document:
                if options["moment"] == "before":
                    result.update(self._before(document, report, options))
                else:
                    result.update(self._after(document, report, options))
        except RecordingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if options["look"] and self._task.check_mode:
            shutil.rmtree(options["look"], ignore_errors=True)
        result["changed"] = False
        return result

    def _before(self, night: dict[str, t.Any], report: dict[str, t.Any], options: dict[str, t.Any]) -> dict[str, t.Any]:
        """Which hosts are patched now; the others are left, with the reason."""
        go = list(options["begun"])
        for name in options["hosts"]:
            host = night["hosts"][name]
            if name in options["begun"] or host["state"] != "planned":
                continue
            # In each of its groups somebody else has to serve.
            for group in fleet.neighbours(night, name) or [[]]:
                partners = {other: report[other] for other in group if other in report}
                found = judge.fit(report[name], partners, options["sick_too"])
                if not found.go:
                    break
            host["before"] = _kept(options["look"], name, report[name])
            if found.go:
                go.append(name)
                words = found.why
            else:
                host.update(state="left", code=found.code, why=found.why)
                words = f"is left: {found.why}"
            if words:
                display.display(f"{name}: {_safe.inert(words, 300)}")
        return {"go": go}

    def _after(self, night: dict[str, t.Any], report: dict[str, t.Any], options: dict[str, t.Any]) -> dict[str, t.Any]:
        """Which hosts are worse than before; when there is no other look, that stops the night."""
        worse, back = [], []
        now = time.time()
        looks = series.load(Path(options["night_dir"]) / ledger.PROBES)
        for name in options["hosts"]:
            host = night["hosts"][name]
            if host["state"] != "begun":
                continue
            change = self._change(host, report.get(name))
            again = downtime.fell(looks, name, _settled(host))
            if again:
                change["why"].append(f"{', '.join(again)} fell over again after it had been opened")
                change["verdict"] = "worse"
            host["judged" if options["moment"] == "after" else "again"] = change
            host["after"] = _kept(options["look"], name, report[name]) if name in report else None
            wrong = progress.failed(host)
            if change["verdict"] == "worse":
                worse.append(name)
            if options["last"] and progress.touched(host) and not progress.went_back(host):
                host["condemned"] = bool(host.get("condemned") or change["verdict"] == "worse" or wrong)
                back += [name] if host["condemned"] else []
            if options["last"] and change["verdict"] == "worse":
                gate.stop(night, "worse", f"{name} is worse than before: {'; '.join(change['why'])}", now)
            if not options["last"] and change["verdict"] != "worse":
                continue
            why = "; ".join([*change["why"], *change["notes"]])
            display.display(f"{name}: {change['verdict']}{': ' + _safe.inert(why, 400) if why else ''}")
        return {"worse": worse, "back": back}

    def _change(self, host: dict[str, t.Any], after: dict[str, t.Any] | None) -> dict[str, t.Any]:
        before = Recording(host["before"]["look"]).read(REPORT)["hosts"].get(host["before"]["name"])
        if after is None or before is None:
            return {"verdict": "worse", "why": ["the report after the patch does not tell of it"], "notes": []}
        return judge.compare(before, after)._asdict()


def _kept(look: str, name: str, host: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the ledger keeps of a diagnosis; the rest is in its own directory."""
    roots = [one["id"] for one in host["findings"] if one["kind"] == "root_cause"]
    return {"look": look, "name": name, "verdict": host["verdict"], "summary": host["summary"], "roots": roots}


def _settled(host: dict[str, t.Any]) -> float:
    """From when on a host that was opened has to answer all the time; never, when it was not."""
    opened = [one["ended"] for one in host["steps"] if one["step"] == "opened"]
    return opened[-1] + _SETTLE_S if opened else float("inf")
