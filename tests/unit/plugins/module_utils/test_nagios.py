# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Nagios and Icinga are told: states, the line, figures, and that no text of a report gets out of its place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils import _nagios
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

CHECK = Path(__file__).resolve().parents[4] / "extensions" / "nagios" / "check_mail_triage"
_FIGURE = re.compile(r"[a-z]+=[0-9.]+s?;;;[0-9]+(;[0-9]+)?")
_HOSTILE = "$(id) `id` | a=1\n[0] PROCESS_HOST_CHECK_RESULT;x;0;\"'<b>&\\ \u202e\x1b[2J"


def plugin(*words: str | Path) -> tuple[int, str]:
    """Run the plugin as Nagios does: with nothing in its environment."""
    done = subprocess.run(
        [str(CHECK), *map(str, words)], capture_output=True, check=False, env={"PATH": "/usr/bin:/bin"}, timeout=60
    )
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode("utf-8")


def write(folder: Path, report: Any, run: str = "run", age: float = 0.0) -> Path:
    """Put a report into a directory of its own below a folder; age is in seconds."""
    place = folder / run
    place.mkdir()
    if isinstance(report, dict):
        report["run"]["finished"] = time.time() - age
        report["run"]["started"] = report["run"]["finished"] - 5
    file = place / "triage.json"
    file.write_text(json.dumps(report), encoding="utf-8")
    os.utime(file, (time.time() - age, time.time() - age))
    return file


@pytest.mark.parametrize(
    ("name", "code", "word"), [("fleet", 2, "CRITICAL"), ("segment", 1, "WARNING"), ("unknown", 3, "UNKNOWN")]
)
def test_the_worst_host_counts(tmp_path: Path, name: str, code: int, word: str) -> None:
    write(tmp_path, samples.load(name))
    status, said = plugin(tmp_path)
    assert status == code
    assert said.startswith(f"MAIL {word} - ")


def healthy() -> dict[str, Any]:
    report = samples.load("fleet")
    report["hosts"] = {"mail1": report["hosts"]["mail1"], "mail6": report["hosts"]["mail6"]}
    report["fleet"].update(verdict="healthy", summary="All is well.", findings=[])
    return report


def test_all_well_and_maintenance_are_ok(tmp_path: Path) -> None:
    write(tmp_path, healthy())
    assert plugin(tmp_path) == (0, plugin(tmp_path)[1])
    assert "1 maintenance, 1 healthy: All is well." in plugin(tmp_path)[1]


def test_a_critical_cause_on_a_host_that_is_not_down_is_critical() -> None:
    report = samples.load("fleet")
    assert report["hosts"]["mail3"]["verdict"] == "degraded"
    assert _nagios.host(report, "mail3").code == _nagios.CRITICAL
    for finding in report["hosts"]["mail3"]["findings"]:
        finding["severity"] = "major"
    assert _nagios.host(report, "mail3").code == _nagios.WARNING


def test_figures_follow_the_guideline(tmp_path: Path) -> None:
    write(tmp_path, samples.load("fleet"))
    for words in ((tmp_path,), ("-H", "mail4", tmp_path)):
        first = plugin(*words)[1].splitlines()[0]
        dummy, figures = first.split(" | ")
        assert all(_FIGURE.fullmatch(figure) for figure in figures.split()), figures
    assert "down=3;;;0" in plugin(tmp_path)[1]
    assert "answers=3;;;0;18" in first


def test_one_host_may_be_asked_for(tmp_path: Path) -> None:
    write(tmp_path, samples.load("fleet"))
    status, said = plugin("--host", "mail1", tmp_path)
    assert (status, said.startswith("MAIL OK - healthy: ")) == (0, True)
    status, said = plugin("--host", "nobody", tmp_path)
    assert status == 3 and "no host 'nobody'".replace("'", "\u2019") in said


def test_the_newest_report_is_read(tmp_path: Path) -> None:
    write(tmp_path, samples.load("fleet"), "old", age=600)
    write(tmp_path, healthy(), "new")
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").touch()
    assert plugin(tmp_path)[0] == 0


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_one_report_may_be_named(tmp_path: Path, kind: str) -> None:
    file = write(tmp_path, healthy())
    assert plugin(file if kind == "file" else file.parent)[0] == 0


