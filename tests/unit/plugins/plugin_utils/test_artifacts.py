# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifacts of a run: small, whatever the report holds."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils import _artifacts
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import TICKET, Recording
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import store

KEYS = {
    *("schema", "verdict", "scope", "summary", "worst_host", "counts", "findings", "left_out", "needs_approval"),
    *("report_dir", "ticket"),
}


def finding(identity: str = "software.mta_not_running", severity: str = "critical", **more: Any) -> dict[str, Any]:
    """A root cause whose remedy asks."""
    remedy = {"action": "restart_daemon", "auto": False, "args": {"service": "postfix"}, "forbid": []}
    return {
        "id": identity,
        "title": f"{identity} on it",
        "kind": "root_cause",
        "category": "software",
        "severity": severity,
        "subject": "postfix",
        "confidence": 0.95,
        "explained_by": [],
        "remedy": remedy,
        **more,
    }


def host(verdict: str, *findings: dict[str, Any]) -> dict[str, Any]:
    """A host of a report."""
    return {
        "verdict": verdict,
        "findings": list(findings),
        "summary": "x",
        "login": {"outcome": "ok", "text": ""},
        "symptoms": [],
    }


def report(**hosts: dict[str, Any]) -> dict[str, Any]:
    """A report about these hosts."""
    counts = dict.fromkeys(("healthy", "degraded", "down", "maintenance", "unknown"), 0)
    for one in hosts.values():
        counts[one["verdict"]] += 1
    fleet = {"verdict": "degraded", "scope": "host", "summary": "1 of 2 hosts", "findings": [], "counts": counts}
    return {"run": {"ticket": None, "report_dir": "/srv/x", "replay": None}, "fleet": fleet, "hosts": hosts}


def artifact(found: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The artifact, as AWX keeps it."""
    stats = _artifacts.of(found, Recording(folder))
    assert (stats["per_host"], stats["aggregate"], set(stats["data"])) == (False, False, {"mailops_triage"})
    whole: dict[str, Any] = stats["data"]["mailops_triage"]
    assert set(whole) == KEYS
    assert len(json.dumps(whole)) <= 32 * 1024
    return whole


def test_the_worst_comes_first(tmp_path: Path) -> None:
    minor, major = finding("capacity.disk_low", "minor"), finding("software.mda_not_running", "major")
    note = finding("capacity.cpu_busy", "info", kind="note")
    found = report(
        mail10=host("degraded", finding()),
        mail2=host("degraded", minor, finding(), note),
        mail1=host("degraded", major),
        mail3=host("healthy", note),
    )
    found["fleet"]["findings"] = [finding("network.uplink_down", "critical")]
    seen = artifact(found, tmp_path)
    assert [(one["host"], one["id"], one["severity"]) for one in seen["findings"]] == [
        (None, "network.uplink_down", "critical"),
        ("mail2", "software.mta_not_running", "critical"),
        ("mail10", "software.mta_not_running", "critical"),
        ("mail1", "software.mda_not_running", "major"),
        ("mail2", "capacity.disk_low", "minor"),
    ]
    assert seen["worst_host"] == "mail2"
    assert seen["counts"] == {"healthy": 1, "maintenance": 0, "unknown": 0, "degraded": 3, "down": 0}
    found["hosts"]["mail1"]["verdict"] = "down"
    assert artifact(found, tmp_path)["worst_host"] == "mail1"


def test_nobody_is_worst_where_all_are_well(tmp_path: Path) -> None:
    seen = artifact(report(mail1=host("healthy"), mail2=host("maintenance")), tmp_path)
    assert seen["worst_host"] is None and seen["findings"] == [] and seen["needs_approval"] is False


def test_it_stays_small(tmp_path: Path) -> None:
    wordy = "\u65e5\u672c\x1b[31m" * 5000
    many = [finding(title=wordy, id=f"software.x{number}") for number in range(40)]
    found = report(**{f"mail{number}-{'x' * 240}": host("down", *copy.deepcopy(many)) for number in range(50)})
    found["fleet"]["summary"] = wordy
    seen = artifact(found, tmp_path)
    assert len(seen["findings"]) + seen["left_out"] == 2000
    assert 0 < len(seen["findings"]) <= 50
    assert "\x1b" not in json.dumps(seen, ensure_ascii=False)


@pytest.mark.parametrize(
    ("remedy", "confidence", "wanted"),
    [
        ({"auto": False}, 0.95, True),
        ({"auto": True}, 0.95, False),
        ({"auto": True}, 0.5, True),
        ({"action": "escalate"}, 0.95, False),
        ({"action": "none"}, 0.95, False),
    ],
)
def test_who_has_to_be_asked(tmp_path: Path, remedy: dict[str, Any], confidence: float, wanted: bool) -> None:
    cause = finding(confidence=confidence)
    cause["remedy"].update(remedy)
    assert artifact(report(mail1=host("degraded", cause)), tmp_path)["needs_approval"] is wanted


def test_a_plan_that_is_there_is_asked(tmp_path: Path) -> None:
    found = report(mail1=host("degraded", finding()))
    recording = Recording(tmp_path)
    recording.write(store.PLAN, {"hosts": {"mail1": [{"state": "go"}, {"state": "refused"}]}})
    assert artifact(found, tmp_path)["needs_approval"] is False
    recording.write(store.PLAN, {"hosts": {"mail1": [{"state": "ask"}]}})
    assert artifact(found, tmp_path)["needs_approval"] is True


def test_the_ticket_is_named(tmp_path: Path) -> None:
    found = report(mail1=host("healthy"))
    assert artifact(found, tmp_path)["ticket"] is None
    found["run"]["ticket"] = "4711"
    assert artifact(found, tmp_path)["ticket"] == {"system": None, "id": "4711", "url": None}
    event = {"system": "jira", "id": "MAIL-7", "url": "", "text": "secret words of a user", "title": "more of them"}
    Recording(tmp_path).write(TICKET, event)
    seen = artifact(found, tmp_path)
    assert seen["ticket"] == {"system": "jira", "id": "MAIL-7", "url": None}
    assert "words" not in json.dumps(seen) and "more of" not in json.dumps(seen)
