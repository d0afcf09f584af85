# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role escalate as a play runs it: what strangers said stays as it is, and no relay can end the run."""

from __future__ import annotations

import copy
import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import plays
import pytest
from labkit import bmc

SAMPLE = plays.ROOT / "tests" / "unit" / "plugins" / "plugin_utils" / "remedy" / "disk_failing.json"
REPORT: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))

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


def play(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the role for a host that nobody can reach."""
    (folder / "play.yml").write_text(PLAY, encoding="utf-8")
    collections = str(plays.ROOT / "playbooks" / "collections")
    variables = ("-e", f"dir={folder}", *words)
    return plays.play(
        folder, folder / "play.yml", *variables, inventory="mail1,", ANSIBLE_COLLECTIONS_PATH=collections, **more
    )


def test_the_role_writes_what_strangers_said_as_it_is(tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    hostile = "{{ lookup('pipe', 'touch " + str(owned) + "') }} {% raw %}"
    report = copy.deepcopy(REPORT)
    report["hosts"]["mail1"]["next"] = [hostile]
    report["hosts"]["mail1"]["findings"][0].update(title=hostile, evidence=[{"says": hostile}])
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
    shutil.copy(SAMPLE, tmp_path / "triage.json")
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
def test_a_message_that_cannot_be_sent_does_not_end_the_run(tmp_path: Path, installed: bool, note: str) -> None:
    shutil.copy(SAMPLE, tmp_path / "triage.json")
    if installed:
        bmc.install()  # the collection that sends mail comes with it
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        relay = f"127.0.0.1:{closed.getsockname()[1]}"
        asked = json.dumps({"escalate_relay": relay, "escalate_to": ["ops@example.test"]})
        found = play(tmp_path, "-e", asked, ANSIBLE_COLLECTIONS_SCAN_SYS_PATH=str(installed))
    assert found.returncode == 0, found.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert (result["state"], result["notes"]) == ("done", [note.format(relay=relay)])
