# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages about what people have to mend: complete, bounded, and never more than data."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils import _escalation

ROOT = Path(__file__).resolve().parents[5]
HARDWARE = {"contract": "Example 4711", "serial": "S-1", "spare": "shelf 3", "location": "rack B7"}
FINDING: dict[str, Any] = {
    "id": "hardware.disk_failing",
    "title": "sda fails",
    "category": "hardware",
    "kind": "root_cause",
    "subject": "sda",
    "severity": "critical",
    "confidence": 0.93,
    "evidence": [{"fact": "x", "value": 7, "says": "7 sectors are lost", "from": "branch"}],
    "remedy": {"action": "escalate", "do": "Replace sda.", "dont": "No fsck."},
    "cure": "RAID",
    "recurring": {"count": 3},
}
HOST: dict[str, Any] = {
    "verdict": "down",
    "site": "berlin",
    "reach": {"controller": {"smtp": "timeout", "imap": "ok", "pop3": "skipped"}, "branch": {"smtp": "refused"}},
    "next": ["Read the kernel log."],
    "not_judged": [{"rule": "storage.hang", "because": "nobody could log in"}],
}
RUN = {"id": "run-1", "started": 1795614384, "ticket": "INC-1"}


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


PLAY = """
- hosts: mail1
  gather_facts: false
  vars:
    mail_hardware: {contract: "Example {{ 4711 }}", bmc: {password: "{{ not_defined }}"}}
  tasks:
    - ansible.builtin.slurp: {src: "{{ dir }}/triage.json"}
      delegate_to: localhost
      register: raw
    - ansible.builtin.include_role: {name: mailops.triage.escalate}
      vars:
        escalate_finding: "{{ (raw.content | b64decode | from_json).hosts.mail1.findings[0] }}"
        escalate_host: "{{ (raw.content | b64decode | from_json).hosts.mail1 }}"
        escalate_report_dir: "{{ dir }}"
    - ansible.builtin.copy: {content: "{{ escalate_result | to_json }}", dest: "{{ dir }}/result", mode: "0600"}
      delegate_to: localhost
      check_mode: false
"""


def play(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the role for a host that nobody can reach."""
    (folder / "play.yml").write_text(PLAY, encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    program = str(Path(sys.executable).parent / "ansible-playbook")
    command = [program, "-i", "mail1,", "-e", f"dir={folder}", *words, str(folder / "play.yml")]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)


def test_the_role_writes_what_strangers_said_as_it_is(tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    hostile = "{{ lookup('pipe', 'touch " + str(owned) + "') }} {% raw %}"
    finding = {**FINDING, "title": hostile, "evidence": [{"says": hostile}]}
    report = {"run": RUN, "hosts": {"mail1": {**HOST, "next": [hostile], "findings": [finding]}}}
    (tmp_path / "triage.json").write_text(json.dumps(report), encoding="utf-8")

    planned = play(tmp_path, "--check")
    assert planned.returncode == 0, planned.stdout
    assert json.loads((tmp_path / "result").read_text())["state"] == "planned"
    assert not (tmp_path / "escalations").exists()

    done = play(tmp_path)
    assert done.returncode == 0, done.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert (result["state"], result["changed"], result["subject"]) == ("done", True, "sda")
    text = (tmp_path / "escalations" / "mail1-hardware.disk_failing-sda.txt").read_text(encoding="utf-8")
    for said in (hostile, "Contract: Example 4711", "ハードウェア保守ご担当者様", "does not answer: smtp (timeout)"):
        assert said in text
    page = (tmp_path / "escalations" / "mail1-hardware.disk_failing-sda.md").read_text(encoding="utf-8")
    assert f"`{hostile}`" in page

    again = play(tmp_path)
    assert again.returncode == 0, again.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert (result["state"], result["changed"]) == ("nothing", False)
    assert not owned.exists()


def test_the_mail_never_goes_by_the_sick_host(tmp_path: Path) -> None:
    report = {"run": RUN, "hosts": {"mail1": {**HOST, "findings": [FINDING]}}}
    (tmp_path / "triage.json").write_text(json.dumps(report), encoding="utf-8")
    found = play(tmp_path, "-e", "escalate_relay=mail1.example.test:25", "-e", '{"escalate_to": ["ops@example.test"]}')
    assert found.returncode == 0, found.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert result["notes"] == ["the message is not sent by mail1.example.test, because that is the host it is about"]
    assert (tmp_path / "escalations" / "mail1-hardware.disk_failing-sda.txt").exists()


def test_a_relay_that_cannot_be_reached_does_not_end_the_run(tmp_path: Path) -> None:
    """Nor does it where the collection that sends mail is not installed, as may be the case where this runs."""
    report = {"run": RUN, "hosts": {"mail1": {**HOST, "findings": [FINDING]}}}
    (tmp_path / "triage.json").write_text(json.dumps(report), encoding="utf-8")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        relay = f"127.0.0.1:{closed.getsockname()[1]}"
        found = play(tmp_path, "-e", f"escalate_relay={relay}", "-e", '{"escalate_to": ["ops@example.test"]}')
    assert found.returncode == 0, found.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert (result["state"], result["notes"]) == ("done", [f"the message could not be sent by {relay}"])
