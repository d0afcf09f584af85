# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report directories whose ticket wants an answer, and the role that gives it, as a play runs it."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import plays

SAMPLE = plays.ROOT / "tests/unit/plugins/plugin_utils/faces/recorded/fleet.json"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.include_role: {name: mailops.triage.ticket}
    - ansible.builtin.copy: {content: "{{ ticket_result | to_json }}", dest: "{{ answer_file }}", mode: "0600"}
      check_mode: false
      diff: false
"""


def sick() -> dict[str, Any]:
    """A report of a fleet in trouble."""
    report: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    for host in report["hosts"].values():
        host["actions"] = []
    return report


def mended() -> dict[str, Any]:
    """The same fleet after remedies have helped."""
    report = copy.deepcopy(sick())
    for host in report["hosts"].values():
        if host["verdict"] not in ("healthy", "maintenance"):
            host.update(verdict="healthy", findings=[], symptoms=[], summary="All is well.", next=[])
            host["reach"] = {place: dict.fromkeys(seen, "ok") for place, seen in host["reach"].items()}
    report["fleet"].update(verdict="healthy", scope="none", summary="All hosts are healthy.", findings=[])
    report["run"]["round"] = 2
    done = {"action": "restart_daemon", "subject": "postfix@-.service", "finding": "software.mta_not_running"}
    proof = {"state": "proved", "healed_after": 2.0, "watched_s": 600.0}
    report["hosts"]["mail2"]["actions"] = [{**done, "state": "done", "why": "started once", "proof": proof}]
    return report


def prepare(folder: Path, ticket: dict[str, Any], after: bool = False, run: str | None = None) -> Path:
    """Write a report directory.

    :param after: remedies have been carried out
    """
    report_dir = folder / "triage-reports" / "run"
    report_dir.mkdir(parents=True, exist_ok=True)
    reports = {"triage.json": mended() if after else sick(), **({"before/triage.json": sick()} if after else {})}
    for name, report in reports.items():
        report["run"]["id"] = run or report["run"]["id"]
        (report_dir / name).parent.mkdir(exist_ok=True)
        (report_dir / name).write_text(json.dumps(report), encoding="utf-8")
    event = {"schema": "mailops.triage/ticket/1", "source": "webhook", "kind": "ticket", **ticket}
    (report_dir / "ticket.json").write_text(json.dumps(event), encoding="utf-8")
    return report_dir


def play(
    folder: Path, report_dir: Path, *words: str, variables: dict[str, Any] | None = None, **environment: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the role; returns how the play ended, and the role's result.

    :param variables: as an extra variables file; secrets belong into the environment
    """
    (folder / "play.yml").write_text(PLAY, encoding="utf-8")
    result = folder / "answer.json"
    result.unlink(missing_ok=True)
    given = {"ticket_report_dir": str(report_dir), "answer_file": str(result), **(variables or {})}
    collections = str(plays.ROOT / "playbooks" / "collections")
    environment.setdefault("ANSIBLE_COLLECTIONS_PATH", collections)
    done = plays.play(folder, folder / "play.yml", "-e", json.dumps(given), *words, **environment)
    found = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    return done, found
