# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fit or not, worse or not: by diagnoses of real hosts that were well, and of such that were broken in every way."""

from __future__ import annotations

import copy
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario
import withheld

from ansible_collections.mailops.triage.plugins.plugin_utils._night import judge

FAULTS = ROOT / "tests" / "recordings" / "faults"
RULES = withheld.load_rules()
OURS = {"hardware", "software", "capacity", "configuration", "dependency", "data", "operator", "patch"}
NAMES = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in sorted(scenario.all_faults())]


@cache
def seen(fault: str) -> dict[str, Any]:
    """The part of a report about the host of a fault."""
    found = scenario.kept(FAULTS / f"{fault}.json.gz")
    host: dict[str, Any] = withheld.judge(found, RULES)["hosts"][found["host"]]
    return host


def grave(host: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in host["findings"] if one["kind"] == "root_cause" and one["severity"] in ("critical", "major")]


@pytest.mark.parametrize("fault", NAMES)
def test_what_is_broken_is_worse_and_what_is_well_is_not(fault: str) -> None:
    well, host = seen("F104"), seen(fault)
    change = judge.compare(well, host)
    ours = [one for one in grave(host) if one["category"] in OURS]
    if ours or host["login"]["outcome"] != "ok":
        assert change.verdict == "worse" and change.why
    if host["verdict"] == "healthy":
        assert change.verdict == "same", change


@pytest.mark.parametrize("fault", NAMES)
def test_a_host_is_the_same_as_itself_and_never_worse_than_when_it_was_broken(fault: str) -> None:
    host = seen(fault)
    assert judge.compare(host, host).verdict == "same"
    # From dark to well is better, whatever it was.
    assert judge.compare(host, seen("F104")).verdict in ("same", "better")


@pytest.mark.parametrize("fault", NAMES)
def test_what_is_sick_of_something_else_is_not_patched(fault: str) -> None:
    host = seen(fault)
    fit = judge.fit(host, {})
    others = [one for one in grave(host) if one["category"] != "patch" and not judge.cured(one)]
    assert not (fit.go and others), fit
    if host["verdict"] == "healthy" and not grave(host) and "forbid" not in fit.code:
        assert fit.go, fit


def test_what_the_patch_cures_is_patched() -> None:
    fit = judge.fit(seen("F107"), {})
    assert (fit.go, fit.code) == (True, "cure") and "patch.package_half_configured" in fit.why
    assert judge.compare(seen("F107"), seen("F104")).verdict == "better"


def test_an_upgrade_is_no_cure_for_an_upgrade() -> None:
    assert judge.fit(seen("F108"), {}).code == "sick"
    change = judge.compare(seen("F104"), seen("F108"))
    assert change.verdict == "worse" and "patch.upgrade_breaks_config" in change.why[0]


def test_a_fix_that_is_pending_is_evidence() -> None:
    host = copy.deepcopy(seen("F041"))
    assert judge.fit(host, {}).code == "sick"
    grave(host)[0]["fixes"] = ["postfix"]
    assert judge.fit(host, {}).code == "cure"


def test_a_disk_that_is_alone_forbids_it() -> None:
    fit = judge.fit(seen("F006"), {}, sick_too=True)
    assert (fit.go, fit.code) == (False, "forbidden") and "hardware.raid_degraded" in fit.why


def test_the_inventorys_maintenance_keeps_it_away() -> None:
    assert judge.fit(seen("N03"), {}, sick_too=True).code == "maintenance"


def test_somebody_has_to_stand_in() -> None:
    well, broken = seen("F104"), seen("F041")
    assert judge.fit(well, {"mail2": broken}).code == "partner"
    assert judge.fit(well, {"mail2": broken, "mail3": seen("F105")}).go
    # A member of the group that offers nothing of what this one does cannot stand in for it.
    other = {**well, "expected": ["lmtp"]}
    assert judge.fit(well, {"mail2": other}).code == "partner"


def test_a_sick_host_may_be_patched_when_somebody_says_so() -> None:
    assert judge.fit(seen("F041"), {}, sick_too=True).go


def test_a_protocol_that_one_vantage_point_does_not_reach_is_noted_only() -> None:
    before, after = seen("F104"), copy.deepcopy(seen("F104"))
    after["reach"]["dept-a"]["imap"] = "timeout"
    change = judge.compare(before, after)
    assert change.verdict == "same" and "dept-a" in change.notes[0]
    for vantage in ("controller", "dept-b"):
        after["reach"][vantage]["imap"] = "refused"
    change = judge.compare(before, after)
    assert change.verdict == "worse" and change.why == ["imap answers nobody any more"]


def test_what_comes_from_outside_does_not_count() -> None:
    flood = copy.deepcopy(seen("F033"))
    flood["reach"] = seen("F104")["reach"]
    change = judge.compare(seen("F104"), flood)
    assert change.verdict == "same" and "traffic.inbound_flood" in change.notes[0]
