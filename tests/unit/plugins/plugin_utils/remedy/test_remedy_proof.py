# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a series of sweeps says: outages, recovery, and whether a remedy held."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import proof
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy.tracker import (
    LONGEST_PAUSE_S,
    Tracker,
)

IMAP = [("controller", "imap")]
ACTION = {
    "action": "restart_daemon",
    "probes": [["controller", "imap"]],
    "started": 95.0,
    "findings": ["software.mda_not_running"],
}


def view(**protocols: str) -> dict[str, Any]:
    """What one vantage point saw of mail1: protocol=outcome."""
    return {"hosts": {"mail1": {"services": [{"protocol": k, "outcome": v} for k, v in protocols.items()]}}}


def series(*outcomes: str, start: float = 100.0) -> Tracker:
    """IMAP as seen from the controller, every 10 seconds."""
    tracker = Tracker()
    for number, outcome in enumerate(outcomes):
        tracker.see(start + 10 * number, {"controller": view(imap=outcome)})
    return tracker


@pytest.mark.parametrize(
    ("seen", "since"),
    [
        (["ok"], 100.0),
        (["refused", "refused", "ok", "ok"], 120.0),
        (["ok", "refused"], None),
        (["refused"], None),
        (["ok", "refused", "ok"], 100.0),
        (["ok", "refused", "refused", "ok"], 130.0),
    ],
)
def test_since_when_it_answers(seen: list[str], since: float | None) -> None:
    assert series(*seen).ok_since("mail1", IMAP) == since


@pytest.mark.parametrize("seen", [["ok", "timeout", "ok", "ok"], ["timeout", "ok", "ok"]])
def test_one_lost_look_is_no_outage(seen: list[str]) -> None:
    assert series(*seen).outages("mail1") == []


def test_an_outage_begins_with_its_first_failure_and_ends_with_the_first_answer() -> None:
    tracker = series("ok", "refused", "timeout", "ok", "ok")
    assert tracker.outages("mail1") == [
        {"protocol": "imap", "seen_from": "controller", "from": 110.0, "to": 130.0, "outcome": "refused"}
    ]
    assert tracker.downtime("mail1", 999.0) == {"imap": 20.0}


def test_an_outage_that_lasts_is_counted_until_now() -> None:
    assert series("refused", "refused").downtime("mail1", 150.0) == {"imap": 50.0}


def test_downtime_is_that_of_the_vantage_point_that_saw_most() -> None:
    tracker = Tracker()
    tracker.see(0.0, {"a": view(imap="refused"), "b": view(imap="refused")})
    tracker.see(5.0, {"a": view(imap="ok"), "b": view(imap="refused")})
    tracker.see(9.0, {"a": view(imap="ok"), "b": view(imap="ok")})
    assert tracker.downtime("mail1", 9.0) == {"imap": 9.0}


def test_a_vantage_point_that_cannot_help_tells_nothing() -> None:
    tracker = Tracker()
    tracker.see(0.0, {"controller": view(imap="ok"), "branch": {"error": "gone", "status": "unreachable"}})
    assert tracker.ok_since("mail1", IMAP) == 0.0
    assert tracker.ok_since("mail1", [("branch", "imap")]) is None
    assert tracker.outages("mail1") == []


def test_of_two_address_families_the_one_that_fails_counts() -> None:
    both = {"services": [{"protocol": "imap", "outcome": "ok"}, {"protocol": "imap", "outcome": "refused"}]}
    tracker = Tracker()
    tracker.see(0.0, {"controller": {"hosts": {"mail1": both}}})
    assert tracker.ok_since("mail1", IMAP) is None


def test_looks_become_rarer_while_all_is_well_and_frequent_when_something_fails() -> None:
    tracker = series("ok")
    pauses = [tracker.pause() for dummy in range(12)]
    assert pauses == sorted(pauses) and pauses[-1] == LONGEST_PAUSE_S
    tracker.see(500.0, {"controller": view(imap="refused")})
    assert tracker.pause() < pauses[0]
    tracker.see(501.0, {"controller": view(imap="ok")})
    assert tracker.pause() == pauses[0]


