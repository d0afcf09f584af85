# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever waits for an answer does not wait for the end of the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._apart import ApartError, apart
from ansible_collections.mailops.triage.plugins.plugin_utils import _bundle


def test_the_answer_comes_back_whole() -> None:
    assert json.loads(apart(lambda first, second: [first, second, "é" * 300000], [1, None])) == [1, None, "é" * 300000]


def test_an_error_is_told() -> None:
    def broken() -> None:
        raise ValueError("no such thing")

    with pytest.raises(ApartError, match="no such thing"):
        apart(broken, [])
    with pytest.raises(ApartError, match="without a word"):
        apart(os._exit, [3])


def test_work_that_cannot_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process does that has a thread in state D."""
    monkeypatch.setattr(os, "_exit", lambda code: signal.pause())
    child = int(apart(os.getpid, []))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[0] == child


def test_the_child_lets_go_of_the_channels_of_the_login() -> None:
    """A channel that stays open keeps the login open."""
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from _apart import apart\n"
        "os._exit = lambda code: signal.alarm(20) or signal.pause()\n"
        "print(apart(lambda: 'said', []))\n"
    )
    folder = str(_bundle._SOURCES)
    done = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, timeout=15, check=True
    )
    assert done.stdout == '"said"\n'


def test_the_child_does_not_hold_the_end_that_is_read() -> None:
    """It would wait for ever to be read, were its parent killed."""
    before = len(os.listdir("/proc/self/fd"))
    # One end of the pipe, and /dev/null.
    assert json.loads(apart(lambda: len(os.listdir("/proc/self/fd")), [])) == before + 2
