# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/how-to-add-a-fault.md: the files on the page are whole, touch one rule and one lab file, and are accepted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "lab")]

import howto
from labkit import faults


def test_the_example_is_one_rule_file_and_one_lab_file() -> None:
    assert [name.partition("/")[0] for name in howto.files()] == ["site-rules", "lab-faults"]


def test_the_rule_is_accepted_beside_the_others_and_is_new(tmp_path: Path) -> None:
    folder, dummy = howto.write(tmp_path)
    schemas = {"host": schema.host(), "fleet": schema.fleet()}
    before = {rule.id for rule in rules.load([schema.ROOT / "rules"], schemas)}
    after = {rule.id for rule in rules.load([schema.ROOT / "rules", folder], schemas)}
    assert after - before == {howto.CAUSE}


def test_the_lab_file_is_accepted_beside_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dummy, folder = howto.write(tmp_path)
    before = faults.names()
    monkeypatch.setenv("MAILOPS_LAB_FAULTS", str(folder))
    assert set(faults.names()) - set(before) == {howto.FAULT}
    assert faults.load(howto.FAULT)["expect"]["root_causes"] == [howto.CAUSE]