def test_a_remedy_is_proved_by_the_probes_that_had_failed() -> None:
    assert proof.prove(ACTION, series("refused"), "mail1") is None
    found = proof.prove(ACTION, series("refused", "ok"), "mail1")
    assert found is not None
    assert (found["state"], found["healed_at"], found["healed_after"]) == ("proved", 110.0, 15.0)


def test_what_falls_over_again_is_caught() -> None:
    proved = proof.prove(ACTION, series("ok"), "mail1") or {}
    later = series("ok", "ok", "refused", "refused", "ok", start=200.0)
    found = proof.watched(proved, ACTION, later, "mail1", 40.0)
    assert (found["state"], found["relapse_at"], found["watched_s"]) == ("relapsed", 220.0, 40.0)
    assert proof.watched(proved, ACTION, series("ok", "ok", start=200.0), "mail1", 10.0)["state"] == "proved"


def test_what_still_answers_elsewhere_has_not_fallen_over() -> None:
    ways = {**ACTION, "probes": [["controller", "imap"], ["branch", "imap"]]}
    proved = {"state": "proved", "healed_at": 90.0}
    lossy = Tracker()
    for number in range(4):
        lossy.see(100.0 + 10 * number, {"controller": view(imap="ok"), "branch": view(imap="timeout")})
    assert proof.watched(proved, ways, lossy, "mail1", 30.0)["state"] == "proved"
    for number in range(4, 6):
        lossy.see(100.0 + 10 * number, {"controller": view(imap="refused"), "branch": view(imap="timeout")})
    found = proof.watched(proved, ways, lossy, "mail1", 50.0)
    assert (found["state"], found["relapse_at"]) == ("relapsed", 140.0)


@pytest.mark.parametrize(
    ("before", "roots", "state"),
    [
        (None, ["software.mda_not_running"], "not_healed"),
        (None, ["other.cause"], "proved"),
        ("proved", ["software.mda_not_running"], "relapsed"),
        ("proved", [], "proved"),
        ("relapsed", [], "relapsed"),
        ("not_healed", [], "proved"),
        ("not_healed", ["software.mda_not_running"], "not_healed"),
    ],
)
def test_the_last_diagnosis_outweighs_the_probes(before: str | None, roots: list[str], state: str) -> None:
    action = {**ACTION, "proof": {"state": before, "by": "probe"} if before else None}
    assert proof.by_diagnosis(action, roots, 300.0)["state"] == state


def test_a_surge_that_is_held_back_is_not_called_uncured() -> None:
    action = {**ACTION, "action": "contain_surge", "findings": ["security.compromised_account"], "proof": None}
    assert proof.by_diagnosis(action, ["security.compromised_account"], 300.0) == {"state": "in_force", "by": "host"}
    assert proof.by_diagnosis(action, [], 300.0)["state"] == "proved"


def symptom(protocol: str, *causes: str, where: str = "remote") -> dict[str, Any]:
    return {"protocol": protocol, "where": where, "from": ["controller", "dept-a"], "explained_by": list(causes)}


def test_what_another_cause_keeps_down_proves_nothing() -> None:
    host = {
        "symptoms": [
            symptom("imap", "software.mda_not_running", "network.firewall_local_drop"),
            symptom("pop3", "software.mda_not_running", "some.symptom"),
            symptom("smtp", "software.mta_hung"),
            symptom("sieve", "software.mda_not_running", where="local"),
        ]
    }
    roots = ["software.mda_not_running", "network.firewall_local_drop", "software.mta_hung"]
    found = proof.ways(host, ["software.mda_not_running"], ["software.mda_not_running", "software.mta_hung"], roots)
    assert found == [("controller", "pop3"), ("dept-a", "pop3")]


def test_a_lossy_way_proves_nothing_about_the_daemon() -> None:
    lossy = {"id": "network.packet_loss", "kind": "root_cause", "category": "network", "subject": "dept-a, dept-b"}
    symptom = {
        "protocol": "smtp",
        "where": "remote",
        "from": ["controller", "dept-a", "dept-b"],
        "explained_by": ["software.mta_hung"],
    }
    host = {"findings": [lossy], "symptoms": [symptom]}
    mended, roots = ["software.mta_hung"], ["software.mta_hung", "network.packet_loss"]
    assert proof.ways(host, mended, mended, roots) == [("controller", "smtp")]
