# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several looks at once: whatever hangs costs itself and no other."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from ansible_collections.mailops.triage.plugins.module_utils._aid import aside


def hang() -> str:
    time.sleep(600)
    return "never"


def fail() -> str:
    raise OSError(5, "Input/output error")


def long_text() -> str:
    return "x" * 300000


def test_each_has_its_own_answer() -> None:
    found = aside.gather({"good": lambda: "héllo", "hung": hang, "bad": fail, "none": lambda: ""}, 1.0)
    assert found["good"] == ("ok", "héllo")
    assert found["hung"] == ("timeout", "")
    assert found["bad"][0] == "failed" and "Input/output error" in found["bad"][1]
    assert found["none"][0] == "ok"


def test_a_child_that_dies_says_so() -> None:
    assert aside.gather({"dead": lambda: os._exit(3)}, 2.0)["dead"] == ("failed", "it ended without a word")


def test_long_answers_are_cut_and_end() -> None:
    status, text = aside.gather({"long": long_text}, 5.0, limit=1000)["long"]
    assert (status, len(text)) == ("ok", 999)


def test_a_child_that_is_left_behind_holds_no_lock(tmp_path: Path) -> None:
    """Its copy of the descriptor would keep the host's lock for as long as the storage hangs."""
    number = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(number, fcntl.LOCK_EX)

    def held() -> str:
        return " ".join(os.path.realpath(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd"))

    status, text = aside.gather({"held": held}, 5.0)["held"]
    assert status == "ok" and os.devnull in text
    assert str(tmp_path) not in text
    os.close(number)
