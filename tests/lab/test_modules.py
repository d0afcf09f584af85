# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible runs modules, on a real host: the equals of the fast path, and its fall-back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit import net, plan
from labkit.lab import Lab

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(lab: Lab, ansible_adhoc: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a module of the collection on a host of the lab, from the controller's network namespace."""
    monkeypatch.setenv("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3")

    def run(host: str, module: str, **options: Any) -> dict[str, Any]:
        # Ansible wants the main thread, and its workers inherit the namespace of the process.
        with net.inside(plan.namespace(plan.CONTROLLER)):
            hosts = ansible_adhoc(inventory=str(plan.STATE_DIR / "inventory.yml"), host_pattern=host, user="triage")
            found: dict[str, Any] = getattr(hosts.all, f"mailops.triage.{module}")(**options).contacted[host]
        return found

    return run


def test_mail_facts_says_what_the_fast_path_says(call: Call, tmp_path: Path) -> None:
    by_module = call("mail1", "mail_facts")["ansible_facts"]["mail_facts"]
    done = scenario.diagnose(tmp_path / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    fast = json.loads((tmp_path / "run" / "facts" / "mail1.json").read_text(encoding="utf-8"))["facts"]
    assert set(by_module) == set(fast)
    for document in (by_module, fast):
        # Partial is honest: a fresh system has no lists of packages, and the collector says so.
        states = document["collectors"]
        assert {state["status"] for state in states.values()} <= {"ok", "partial"}, states
    assert by_module["services"]["mta"]["unit"] == fast["services"]["mta"]["unit"] == "postfix@-.service"
    assert [one["mount"] for one in by_module["disk"]["filesystems"]] == [
        one["mount"] for one in fast["disk"]["filesystems"]
    ]


def test_mail_facts_refuses_an_unknown_subset(call: Call) -> None:
    answer = call("mail1", "mail_facts", gather_subset=["disk", "weather"])
    assert answer["failed"] and "weather" in answer["msg"] and "valid are" in answer["msg"]


def test_mail_probe_runs_where_it_is_sent(call: Call) -> None:
    target = {
        "name": "mail2",
        "address": plan.address("mail2"),
        "services": [{"protocol": "smtp"}, {"protocol": "imap"}],
    }
    probe = call("dept-a", "mail_probe", targets=[target])["probe"]
    assert [service["outcome"] for service in probe["hosts"]["mail2"]["services"]] == ["ok", "ok"]
