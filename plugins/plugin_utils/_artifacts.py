# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run hands on to the next node of a workflow: the report in a few words.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

AWX keeps such artifacts with the job, shows them to everybody who may see it, and gives them to all later nodes as
variables: they are small, hold nothing but what a headline would say, and no texts of tickets or logs.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import SEVERITIES
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import inert, natural
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import TICKET, Recording
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import plan, store

Document = dict[str, t.Any]

NAME = "mailops_triage"
SCHEMA = "mailops.triage/artifact/1"
LARGEST = 32 * 1024
"""Bytes, as JSON."""

_MOST_FINDINGS = 50
_VERDICTS = ("down", "degraded", "unknown", "maintenance", "healthy")


def of(report: Document, recording: Recording) -> Document:
    """The artifacts of a report, for C(ansible_stats) in the result of a task.

    :param recording: the report directory
    :raises RecordingError: when a file of the report directory cannot be used
    """
    fleet = report["fleet"]
    findings = _findings(report)
    found: Document = {
        "schema": SCHEMA,
        "verdict": inert(fleet["verdict"], 40),
        "scope": inert(fleet["scope"], 40) or None,
        "summary": inert(fleet["summary"], 500),
        "worst_host": _worst_host(report),
        "counts": {name: fleet["counts"].get(name, 0) for name in reversed(_VERDICTS)},
        "findings": findings[:_MOST_FINDINGS],
        "left_out": max(0, len(findings) - _MOST_FINDINGS),
        "needs_approval": _needs_approval(report, recording),
        "report_dir": report["run"].get("report_dir"),
        "ticket": _ticket(report, recording),
    }
    while len(json.dumps(found)) > LARGEST and found["findings"]:
        found["findings"].pop()
        found["left_out"] += 1
    return {"data": {NAME: found}, "per_host": False, "aggregate": False}


def _findings(report: Document) -> list[Document]:
    """The root causes, the worst first; those of the fleet before those of its hosts."""
    placed = [("", finding) for finding in report["fleet"]["findings"]]
    for name in sorted(report["hosts"], key=natural):
        placed += [(name, finding) for finding in report["hosts"][name]["findings"]]
    causes = [(name, finding) for name, finding in placed if finding["kind"] == "root_cause"]
    causes.sort(key=lambda one: SEVERITIES.index(one[1]["severity"]))
    return [
        {
            "host": inert(name, 253) or None,
            "id": inert(finding["id"], 100),
            "severity": finding["severity"],
            "title": inert(finding["title"], 200),
        }
        for name, finding in causes
    ]


def _worst_host(report: Document) -> str | None:
    """The host that is worst off, null where none is."""

    def misery(name: str) -> tuple[t.Any, ...]:
        host = report["hosts"][name]
        causes = [finding["severity"] for finding in host["findings"] if finding["kind"] == "root_cause"]
        worst = min(map(SEVERITIES.index, causes), default=len(SEVERITIES))
        return _VERDICTS.index(host["verdict"]), worst, -len(causes), natural(name)

    sick = [name for name, host in report["hosts"].items() if host["verdict"] in _VERDICTS[:3]]
    return inert(min(sick, key=misery), 253) if sick else None


def _needs_approval(report: Document, recording: Recording) -> bool:
    """Is there a remedy that a person has to say yes to? By the plan of a remediation, else by what one would plan."""
    plans = store.read(recording, store.PLAN).get("hosts") or plan.make(report, {}, plan.Asked())
    return any(item["state"] == "ask" for items in plans.values() for item in items)


def _ticket(report: Document, recording: Recording) -> Document | None:
    event = recording.read(TICKET) if (recording.path / TICKET).exists() else {}
    told = {
        "system": event.get("system"),
        "id": event.get("id") or report["run"].get("ticket"),
        "url": event.get("url"),
    }
    kept = {key: inert(value, 1000) or None for key, value in told.items() if isinstance(value, str)}
    return {**dict.fromkeys(told), **kept} if kept.get("id") else None
