# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explaining-away: consequences are dropped, independent causes stay side by side."""

from __future__ import annotations

from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.select import select


def fault(name: str, *explains: str, confidence: float = 0.9, kind: str = "fault") -> dict[str, Any]:
    return {
        "id": name,
        "kind": kind,
        "severity": "critical",
        "subject": "",
        "confidence": confidence,
        "explains": list(explains),
        "explained_by": [],
    }


def symptom(name: str) -> dict[str, Any]:
    return {"id": name}


def kinds(selection: Any) -> dict[str, str]:
    return {finding["id"]: finding["kind"] for finding in selection.findings}


def test_a_cause_explains_faults_and_symptoms() -> None:
    found = select([fault("b.dead", "smtp.*"), fault("a.full", "b.dead")], [symptom("smtp.remote.refused")])
    assert kinds(found) == {"a.full": "root_cause", "b.dead": "symptom"}
    assert not found.unexplained


def test_two_causes_of_the_same_silence_stay_side_by_side() -> None:
    found = select([fault("a.x", "smtp.*"), fault("b.y", "smtp.*")], [symptom("smtp.local.timeout")])
    assert set(kinds(found).values()) == {"root_cause"}


def test_what_nobody_explains_stays_unexplained() -> None:
    found = select([fault("a.x", "smtp.*")], [symptom("smtp.local.timeout"), symptom("imap.local.timeout")])
    assert [one["id"] for one in found.unexplained] == ["imap.local.timeout"]


def test_a_weak_finding_is_a_candidate_and_explains_nothing() -> None:
    found = select([fault("a.x", "smtp.*", confidence=0.5)], [symptom("smtp.local.timeout")])
    assert kinds(found) == {"a.x": "note"}
    assert found.unexplained


def test_two_findings_that_explain_each_other_leave_one_cause() -> None:
    found = select([fault("a.x", "b.y", confidence=0.9), fault("b.y", "a.x", confidence=0.8)], [])
    assert kinds(found) == {"a.x": "root_cause", "b.y": "symptom"}


def test_a_circle_of_three_leaves_a_cause() -> None:
    found = select([fault("a.x", "b.y"), fault("b.y", "c.z"), fault("c.z", "a.x")], [])
    assert "root_cause" in kinds(found).values()


def test_risks_and_notes_stay_what_they_are() -> None:
    found = select([fault("a.x", "*"), fault("b.y", kind="risk"), fault("c.z", kind="note")], [])
    assert kinds(found) == {"a.x": "root_cause", "b.y": "risk", "c.z": "note"}


def test_the_order_does_not_depend_on_the_order_of_the_rules() -> None:
    one = select([fault("a.x"), fault("b.y", kind="risk"), fault("c.z")], [])
    other = select([fault("c.z"), fault("a.x"), fault("b.y", kind="risk")], [])
    assert [finding["id"] for finding in one.findings] == [finding["id"] for finding in other.findings]
