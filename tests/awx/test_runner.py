# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as jobs of AWX: what the job is given, what it leaves, and what it must not leave."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import runner_layout
from runner_layout import AwxJob, Done

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


QUICK = {"triage_gather_subset": ["host"], "triage_probe_timeout": 1, "triage_probe_deadline": 5}
PAYLOAD = {
    "webhookEvent": "jira:issue_created",
    "issue": {
        "key": "MAIL-7",
        "fields": {"summary": "{{ lookup('pipe', 'id') }} POP does not respond", "description": "x"},
    },
}


def test_a_webhook_starts_a_triage_though_the_survey_brings_its_empty_defaults(tmp_path: Path) -> None:
    """Its report is where the job template says, which may name the job; its artifact tells the ticket."""
    kept = tmp_path / "kept"
    done = job(
        tmp_path,
        "playbooks/triage.yml",
        extra=runner_layout.webhook(PAYLOAD, triage_ticket_system="", **EMPTY),
        template={**QUICK, "triage_report_dir": f"{kept}/reports/{{{{ awx_job_id }}}}"},
        credential={"MAILOPS_TICKET_TOKEN": TOKEN},
        words="-u root",
    ).run()
    assert done.rc == 0, done.stdout
    ticket = json.loads((kept / "reports" / "22" / "ticket.json").read_text(encoding="utf-8"))
    assert (ticket["system"], ticket["id"], ticket["source"]) == ("jira", "MAIL-7", "webhook")
    assert ticket["title"] == "{{ lookup('pipe', 'id') }} POP does not respond"
    found = done.artifacts["mailops_triage"]
    assert found["ticket"]["id"] == "MAIL-7" and found["report_dir"] == f"{kept}/reports/22"
    assert len(json.dumps(done.artifacts)) < 32 * 1024
    assert done.leaks(TOKEN) == [] and done.facts == {}


def test_an_empty_survey_starts_a_triage_of_everything(tmp_path: Path) -> None:
    extra = runner_layout.manual(triage_ticket_system="", **EMPTY)
    done = job(tmp_path, "playbooks/triage.yml", extra=extra, template=dict(QUICK)).run()
    assert done.rc == 0, done.stdout
    assert set(done.artifacts["mailops_triage"]["counts"]) >= {"healthy", "unknown"}
    assert done.artifacts["mailops_triage"]["ticket"] is None


ARTIFACT = {"schema": "mailops.triage/artifact/1", "verdict": "degraded", "summary": "1 of 2 hosts is degraded"}
LAUNCH = runner_layout.webhook(PAYLOAD, triage_ticket_system="", **EMPTY)


def ended(done: Done) -> dict[str, Any]:
    """The result of the last task that ran."""
    results = [event for event in done.events if event["event"] in ("runner_on_ok", "runner_on_failed")]
    return dict(results[-1]["event_data"]["res"])


@pytest.mark.parametrize(
    ("asks", "unattended", "rc"),
    [(True, "safe", 2), (False, "safe", 0), (False, "none", 2)],
)
def test_the_node_before_the_approval_fails_where_a_person_has_to_be_asked(
    tmp_path: Path, asks: bool, unattended: str, rc: int
) -> None:
    before = {"mailops_triage": {**ARTIFACT, "needs_approval": asks}}
    done = job(
        tmp_path,
        "playbooks/approval.yml",
        extra=runner_layout.node(before, LAUNCH),
        template={"approval_unattended": unattended},
        words="-u root -l mailservers",
    ).run()
    assert done.rc == rc, done.stdout
    assert ended(done)["why"].endswith(": 1 of 2 hosts is degraded")


@pytest.mark.parametrize("playbook", ["playbooks/approval.yml", "playbooks/answer.yml"])
def test_where_nothing_was_diagnosed_nobody_is_asked_and_nothing_is_told(tmp_path: Path, playbook: str) -> None:
    done = job(tmp_path, playbook, extra=runner_layout.node({}, LAUNCH)).run()
    assert done.rc == 0, done.stdout
    assert ended(done)["why"] == "There was no diagnosis: nothing needs a person's word"


@pytest.mark.parametrize("left", [{}, {"mailops_triage": "x"}, {"mailops_triage": ARTIFACT}])
def test_a_failure_that_has_left_nothing_is_one_itself(tmp_path: Path, left: dict[str, Any]) -> None:
    extra = runner_layout.node(left, LAUNCH)
    done = job(tmp_path, "playbooks/answer.yml", extra=extra, template={"answer_required": True}).run()
    assert done.rc != 0
    assert ended(done)["msg"].startswith("mailops_triage: ")


def test_the_last_node_answers_from_the_report_of_the_job_before(tmp_path: Path) -> None:
    """Without a ticket system to send it to, it says what is missing, and ends well."""
    report = tmp_path / "kept" / "report"
    first = job(
        tmp_path / "first",
        "playbooks/triage.yml",
        extra=LAUNCH,
        template={**QUICK, "triage_report_dir": str(report)},
    ).run()
    assert first.rc == 0, first.stdout
    done = job(tmp_path / "last", "playbooks/answer.yml", extra=runner_layout.node(first.artifacts, LAUNCH)).run()
    assert done.rc == 0, done.stdout
    assert (ended(done)["outcome"], ended(done)["ticket"]["id"]) == ("nothing", "MAIL-7")
