# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that hang, fork, flood and die, as real child processes."""

from __future__ import annotations

import os
import time

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._run import find_program, run


def alive(pid: int) -> bool:
    try:
        state = open(f"/proc/{pid}/stat", encoding="utf-8").read().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 3
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_ordinary_command():
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.rc, done.out, done.err, done.status, done.truncated) == (3, b"out\n", b"err\n", "ok", False)


def test_missing_and_unstartable():
    assert run(["no-such-program-anywhere"]).status == "missing"
    assert run(["/nowhere/program"]).status == "missing"
    failed = run(["/etc/passwd"])
    assert failed.status == "failed" and b"ermission" in failed.err


def test_signal_is_told():
    assert run(["sh", "-c", "kill -9 $$"]).rc == -9


def test_environment_is_plain_and_path_has_sbin():
    done = run(["sh", "-c", "echo $LC_ALL $PATH"])
    assert done.out.startswith(b"C ") and b"/usr/sbin" in done.out


def test_own_session():
    done = run(["sh", "-c", "ps -o sid= -p $$ 2>/dev/null || cut -d' ' -f6 /proc/$$/stat"])
    assert int(done.out) != os.getsid(0)


def test_time_out_kills_the_children_too(tmp_path):
    note = tmp_path / "pid"
    began = time.monotonic()
    done = run(["sh", "-c", f"sleep 60 & echo $! > {note}; wait"], timeout=0.4)
    assert done.status == "timeout" and done.rc is None
    assert time.monotonic() - began < 2.5
    assert gone(int(note.read_text()))


def test_time_out_of_one_that_ignores_signals():
    began = time.monotonic()
    done = run(["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"], timeout=0.3)
    assert done.status == "timeout" and time.monotonic() - began < 2.5


def test_output_before_the_time_out_is_kept():
    assert run(["sh", "-c", "echo partial; sleep 30"], timeout=0.4).out == b"partial\n"


def test_grandchild_that_keeps_the_pipe_open(tmp_path):
    note = tmp_path / "pid"
    began = time.monotonic()
    done = run(["sh", "-c", f"sleep 60 & echo $! > {note}; echo done"], timeout=20)
    assert (done.rc, done.out, done.status) == (0, b"done\n", "ok")
    assert time.monotonic() - began < 3
    assert gone(int(note.read_text()))


def test_grandchild_in_a_session_of_its_own_cannot_hold_us():
    began = time.monotonic()
    done = run(["sh", "-c", "setsid sleep 3 & echo done"], timeout=20)
    assert (done.rc, done.out) == (0, b"done\n") and time.monotonic() - began < 2.5


def test_closed_pipes_are_not_the_end():
    began = time.monotonic()
    done = run(["sh", "-c", "exec >&- 2>&-; sleep 30"], timeout=0.5)
    assert done.status == "timeout" and time.monotonic() - began < 3


def test_endless_output_is_cut():
    began = time.monotonic()
    done = run(["sh", "-c", "yes"], timeout=20, limit_bytes=100_000)
    assert done.truncated and done.status == "ok" and done.rc is None and len(done.out) == 100_000
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("size", "cut"), [(65_536, False), (65_537, True)])
def test_limit_is_exact(size, cut):
    done = run(["head", "-c", str(size), "/dev/zero"], limit_bytes=65_536)
    assert done.truncated is cut and len(done.out) == 65_536


def test_input_reaches_the_command():
    sent = b"x" * 300_000
    assert run(["cat"], input=sent).out == sent


def test_command_that_does_not_read_its_input():
    assert run(["true"], input=b"x" * 1_000_000).rc == 0


def test_programs_are_found_in_system_directories():
    assert find_program("sh") in ("/usr/bin/sh", "/bin/sh")
    assert find_program("no-such-program-anywhere") is None
