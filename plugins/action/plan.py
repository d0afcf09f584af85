# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.plan): decide what may be done about a report, and say so."""

from __future__ import annotations

import getpass
import os
import platform
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils import _screen
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import terminal_plan
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import (
    REPORT,
    Recording,
    RecordingError,
    host_file,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import plan, proof, store, turns

display = Display()

_SPEC: dict[str, t.Any] = {
    "report_dir": {"type": "str", "required": True},
    "diagnosis": {"type": "str"},
    "auto": {"type": "str", "choices": list(plan.MODES), "default": "safe"},
    "approve": {"type": "bool"},
    "guard": {"type": "dict", "default": {}},
}
_UNATTENDED = ("awx_job_id", "tower_job_id")
"""Extra variables of AWX, whose jobs have a terminal that nobody sits at."""


class ActionModule(ActionBase):
    """Plan the remedies of a report."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the items that may be carried out, by host, and with what has to be asked."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        task_vars = task_vars or {}
        recording = Recording(options["report_dir"])
        source = Recording(options["diagnosis"] or options["report_dir"])
        try:
            report = source.read(REPORT)
            records = _records(source, report)
            approved = set(store.read(recording, store.APPROVED).get("keys", []))
            if options["approve"]:
                before = store.read(recording, store.PLAN).get("hosts", {})
                approved |= {item["key"] for items in before.values() for item in items if item["state"] == "ask"}
                recording.write(store.APPROVED, {"keys": sorted(approved)})
            live = report["run"]["replay"] is None
            plans = plan.make(
                report,
                records,
                plan.Asked(
                    mode=options["auto"],
                    live=live,
                    ages=_ages(source, report) if live else {},
                    approved=frozenset(approved),
                    done=store.all_actions(recording, report["hosts"]),
                ),
            )
            _complete(plans, report, records, options["guard"])
            recording.write(store.PLAN, {"made": time.time(), "auto": options["auto"], "live": live, "hosts": plans})
        except RecordingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if options["approve"] is None:
            shown = terminal_plan.render(plans, live=live, check=bool(self._task.check_mode), **_screen.manner())
            display.display(shown)
        go = {name: [item for item in items if item["state"] == "go"] for name, items in plans.items()} if live else {}
        everything = [item for items in plans.values() for item in items]
        ask = [item for item in everything if item["state"] == "ask"] if live else []
        result.update(
            changed=False,
            hosts={name: items for name, items in go.items() if items},
            steps=max((len(items) for items in go.values()), default=0),
            ask=len(ask),
            stale=sum(item["code"] == "stale" for item in everything),
            later=sum(item["code"] in turns.LATER for item in everything),
            interactive=_screen.ASKABLE and not any(name in task_vars for name in _UNATTENDED),
            question=terminal_plan.question(plans),
        )
        return result


def _records(source: Recording, report: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """The parts of the recording about hosts that a plan may be about, and about those they stand in for."""
    records = {}
    for name in report["hosts"]:
        if (source.path / host_file(name)).exists():
            records[name] = source.read(host_file(name))
    return records


def _ages(source: Recording, report: dict[str, t.Any]) -> dict[str, float]:
    """Seconds since each host was examined, by this machine's own clock."""
    ages = {}
    for name in report["hosts"]:
        try:
            ages[name] = max(0.0, time.time() - (source.path / host_file(name)).stat().st_mtime)
        except FileNotFoundError:
            ages[name] = float("inf")
    return ages


def _complete(
    plans: dict[str, list[dict[str, t.Any]]],
    report: dict[str, t.Any],
    records: dict[str, dict[str, t.Any]],
    given: dict[str, t.Any],
) -> None:
    """Add what carrying out needs: who asks, for the gate on the host, and the probes that will prove it."""
    run = report["run"]
    # By the host's own clock, which is the one that its daemons' start times are told by.
    found_at = {name: (record.get("facts") or {}).get("collected_at") for name, record in records.items()}
    above = {finding["id"] for finding in report["fleet"]["findings"] if finding["kind"] == "root_cause"}
    for name, items in plans.items():
        host = report["hosts"][name]
        roots = above | {finding["id"] for finding in host["findings"] if finding["kind"] == "root_cause"}
        # Telling people mends nothing yet.
        acts = [item for item in items if item["action"] != "escalate"]
        mended = {finding for item in acts if item["state"] == "go" for finding in item["findings"]}
        told = {finding["id"]: finding for finding in [*report["fleet"]["findings"], *host["findings"]]}
        for item in items:
            item["found_at"] = found_at.get(name)
            if item["action"] == "escalate":
                item["told"] = {"finding": told[item["finding"]], "host": {**host, "actions": []}}
            ways = proof.ways(host, item["findings"], mended | set(item["findings"]), roots)
            item["probes"] = ways if item in acts else []
            item["guard"] = {
                "run": run["id"],
                "ticket": run["ticket"],
                "by": _who(),
                "finding": item["finding"],
                **given,
            }


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return clean(f"{user} at {platform.node()}", 120)
