# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages about what people have to mend: complete, bounded, and never more than data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils import _escalation

ROOT = Path(__file__).resolve().parents[5]
HARDWARE = {"contract": "Example 4711", "serial": "S-1", "spare": "shelf 3", "location": "rack B7"}
REPORT = json.loads((Path(__file__).parent / "disk_failing.json").read_text(encoding="utf-8"))
RUN: dict[str, Any] = REPORT["run"]
HOST: dict[str, Any] = REPORT["hosts"]["mail1"]
FINDING: dict[str, Any] = HOST["findings"][0]


def test_a_message_about_hardware_has_what_the_contract_asks_for() -> None:
    told = _escalation.message("mail1", FINDING, HOST, {**HARDWARE, "bmc": {"password": "secret"}}, RUN)
    assert told["kind"] == "hardware"
    assert told["hardware"] == HARDWARE
    assert told["headline"] == "[critical] mail1: sda fails"
    assert told["evidence"] == ["7 sectors are lost (branch)"]
    assert (told["confidence"], told["recurring"], told["at"]) == ("93 %", "3", "2026-11-25 13:46:24 UTC")
    assert told["name"] == "mail1-hardware.disk_failing-sda"
    assert "secret" not in json.dumps(told)


def test_a_message_about_the_network_says_from_where() -> None:
    told = _escalation.message("mail1", {**FINDING, "category": "network"}, HOST, {}, RUN)
    assert told["kind"] == "network"
    assert told["reach"] == [
        {"from": "controller", "well": ["imap"], "ill": ["smtp (timeout)"]},
        {"from": "branch", "well": [], "ill": ["smtp (refused)"]},
    ]


def test_without_a_cause_it_says_what_was_not_seen_and_what_is_next() -> None:
    told = _escalation.message("mail1", {"id": "smtp.remote.timeout", "kind": "symptom"}, HOST, None, {})
    assert told["kind"] == "unknown"
    assert told["open"] == ["storage.hang: nobody could log in"]
    assert told["next"] == ["Read the kernel log."]


@pytest.mark.parametrize(
    "broken", [None, [], "x", 7, {"evidence": "x", "remedy": 7, "confidence": "high", "recurring": []}]
)
def test_damaged_reports_do_no_harm(broken: object) -> None:
    told = _escalation.message("mail1", broken, broken, broken, broken)
    assert told["name"] == "mail1"


def test_texts_of_strangers_are_inert_and_bounded() -> None:
    hostile = "\x1b[31m\u202e`{{ 7*7 }}`\nTo: all@example.test" + "A" * 5000
    finding = {**FINDING, "title": hostile, "subject": "../../../etc/cron.d/x", "evidence": [{"says": hostile}] * 500}
    told = _escalation.message("mail1", finding, {"next": [hostile] * 500}, {"contract": hostile}, RUN)
    assert told["name"] == "mail1-hardware.disk_failing-etc-cron.d-x"
    text = json.dumps(told, ensure_ascii=False)
    assert len(text) < 20000
    assert not any(sign in text for sign in ("\x1b", "\\u001b", "\u202e", "\\n"))
    assert "{{ 7*7 }}" in told["title"]


@pytest.mark.parametrize("name", ["..", "", "/", "a/../b"])
def test_no_file_name_leads_out(name: str) -> None:
    made = _escalation.file_name({"host": name, "id": name, "subject": name})
    assert made
    assert "/" not in made
    assert not made.startswith(".")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mx2.example.test", ("mx2.example.test", 25)),
        ("192.0.2.9:587", ("192.0.2.9", 587)),
        ("[2001:db8::1]:25", ("2001:db8::1", 25)),
    ],
)
def test_a_relay(text: str, found: tuple[str, int]) -> None:
    assert _escalation.relay(text) == found


@pytest.mark.parametrize("text", ["", "a b", "mx:0", "mx:99999", "mx;id", "2001:db8::1:25:x"])
def test_no_relay(text: str) -> None:
    with pytest.raises(ValueError, match="no mail server"):
        _escalation.relay(text)
