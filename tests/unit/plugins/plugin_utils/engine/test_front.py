# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put side by side for the rules about surges: services with their clients, limits with their use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import document
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.front import front
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.headroom import headroom

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario


def recorded(fault: str) -> dict:
    """The document of the host that once had a fault."""
    case = scenario.kept(ROOT / "tests" / "recordings" / "faults" / f"{fault}.json.gz")
    return document.build(case["host"], case["hosts"][case["host"]], {}, case["run"]["started"])


def test_silent_clients_stand_beside_the_processes_that_they_hold() -> None:
    services = {service["name"]: service for service in recorded("F034")["front"]}
    smtp = services["smtp"]
    assert (smtp["count"], smtp["limit"], smtp["share"], smtp["protocols"]) == (6, 6, 1.0, ["smtp"])
    assert smtp["sessions"] - smtp["waiting"] == 6
    assert smtp["idle_share"] == 1.0
    assert smtp["top_block"]["name"] == "198.18.244.0/24"
    # The same clients, counted a moment apart.
    assert min(smtp["queued"], smtp["waiting"]) > 20
    assert services["imap-login"]["protocols"] == ["imap", "imaps"]


def service(name: str, role: str = "smtpd") -> dict:
    return {"daemon": "postfix", "name": name, "role": role, "count": 1, "limit": 9, "share": 0.1, "stress": False}


@pytest.mark.parametrize(
    ("name", "protocols"),
    [
        ("smtp", ["smtp"]),
        ("smtps", ["submissions"]),
        ("587", ["submission"]),
        ("192.0.2.1:25", ["smtp"]),
        ("2526", None),
        ("pass-through", None),
    ],
)
def test_a_service_is_known_by_its_port(name: str, protocols: list[str] | None) -> None:
    looked = {"traffic": {"services": [service(name)], "sessions": None}, "listeners": None}
    found = front(looked)
    assert [record["protocols"] for record in found or []] == ([protocols] if protocols else [])


def test_nobody_looked() -> None:
    nothing = dict.fromkeys(("traffic", "load", "memory", "disk", "queue", "listeners"))
    assert front(nothing) is None
    assert headroom(nothing) is None


def test_the_nearest_limit_comes_first() -> None:
    limits = recorded("F038")["headroom"]
    assert [record["percent"] for record in limits] == sorted((record["percent"] for record in limits), reverse=True)
    named = {record["what"]: record for record in limits}
    assert named["processes of postfix/local"]["says"] == "processes of postfix/local: 2 of 2"
    assert {"processors (load)", "memory (percent in use)", "active queue"} <= set(named)
    assert any(what.startswith("space on /") for what in named)
