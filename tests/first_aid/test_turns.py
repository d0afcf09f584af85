# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole playbook beside people and other hosts: a question, members of a group in turn, a host that is lost."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peers
import pytest
import scenario
from labkit import net
from labkit.lab import Lab
from remediated import acts, command, hosts_of, remediate, strike

FIRST, SECOND = "mail19", "mail20"
PROMPT_S = 120


@pytest.fixture(autouse=True)
def clean(lab: Lab) -> Iterator[None]:
    """Hosts that are well for whoever comes next."""
    yield
    lab.reset(FIRST, SECOND)


def memory(lab: Lab, host: str) -> list[dict[str, Any]]:
    """The acts that the host remembers, whole."""
    found: list[dict[str, Any]] = json.loads(lab.run(host, "cat /var/lib/mailops-triage/state.json").stdout)["acts"]
    return found


def test_hosts_that_stand_in_for_each_other_take_turns(lab: Lab, tmp_path: Path) -> None:
    strike(lab, {FIRST: "F041", SECOND: "F042"})
    done = remediate(tmp_path / "run", [FIRST, SECOND], "-e", "mail_redundancy_group=mx")
    assert done.returncode == 0, done.stdout
    found = hosts_of(tmp_path / "run")
    assert {found[host]["verdict"] for host in (FIRST, SECOND)} == {"healthy"}
    assert {host: peers.broken(lab, host) for host in (FIRST, SECOND)} == {FIRST: [], SECOND: []}
    spans = {}
    for host in (FIRST, SECOND):
        (action,) = [one for one in found[host]["actions"] if one["state"] == "done"]
        spans[host] = (memory(lab, host)[0]["at"], action["proof"]["healed_at"])
    (dummy, first_healed), (second_began, dummy) = sorted(spans.values())
    assert second_began > first_healed


def test_what_does_not_hold_on_one_of_them_is_not_tried_on_the_next(lab: Lab, tmp_path: Path) -> None:
    strike(lab, {FIRST: "F042", SECOND: "F042"})
    drop_in = "/etc/systemd/system/dovecot.service.d/fails.conf"
    lab.run(FIRST, f"install -D /dev/stdin {drop_in}", check=True, stdin="[Service]\nExecStartPre=/bin/false\n")
    lab.run(FIRST, "systemctl daemon-reload", check=True)
    done = remediate(tmp_path / "run", [FIRST, SECOND], "-e", "mail_redundancy_group=mx")
    assert done.returncode == 0, done.stdout
    found = hosts_of(tmp_path / "run")
    assert {one["state"] for one in found[FIRST]["actions"] if one["action"] == "restart_daemon"} == {"failed"}
    (left,) = [one for one in found[SECOND]["actions"] if one["action"] == "restart_daemon"]
    assert (left["state"], left["code"]) == ("refused", "group")
    assert FIRST in left["why"]
    assert acts(lab, SECOND) == []


def test_a_host_that_is_lost_in_the_middle_is_told_of_and_mended_the_next_time(lab: Lab, tmp_path: Path) -> None:
    strike(lab, {FIRST: "F043", SECOND: "F042"})

    def cut() -> None:
        """Pull the cable as soon as the host was told to do something."""
        until = time.monotonic() + 120
        while not acts(lab, FIRST) and time.monotonic() < until:
            time.sleep(0.1)
        net.link(FIRST, False)

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        done = remediate(tmp_path / "run", [FIRST, SECOND])
    finally:
        cutter.join()
        net.link(FIRST, True)
    assert done.returncode == 0, done.stdout
    found = hosts_of(tmp_path / "run")
    (lost,) = [one for one in found[FIRST]["actions"] if one["action"] == "restart_daemon"]
    assert lost["state"] == "failed", lost
    assert found[FIRST]["verdict"] in ("down", "unknown"), found[FIRST]["summary"]
    assert found[SECOND]["verdict"] == "healthy"
    assert acts(lab, FIRST) != []

    # What it was told to do it finished or not; either way the next run leaves it well.
    again = remediate(tmp_path / "again", [FIRST], "-e", '{"remediate_guard": {"grace": 0}}')
    assert again.returncode == 0, again.stdout
    assert hosts_of(tmp_path / "again")[FIRST]["verdict"] == "healthy"
    assert peers.broken(lab, FIRST) == []


def answered(run: subprocess.Popen[bytes], answer: str) -> str:
    """Type an answer when the question is there, and again when the terminal has thrown it away; all that was said."""
    assert run.stdin is not None and run.stdout is not None
    said = bytearray()

    def listen() -> None:
        while piece := run.stdout.read1(4096):
            said.extend(piece)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    until = time.monotonic() + PROMPT_S
    while b"press Enter" not in said and time.monotonic() < until:
        time.sleep(0.2)
    asked, until = len(said), time.monotonic() + 300
    while run.poll() is None and b"TASK" not in said[asked:] and time.monotonic() < until:
        with contextlib.suppress(BrokenPipeError):
            run.stdin.write(answer.encode() + b"\r")
            run.stdin.flush()
        time.sleep(2)
    run.wait(300)
    listener.join(10)
    return said.decode("utf-8", "replace")


@pytest.mark.parametrize(("answer", "state"), [("y", "done"), ("n", "planned")])
def test_whoever_sits_at_the_terminal_is_asked(lab: Lab, tmp_path: Path, answer: str, state: str) -> None:
    strike(lab, {FIRST: "F042"})
    line = command(tmp_path / "run", [FIRST], "-e", "remediate_auto=none")
    run = subprocess.Popen(
        ["script", "--quiet", "--return", "--flush", "--command", shlex.join(line), "/dev/null"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**scenario.environment(), "TERM": "xterm"},
        cwd=scenario.ROOT,
    )
    said = answered(run, answer)
    assert run.returncode == 0, said
    (action,) = [one for one in hosts_of(tmp_path / "run")[FIRST]["actions"] if one["action"] == "restart_daemon"]
    assert action["state"] == state
    assert bool(acts(lab, FIRST)) == (state == "done")


def test_a_surge_that_is_held_back_is_in_force_and_not_called_uncured(lab: Lab, tmp_path: Path) -> None:
    strike(lab, {FIRST: "F032"})
    done = remediate(tmp_path / "run", [FIRST], "-e", "remediate_auto=all")
    assert done.returncode == 0, done.stdout
    (action,) = [one for one in hosts_of(tmp_path / "run")[FIRST]["actions"] if one["action"] == "contain_surge"]
    assert (action["state"], action["proof"]) == ("done", {"state": "in_force", "by": "host"})
