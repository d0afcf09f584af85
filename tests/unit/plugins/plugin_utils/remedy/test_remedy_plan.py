# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may hold, whatever the report says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import order, plan

SERVICES = {
    "mta": {"unit": "postfix@-.service", "product": "postfix"},
    "mda": {"unit": "dovecot.service", "product": "dovecot"},
    "resolver": {"unit": "unbound.service", "product": "unbound"},
    "others": [
        {"product": "mariadb", "unit": "mariadb.service", "roles": ["database"]},
        {"product": "rspamd", "unit": "rspamd.service", "roles": ["filter"]},
        {"product": "fail2ban", "unit": "fail2ban.service", "roles": ["security"]},
    ],
}


def finding(name: str, **more: Any) -> dict[str, Any]:
    """A root cause whose remedy is to start a unit; what is given replaces that."""
    remedy = {"action": "restart_daemon", "auto": True, "args": {"service": "dovecot.service", "how": "start"}}
    remedy.update({"forbid": [], "do": "Start it.", "dont": ""}, **more.pop("remedy", {}))
    found = {"id": name, "title": f"{name} is wrong", "kind": "root_cause", "category": "software", "subject": "x"}
    return {**found, "confidence": 0.95, "explained_by": [], "remedy": remedy, **more}


def report(**hosts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "fleet": {"findings": []},
        "hosts": {
            name: {"verdict": "down", "summary": "", "login": {"outcome": "ok", "text": ""}, "findings": findings}
            for name, findings in hosts.items()
        },
    }


def records(*names: str, group: str | None = None) -> dict[str, dict[str, Any]]:
    return {
        name: {"inventory": {"mail_redundancy_group": group}, "facts": {"services": copy.deepcopy(SERVICES)}}
        for name in names
    }


def one(found: list[dict[str, Any]], **asked: Any) -> list[dict[str, Any]]:
    """The plan for a single host."""
    return plan.make(report(mail1=found), records("mail1"), plan.Asked(**asked)).get("mail1", [])


def restart(unit: str, how: str = "restart", **more: Any) -> dict[str, Any]:
    return finding(f"software.{unit}_{how}", remedy={"args": {"service": unit, "how": how}}, **more)


def test_a_confirmed_safe_one_goes() -> None:
    (item,) = one([finding("software.a")])
    assert (item["state"], item["code"], item["subject"]) == ("go", "", "dovecot.service")


@pytest.mark.parametrize(
    ("more", "mode", "state", "why"),
    [
        ({"confidence": 0.89}, "safe", "ask", "probable"),
        ({"confidence": 0.89}, "all", "go", "all"),
        ({"remedy": {"auto": False}}, "safe", "ask", "always asks"),
        ({"remedy": {"auto": False}}, "all", "go", "all"),
        ({"remedy": {"auto": False}, "not_ruled_out": ["a.b"]}, "safe", "ask", "not ruled out that the cause is a.b"),
        ({"remedy": {"auto": False}, "recurring": {"count": 3}}, "safe", "ask", "it came back"),
        ({}, "none", "ask", "none"),
        ({"remedy": {"action": "escalate", "args": {}}}, "none", "go", "only people"),
        ({"remedy": {"args": {"service": "?"}}}, "all", "refused", "do not say"),
    ],
)
def test_who_is_asked(more: dict[str, Any], mode: str, state: str, why: str) -> None:
    (item,) = one([finding("software.a", **more)], mode=mode)
    assert item["state"] == state
    assert why in item["why"]


@pytest.mark.parametrize("kind", ["symptom", "risk", "note"])
def test_only_root_causes_are_acted_upon(kind: str) -> None:
    assert one([finding("software.a", kind=kind, explained_by=["software.b"])], mode="all") == []


@pytest.mark.parametrize("action", ["none", None, "patch_window", "rm -rf /"])
def test_only_what_there_is_a_role_for_is_planned(action: str | None) -> None:
    assert one([finding("software.a", remedy={"action": action})], mode="all") == []


def test_units_are_ordered_by_what_they_are_to_each_other() -> None:
    units = ["postfix@-.service", "dovecot.service", "fail2ban.service", "rspamd", "mariadb", "unbound.service"]
    assert [item["subject"] for item in one([restart(unit) for unit in units])] == [
        "unbound.service",
        "mariadb",
        "rspamd",
        "fail2ban.service",
        "dovecot.service",
        "postfix@-.service",
    ]
    assert order.rank("purge_spool", {}, None) < order.rank("restart_daemon", {"service": "unbound"}, SERVICES)
    assert order.rank("escalate", {}, None) > order.rank("restart_daemon", {"service": "postfix"}, SERVICES)


def test_a_unit_is_restarted_once_in_the_stronger_way() -> None:
    (item,) = one([restart("dovecot.service", "reload"), restart("dovecot", "restart", confidence=0.91)])
    assert item["args"]["how"] == "restart"
    assert item["findings"] == ["software.dovecot_restart", "software.dovecot.service_reload"]


def test_a_merged_one_asks_when_one_of_its_findings_does() -> None:
    (item,) = one([restart("dovecot", "restart"), restart("dovecot", "reload")])
    assert item["state"] == "go"
    careful = restart("dovecot", "reload")
    careful["remedy"]["auto"] = False
    (item,) = one([restart("dovecot", "restart"), careful])
    assert item["state"] == "ask"


