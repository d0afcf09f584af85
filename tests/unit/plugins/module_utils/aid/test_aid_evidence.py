# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved before anything is touched: bounded, clean, and never held up by one look that hangs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid import evidence, members, unit
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context

WANTED = {"unit", "status", "journal", "kernel", "log", "processes", "open_files", "core_dumps", "host"}


def test_the_newest_of_a_long_text_is_kept() -> None:
    text = "\n".join(f"line {number}" for number in range(100000))
    kept = evidence.tidy(text)
    assert len(kept.encode()) <= evidence.PART_BYTES + 4
    assert kept.startswith("...\n") and kept.endswith("line 99999")


def test_nothing_that_a_terminal_obeys_is_left() -> None:
    kept = evidence.tidy("one\x1b[2Jtwo\n\u202ethree\n\tfour\n")
    assert kept == "one [2Jtwo\nthree\nfour"


def test_one_line_without_an_end() -> None:
    assert len(evidence.tidy("x" * 10_000_000)) <= 1000


def test_a_look_that_hangs_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, body in (("systemctl", "exec /bin/sleep 60"), ("journalctl", "echo a line of the journal")):
        (tmp_path / name).write_text("#!/bin/sh\n" + body + "\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(_run, "SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr(evidence, "_COMMAND_S", 0.3)
    one = unit.Unit("x.service", "", {"ActiveState": "active"})
    own = os.getpid()
    group = members.Members("x.service", belongs=lambda pid: pid == own)
    found = evidence.collect(Context(), one, group, ["0.0.0.0:25"])
    assert set(found) == WANTED
    assert found["unit"] == found["status"] == "systemctl: timeout"
    assert found["journal"] == "a line of the journal"
    assert f"{own} " in found["processes"] and "state" in found["processes"]
    assert found["open_files"].startswith("listens on 0.0.0.0:25\n") and " open." in found["open_files"]
    assert found["host"].startswith("load ")
    assert sum(len(text.encode()) for text in found.values()) <= 512 << 10
