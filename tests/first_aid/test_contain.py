# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surges contained on real hosts: others are served again, nothing is lost, and all comes back as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import contained
import pytest
import scenario
from labkit import host, traffic
from labkit.lab import Lab
from labkit.plan import VANTAGES

HOST = "mail3"


@pytest.fixture
def fresh(lab: Lab) -> Lab:
    """The lab, with a host that has met nobody yet."""
    lab.reset(HOST)
    return lab


def args_of(report: Path, finding: str) -> dict[str, str]:
    """What the diagnosis hands to the remedy."""
    done = scenario.diagnose(report, hosts=[HOST])
    assert done.returncode == 0, done.stdout
    found = json.loads((report / "triage.json").read_text(encoding="utf-8"))["hosts"][HOST]["findings"]
    matching: list[dict[str, Any]] = [one for one in found if one["id"] == finding]
    assert matching, [one["id"] for one in found]
    named: dict[str, str] = matching[0]["remedy"]["args"]
    return named


PORTS = [
    ("F033", "traffic.inbound_flood", "smtp"),
    ("F034", "traffic.slow_clients_all_ports_busy", "smtp"),
    ("F036", "traffic.password_bruteforce", "imap"),
    ("F083", "capacity.imap_process_limit", "imap"),
    ("F039", "traffic.reconnect_storm", "imaps"),
]


@pytest.mark.parametrize(("fault", "finding", "protocol"), PORTS, ids=[one[0] for one in PORTS])
def test_others_are_served_again(fresh: Lab, tmp_path: Path, fault: str, finding: str, protocol: str) -> None:
    scenario.insist(fresh, fault, HOST)
    args = args_of(tmp_path / "run", finding)
    before = contained.settings(fresh, HOST)

    planned = contained.surge(tmp_path, HOST, args, "--check")
    assert planned["state"] == "planned", planned
    assert contained.settings(fresh, HOST) == before

    done = contained.surge(tmp_path, HOST, args)
    assert (done["state"], done["changed"]) == ("done", True), done
    assert [step["what"] for step in done["steps"]] == [step["what"] for step in planned["steps"]]
    # Three times, because it must not be the luck of a moment.
    served = [
        contained.until(60, lambda: fresh.probe(HOST, protocol, timeout=10).startswith("ok")) for dummy in range(3)
    ]
    assert served == [True, True, True]

    again = contained.surge(tmp_path, HOST, args)
    assert (again["state"], again["changed"]) == ("nothing", False), again
    ended = contained.surge(tmp_path, HOST, {}, state="absent")
    assert ended["state"] == "done", ended
    assert contained.settings(fresh, HOST) == before


HELD = [
    ("F032", "security.compromised_account", 200),
    ("F035", "traffic.bounce_storm", 150),
    ("F094", "traffic.queue_congested_one_destination", 150),
]


@pytest.mark.parametrize(("fault", "finding", "least"), HELD, ids=[one[0] for one in HELD])
def test_the_offender_s_mail_is_held_and_other_mail_flows(
    fresh: Lab, tmp_path: Path, fault: str, finding: str, least: int
) -> None:
    scenario.insist(fresh, fault, HOST)
    args = args_of(tmp_path / "run", finding)
    before, waiting = contained.settings(fresh, HOST), contained.everything(fresh, HOST)

    done = contained.surge(tmp_path, HOST, args)
    assert (done["state"], done["changed"]) == ("done", True), done
    held = contained.queued(fresh, HOST, "hold")
    assert len(held) >= least
    assert contained.lost(fresh, HOST, waiting) == set()
    assert fresh.deliver(HOST, "alice") < 15
    assert contained.surge(tmp_path, HOST, args)["state"] == "nothing"

    assert contained.surge(tmp_path, HOST, args, state="absent")["state"] == "done"
    assert contained.queued(fresh, HOST, "hold") == set()
    assert contained.lost(fresh, HOST, waiting) == set()
    assert contained.settings(fresh, HOST) == before


def test_what_filled_the_homes_is_held_all_the_same(fresh: Lab, tmp_path: Path) -> None:
    # Where Ansible's own login has its home, too.
    fresh.inject("F075", HOST)
    before = contained.settings(fresh, HOST)
    done = contained.surge(tmp_path, HOST, {"account": "bob"})
    assert (done["state"], done["changed"]) == ("done", True), done
    assert contained.surge(tmp_path, HOST, {"account": "bob"}, state="absent")["state"] == "done"
    assert contained.settings(fresh, HOST) == before


def test_a_loop_is_broken_and_its_mail_held(fresh: Lab, tmp_path: Path) -> None:
    fresh.inject("F037", HOST)
    args = args_of(tmp_path / "run", "traffic.mail_loop")
    before = contained.settings(fresh, HOST)
    assert contained.surge(tmp_path, HOST, args)["state"] == "done"
    bounced = "grep -c 'too many hops' /var/log/mail.log"
    already = fresh.run(HOST, bounced).stdout
    traffic.generate("loop", HOST, count=20)
    assert contained.until(20, lambda: len(contained.queued(fresh, HOST, "hold")) == 20)
    assert fresh.run(HOST, bounced).stdout == already
    assert contained.queued(fresh, HOST, "incoming", "active") == set()
    assert contained.surge(tmp_path, HOST, args)["state"] == "nothing"
    assert contained.surge(tmp_path, HOST, args, state="absent")["state"] == "done"
    assert contained.settings(fresh, HOST) == before


def test_the_end_comes_without_the_controller_and_after_a_power_cut(fresh: Lab, tmp_path: Path) -> None:
    fresh.inject("F032", HOST)
    before, waiting = contained.settings(fresh, HOST), contained.everything(fresh, HOST)
    assert contained.surge(tmp_path, HOST, {"account": "bob"}, expires=25)["state"] == "done"
    assert contained.surge(tmp_path, HOST, {"block": "198.18.7.0/24", "service": "smtp"}, expires=25)["state"] == "done"
    assert len(contained.queued(fresh, HOST, "hold")) >= 200
    host.power_cut(HOST)
    assert contained.until(120, lambda: not contained.queued(fresh, HOST, "hold"))
    assert contained.until(60, lambda: contained.settings(fresh, HOST) == before)
    assert contained.lost(fresh, HOST, waiting) == set()
    told = fresh.run(HOST, "journalctl --no-pager -t mailops-triage; cat /var/log/syslog", check=False).stdout
    assert "mail of the account bob on hold: its time is over" in told
    left = json.loads(fresh.run(HOST, "cat /var/lib/mailops-triage/state.json", check=True).stdout)
    assert left["measures"] == []


def test_the_vantage_points_and_the_controller_are_never_kept_out(fresh: Lab, tmp_path: Path) -> None:
    before = contained.settings(fresh, HOST)
    for block in ("192.0.2.0/24", *(f"{VANTAGES[name][0].rpartition('.')[0]}.0/24" for name in VANTAGES)):
        refused = contained.surge(tmp_path, HOST, {"block": block, "service": "smtp"})
        assert (refused["state"], refused["code"], refused["changed"]) == ("refused", "protected", False), refused
    assert contained.settings(fresh, HOST) == before