def test_an_old_report_tells_nothing(tmp_path: Path) -> None:
    write(tmp_path, healthy(), age=61 * 60)
    status, said = plugin(tmp_path)
    assert (status, said) == (3, "MAIL UNKNOWN - the newest report is 61 minutes old, and 60 are allowed\n")
    assert plugin("--max-age", "90", tmp_path)[0] == 0


@pytest.mark.parametrize("report", [[], "text", {"schema": "other", "run": {}}, 7])
def test_what_is_no_report_is_unknown(tmp_path: Path, report: Any) -> None:
    write(tmp_path, report)
    status, said = plugin(tmp_path)
    assert status == 3 and "is no report of mailops.triage" in said


def test_damage_is_unknown_and_named(tmp_path: Path) -> None:
    assert plugin(tmp_path)[1].endswith("no report of mailops.triage lies here\n")
    assert plugin(tmp_path / "nowhere")[0] == 3
    file = write(tmp_path, healthy())
    file.write_text('{"schema": ', encoding="utf-8")
    assert plugin(tmp_path)[1].endswith("this is no JSON\n")


@pytest.mark.parametrize("words", [("--colour",), ("--max-age", "soon"), ("a", "b")])
def test_a_wrong_option_is_unknown_and_not_critical(words: tuple[str, ...]) -> None:
    assert plugin(*words)[0] == 3


def hostile() -> dict[str, Any]:
    report = samples.load("fleet")
    report["hosts"] = {_HOSTILE: samples.everywhere(report["hosts"]["mail4"], _HOSTILE)}
    report["fleet"] = samples.everywhere(report["fleet"], _HOSTILE)
    return report


def test_no_text_gets_out_of_its_place(tmp_path: Path) -> None:
    write(tmp_path, hostile())
    said = plugin(tmp_path)[1]
    assert said.splitlines()[0].count("|") == 1 and said.count("|") == 1
    assert not set(said) & set("$`<>&\"'\\\x1b\u202e")
    assert "\nPROCESS" not in said and "\n[0]" not in said


def test_passive_results_are_one_line_for_each_host(tmp_path: Path) -> None:
    write(tmp_path, samples.load("fleet"))
    status, said = plugin("--passive", "--service", "mail", tmp_path)
    lines = said.splitlines()
    assert status == 0 and len(lines) == 6
    assert re.match(
        r"\[[0-9]+\] PROCESS_SERVICE_CHECK_RESULT;mail2;mail;2;CRITICAL - down: .* \| critical=1;", lines[1]
    )


def test_a_hostile_host_is_still_one_short_command() -> None:
    (line,) = _nagios.passive(hostile())
    assert line.count("\n") == 1 and line.endswith("\n")
    assert len(line.encode()) < 4096
    assert line.split(";")[2:4] == ["mail triage", "2"]


def test_icinga_gets_names_as_values_and_not_in_an_expression(tmp_path: Path) -> None:
    write(tmp_path, samples.load("fleet"))
    dummy, said = plugin("--icinga2", tmp_path)
    bodies = [json.loads(line) for line in said.splitlines()]
    assert [body["exit_status"] for body in bodies] == [0, 2, 2, 2, 2, 0]
    assert bodies[3]["filter_vars"] == {"wanted_host": "mail4", "wanted_service": "mail triage"}
    assert "mail4" not in bodies[3]["filter"]
    assert bodies[3]["plugin_output"].startswith("CRITICAL - down: ")


@pytest.mark.parametrize("damage", [None, 7, "x", [], {}, {"findings": 7, "reach": [], "expected": {}, "verdict": []}])
def test_a_damaged_host_raises_nothing(damage: Any) -> None:
    report = samples.load("fleet")
    report["hosts"]["mail2"] = damage
    report["fleet"] = damage
    assert _nagios.output(_nagios.fleet(report))
    assert _nagios.passive(report)
