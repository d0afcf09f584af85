# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why recorded hosts were judged as they were."""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import explain as explanations
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import diagnose

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario

CASES = sorted((ROOT / "tests" / "recordings" / "faults").glob("*.json.gz"))
RULES = rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})


def explained(case: dict[str, Any], known: list[rules.Rule] | None = None, rule: str | None = None) -> dict[str, Any]:
    """The explanation of a case's sick host."""
    seen = (case["run"], case["sweep"], case["hosts"])
    report = diagnose(*copy.deepcopy(seen), known or RULES)
    found: dict[str, Any] = explanations.explain(seen, known or RULES, report, [case["host"]], rule)[case["host"]]
    return found


def kept(fault: str) -> dict[str, Any]:
    return scenario.kept(ROOT / "tests" / "recordings" / "faults" / f"{fault}.json.gz")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_every_recorded_host_can_be_explained(path: Path) -> None:
    case = scenario.kept(path)
    first = explained(case)
    assert json.dumps(first, sort_keys=True) == json.dumps(explained(scenario.kept(path)), sort_keys=True)
    assert len(first["near"]) <= explanations.MOST_NEAR
    fired = {one["rule"] for one in first["fired"]}
    candidates = {one["rule"] for one in first["fired"] if one["kind"] == "note"}
    assert not {one["rule"] for one in first["near"]} & (fired - candidates)
    for near in first["near"]:
        # A part that was not far from true: some of it holds, not all of it.
        assert not near["parts"] or {part["holds"] for part in near["parts"]} > {True}


def test_the_chain_leads_from_what_is_seen_to_the_cause() -> None:
    found = explained(kept("F056"))
    ways = [chain["way"] for chain in found["chains"]]
    assert ["imap.remote.refused", "software.mda_not_running", "configuration.mda_config_fatal"] in ways
    assert all(chain["root"] for chain in found["chains"])
    dead = next(one for one in found["fired"] if one["rule"] == "software.mda_not_running")
    assert dead["explained_by"] == ["configuration.mda_config_fatal"]
    assert "imap.remote.refused" in dead["explains"]


def test_a_rule_that_nearly_fired_tells_what_it_lacked() -> None:
    found = explained(kept("F042"))
    near = next(one for one in found["near"] if one["rule"] == "configuration.mda_config_fatal")
    assert near["would_explain"] == ["software.mda_not_running"]
    lacking = [part for part in near["parts"] if part["holds"] is False]
    assert [(part["text"], part["values"]) for part in lacking] == [
        ("config.dovecot.check.ok == `false`", [{"fact": "config.dovecot.check.ok", "value": "yes"}])
    ]


def test_what_would_explain_comes_first_and_a_weak_candidate_before_it() -> None:
    weaker = [one if one.id != "software.mda_not_running" else _weak(one) for one in RULES]
    found = explained(kept("F042"), weaker)
    assert found["near"][0]["rule"] == "software.mda_not_running"
    assert found["near"][0]["why"] == "it fired with confidence 0.5; a cause needs 0.7"
    useful = [bool(one["would_explain"]) for one in found["near"][1:]]
    assert useful == sorted(useful, reverse=True)


def _weak(rule: rules.Rule) -> rules.Rule:
    return dataclasses.replace(rule, confidence=0.5, supports=())


def test_what_was_missing_is_told() -> None:
    case = kept("F042")
    record = case["hosts"][case["host"]]
    record["facts"]["services"] = None
    record["facts"]["collectors"]["services"] = {"status": "failed", "reason": "taken away", "seconds": 0.0}
    blind = {entry["rule"]: entry["because"] for entry in explained(case)["not_judged"]}
    assert "taken away" in blind["software.mda_not_running"]


@pytest.mark.parametrize(
    ("rule", "state", "holds"),
    [
        ("software.mda_not_running", "fired", True),
        ("software.mda_hung", "did not fire", False),
        ("network.fleet_unreachable", "did not fire", None),
    ],
)
def test_one_rule_is_told_in_full(rule: str, state: str, holds: bool | None) -> None:
    (asked,) = explained(kept("F042"), rule=rule)["asked"]
    assert asked["state"] == state
    assert asked["when"] and "rules/" in asked["place"]
    if holds is not None:
        assert all(part["holds"] for part in asked["tries"][0]["parts"]) is holds


def test_a_rule_without_its_facts_says_so() -> None:
    case = kept("F042")
    record = case["hosts"][case["host"]]
    record["facts"]["services"] = None
    record["facts"]["collectors"]["services"] = {"status": "failed", "reason": "taken away", "seconds": 0.0}
    (asked,) = explained(case, rule="software.mda_hung")["asked"]
    assert asked["state"] == "not judged: the facts 'services' could not be had: taken away"
    assert asked["tries"] == []
