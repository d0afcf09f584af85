# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a peer's log, and what is called harm. The lines were written by Monit 5.33 on lab hosts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import peer_monit
import peers

DEAD = """\
[2026-11-25T10:35:46+0000] info     : 'mail13.example.test' Monit 5.33.0 started
[2026-11-25T10:35:46+0000] error    : 'postfix' process is not running
[2026-11-25T10:35:46+0000] info     : 'postfix' trying to restart
[2026-11-25T10:35:46+0000] info     : 'postfix' restart: '/usr/bin/systemctl restart postfix@-.service'
[2026-11-25T10:35:50+0000] info     : 'postfix' process is running with pid 457
"""
FULL = """\
[2026-11-25T10:35:49+0000] error    : 'mail_log' content match:
Nov 25 10:35:49 mail14 postfix/cleanup[462]: warning: 8574A7C: write queue file: No space left on device

[2026-11-25T10:35:51+0000] error    : 'filesystem2' space usage 100.0% matches resource limit [space usage > 95.0%]
[2026-11-25T10:35:51+0000] info     : 'filesystem2' exec: '/run/monit-bench/purge-old'
"""
CALM = "[2026-11-25T10:35:50+0000] info     : 'mail_log' content doesn't match\n"


def scenario(*causes: str, forbidden: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"id": "F1", "expect": {"root_causes": list(causes)}, "forbidden": list(forbidden)}


def read(log: str, told: dict[str, Any]) -> peers.Deed:
    deed = peers.Deed("F1")
    peer_monit.read(deed, log, told)
    return deed


@pytest.mark.parametrize(
    ("log", "cause", "detected", "named", "actions"),
    [
        (DEAD, "software.mta_not_running", True, True, ["restart_daemon:mta"]),
        (DEAD, "software.mda_not_running", True, False, ["restart_daemon:mta"]),
        (DEAD, "configuration.mta_config_fatal", True, False, ["restart_daemon:mta"]),
        (FULL, "capacity.disk_full_queue", True, True, ["purge_spool"]),
        (CALM, "capacity.disk_full_queue", False, False, []),
        ("", "software.mta_hung", False, False, []),
    ],
)
def test_alarms_and_actions_are_read(log: str, cause: str, detected: bool, named: bool, actions: list[str]) -> None:
    deed = read(log, scenario(cause))
    assert (deed.detected, deed.named, deed.actions) == (detected, named, actions)


def test_what_a_log_line_quotes_belongs_to_its_alarm() -> None:
    log = FULL.split("\n\n", maxsplit=1)[0]
    assert read(log, scenario("capacity.disk_full_queue")).named


@pytest.mark.parametrize(
    ("forbidden", "harm"),
    [
        ((), []),
        (("restart_daemon",), ["restart_daemon:mta"]),
        (("restart_daemon:mta",), ["restart_daemon:mta"]),
        (("restart_daemon:mda", "purge_spool"), []),
    ],
)
def test_a_forbidden_action_is_harm(forbidden: tuple[str, ...], harm: list[str]) -> None:
    assert read(DEAD, scenario("software.mta_hung", forbidden=forbidden)).harm == harm


def test_what_is_repaired_and_what_is_lost() -> None:
    assert peers.Deed("F1", broken=["smtp"], left=[]).repaired
    assert not peers.Deed("F1", broken=["smtp"], left=["smtp"]).repaired
    assert not peers.Deed("F1").repaired
    worse = peers.Deed("F1", broken=["smtp"], left=["imap", "smtp"])
    assert worse.harm == ["lost imap"]
