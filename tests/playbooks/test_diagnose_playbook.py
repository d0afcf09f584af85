# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook as a user runs it, against this very machine: bad input is one clear error that names the place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import plays
import pytest
from plays import RECORDING, said

PLAYBOOK = plays.ROOT / "playbooks" / "diagnose.yml"


def play(tmp_path: Path, *words: str, inventory: str = "[mailservers]\nhere\n") -> subprocess.CompletedProcess[str]:
    """Run the playbook from an empty directory, as somebody else's project would."""
    hosts = tmp_path / "hosts"
    hosts.write_text(
        inventory + f"\n[all:vars]\nansible_connection=local\nansible_host=127.0.0.1\n"
        f"ansible_python_interpreter={sys.executable}\n",
        encoding="utf-8",
    )
    return plays.play(tmp_path, PLAYBOOK, *words, inventory=str(hosts))


def test_a_run_leaves_a_report(tmp_path: Path) -> None:
    done = play(tmp_path)
    assert done.returncode == 0, said(done)
    (report,) = (tmp_path / "triage-reports").iterdir()
    assert {path.name for path in report.iterdir()} == {
        "run.json",
        "sweep.json",
        "plan.json",
        "facts",
        "triage.json",
        "trace.json",
        "index.html",
    }
    assert (report.stat().st_mode & 0o777) == 0o700
    host = json.loads((report / "triage.json").read_text())["hosts"]["here"]
    assert host["login"]["outcome"] == "ok"


def test_check_mode_leaves_nothing_and_says_the_same(tmp_path: Path) -> None:
    done = play(tmp_path, "--check")
    assert done.returncode == 0, said(done)
    assert not (tmp_path / "triage-reports").exists()
    assert "here" in done.stdout and "UNKNOWN" in done.stdout


def test_a_date_of_the_inventory_may_be_a_date(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    marker = "mail_maintenance:\n  until: 2999-12-01T06:00:00Z\n  by: alice\n"
    (tmp_path / "host_vars" / "here.yml").write_text(marker, encoding="utf-8")
    done = play(tmp_path)
    assert done.returncode == 0, said(done)
    assert "In maintenance until 2999-12-01" in said(done)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["-e", '{"triage_gather_subset": ["disk", "weather"]}'],
            "gather_subset: 'weather' is no subset; there are: all, host, services",
        ),
        (["-e", '{"triage_rules_dirs": ["/nowhere/rules"]}'], "/nowhere/rules: this directory of rules does not exist"),
        (["-e", "triage_replay=/nowhere/recording"], "/nowhere/recording: this directory does not exist"),
        (["-e", '{"triage_vantage_points": ["controller", "nobody"]}'], "'nobody' is neither 'controller' nor a host"),
        (["-e", "triage_fail_on=sometimes"], "sometimes"),
        (["-e", "triage_affected=-rf"], "triage_affected: '-rf' is no user name or mail address"),
        (["-e", '{"triage_symptom": ["POP"]}'], "triage_symptom must be a text"),
        (["-e", "triage_hosts=postoffice"], "no host that matches 'postoffice'"),
        (["-e", "mail_maintenance=soon"], "host 'here': mail_maintenance must be true, false or a mapping, not 'soon'"),
        (["-e", '{"mail_roles": ["mta", "fax"]}'], "mail_roles of host 'here': 'fax' is no mail role"),
        (["-e", "mail_roles=mta"], "mail_roles of host 'here' must be a list of roles"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, words: list[str], message: str) -> None:
    done = play(tmp_path, *words)
    assert done.returncode != 0
    assert message in said(done)
    assert "Traceback" not in said(done)


def test_a_missing_group_is_named(tmp_path: Path) -> None:
    done = play(tmp_path, inventory="[others]\nhere\n")
    assert done.returncode != 0
    assert "no host that matches 'mailservers'" in said(done)


def test_an_empty_group_is_named(tmp_path: Path) -> None:
    done = play(tmp_path, inventory="[mailservers]\n")
    assert done.returncode != 0
    assert "no host that matches 'mailservers'" in said(done)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("- id: software.x\n  colour: red\n", "x.yml:1: rule 'software.x': unknown key 'colour'"),
        (
            "- {id: software.x, title: x, category: software, severity: minor, confidence: 0.9, when: disk.filesystem}",
            "names the fact 'filesystem', which does not exist",
        ),
        ("- id: software.x\n title: x\n", "x.yml:2: not YAML"),
    ],
)
def test_a_bad_rule_is_named(tmp_path: Path, rule: str, message: str) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "x.yml").write_text(rule, encoding="utf-8")
    done = play(tmp_path, "-e", json.dumps({"triage_rules_dirs": [str(rules)]}))
    assert done.returncode != 0
    assert message in said(done)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("run.json", "run.json: No such file"),
        ("hosts", "no host is recorded here"),
    ],
)
def test_a_damaged_recording_is_named(tmp_path: Path, damage: str, message: str) -> None:
    recording = tmp_path / "recording"
    (recording / "facts").mkdir(parents=True)
    if damage != "run.json":
        (recording / "run.json").write_text('{"id": "x", "started": 1.0}', encoding="utf-8")
    (recording / "sweep.json").write_text('{"vantages": {}}', encoding="utf-8")
    done = play(tmp_path, "-e", f"triage_replay={recording}")
    assert done.returncode != 0
    assert message in said(done)


def test_a_cut_file_of_a_recording_is_named_with_its_line(tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    (recording / "facts").mkdir(parents=True)
    (recording / "run.json").write_text('{"id": "x",\n "started": ', encoding="utf-8")
    done = play(tmp_path, "-e", f"triage_replay={recording}")
    assert done.returncode != 0
    assert "run.json:2: not JSON" in said(done)


def test_a_vantage_point_that_is_down_does_not_stop_the_others(tmp_path: Path) -> None:
    inventory = (
        "[mailservers]\nhere\n\n[vantage_points]\nbranch ansible_connection=ssh ansible_port=1 ansible_host=127.0.0.1\n"
    )
    done = play(tmp_path, inventory=inventory)
    assert done.returncode == 0, said(done)
    assert "vantage point 'branch' cannot help" in said(done)
    (report,) = (tmp_path / "triage-reports").iterdir()
    points = {
        point["name"]: point for point in json.loads((report / "triage.json").read_text())["run"]["vantage_points"]
    }
    assert points["branch"]["status"] == "unreachable" and points["branch"]["why"]
    assert points["controller"]["status"] == "ok"


def test_a_replay_needs_no_host_and_leaves_the_recording_alone(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime for path in RECORDING.rglob("*")}
    done = play(tmp_path, "-e", f"triage_replay={RECORDING}", inventory="")
    assert done.returncode == 0, said(done)
    assert {path: path.stat().st_mtime for path in RECORDING.rglob("*")} == before
    (report,) = (tmp_path / "triage-reports").iterdir()
    again = play(tmp_path, "-e", f"triage_replay={report}", "-l", "mailservers")
    assert again.returncode == 0, said(again)


def test_fail_on_makes_findings_a_failure(tmp_path: Path) -> None:
    done = play(tmp_path, "-e", f"triage_replay={RECORDING}", "-e", "triage_fail_on=critical")
    assert done.returncode != 0
    assert "triage_fail_on is 'critical' and the worst finding is critical" in said(done)
