# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of operating system, applications and updates, where one fact of a recorded host makes the difference."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import diagnose

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario

RULES = rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})


def case(fault: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A recorded fault, and the facts of the host that it struck."""
    found = scenario.kept(ROOT / "tests" / "recordings" / "faults" / f"{fault}.json.gz")
    return found, found["hosts"][found["host"]]["facts"]


def judge(found: dict[str, Any]) -> dict[str, Any]:
    host: dict[str, Any] = diagnose(found["run"], found["sweep"], found["hosts"], RULES)["hosts"][found["host"]]
    return host


def named(host: dict[str, Any], kind: str) -> list[str]:
    return [finding["id"] for finding in host["findings"] if finding["kind"] == kind]


BROKEN_OFF = {"package": "dovecot-core", "state": "half-configured", "daemon": "dovecot"}


@pytest.mark.parametrize(("at_work", "risks"), [(False, ["patch.package_unfinished"]), (True, [])])
def test_an_unfinished_package_is_a_risk_as_long_as_mail_works(at_work: bool, risks: list[str]) -> None:
    found, facts = case("F105")
    facts["patches"].update(unfinished=[BROKEN_OFF], at_work=at_work)
    host = judge(found)
    assert host["verdict"] == "healthy"
    assert [risk for risk in named(host, "risk") if risk != "patch.reboot_required"] == risks


def test_dead_domains_beside_mail_that_goes_out_are_everyday_business() -> None:
    found, facts = case("F016")
    assert named(judge(found), "root_cause") == ["network.outbound25_blocked"]
    facts["log"]["signatures"]["connect_timeout"]["current"] = 2
    assert named(judge(found), "root_cause") == []


@pytest.mark.parametrize(
    ("ago", "cause"),
    [(600.0, "patch.upgrade_breaks_config"), (3 * 86400.0, "configuration.mda_config_fatal")],
    ids=["minutes before", "days before"],
)
def test_an_upgrade_is_blamed_only_for_what_came_right_after_it(ago: float, cause: str) -> None:
    found, facts = case("F108")
    facts["patches"]["upgrades"][0]["at"] = facts["config"]["dovecot"]["changed"] = found["run"]["started"] - ago
    assert named(judge(found), "root_cause") == [cause]


def test_a_configuration_that_somebody_changed_later_is_not_the_upgrades_doing() -> None:
    found, facts = case("F108")
    facts["patches"]["upgrades"][0]["at"] = found["run"]["started"] - 7200
    assert facts["config"]["dovecot"]["changed"] > found["run"]["started"] - 3600
    assert named(judge(found), "root_cause") == ["configuration.mda_config_fatal"]


def test_a_process_that_only_grows_is_a_risk() -> None:
    found, facts = case("F105")
    now = found["run"]["started"]
    big = {"pid": 4711, "name": "rspamd", "started": now - 90000.0, "rss_bytes": 600 << 20}
    facts["memory"]["mail"] = [big]
    found["run"]["history"] = {found["host"]: {"runs": [], "memory": [[now - 7200, [{**big, "rss_bytes": 200 << 20}]]]}}
    host = judge(found)
    (leak,) = (finding for finding in host["findings"] if finding["id"] == "software.memory_leak")
    assert leak["title"] == "rspamd (pid 4711) only grows: 400.0 MiB in 2 h"
    assert host["verdict"] == "healthy"
    facts["memory"]["mail"] = [{**big, "started": now - 3600.0}]
    assert "software.memory_leak" not in named(judge(found), "risk")


def test_a_milter_that_hangs_for_the_third_time_is_not_restarted_unattended() -> None:
    found, dummy = case("F065")
    now = found["run"]["started"]
    days = [[now - 4 * 86400, ["dependency.milter_hung"]], [now - 2 * 86400, ["dependency.milter_hung"]]]
    found["run"]["history"] = {found["host"]: {"runs": days, "memory": []}}
    host = judge(found)
    (root,) = (finding for finding in host["findings"] if finding["kind"] == "root_cause")
    assert root["title"].startswith("Recurring (3rd time in 4 d): The milter at ")
    assert root["recurring"] == {"count": 3, "first": days[0][0], "last": days[1][0], "began": now}
    assert root["remedy"]["auto"] is False
    assert host["summary"].startswith("Recurring (3rd time in 4 d)")
    assert "history" not in diagnose(found["run"], found["sweep"], found["hosts"], RULES)["run"]
