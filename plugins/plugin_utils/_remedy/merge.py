# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done, and what was not and why, into the report.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import proof, store

Document = dict[str, t.Any]

STATES = ("planned", "done", "refused", "failed", "nothing")


def into(report: Document, recording: Recording) -> None:
    """Give each host of the report its C(actions), and the fleet their counts.

    :param recording: the report directory of the run, also for a report that lies in a directory below it
    :raises RecordingError: when a file of the remediation cannot be used
    """
    plans: dict[str, list[Document]] = store.read(recording, store.PLAN).get("hosts", {})
    last = (report["run"].get("round") or 1) > 1
    for name, host in report["hosts"].items():
        roots = {finding["id"] for finding in host["findings"] if finding["kind"] == "root_cause"}
        done = store.actions(recording, name)
        for action in done:
            if last and action["state"] == "done" and action["action"] != "escalate":
                action["proof"] = proof.by_diagnosis(action, roots, report["run"]["started"])
        known = {action["key"] for action in done}
        named = {finding["id"] for finding in host["findings"]}
        host["actions"] = done + [
            _not_done(item, name)
            for item in plans.get(name, [])
            if item["key"] not in known and named.intersection(item["findings"])
        ]
    everything = [action["state"] for host in report["hosts"].values() for action in host["actions"]]
    report["fleet"]["actions"] = {state: everything.count(state) for state in STATES}
    report["watch"] = store.read(recording, store.PROOFS).get("watch")


def _not_done(item: Document, host: str) -> Document:
    """An item of the plan that nobody carried out."""
    asks = item["state"] == "ask"
    kept = {name: item[name] for name in ("action", "subject", "finding", "findings", "title", "args", "key", "code")}
    return {
        **kept,
        "state": "refused" if item["state"] == "refused" else "planned",
        "why": item["why"] + (f"; to do it: -e remediate_auto=all -l {host}" if asks else ""),
        "retry_at": None,
        "before": None,
        "after": None,
        "steps": [],
        "notes": [],
        "evidence": [],
        "started": None,
        "finished": None,
        "proof": None,
    }
