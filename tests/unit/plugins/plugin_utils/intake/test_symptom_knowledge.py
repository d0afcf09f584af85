# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in rules/symptoms: what they must hold, and the errors that name the place."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._intake import knowledge
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.understand import understand

KNOWN = knowledge.load([schema.ROOT / "rules"])


def test_no_phrase_belongs_to_two_complaints() -> None:
    seen: dict[str, str] = {}
    for entry in KNOWN:
        for phrase in entry.phrases:
            assert seen.setdefault(phrase, entry.id) == entry.id, f"'{phrase}'"


def test_every_complaint_is_understood_by_each_of_its_phrases() -> None:
    for entry in KNOWN:
        for phrase in entry.phrases if entry.kind == "complaint" else ():
            said = phrase + (f" {entry.company[0]}" if entry.company else "")
            found = [one["id"] for one in understand(said, KNOWN)["statements"]]
            assert entry.id in found, f"'{said}' is read as {found}, not as {entry.id}"


def test_patterns_begin_with_a_category() -> None:
    """A pattern may be ahead of the rules, but not outside of their categories."""
    for entry in KNOWN:
        for pattern in entry.fits:
            category = pattern.partition(".")[0]
            assert category == "*" or fnmatch.filter(rules.CATEGORIES, category), f"{entry.id}: {pattern}"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("- {id: x, words: [a]}", "x.yml:1: symptom 'x': 'says' is missing"),
        ("- {id: x, says: A}", "it needs 'words' or 'codes' to be recognised by"),
        ("- {id: x, says: A, words: [450]}", "'words' must hold texts"),
        ("- {id: x, says: A, words: [a], phase: moon}", "'phase' is 'moon'; it must be one of: resolve"),
        ("- {id: x, says: A, words: [a], protocols: [fax]}", "'protocols' names 'fax'; there are: pop3"),
        ("- {id: x, says: A, words: [a], colour: red}", "symptom 'x': unknown key 'colour'"),
        ("- {says: A}", "the symptom has no 'id'"),
        ("- {id: x, says: A, words: [a]}\n- {id: x, says: A, words: [b]}", "symptom 'x' is defined twice"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, entry: str, message: str) -> None:
    (tmp_path / "symptoms").mkdir()
    (tmp_path / "symptoms" / "x.yml").write_text(entry, encoding="utf-8")
    with pytest.raises(rules.RuleError) as error:
        knowledge.load([tmp_path])
    assert message in str(error.value)


def test_a_site_adds_changes_and_switches_off(tmp_path: Path) -> None:
    (tmp_path / "symptoms").mkdir()
    (tmp_path / "symptoms" / "own.yml").write_text(
        "- {id: own.app, words: [our crm app], says: The CRM cannot send, protocols: [submission]}\n"
        "- {id: client.timeout, says: No answer}\n"
        "- {id: user.slow, enabled: false}\n",
        encoding="utf-8",
    )
    known = knowledge.load([schema.ROOT / "rules", tmp_path])
    assert understand("our CRM app complains", known)["statements"][0]["protocols"] == ["submission"]
    assert understand("POP3 times out", known)["statements"][0]["says"] == "No answer"
    assert understand("mail is slow", known)["statements"] == []
