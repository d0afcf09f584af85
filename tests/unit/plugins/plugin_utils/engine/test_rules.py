# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule files: every mistake is one error that names file, line, rule and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema

SCHEMAS = {
    "host": {"type": "object", "properties": {"disk": {"type": "object", "properties": {"free": {}}}, "load": {}}},
    "fleet": {"type": "object", "properties": {"hosts": {}}},
}
GOOD = """\
- id: capacity.full
  title: "only {disk.free} left"
  category: capacity
  severity: critical
  when: "disk.free < `5`"
  confidence: 0.9
"""


def load(tmp_path: Path, *texts: str) -> list[rules.Rule]:
    directories = []
    for number, text in enumerate(texts):
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / "some.yml").write_text(text, encoding="utf-8")
        directories.append(directory)
    return rules.load(directories, SCHEMAS)


def test_a_good_rule(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, GOOD)
    assert rule.id == "capacity.full"
    assert rule.roots == {"disk"}
    assert rule.title.say({"disk": {"free": 3}}) == "only 3 left"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{a: 1}", r"some\.yml:1: a rule file holds a list"),
        ("- 5", r"some\.yml:1: a rule is a mapping"),
        ("- title: x", r"some\.yml:1: the rule has no 'id'"),
        ("- id: a\n  - b", r"some\.yml:2: not YAML"),
        ("- id: x\n  id: y", r"some\.yml:2: not YAML: key 'id' given twice"),
        (GOOD + "  colour: red\n", r"some\.yml:1: rule 'capacity.full': unknown key 'colour'"),
        (GOOD.replace("title", "subject"), "'title' is missing"),
        (GOOD.replace("0.9", "true"), "'confidence' must be int or float, not bool"),
        (GOOD.replace("0.9", "1.5"), "'confidence' must be above 0"),
        (GOOD.replace("category: capacity", "category: weather"), "'category' is 'weather'"),
        (GOOD.replace("critical", "fatal"), "'severity' is 'fatal'; it must be one of: critical, major"),
        (
            GOOD.replace("disk.free <", "disk.fre <"),
            "'when': .*names the fact 'fre', which does not exist; there are: free",
        ),
        (GOOD.replace("{disk.free}", "{disk.used}"), "'title': .*names the fact 'used'"),
        (GOOD.replace("`5`", "`5"), "'when': .*is not JMESPath"),
        (GOOD + "  remedy: {action: reboot}\n", "'reboot' is no remedy"),
        (GOOD + "  remedy: {action: escalate, forbid: [escalate]}\n", "both the action and forbidden"),
        (GOOD + "  supports: [{when: load}]\n", "'supports': each needs exactly 'when' and 'weight'"),
        (GOOD + "  doubts: [{when: load}]\n", "'doubts': each needs exactly 'when' and 'says'"),
        (GOOD + "  evidence: [load]\n", "'evidence': each needs exactly 'fact' and 'says'"),
        (GOOD + "  explains: [5]\n", "'explains' must hold strings"),
        (GOOD + "  hosts: disk.free\n", "a fleet rule needs it, a host rule has none"),
        (GOOD + GOOD, r"some\.yml:7: rule 'capacity.full' is defined twice, first at .*some\.yml:1"),
    ],
)
def test_mistakes_name_their_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(rules.RuleError, match=message):
        load(tmp_path, text)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(rules.RuleError, match="nowhere: this directory of rules does not exist"):
        rules.load([tmp_path / "nowhere"], SCHEMAS)


def test_a_site_changes_one_key(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, GOOD, "- {id: capacity.full, severity: minor}\n")
    assert (rule.severity, rule.confidence) == ("minor", 0.9)


def test_a_site_switches_a_rule_off(tmp_path: Path) -> None:
    assert not load(tmp_path, GOOD, "- {id: capacity.full, enabled: false}\n")


def test_a_mistake_in_a_change_names_the_sites_file(tmp_path: Path) -> None:
    with pytest.raises(rules.RuleError, match=r"/1/some\.yml:1: rule 'capacity.full'"):
        load(tmp_path, GOOD, "- {id: capacity.full, severity: loud}\n")


def test_the_collections_own_rules_are_good() -> None:
    found = rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})
    assert len({rule.id for rule in found}) == len(found) > 40
    for rule in found:
        assert rule.id.partition(".")[0] == rule.category, f"{rule.id} is filed under {rule.category}"
        if rule.kind == "fault":
            # What passes by itself needs nobody; it says what to look at when it does not.
            assert rule.remedy["action"] != "none" or rule.next.text, f"{rule.id} does not say what to do"
            assert rule.remedy["do"].text and rule.evidence, f"{rule.id} lacks evidence or advice"
