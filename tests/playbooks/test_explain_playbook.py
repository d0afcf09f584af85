# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/explain.yml, and reports of users, as somebody at the controller runs them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import plays
import pytest
from plays import RECORDING, said


def play(tmp_path: Path, playbook: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook without any host."""
    return plays.play(tmp_path, plays.ROOT / "playbooks" / playbook, *words)


def test_a_recording_is_explained_and_stays_as_it_is(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime for path in RECORDING.rglob("*")}
    done = play(tmp_path, "explain.yml", "-e", f"triage_replay={RECORDING}")
    assert done.returncode == 0, said(done)
    assert "Rules that fired" in said(done) and "Rules that nearly fired" in said(done)
    assert {path: path.stat().st_mtime for path in RECORDING.rglob("*")} == before
    (report,) = (tmp_path / "triage-reports").iterdir()
    assert "Nearly fired" in (report / "index.html").read_text(encoding="utf-8")
    kept = (report / "triage.json").read_bytes()
    again = play(tmp_path, "explain.yml", "-e", f"triage_report_dir={report}", "-e", "explain_host=mail1")
    assert again.returncode == 0, said(again)
    assert "mail1" in again.stdout and "── mail2" not in again.stdout
    assert (report / "triage.json").read_bytes() == kept


def test_check_mode_leaves_nothing(tmp_path: Path) -> None:
    done = play(tmp_path, "explain.yml", "--check", "-e", f"triage_replay={RECORDING}")
    assert done.returncode == 0, said(done)
    assert not (tmp_path / "triage-reports").exists()


def test_one_rule_is_told_in_full(tmp_path: Path) -> None:
    words = ("-e", f"triage_replay={RECORDING}", "-e", "explain_rule=software.mda_hung", "-e", "explain_host=mail1")
    done = play(tmp_path, "explain.yml", *words)
    assert done.returncode == 0, said(done)
    assert "software.mda_hung: did not fire" in said(done)
    assert "rules/daemons.yml" in said(done)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Name the report with -e triage_report_dir=DIR, or a recording with -e triage_replay=DIR"),
        (["-e", "triage_report_dir=/nowhere/report"], "/nowhere/report: this directory does not exist"),
        (
            ["-e", f"triage_replay={RECORDING}", "-e", "explain_host=nobody"],
            "the report has no host 'nobody'; there are: mail1",
        ),
        (["-e", f"triage_replay={RECORDING}", "-e", "explain_rule=x.y"], "explain_rule: there is no rule 'x.y'"),
        (
            ["-e", f"triage_replay={RECORDING}", "-e", '{"triage_rules_dirs": ["/nowhere"]}'],
            "/nowhere: this directory of rules",
        ),
    ],
)
def test_bad_input_is_named(tmp_path: Path, words: list[str], message: str) -> None:
    done = play(tmp_path, "explain.yml", *words)
    assert done.returncode != 0
    assert message in said(done)
    assert "Traceback" not in said(done)


def test_a_report_of_a_user_is_answered_and_never_run(tmp_path: Path) -> None:
    text = "{{ lookup('pipe', 'touch ' + '" + str(tmp_path / "owned") + "') }} 部署の全員: POPサーバが応答しません"
    given = json.dumps({"triage_symptom": text, "triage_affected": ["alice", "198.51.100.7"]})
    done = play(tmp_path, "diagnose.yml", "-e", f"triage_replay={RECORDING}", "-e", given)
    assert done.returncode == 0, said(done)
    assert not (tmp_path / "owned").exists()
    (report,) = (tmp_path / "triage-reports").iterdir()
    symptom = json.loads((report / "triage.json").read_text(encoding="utf-8"))["symptom"]
    assert symptom["text"].startswith("{{ lookup(")
    assert (symptom["agrees"], symptom["scope"]) == ("yes", "department")
    assert symptom["affected"]["users"] == ["alice"]
    # A later replay of that report still answers it.
    again = play(tmp_path, "diagnose.yml", "-e", f"triage_replay={report}", "-e", f"triage_report_dir={tmp_path / 'r'}")
    assert again.returncode == 0, said(again)
    assert json.loads((tmp_path / "r" / "triage.json").read_text(encoding="utf-8"))["symptom"] == symptom


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"triage_affected": "alice, ;reboot"}, "triage_affected: ';reboot' is no user name or mail address"),
        ({"triage_affected": {"user": "alice"}}, "triage_affected must be a text or a list"),
        ({"triage_symptom": ["POP"]}, "triage_symptom must be a text"),
    ],
)
def test_a_bad_report_of_a_user_is_named(tmp_path: Path, given: dict[str, object], message: str) -> None:
    done = play(tmp_path, "diagnose.yml", "-e", f"triage_replay={RECORDING}", "-e", json.dumps(given))
    assert done.returncode != 0
    assert message in said(done)
    assert "Traceback" not in said(done)
