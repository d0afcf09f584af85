# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs over one recording give the same bytes, whatever the hash seed of the process and the clock on the wall."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
RECORDINGS = ROOT / "tests" / "recordings" / "faults"


def start(seed: str, zone: str) -> subprocess.Popen[str]:
    """Judge all recordings in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C.UTF-8"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "judge_recordings.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_runs_over_one_recording_give_the_same_bytes() -> None:
    runs = [start("1", "UTC"), start("4242", "Asia/Tokyo")]
    said = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    first, second = (output.splitlines() for output, dummy in said)
    assert len(first) == len(list(RECORDINGS.glob("*.json.gz")))
    assert first == second
