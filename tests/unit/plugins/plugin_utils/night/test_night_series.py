# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking on from a process of its own: real processes, real files, services that a file says to be up or down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._night import downtime, runner, series

EVERY = 0.05


def look_at(path: Path) -> Callable[[], dict[str, Any]]:
    """A sweep whose outcomes a file holds; every look is counted in another one."""

    def look() -> dict[str, Any]:
        outcomes = json.loads(path.read_text(encoding="utf-8"))
        with path.with_suffix(".looks").open("a", encoding="utf-8") as stream:
            stream.write(".")
        services = [{"protocol": name, "outcome": outcome} for name, outcome in outcomes.items()]
        return {"controller": {"hosts": {"mx1": {"services": services}}}}

    return look


def put(path: Path, **outcomes: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(outcomes), encoding="utf-8")
    os.replace(draft, path)


def looks(path: Path, more: int) -> None:
    """Wait until there were so many more looks."""
    counted = path.with_suffix(".looks")
    until = time.monotonic() + 60
    before = counted.stat().st_size if counted.exists() else 0
    while (counted.stat().st_size if counted.exists() else 0) < before + more:
        assert time.monotonic() < until, "the series does not look"
        time.sleep(0.02)


def test_outages_between_the_steps_of_a_run_are_seen(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    put(state, smtp="ok", imap="ok", ssh="ok")
    one = series.Series(tmp_path, "0001")
    pid = one.begin(look_at(state), EVERY, os.getpid())
    looks(state, 3)
    assert runner.alive(pid, None) and pid != os.getpid()
    put(state, smtp="refused", imap="ok", ssh="refused")
    looks(state, 4)
    put(state, smtp="ok", imap="ok", ssh="ok")
    looks(state, 3)
    seen = one.end(60)
    assert seen is not None and seen["why_ended"] == "told" and seen["looks"] >= 10
    (outage,) = seen["outages"]["mx1"]
    assert (outage["protocol"], outage["outcome"]) == ("smtp", "refused")
    told = downtime.sum_up(series.load(tmp_path), {})
    assert set(told["hosts"]["mx1"]) == {"smtp", "imap"}
    assert told["hosts"]["mx1"]["smtp"]["times"] == 1 and told["hosts"]["mx1"]["imap"]["seconds"] == 0
    assert told["longest_gap"] > 0


def test_it_ends_when_the_run_that_began_it_is_gone(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    put(state, smtp="ok")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        one = series.Series(tmp_path, "0001")
        pid = one.begin(look_at(state), EVERY, run.pid)
        looks(state, 2)
        run.kill()
    until = time.monotonic() + 60
    while runner.alive(pid, None):
        assert time.monotonic() < until
        time.sleep(0.02)
    seen = one.read()
    assert seen is not None and seen["why_ended"] == "orphaned"


def test_one_that_has_broken_off_is_not_waited_for(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    put(state, smtp="ok")
    one = series.Series(tmp_path, "0001")
    one.begin(look_at(state), EVERY, os.getpid())
    looks(state, 2)
    # What cannot look any more ends, and leaves what it has seen.
    state.unlink()
    seen = one.end(60)
    assert seen is not None and seen["ended"] is None and seen["looks"] >= 1


def test_files_that_are_none_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "0001.json").write_text("{", encoding="utf-8")
    (tmp_path / "0002.json").write_text("[]", encoding="utf-8")
    assert series.load(tmp_path) == []
