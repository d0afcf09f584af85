# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answer becomes when the engine knows less: a family of rules is off, or one kind of facts is missing.

Offline, on what was recorded of a fault. The right cause may be missed then; a wrong one must not be confirmed, and
nothing may be done unattended because of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

ROOT = Path(__file__).resolve().parents[2]
if AnsibleCollectionConfig.collection_finder is None:
    _AnsibleCollectionFinder(paths=[str(ROOT / "playbooks" / "collections")])._install()
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import diagnose

Case = dict[str, Any]
Rule = rules.Rule

CONFIRMED = 0.9
"""From this confidence on a root cause is called confirmed."""


class Answer(NamedTuple):
    """What was said of a fault while something was withheld."""

    fault: str
    withheld: str
    blind: bool
    """Was a rule for a true root cause among what was withheld?"""
    verdict: str
    wrong: list[str]
    """Root causes that are none, and were confirmed or would be acted upon unattended."""
    unsure: list[str]
    """Root causes that are none, but were named with a reserve."""

    @property
    def manner(self) -> str:
        """How it deals with what it cannot know."""
        if self.wrong:
            return "wrong"
        if self.verdict == "unknown":
            return "unknown"
        if self.unsure:
            return "guess with a reserve"
        return "not seen" if self.verdict == "healthy" else "other true causes"


def load_rules() -> list[Rule]:
    """The rules of the collection."""
    return rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})


def judge(case: Case, known: list[Rule]) -> dict[str, Any]:
    """Judge a recorded case by some rules."""
    return diagnose(case["run"], case["sweep"], case["hosts"], known)


def family(rule: Rule) -> str:
    """The file that a rule stands in."""
    return Path(rule.place.rpartition(":")[0]).name


def without_family(known: list[Rule], true: list[str]) -> Iterator[tuple[str, list[Rule]]]:
    """Switch off each file of rules in turn, then each category that a true root cause is of."""
    for name in sorted({family(rule) for rule in known}):
        yield f"rules of {name}", [rule for rule in known if family(rule) != name]
    for name in sorted({cause.partition(".")[0] for cause in true}):
        yield f"rules of category {name}", [rule for rule in known if rule.category != name]


def subsets(case: Case) -> list[str]:
    """The kinds of facts that were had of the broken host; none where nobody got in."""
    facts = case["hosts"][case["host"]]["facts"] or {}
    return sorted(name for name in facts.get("collectors", {}) if facts.get(name) is not None)


def without_facts(case: Case, subset: str) -> Case:
    """The same case, as if one collector had failed on the broken host."""
    host, record = case["host"], case["hosts"][case["host"]]
    failed = {"status": "failed", "reason": "taken away", "seconds": 0.0}
    collectors = {**record["facts"]["collectors"], subset: failed}
    facts = {**record["facts"], subset: None, "collectors": collectors}
    return {**case, "hosts": {**case["hosts"], host: {**record, "facts": facts}}}


def examine(fault: str, case: Case, true: list[str], known: list[Rule]) -> Iterator[Answer]:
    """Withhold each family of rules, then each kind of facts, and see what is said."""
    yield from examine_rules(fault, case, true, known)
    for subset in subsets(case):
        yield _answer(fault, f"facts of {subset}", False, without_facts(case, subset), known, true)


def examine_rules(fault: str, case: Case, true: list[str], known: list[Rule]) -> Iterator[Answer]:
    """Withhold each family of rules, and see what is said."""
    for withheld, left in without_family(known, true):
        blind = not set(true) <= {rule.id for rule in left}
        yield _answer(fault, withheld, blind, case, left, true)


def _answer(fault: str, withheld: str, blind: bool, case: Case, known: list[Rule], true: list[str]) -> Answer:
    host = case["host"]
    try:
        report = judge(case, known)
    except Exception as failure:  # whatever it is: a diagnosis that falls over is wrong, and the bench goes on
        return Answer(fault, withheld, blind, "none", [repr(failure)], [])
    findings = report["hosts"][host]["findings"]
    findings = findings + [finding for finding in report["fleet"]["findings"] if host in finding["hosts"]]
    invented = [finding for finding in findings if finding["kind"] == "root_cause" and finding["id"] not in true]
    grave = [one for one in invented if one["confidence"] >= CONFIRMED or one["remedy"]["auto"]]
    return Answer(
        fault,
        withheld,
        blind,
        report["hosts"][host]["verdict"],
        [finding["id"] for finding in grave],
        [finding["id"] for finding in invented if finding not in grave],
    )
