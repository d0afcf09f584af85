# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of a night under real processes: nothing is lost, and nothing half is ever read."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._night import fleet, ledger, runner
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import RecordingError


def made(place: Path) -> ledger.Ledger:
    night = ledger.Ledger(place / "night")
    night.create({"id": "n", "count": 0, "hosts": {}})
    return night


def count(path: Path, name: str, times: int = 20) -> None:
    for dummy in range(times):
        with ledger.Ledger(path).change() as document:
            document["count"] += 1
            document["hosts"][name] = document["hosts"].get(name, 0) + 1


def test_hosts_that_are_recorded_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    night = made(tmp_path)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=count, args=(night.path, f"h{number}")) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = night.read()
    assert found["count"] == 80 and found["hosts"] == {f"h{number}": 20 for number in range(4)}


def test_what_is_killed_while_it_writes_leaves_the_last_whole_state(tmp_path: Path) -> None:
    night = made(tmp_path)
    for dummy in range(5):
        worker = multiprocessing.get_context("fork").Process(target=count, args=(night.path, "h", 1_000_000))
        worker.start()
        before = night.read()["count"]
        while night.read()["count"] <= before + 2:
            assert worker.is_alive()
        worker.kill()
        worker.join()
        assert night.read()["count"] == night.read()["hosts"]["h"]
    with night.change() as document:
        document["count"] = -1
    assert night.read()["count"] == -1


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    night = made(tmp_path)
    with pytest.raises(KeyError), night.change() as document:
        document["count"] = 7
        raise KeyError("no")
    assert night.read()["count"] == 0


def test_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "night.json").write_text(json.dumps({"schema": "other"}), encoding="utf-8")
    with pytest.raises(RecordingError, match="is not a"):
        ledger.Ledger(tmp_path).read()


def test_the_newest_night_comes_first(tmp_path: Path) -> None:
    for now in (1_800_000_000.0, 1_700_000_000.0):
        ledger.Ledger(tmp_path / ledger.identifier(now)).create({"id": "n"})
    (tmp_path / "zz-something-else").mkdir()
    names = [path.name for path in ledger.nights(tmp_path)]
    assert [name.rpartition("-")[0] for name in names] == ["night-20270115T080000Z", "night-20231114T221320Z"]
    assert ledger.nights(tmp_path / "none") == []


def test_a_run_knows_whether_another_one_is_there() -> None:
    now = 1_800_000_000.0
    mine = runner.me(os.getpid(), now)
    assert runner.busy(None, mine) == ""
    assert runner.busy(mine, mine) == ""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        there = runner.me(other.pid, now)
        assert f"process {other.pid}" in runner.busy(there, mine)
        # Another process that has got its number is another one.
        assert runner.busy({**there, "started": "1"}, mine) == ""
        other.kill()
    assert runner.busy(there, mine) == ""
    away = {**there, "node": "elsewhere", "seen": now - 60}
    assert "elsewhere" in runner.busy(away, mine)
    assert "elsewhere" in runner.busy({**away, "seen": 0.0}, mine, now - 5)
    assert runner.busy({**away, "seen": now - runner.SILENT_S - 1}, mine) == ""


def test_only_a_fresh_night_of_these_hosts_is_gone_on_with() -> None:
    night = {"made": 1000.0, "hosts": {"a": {}, "b": {}}}
    assert fleet.resumable(night, ["a", "b"], 2000.0) == ""
    assert fleet.resumable(night, ["a"], 2000.0) == ""
    assert "without c" in fleet.resumable(night, ["a", "c"], 2000.0)
    assert "a day ago" in fleet.resumable(night, ["a"], 1000.0 + fleet.OLDEST_S + 1)
