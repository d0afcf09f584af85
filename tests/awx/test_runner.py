# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as jobs of AWX: what the job is given, what it leaves, and what it must not leave."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import runner_layout
from runner_layout import AwxJob

TOKEN = "canary-of-the-ticket-token"
PASSWORD = "canary-of-the-mailbox"
EMPTY = {"triage_ticket": "", "triage_symptom": "", "triage_affected": ""}
"""A survey in which nobody has written anything."""


def job(folder: Path, playbook: str, **more: Any) -> AwxJob:
    """A job on this very machine."""
    here = {"ansible_connection": "local", "ansible_host": "127.0.0.1", "ansible_python_interpreter": sys.executable}
    return AwxJob(folder / "runner", playbook, {"here": here}, {"mailservers": ["here"]}, **more)


def written(folder: Path, text: str) -> Path:
    """A project with one playbook, play.yml."""
    (folder / "own").mkdir()
    (folder / "own" / "play.yml").write_text(text, encoding="utf-8")
    return folder / "own"


def test_a_diagnosis_ends_well_and_leaves_its_report_and_no_secret(tmp_path: Path) -> None:
    done = job(
        tmp_path,
        "playbooks/diagnose.yml",
        extra=runner_layout.manual(**EMPTY),
        credential={"MAILOPS_TICKET_TOKEN": TOKEN},
        injected={"triage_probe_account": {"user": "probe", "password": PASSWORD}},
        words="-u root -l mailservers",
    ).run()
    assert done.rc == 0, done.stdout
    (report,) = (done.folder / "project" / "triage-reports").iterdir()
    assert (report / "triage.json").exists()
    assert "here" in done.stdout
    assert done.leaks(TOKEN, PASSWORD) == []
    assert done.facts == {}


def test_what_leaks_would_be_found(tmp_path: Path) -> None:
    """Facts of localhost hold the environment of the job: gathering them is how a token gets into AWX."""
    project = written(tmp_path, "- hosts: mailservers\n  gather_facts: true\n  tasks: []\n")
    done = job(tmp_path, "play.yml", project=project, credential={"MAILOPS_TICKET_TOKEN": TOKEN}).run()
    assert done.rc == 0, done.stdout
    assert TOKEN in done.facts["here"]
    assert any("fact_cache" in name for name in done.leaks(TOKEN))


def test_texts_are_inert_and_artifacts_come_back(tmp_path: Path) -> None:
    project = written(
        tmp_path,
        "- hosts: mailservers\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.set_stats:\n        data: {said: '{{ triage_symptom }}'}\n        per_host: false\n",
    )
    evil = "{{ lookup('pipe', 'echo ran it') }}"
    done = job(tmp_path, "play.yml", project=project, extra=runner_layout.manual(triage_symptom=evil)).run()
    assert (done.rc, done.artifacts) == (0, {"said": evil}), done.stdout


def test_a_playbook_that_does_not_exist_is_a_failed_job(tmp_path: Path) -> None:
    assert job(tmp_path, "playbooks/nowhere.yml").run().rc != 0


ARTIFACT = {"schema": "mailops.triage/artifact/1", "verdict": "degraded", "summary": "1 of 2 hosts is degraded"}


@pytest.mark.parametrize(
    ("asks", "unattended", "rc"),
    [(True, "safe", 2), (False, "safe", 0), (False, "none", 2)],
)
def test_the_node_before_the_approval_fails_where_a_person_has_to_be_asked(
    tmp_path: Path, asks: bool, unattended: str, rc: int
) -> None:
    before = {"mailops_triage": {**ARTIFACT, "needs_approval": asks}}
    launch = runner_layout.webhook({"ticket": {"id": "7"}})
    done = job(
        tmp_path,
        "playbooks/approval.yml",
        extra=runner_layout.node(before, launch, approval_unattended=unattended),
        words="-u root -l mailservers",
    ).run()
    assert done.rc == rc, done.stdout
    (ended,) = (event for event in done.events if event["event"] in ("runner_on_ok", "runner_on_failed"))
    assert ended["event_data"]["res"]["why"].endswith(": 1 of 2 hosts is degraded")
