# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worked example of docs/how-to-add-a-fault.md, done on a real host as a reader would do it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit.lab import Lab

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import howto


@pytest.fixture
def mail2(lab: Lab) -> Iterator[str]:
    """A host that the test may spoil."""
    yield "mail2"
    lab.reset("mail2")


def diagnose(report: Path, rules: Path) -> dict[str, Any]:
    done = scenario.diagnose(report, "-e", f"triage_rules_dirs={rules}")
    assert done.returncode == 0, done.stdout + done.stderr
    hosts: dict[str, Any] = json.loads((report / "triage.json").read_text(encoding="utf-8"))["hosts"]
    return hosts


def test_the_rule_of_the_page_finds_the_fault_of_the_page(
    lab: Lab, tmp_path: Path, mail2: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, faults = howto.write(tmp_path)
    monkeypatch.setenv("MAILOPS_LAB_FAULTS", str(faults))
    lab.inject(howto.FAULT, mail2)
    fault = scenario.faults.load(howto.FAULT)
    judged = diagnose(tmp_path / "struck", rules)
    assert not scenario.Outcome(howto.FAULT, mail2, fault, 0.0, judged[mail2]).wrong()
    assert judged[scenario.CONTROL]["verdict"] == "healthy"
    lab.undo(howto.FAULT, mail2)
    assert diagnose(tmp_path / "undone", rules)[mail2]["verdict"] == "healthy"
