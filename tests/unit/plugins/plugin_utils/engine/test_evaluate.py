# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules held against a document: how sure a finding is, and what may be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import evaluate, rules

SCHEMA = {"type": "object", "properties": {"daemon": {}, "port": {}, "config": {}, "stopped_by": {}}}
RULE = """\
- id: software.dead
  title: It is dead
  category: software
  severity: critical
  when: "daemon == 'absent'"
  confidence: 0.85
  supports: [{when: "port == 'closed'", weight: 0.8}]
  doubts:
    - {when: "config == 'bad'", says: "its configuration is {config}"}
    - {when: "stopped_by == 'admin'", says: somebody stopped it}
  remedy: {action: restart_daemon, auto: true}
"""


def finding(tmp_path: Path, **document: str) -> dict[str, Any]:
    (tmp_path / "some.yml").write_text(RULE, encoding="utf-8")
    loaded = rules.load([tmp_path], {"host": SCHEMA, "fleet": SCHEMA})
    (found,) = evaluate.judge(loaded, {"daemon": "absent", "port": "closed", **document}).findings
    return found


def test_supports_make_it_surer(tmp_path: Path) -> None:
    assert finding(tmp_path)["confidence"] == 0.97
    assert finding(tmp_path, port="open")["confidence"] == 0.85


def test_what_nobody_knows_is_no_doubt(tmp_path: Path) -> None:
    found = finding(tmp_path)
    assert found["remedy"]["auto"]
    assert found["evidence"] == []


@pytest.mark.parametrize(
    ("document", "says"),
    [({"config": "bad"}, "its configuration is bad"), ({"stopped_by": "admin"}, "somebody stopped it")],
)
def test_a_doubt_holds_back(tmp_path: Path, document: dict[str, str], says: str) -> None:
    found = finding(tmp_path, **document)
    assert found["confidence"] == evaluate.CAUTIOUS
    assert not found["remedy"]["auto"]
    assert [entry["says"] for entry in found["evidence"]] == [says]


@pytest.mark.parametrize(
    ("explains", "behind"),
    [
        ("software.dead", ["configuration.wrong"]),
        ("software.{port}", ["configuration.wrong"]),
        ("configuration.*", []),
        # The place stands for a protocol, not for a category.
        ("{port}.*", []),
    ],
)
def test_what_was_not_judged_holds_back_only_what_it_could_explain(
    tmp_path: Path, explains: str, behind: list[str]
) -> None:
    other = f"""\
- id: configuration.wrong
  title: It is wrong
  category: configuration
  severity: major
  when: "config == 'bad'"
  needs: [config]
  confidence: 0.9
  explains: ["{explains}"]
"""
    (tmp_path / "some.yml").write_text(RULE + other, encoding="utf-8")
    loaded = rules.load([tmp_path], {"host": SCHEMA, "fleet": SCHEMA})
    (found,) = evaluate.judge(loaded, {"daemon": "absent", "port": "closed", "config": None}).findings
    assert (found["not_ruled_out"], found["remedy"]["auto"]) == (behind, not behind)
