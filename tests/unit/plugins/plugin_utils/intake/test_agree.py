# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of users held against real hosts: the evidence agrees, does not agree, or cannot tell."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import diagnose, join
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.reported import ReportedError, taken_in

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario

RULES = rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})


def told(fault: str, said: Any, who: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A kept case with a report of a user, and its run."""
    case = scenario.kept(ROOT / "tests" / "recordings" / "faults" / f"{fault}.json.gz")
    variables = {"triage_symptom": said, "triage_affected": who}
    names, points = case["hosts"], case["sweep"]["vantages"]
    return case, {**case["run"], **taken_in(variables, [schema.ROOT / "rules"], names, points)}


def report(fault: str, said: Any, who: Any = None) -> dict[str, Any]:
    case, run = told(fault, said, who)
    found = diagnose(run, case["sweep"], case["hosts"], RULES)
    jsonschema.validate(found, json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8")))
    symptom: dict[str, Any] = found["symptom"]
    return symptom


@pytest.mark.parametrize(
    ("fault", "said", "who", "agrees", "words"),
    [
        ("F042", "POPサーバが応答しません", None, "yes", "agrees: pop3 is refused on"),
        ("F042", "The POP server does not respond", None, "yes", "(dovecot is not running)"),
        ("F042", "cannot send mail", None, "yes", "(dovecot is not running)"),
        ("F041", "送信できない", None, "yes", "smtp and submission are refused"),
        ("F041", "POP3 times out", "10.9.8.7", "no", "POP3 answers everywhere"),
        ("F041", "POP3 times out", "10.9.8.7", "no", "probe from the network of 10.9.8.7"),
        ("N01", "everyone: IMAP is down", None, "no", "look at the client, and ask"),
        ("N01", "everyone: IMAP is down", None, "no", "reported for everyone: probe from where they sit"),
        ("F073", "452 4.3.1 Insufficient system storage", None, "yes", "the queue"),
        ("F075", "my mailbox is full", None, "yes", "The mailbox volume"),
        ("F020", "IMAP does not respond", "dept-a", "yes", "from dept-a"),
        ("F020", "IMAP does not respond", "dept-b", "no", "IMAP answers on every host (seen from dept-b)"),
        ("F025", "mail does not arrive", None, "yes", "resolver"),
        ("F088", "the certificate has expired", None, "yes", "certificate"),
        ("F099", "cannot open my mailbox", None, "yes", "mailbox"),
        ("N01", "my mailbox is full", None, "no", "ask for sender, recipient and time of one message"),
        ("F012", "0x800CCC0E Port: 143", None, "no", "IMAP answers everywhere"),
        ("F001", "nothing works", None, "yes", "time out on"),
        ("N09", "IMAP: wrong password", None, "unknown", "no login was tried (triage_probe_account)"),
        ("F042", "my horse is ill", None, "unknown", "was not understood"),
        ("F041", "cannot send mail. IMAP times out", None, "partly", "IMAP answers everywhere"),
        (
            "F042",
            "The POP server does not respond",
            "alice",
            "yes",
            "one user called, but what was found hits everybody",
        ),
    ],
)
def test_the_evidence_agrees_or_does_not(fault: str, said: str, who: Any, agrees: str, words: str) -> None:
    found = report(fault, said, who)
    assert found["agrees"] == agrees, found["says"]
    assert words in found["says"]


def test_a_host_that_was_named_is_the_only_one_looked_at() -> None:
    assert report("F042", "POP3 does not respond", scenario.CONTROL)["agrees"] == "no"


def test_nobody_reported_anything() -> None:
    case, run = told("F042", None)
    assert "symptom" not in run
    assert diagnose(run, case["sweep"], case["hosts"], RULES)["symptom"] is None


def test_rules_can_search_what_was_reported() -> None:
    case, run = told("F042", "部署: POPサーバが応答しません", ["alice", "dept-a"])
    document = join(run, case["sweep"], case["hosts"])[case["host"]]
    assert document["reported"] == {
        "protocols": ["pop3", "pop3s"],
        "directions": ["receive"],
        "scope": "department",
        "users": ["alice"],
        "addresses": [],
        "hosts": [],
        "segments": ["dept-a"],
    }
    case, run = told("F042", None)
    assert not any(join(run, case["sweep"], case["hosts"])[case["host"]]["reported"].values())


@pytest.mark.parametrize(("said", "who"), [({"a": 1}, None), (True, None), ("x", {"a": 1})])
def test_a_variable_of_a_wrong_kind_is_named(said: Any, who: Any) -> None:
    with pytest.raises(ReportedError) as error:
        told("F042", said, who)
    assert "triage_" in str(error.value)
