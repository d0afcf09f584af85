# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench says of a diagnosis that knows too little: it must be able to find fault with it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario
import withheld

CONFIG = "F056"
"""Dovecot's configuration is broken, so it is not running: without the cause's rule the consequence is tempting."""
CASE = scenario.kept(ROOT / "tests" / "recordings" / "faults" / f"{CONFIG}.json.gz")
TRUE = ["configuration.mda_config_fatal"]
FILES = {"configuration.yml", "daemons.yml", "dependency.yml"}
RULES = [rule for rule in withheld.load_rules() if withheld.family(rule) in FILES]


def test_an_engine_that_blames_the_consequence_is_caught() -> None:
    careless = [dataclasses.replace(rule, doubts=()) for rule in RULES]
    found = [answer for answer in withheld.examine(CONFIG, CASE, TRUE, careless) if answer.wrong]
    assert {answer.withheld for answer in found} == {"rules of configuration.yml", "rules of category configuration"}
    assert {answer.manner for answer in found} == {"wrong"}
    assert all(answer.blind and answer.wrong == ["software.mda_not_running"] for answer in found)


def test_a_guess_with_a_reserve_is_no_wrong_cause() -> None:
    found = [answer for answer in withheld.examine(CONFIG, CASE, TRUE, RULES) if answer.blind]
    assert {answer.manner for answer in found} == {"guess with a reserve"}
    assert all(answer.unsure == ["software.mda_not_running"] for answer in found)


def test_a_diagnosis_that_falls_over_is_wrong() -> None:
    torn = {**CASE, "run": {}}
    assert all(answer.wrong == ["KeyError('started')"] for answer in withheld.examine(CONFIG, torn, TRUE, RULES))


def test_every_family_is_switched_off_once() -> None:
    left = dict(withheld.without_family(RULES, TRUE))
    assert set(left) == {f"rules of {name}" for name in FILES} | {"rules of category configuration"}
    assert sum(len(RULES) - len(left[f"rules of {name}"]) for name in FILES) == len(RULES)
    assert not [rule for rule in left["rules of category configuration"] if rule.category == "configuration"]


def test_facts_are_taken_from_the_broken_host_only() -> None:
    poorer = withheld.without_facts(CASE, "services")
    assert poorer["hosts"]["mail1"] == CASE["hosts"]["mail1"]
    assert poorer["hosts"][CASE["host"]]["facts"]["services"] is None
    assert CASE["hosts"][CASE["host"]]["facts"]["services"] is not None
    assert "services" in withheld.subsets(CASE) and "services" not in withheld.subsets(poorer)


def test_a_host_that_nobody_got_into_has_no_facts_to_withhold() -> None:
    dark = scenario.kept(ROOT / "tests" / "recordings" / "faults" / "F001.json.gz")
    assert withheld.subsets(dark) == []
