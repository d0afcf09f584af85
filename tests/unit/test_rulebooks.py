# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks as data; that they work is seen in tests/eda, with an ansible-rulebook that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "extensions" / "eda" / "rulebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def load(name: str) -> dict[str, Any]:
    (ruleset,) = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = ruleset
    return found


def test_each_has_both_forms() -> None:
    assert NAMES == ["alertmanager", "alertmanager_awx", "ticket", "ticket_awx", "webhook", "webhook_awx"]


@pytest.mark.parametrize("name", ["alertmanager", "ticket", "webhook"])
def test_both_forms_differ_only_in_what_they_start(name: str) -> None:
    here, there = load(name), load(f"{name}_awx")
    assert "execution_strategy" not in here and there.pop("execution_strategy") == "parallel"
    for one, other in zip(here["rules"], there["rules"]):
        if "throttle" in one:
            assert one.pop("action")["run_playbook"]["name"] == "mailops.triage.triage"
            assert set(other.pop("action")) == {"run_job_template"}
    assert here == there


@pytest.mark.parametrize("name", NAMES)
def test_whatever_starts_something_is_throttled_by_what_is_there(name: str) -> None:
    """To the throttle of ansible-rulebook, events that lack one of its attributes are never the same."""
    for rule in load(name)["rules"]:
        if "debug" in rule["action"]:
            continue
        attributes = rule["throttle"]["group_by_attributes"]
        assert attributes
        for attribute in attributes:
            assert f"{attribute} is defined" in rule["condition"], rule["name"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_payload_is_rendered(name: str) -> None:
    for rule in load(name)["rules"]:
        assert "payload" not in yaml.safe_dump(rule["action"]), rule["name"]


@pytest.mark.parametrize("name", NAMES)
def test_the_last_rule_logs_what_no_other_takes(name: str) -> None:
    assert "nothing is started" in load(name)["rules"][-1]["action"]["debug"]["msg"]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_listened_to_without_a_token(name: str) -> None:
    (source,) = load(name)["sources"]
    assert source["eda.builtin.webhook"]["token"] == "{{ triage_webhook_token }}"
    assert "127.0.0.1" in source["eda.builtin.webhook"]["host"]
