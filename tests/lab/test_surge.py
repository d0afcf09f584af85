# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real traffic over SMTP, submission and IMAP: its kind is told, and the offender named is who did it.

The faults of the catalogue have fixed offenders; here the dice choose them, and honest traffic of the same size goes
unpunished.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit import traffic
from labkit.lab import Lab

HOST = "mail16"


@pytest.fixture
def fresh(lab: Lab) -> Lab:
    """The lab, with a host that nobody has written to yet."""
    lab.reset(HOST)
    return lab


def diagnosed(report: Path) -> dict[str, Any]:
    """The report of one diagnosis of that host."""
    done = scenario.diagnose(report, hosts=[HOST])
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads((report / "triage.json").read_text(encoding="utf-8"))["hosts"][HOST]
    return found


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_the_account_of_a_spam_run(fresh: Lab, tmp_path: Path, seed: int) -> None:
    made = traffic.generate("hijack", HOST, seed=seed, count=200)
    roots = [finding for finding in diagnosed(tmp_path / "run")["findings"] if finding["kind"] == "root_cause"]
    assert [root["id"] for root in roots] == ["security.compromised_account"]
    assert roots[0]["remedy"]["args"] == {"account": made["offender"]["account"]}
    assert roots[0]["remedy"]["auto"] is False


@pytest.mark.parametrize("seed", [21, 22])
def test_the_block_that_guesses(fresh: Lab, tmp_path: Path, seed: int) -> None:
    made = traffic.generate("guess", HOST, seed=seed, count=120, width=40)
    found = diagnosed(tmp_path / "run")
    assert found["verdict"] == "healthy"
    notes = {finding["id"]: finding["subject"] for finding in found["findings"]}
    assert notes["traffic.password_guessing"] == made["offender"]["block"]


@pytest.mark.parametrize("kind", ["peak", "bulk"])
def test_honest_mail_is_no_fault(fresh: Lab, tmp_path: Path, kind: str) -> None:
    made = traffic.generate(kind, HOST, count=400)
    assert made["met"]["accepted"] == 400
    found = diagnosed(tmp_path / "run")
    assert found["verdict"] == "healthy", found["summary"]
    notes = {finding["id"]: finding["subject"] for finding in found["findings"]}
    assert notes.get("traffic.own_bulk_mail") == made["offender"].get("sender")
