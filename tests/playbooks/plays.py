# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks as somebody else's project would run them: from an empty directory, with nothing of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "tests" / "recordings" / "demo"
PROGRAM = [sys.executable, "-m", "ansible", "playbook"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """No configuration of the machine may make a test pass."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    plain = {"ANSIBLE_NOCOLOR": "1", "COLUMNS": "100", "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    return {**kept, **plain, **more}


def play(
    folder: Path, playbook: Path, *words: str, inventory: str = "localhost,", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a playbook, with more variables in its environment, and nobody at the terminal."""
    return subprocess.run(
        [*PROGRAM, "-i", inventory, str(playbook), *words],
        cwd=folder,
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """All output in one line: Ansible wraps and repeats as it likes."""
    return " ".join((done.stdout + done.stderr).split())
