# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault as it was once seen on a real host, judged again by today's rules.

The cases are made by `make accuracy ARGS="--record tests/recordings/faults"`; what is expected of each stands in the
fault's own file, so that lab and unit tests cannot disagree.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario
import withheld


def name(path: Path) -> str:
    """The fault's id."""
    return path.name.removesuffix(".json.gz")


CASES = sorted((ROOT / "tests" / "recordings" / "faults").glob("*.json.gz"))
RULES = withheld.load_rules()
CONTRACT = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
)
"""Made once: jsonschema.validate() would judge the schema itself for each report."""


def judge(case: dict[str, Any]) -> dict[str, Any]:
    return withheld.judge(case, RULES)


def test_every_fault_has_a_case() -> None:
    assert [name(path) for path in CASES] == sorted(scenario.all_faults())


@pytest.mark.parametrize("path", CASES, ids=name)
def test_the_verdict_is_right(path: Path) -> None:
    case = scenario.kept(path)
    report = judge(case)
    judged = report["hosts"][case["host"]]
    outcome = scenario.Outcome(name(path), case["host"], scenario.faults.load(name(path)), 0.0, judged)
    assert not outcome.wrong()
    assert report["hosts"][scenario.CONTROL]["verdict"] == "healthy"
    CONTRACT.validate(report)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_the_same_facts_give_the_same_findings(path: Path) -> None:
    case = scenario.kept(path)
    assert json.dumps(judge(case), sort_keys=True) == json.dumps(judge(case), sort_keys=True)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_a_missing_fact_never_makes_a_wrong_cause(path: Path) -> None:
    """Without one kind of facts a cause may be missed, but none may be invented, and the gap is named.

    A consequence may be named instead of its cause, but then nothing is done about it unattended.
    """
    case = scenario.kept(path)
    expected = scenario.faults.load(name(path))["expect"]["root_causes"]
    for subset in withheld.subsets(case):
        report = judge(withheld.without_facts(case, subset))
        judged = report["hosts"][case["host"]]
        above = [finding for finding in report["fleet"]["findings"] if case["host"] in finding["hosts"]]
        roots = [finding for finding in [*judged["findings"], *above] if finding["kind"] == "root_cause"]
        for root in roots:
            if root["id"] not in expected:
                assert root["not_ruled_out"] and root["confidence"] < withheld.CONFIRMED, (subset, root["id"])
            assert not (root["not_ruled_out"] and root["remedy"]["auto"]), (subset, root["id"])
        assert judged["not_judged"] or not any(subset in rule.roots for rule in RULES), subset


@pytest.mark.parametrize("path", CASES, ids=name)
def test_nothing_wrong_is_confirmed_when_rules_are_withheld(path: Path) -> None:
    """Each file of rules off in turn, and the category of the true cause."""
    fault, case = name(path), scenario.kept(path)
    expected = scenario.faults.load(fault)["expect"]["root_causes"]
    answers = list(withheld.examine_rules(fault, case, expected, RULES))
    assert len(answers) >= len({withheld.family(rule) for rule in RULES})
    assert not [answer for answer in answers if answer.wrong]


@pytest.mark.parametrize("path", CASES, ids=name)
def test_without_roles_in_the_inventory_no_cause_is_invented(path: Path) -> None:
    """What a host is meant to do is then taken from what is set up there."""
    case = scenario.kept(path)
    for record in case["hosts"].values():
        record["inventory"]["mail_roles"] = None
    report = judge(case)
    roots = [one["id"] for one in report["hosts"][case["host"]]["findings"] if one["kind"] == "root_cause"]
    expected = scenario.faults.load(name(path))["expect"]["root_causes"]
    # Only the inventory can say that a host is meant to live without the Dovecot that is installed and disabled there.
    assert sorted(set(roots)) == sorted(expected) or (
        name(path) == "N04" and roots == ["operator.unit_disabled_or_masked"]
    )
    assert report["hosts"][scenario.CONTROL]["verdict"] == "healthy"


def test_what_is_derived_from_missing_facts_is_not_judged() -> None:
    """Else a rule about it would be silent as if there were nothing, and would not hold back what it explains."""
    case = withheld.without_facts(scenario.kept(CASES[0]), "log")
    judged = judge(case)["hosts"][case["host"]]
    wanted = {rule.id for rule in RULES if "crashes" in rule.roots or "oom" in rule.roots}
    assert wanted
    assert wanted <= {entry["rule"] for entry in judged["not_judged"]}
