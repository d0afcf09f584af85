# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be done about every fault as it was once seen on a real host: what its own file says, and nothing else."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario
import withheld

from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import plan

FAULTS = ROOT / "tests" / "recordings" / "faults"
RULES = withheld.load_rules()
# What is judged once serves all tests of the same fault, where they run in the same process.
NAMES = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in sorted(scenario.all_faults())]
DAEMONS = {"mta": "postfix", "mda": "dovecot"}


@cache
def case(fault: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The case and its report."""
    found = scenario.kept(FAULTS / f"{fault}.json.gz")
    return found, withheld.judge(found, RULES)


def planned(fault: str, mode: str) -> list[dict[str, Any]]:
    """The items for the host of a fault; the host that is well beside it must have none."""
    found, report = case(fault)
    plans = plan.make(report, found["hosts"], plan.Asked(mode=mode))
    assert set(plans) <= {found["host"]}
    return plans.get(found["host"], [])


def proposed(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["state"] != "refused"]


@pytest.mark.parametrize("fault", NAMES)
def test_the_remedy_of_the_fault_is_proposed(fault: str) -> None:
    wanted = scenario.faults.load(fault)["remedy"]
    items = proposed(planned(fault, "safe"))
    if wanted["action"] == "none":
        assert [item for item in items if item["action"] != "escalate"] == []
        return
    states = {item["state"] for item in items if item["action"] == wanted["action"]}
    # A message to those who can mend it changes nothing on the host, and needs nobody's word.
    assert ("go" if wanted["auto"] or wanted["action"] == "escalate" else "ask") in states, items


@pytest.mark.parametrize("mode", plan.MODES)
@pytest.mark.parametrize("fault", NAMES)
def test_what_is_forbidden_is_never_proposed(fault: str, mode: str) -> None:
    items = proposed(planned(fault, mode))
    for name in scenario.faults.load(fault)["forbidden"]:
        action, dummy, daemon = name.partition(":")
        for item in items:
            assert item["action"] != action or daemon and DAEMONS[daemon] not in item["args"]["service"], item


@pytest.mark.parametrize("fault", NAMES)
def test_none_asks_and_all_does_not(fault: str) -> None:
    assert not [item for item in planned(fault, "none") if item["state"] == "go" and item["action"] != "escalate"]
    assert not [item for item in planned(fault, "all") if item["state"] == "ask"]


@pytest.mark.parametrize("fault", NAMES)
def test_nothing_unattended_without_a_confirmed_finding(fault: str) -> None:
    found, report = case(fault)
    known = {one["id"]: one for one in report["hosts"][found["host"]]["findings"]}
    for item in planned(fault, "safe"):
        if item["state"] == "go" and item["action"] != "escalate":
            assert known[item["finding"]]["confidence"] >= plan.CONFIRMED
            assert known[item["finding"]]["remedy"]["auto"] is True
            assert known[item["finding"]]["kind"] == "root_cause"


def actions(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["subject"], item["state"]) for item in items if item["action"] != "escalate"]


def test_what_others_lean_on_comes_first() -> None:
    assert actions(planned("D13", "safe")) == [("unbound.service", "go"), ("opendkim", "go")]
    assert actions(planned("D04", "safe")) == [("dovecot.service", "go"), ("postfix@-.service", "go")]


def test_space_is_made_before_anything_is_started() -> None:
    purge, restart = planned("D01", "safe")
    assert (purge["action"], purge["state"]) == ("purge_spool", "go")
    assert (restart["action"], restart["state"], restart["code"]) == ("restart_daemon", "refused", "first")
    assert "capacity.disk_full_queue" in restart["why"]


def test_a_host_in_maintenance_is_left_alone_and_says_so() -> None:
    items = planned("N03", "all")
    assert items and {(item["state"], item["code"]) for item in items} == {("refused", "maintenance")}
    assert "In maintenance" in items[0]["why"]
