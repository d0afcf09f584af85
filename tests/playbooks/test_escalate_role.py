# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role escalate as a play runs it: what strangers said stays as it is, and no relay can end the run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from labkit import bmc

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


@pytest.mark.parametrize(
    ("installed", "note"),
    [
        (True, "the message could not be sent by {relay}"),
        (False, "the message was not sent: the collection community.general is not installed on the controller"),
    ],
)
def test_a_message_that_cannot_be_sent_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool, note: str
) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_SCAN_SYS_PATH", str(installed))
    monkeypatch.setenv("HOME", str(tmp_path))
    report = {"run": RUN, "hosts": {"mail1": {**HOST, "findings": [FINDING]}}}
    (tmp_path / "triage.json").write_text(json.dumps(report), encoding="utf-8")
    if installed:
        bmc.install()  # the collection that sends mail comes with it
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        relay = f"127.0.0.1:{closed.getsockname()[1]}"
        found = play(tmp_path, "-e", f"escalate_relay={relay}", "-e", '{"escalate_to": ["ops@example.test"]}')
    assert found.returncode == 0, found.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert (result["state"], result["notes"]) == ("done", [note.format(relay=relay)])