@pytest.mark.parametrize(
    ("kind", "category", "state"),
    [
        ("root_cause", "capacity", "refused"),
        ("symptom", "hardware", "refused"),
        ("risk", "configuration", "refused"),
        ("root_cause", "network", "go"),
        ("root_cause", "client", "go"),
        ("risk", "patch", "go"),
        ("note", "capacity", "go"),
    ],
)
def test_what_forbids(kind: str, category: str, state: str) -> None:
    other = finding("x.other", kind=kind, category=category, explained_by=["x.else"])
    other["remedy"].update(action="none", forbid=["restart_daemon"], dont="Do not restart.")
    (item,) = one([finding("software.a"), other], mode="all")
    assert item["state"] == state
    if state == "refused":
        assert item["code"] == "forbidden"
        assert item["why"] == "x.other is wrong (x.other): Do not restart."


@pytest.mark.parametrize(
    ("category", "causes", "state"),
    [
        ("traffic", ["software.hung"], "go"),
        ("traffic", ["software.hung", "capacity.slow"], "refused"),
        ("traffic", ["capacity.slow"], "refused"),
        ("capacity", ["software.hung"], "refused"),
    ],
)
def test_a_crowd_before_a_daemon_that_hangs_is_no_reason_to_leave_it(
    category: str, causes: list[str], state: str
) -> None:
    crowd = finding("x.crowd", kind="symptom", category=category, explained_by=causes)
    crowd["remedy"].update(action="none", forbid=["restart_daemon"])
    (item,) = one([finding("software.hung"), crowd])
    assert item["state"] == state


def test_what_was_forbidden_stays_so_when_a_person_says_yes() -> None:
    full = finding("capacity.full", category="capacity", remedy={"action": "none", "forbid": ["restart_daemon"]})
    (item,) = one([finding("software.a"), full], approved=frozenset(["mail1|restart_daemon|dovecot"]))
    assert item["state"] == "refused"


def test_yes_is_for_the_very_item_that_was_shown() -> None:
    asks = finding("software.a", remedy={"auto": False})
    (item,) = one([asks])
    assert one([asks], approved=frozenset([item["key"]]))[0]["state"] == "go"
    assert one([asks], approved=frozenset(["mail2|restart_daemon|dovecot"]))[0]["state"] == "ask"


def test_old_facts_are_not_acted_upon() -> None:
    (item,) = one([finding("software.a")], ages={"mail1": 121.0}, mode="all")
    assert (item["state"], item["code"]) == ("refused", "stale")
    assert one([finding("software.a")], ages={"mail1": 119.0})[0]["state"] == "go"
    assert one([finding("software.a")], ages={"mail1": 1e9}, live=False)[0]["state"] == "go"


def test_nothing_is_done_twice_in_a_run() -> None:
    key = "mail1|restart_daemon|dovecot"
    for state in ("done", "failed", "nothing", "refused"):
        (item,) = one([finding("software.a")], done={"mail1": [{"key": key, "state": state}]}, mode="all")
        assert (item["state"], item["code"]) == ("refused", "again")


def test_a_host_that_nobody_can_log_into_is_only_escalated() -> None:
    found = report(mail1=[finding("software.a"), finding("x.b", remedy={"action": "escalate"})])
    found["hosts"]["mail1"]["login"] = {"outcome": "unreachable", "text": "no route"}
    first, second = plan.make(found, records("mail1"), plan.Asked(mode="all"))["mail1"]
    assert (first["code"], first["why"]) == ("unreachable", "nobody can log in: no route")
    assert second["action"] == "escalate" and second["state"] == "go"


def test_what_is_wrong_beyond_one_host_is_told_once() -> None:
    found = report(mail1=[], mail2=[])
    broken = finding("network.segment", remedy={"action": "escalate", "args": {}})
    found["fleet"]["findings"] = [{**broken, "hosts": ["mail2", "mail1"]}]
    plans = plan.make(found, records("mail1", "mail2"), plan.Asked())
    assert {name: [item["finding"] for item in items] for name, items in plans.items()} == {
        "mail2": ["network.segment"]
    }


def group_of(size: int, **asked: Any) -> dict[str, str]:
    """For each host of a redundancy group that is broken all over, the code of its item."""
    names = [f"mail{number:02}" for number in range(size)]
    found = report(**{name: [finding("software.a")] for name in names})
    plans = plan.make(found, records(*names, group="mx"), plan.Asked(**asked))
    return {name: items[0]["code"] for name, items in plans.items()}


@pytest.mark.parametrize(("size", "most"), [(2, 1), (9, 1), (19, 1), (20, 2), (45, 4)])
def test_one_host_or_a_tenth_of_a_group_at_a_time(size: int, most: int) -> None:
    codes = group_of(size)
    assert sorted(codes.values()) == [""] * most + ["turn"] * (size - most)
    assert codes["mail00"] == ""


def test_a_remedy_that_did_not_hold_keeps_the_rest_of_the_group_untouched() -> None:
    done = {"mail00": [{"key": "k", "state": "done", "proof": {"state": "not_healed"}}]}
    codes = group_of(3, done=done)
    assert (codes["mail01"], codes["mail02"]) == ("group", "group")
    held = {"mail00": [{"key": "k", "state": "done", "proof": {"state": "proved"}}]}
    assert group_of(3, done=held)["mail00"] == ""


def test_what_a_host_has_refused_passes_the_turn_on() -> None:
    refused = {"mail00": [{"key": "mail00|restart_daemon|dovecot", "state": "refused", "why": "started too often"}]}
    assert group_of(3, done=refused) == {"mail00": "again", "mail01": "", "mail02": "turn"}


def test_the_same_report_gives_the_same_plan() -> None:
    found = report(mail1=[restart("postfix"), restart("dovecot"), finding("x.b", remedy={"action": "escalate"})])
    backwards = copy.deepcopy(found)
    backwards["hosts"]["mail1"]["findings"].reverse()
    known = records("mail1")
    assert plan.make(found, known, plan.Asked()) == plan.make(backwards, known, plan.Asked())
