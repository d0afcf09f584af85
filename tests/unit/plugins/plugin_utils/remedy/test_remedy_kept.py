# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a remediation keeps, whatever the host answered, and what the report makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._recording import (
    PAGE,
    REPORT,
    Recording,
    RecordingError,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import merge, outcome, store

KEY = "mail1|restart_daemon|dovecot"
ITEM: dict[str, Any] = {
    "action": "restart_daemon",
    "subject": "dovecot.service",
    "finding": "software.mda_not_running",
    "findings": ["software.mda_not_running"],
    "title": "dovecot is not running",
    "args": {"service": "dovecot.service"},
    "key": KEY,
    "probes": [],
}


def entry(answer: Any) -> dict[str, Any]:
    return outcome.action(ITEM, answer, 100.0, 104.0)[0]


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        ({"state": "done", "code": ""}, "done", ""),
        ({"state": "refused", "code": "maintenance", "why": "no"}, "refused", "maintenance"),
        ({"state": "nothing"}, "nothing", ""),
        ({"failed": True, "msg": "Traceback"}, "failed", "error"),
        ({"failed": True, "state": "failed", "code": "stop", "why": "it hangs"}, "failed", "stop"),
        ({"unreachable": True, "msg": "no route"}, "failed", "unreachable"),
        ({"skipped": True}, "failed", "skipped"),
        ({}, "failed", "no_answer"),
        (None, "failed", "no_answer"),
        ("what", "failed", "no_answer"),
        ({"state": ["done"]}, "failed", "no_answer"),
        (
            {"state": "done", "code": None, "why": None, "steps": "x", "notes": 3, "before": [], "evidence": 1},
            "done",
            "",
        ),
    ],
)
def test_whatever_came_back_is_an_action(answer: Any, state: str, code: str) -> None:
    found = entry(answer)
    assert (found["state"], found["code"]) == (state, code)
    assert (found["started"], found["finished"]) == (100.0, 104.0)


def test_the_words_of_a_host_are_bounded_and_clean() -> None:
    steps = [{"at": "soon", "what": "a\x1b[31m\nb", "result": "r" * 999}] * 99
    found = entry({"state": "done", "why": "w" * 9999, "steps": steps, "before": {"x" * 99: {"y": "z" * 999}}})
    assert len(found["why"]) <= 300
    assert len(found["steps"]) <= 60
    assert found["steps"][0] == {"at": None, "what": "a [31m b", "result": "r" * 299 + "…"}
    assert len(json.dumps(found["before"])) < 400


def test_actions_of_a_host_are_kept_in_order_with_their_evidence(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    texts = {"../../../etc/passwd": "a", "..": "b", "log": "c" * (600 << 10)}
    store.append(recording, "mail/../1", entry({"state": "refused", "code": "busy"}), {})
    kept = store.append(recording, "mail/../1", entry({"state": "done"}), texts)
    assert [action["state"] for action in store.actions(recording, "mail/../1")] == ["refused", "done"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(tmp_path)) for path in files if path.suffix == ".txt") == sorted(
        kept["evidence"]
    )
    assert all(path.resolve().is_relative_to(tmp_path) for path in files)
    assert sum(path.stat().st_size for path in files if path.suffix == ".txt") <= 512 << 10
    assert (tmp_path / "actions").stat().st_mode & 0o077 == 0
    assert store.actions(recording, "mail2") == []


def report(*roots: str, again: bool = False) -> dict[str, Any]:
    findings = [{"id": root, "kind": "root_cause"} for root in roots]
    run = {"started": 200.0, **({"round": 2} if again else {})}
    return {"run": run, "fleet": {}, "hosts": {"mail1": {"findings": findings, "actions": []}}}


def planned(**more: Any) -> dict[str, Any]:
    return {"hosts": {"mail1": [{**ITEM, "state": "ask", "code": "", "why": "this remedy always asks", **more}]}}


def test_what_was_not_done_is_told_with_the_reason(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.write(store.PLAN, planned())
    found = report("software.mda_not_running")
    merge.into(found, recording)
    (action,) = found["hosts"]["mail1"]["actions"]
    assert action["state"] == "planned"
    assert action["why"] == "this remedy always asks; to do it: -e remediate_auto=all -l mail1"
    assert found["fleet"]["actions"] == {"planned": 1, "done": 0, "refused": 0, "failed": 0, "nothing": 0}


def test_what_was_done_is_told_once_and_with_its_proof(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.write(store.PLAN, planned(state="go"))
    store.append(recording, "mail1", entry({"state": "done"}), {})
    proved = {"state": "proved", "by": "probe", "healed_at": 106.0, "healed_after": 6.0}
    recording.write(store.PROOFS, {"hosts": {"mail1": {"items": {KEY: proved}}}})
    found = report(again=True)
    merge.into(found, recording)
    (action,) = found["hosts"]["mail1"]["actions"]
    assert action["proof"] == proved
    back = report("software.mda_not_running", again=True)
    merge.into(back, recording)
    assert back["hosts"]["mail1"]["actions"][0]["proof"]["state"] == "relapsed"


def test_what_has_gone_by_itself_needs_no_remedy(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.write(store.PLAN, planned())
    found = report("other.cause")
    merge.into(found, recording)
    assert found["hosts"]["mail1"]["actions"] == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / store.PLAN).write_text("{", encoding="utf-8")
    with pytest.raises(RecordingError, match="remedies.json:1: not JSON"):
        merge.into(report(), Recording(tmp_path))


def diagnosis(folder: Path, says: str) -> Recording:
    recording = Recording(folder)
    recording.create()
    for name in ("run.json", "sweep.json", REPORT, PAGE):
        recording.write(name, json.dumps({"says": says}))
    recording.write("facts/mail1.json", {"says": says})
    return recording


def test_the_last_diagnosis_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first = diagnosis(tmp_path, "first")
    store.append(first, "mail1", entry({"state": "done"}), {"log": "x"})
    last = diagnosis(tmp_path / "after", "last")
    (last.path / PAGE).unlink()
    first.supersede()
    for name in ("run.json", "sweep.json", REPORT, "facts/mail1.json"):
        assert json.loads((tmp_path / name).read_text()) == {"says": "last"}
        assert json.loads((tmp_path / "before" / name).read_text()) == {"says": "first"}
    # There is a page at any moment; the one of the last diagnosis is still to be written.
    assert (tmp_path / PAGE).exists()
    assert not (tmp_path / "after").exists()
    assert (tmp_path / "actions").exists() and (tmp_path / "evidence").exists()


def test_a_new_run_in_the_same_place_does_not_take_over_what_the_old_one_did(tmp_path: Path) -> None:
    recording = diagnosis(tmp_path, "old")
    store.append(recording, "mail1", entry({"state": "done"}), {"log": "x"})
    recording.write(store.PLAN, planned())
    diagnosis(tmp_path / "before", "older")
    (tmp_path / "mine.txt").write_text("not ours", encoding="utf-8")
    recording.create()
    assert store.actions(recording, "mail1") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["facts", "mine.txt", "run.json", "sweep.json", REPORT, PAGE]
    )


def test_a_link_in_the_place_of_an_old_directory_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("x", encoding="utf-8")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "evidence").symlink_to(elsewhere)
    Recording(tmp_path / "run").create()
    assert (elsewhere / "kept").exists()
    assert not (tmp_path / "run" / "evidence").exists()
