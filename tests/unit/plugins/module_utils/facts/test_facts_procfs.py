# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who hangs, and who only waited for a moment."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

STAT = "{pid} (dovecot) {state} {ppid} 34 34 0 -1 4194560 900 0 0 0 2 1 0 0 20 0 1 0 {started} 9999 100 0 0 0\n"


def show(proc: Path, pid: int, state: str, ppid: int = 1, started: int = 500) -> None:
    """Let a process be seen, as one reader sees one writer: whole."""
    folder = proc / str(pid)
    folder.mkdir(exist_ok=True)
    (folder / "new").write_text(STAT.format(pid=pid, state=state, ppid=ppid, started=started), encoding="utf-8")
    (folder / "new").replace(folder / "stat")


@pytest.mark.parametrize(("later", "state"), [("D", "D"), ("S", "S"), ("T", "T")])
def test_a_process_that_waited_for_a_moment_does_not_hang(tmp_path: Path, later: str, state: str) -> None:
    show(tmp_path, 34, "D")
    found = procfs.scan(str(tmp_path))
    assert found[34].state == "D"
    goes_on = threading.Timer(0.3, show, (tmp_path, 34, later))
    goes_on.start()
    procfs.settle(found, str(tmp_path), 1.0)
    goes_on.join()
    assert found[34].state == state


def test_one_that_has_ended_or_is_another_by_now_is_left_out(tmp_path: Path) -> None:
    show(tmp_path, 34, "D")
    show(tmp_path, 35, "D")
    show(tmp_path, 36, "S")
    found = procfs.scan(str(tmp_path))
    (tmp_path / "34" / "stat").unlink()
    show(tmp_path, 35, "D", started=900)
    procfs.settle(found, str(tmp_path), 1.0)
    assert sorted(found) == [36]


def test_the_kernel_s_own_threads_are_not_waited_for(tmp_path: Path) -> None:
    show(tmp_path, 77, "D", ppid=2)
    found = procfs.scan(str(tmp_path))
    show(tmp_path, 77, "S", ppid=2)
    procfs.settle(found, str(tmp_path), 1.0)
    assert found[77].state == "D"
