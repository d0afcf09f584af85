# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user complains: recorded on real hosts with C(triage_affected), judged again by today's rules."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import diagnose, join

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario

RULES = rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})
Case = dict[str, Any]


def case(name: str) -> Case:
    return scenario.kept(ROOT / "tests" / "recordings" / "reported" / f"{name}.json.gz")


def judge(one: Case) -> dict[str, Any]:
    judged: dict[str, Any] = diagnose(one["run"], one["sweep"], one["hosts"], RULES)["hosts"][one["host"]]
    return judged


def named(judged: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    found = [(one["id"], one["subject"]) for one in judged["findings"] if one["kind"] == kind]
    return [pair for pair in found if pair[0].startswith("client.")]


def facts(one: Case) -> dict[str, Any]:
    found: dict[str, Any] = one["hosts"][one["host"]]["facts"]
    return found


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("locked", ("client.account_locked_or_expired", "bob")),
        ("banned", ("client.client_banned", "198.51.100.139")),
        ("stale", ("client.one_client_misconfigured", "alice")),
    ],
)
def test_the_cause_is_the_clients(name: str, cause: tuple[str, str]) -> None:
    judged = judge(case(name))
    assert judged["verdict"] == "degraded" and judged["scope"] in ("client", "segment")
    assert named(judged, "root_cause") == [cause]
    assert ("client.path_healthy", cause[1]) not in named(judged, "note")


def test_a_user_whose_path_is_sound() -> None:
    judged = judge(case("well"))
    assert (judged["verdict"], judged["scope"]) == ("healthy", "none")
    assert "The path of alice is sound; look at the client" in judged["summary"]
    (note,) = [one for one in judged["findings"] if one["id"] == "client.path_healthy"]
    assert [entry["says"] for entry in note["evidence"] if "last login" in entry["says"]]
    assert any("program of alice" in step for step in judged["next"])


def test_nobody_reported_nobody_is_vouched_for() -> None:
    one = case("well")
    del one["run"]["affected"]
    for record in one["hosts"].values():
        record["facts"]["mailboxes"]["affected"] = []
    judged = judge(one)
    assert named(judged, "note") == [] and "path" not in judged["summary"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda user: user.update(barred="locked"),
        lambda user: user.update(broken_filter={"user": "alice", "script": "/x", "since": 1.0, "line": 1}),
        lambda user: user["mailbox"].update(owner_matches=False),
        lambda user: user["mailbox"]["quota"].update(limit_bytes=1, percent=200.0),
        lambda user: user["logins"].update(failed=4, last_failed=user["logins"]["last"] + 1, failed_from=["192.0.2.1"]),
    ],
)
def test_what_is_wrong_with_a_user_is_not_vouched_for(spoil: Any) -> None:
    one = case("well")
    spoil(facts(one)["mailboxes"]["affected"][0])
    assert named(judge(one), "note") == []


def test_what_could_not_be_looked_at_is_not_vouched_for() -> None:
    for subset in ("mailboxes", "log"):
        one = case("well")
        facts(one)[subset] = None
        facts(one)["collectors"][subset] = {"status": "failed", "reason": "taken away", "seconds": 0.0}
        assert named(judge(one), "note") == []
    one = case("well")
    facts(one)["mailboxes"]["affected"][0]["barred"] = None
    assert named(judge(one), "note") == []


def test_a_user_nobody_knows() -> None:
    assert ("client.user_unknown", "carol") in named(judge(case("stale")), "note")


def test_where_a_reported_user_comes_from_may_be_banned() -> None:
    one = case("well")
    facts(one)["bans"]["entries"] = [
        {"address": "198.51.100.0/25", "by": ["nft bad"], "ports": None, "since": None, "until": None, "asked": []}
    ]
    (user,) = [user for user in join(one["run"], one["sweep"], one["hosts"])[one["host"]]["users"] if user["reported"]]
    assert user["banned"] == ["198.51.100.11"]
    assert named(judge(one), "note") == []


def test_a_probe_account_with_an_old_password_is_no_client() -> None:
    """Its failures come from the vantage points; the same failures from elsewhere are a client's."""
    one = case("stale")
    del one["run"]["affected"]
    found = facts(one)
    found["mailboxes"]["affected"] = []
    assert named(judge(one), "root_cause") == [("client.one_client_misconfigured", "alice")]
    for source, address in zip(found["log"]["flow"]["sources"], ["192.0.2.2"]):
        source["address"] = address
    assert named(judge(one), "root_cause") == []


@pytest.mark.parametrize("names", ["failing_accounts", "failing_sources"])
def test_many_who_fail_are_no_single_client(names: str) -> None:
    one = case("stale")
    del one["run"]["affected"]
    found = facts(one)
    found["mailboxes"]["affected"] = []
    found["log"]["flow"]["distinct"][names] = 40
    assert ("client.one_client_misconfigured", "alice") not in named(judge(one), "root_cause")


def test_names_of_users_are_joined_whatever_their_case() -> None:
    one = case("stale")
    signature = facts(one)["log"]["signatures"]["auth_failed"]
    before = copy.deepcopy(signature["keys"])
    signature["keys"] = [{"key": "Alice", "count": before[0]["count"]}]
    users = join(one["run"], one["sweep"], one["hosts"])[one["host"]]["users"]
    assert [user["hits"]["failed"] for user in users if user["user"].lower() == "alice"] == [before[0]["count"]]


def test_a_login_of_the_probes_own_account_is_evidence() -> None:
    one = case("well")
    for service in one["sweep"]["vantages"]["controller"]["hosts"][one["host"]]["services"]:
        if service["protocol"] == "imaps":
            service["rungs"].insert(-1, {"rung": "login", "ok": True, "code": None, "text": "", "ms": 1.0})
    (note,) = [finding for finding in judge(one)["findings"] if finding["id"] == "client.path_healthy"]
    assert "a login with the probe's own account works at imaps" in [entry["says"] for entry in note["evidence"]]
