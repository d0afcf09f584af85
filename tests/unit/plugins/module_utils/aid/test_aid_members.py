# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal reaches a process of the unit and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import ending, members
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that sleeps."""
    found = subprocess.Popen(["/bin/sleep", "300"])
    yield found
    found.kill()
    found.wait()


def record(pid: int) -> procfs.Process:
    """The process as it is now."""
    return procfs.scan()[pid]


def test_ours_takes_a_signal(child: subprocess.Popen[bytes]) -> None:
    group = members.Members("x.service", belongs=lambda pid: pid == child.pid)
    assert [one.pid for one in group.all()] == [child.pid]
    assert group.signal(record(child.pid), signal.SIGTERM)
    assert child.wait(5) == -signal.SIGTERM


def test_a_number_with_another_owner_is_let_alone(child: subprocess.Popen[bytes]) -> None:
    group = members.Members("x.service", belongs=lambda pid: True)
    earlier = record(child.pid)._replace(started=record(child.pid).started - 1)
    assert not group.signal(earlier, signal.SIGKILL)
    assert child.poll() is None


def test_one_that_moved_to_another_unit_is_let_alone(child: subprocess.Popen[bytes]) -> None:
    group = members.Members("x.service", belongs=lambda pid: False)
    assert not group.signal(record(child.pid), signal.SIGKILL)
    assert child.poll() is None


def test_the_control_group_decides(child: subprocess.Popen[bytes]) -> None:
    """By its real control group the child of a test is in no unit of this name."""
    group = members.Members("postfix@-.service")
    assert group.all() == []
    assert not group.signal(record(child.pid), signal.SIGKILL)
    assert not group.signal(record(os.getpid()), signal.SIGKILL)


def test_the_end_of_a_stopped_process(child: subprocess.Popen[bytes]) -> None:
    group = members.Members("x.service", belongs=lambda pid: pid == child.pid)
    child.send_signal(signal.SIGSTOP)
    told: list[tuple[str, str]] = []
    # A zombie is gone: its parent, this test, has not asked for it yet.
    assert ending.end(group, [record(child.pid)], lambda what, result: told.append((what, result))) == []
    assert [what.split()[0] for what, _result in told] == ["TERM"]
    assert child.wait(5) == -signal.SIGTERM


def process(pid: int, ppid: int, name: str) -> procfs.Process:
    return procfs.Process(pid, ppid, name, "S", 0, pid, 0)


def test_the_main_process_where_systemd_does_not_know_it() -> None:
    group = members.Members("postfix@-.service")
    tree = [process(10, 1, "master"), process(11, 10, "qmgr"), process(12, 10, "smtpd")]
    main = group.main("postfix", 0, tree)
    assert main is not None and main.pid == 10
    # Children that outlived their master are no master.
    assert group.main("postfix", 0, tree[1:]) is None
    other = group.main("", 0, tree[1:])
    assert other is not None and other.pid == 11
    known = group.main("", 12, tree)
    assert known is not None and known.pid == 12
