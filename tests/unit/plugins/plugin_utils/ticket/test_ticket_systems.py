# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files about ticket systems: every mistake is told with its file and its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import RuleError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import systems


def load(folder: Path, text: str, own: bool = True) -> dict[str, systems.System]:
    """Load the collection's systems with one of the site."""
    (folder / "tickets").mkdir()
    (folder / "tickets" / "site.yml").write_text(text, encoding="utf-8")
    return systems.load([ROOT / "rules", folder] if own else [folder])


def test_the_collections_own_files_are_right() -> None:
    known = systems.load([ROOT / "rules"])
    assert {"generic", "manual", "jira", "servicenow", "rt", "roundup", "alertmanager"} <= set(known)
    orders = [system.order for system in known.values()]
    assert orders == sorted(orders)
    # What takes everything comes last, and nothing matches what only variables say.
    assert [name for name, system in known.items() if system.match][-1] == "generic"
    assert known["manual"].match is None


def test_a_directory_without_tickets_adds_none(tmp_path: Path) -> None:
    assert systems.load([tmp_path]) == {}


def test_a_site_adds_a_system(tmp_path: Path) -> None:
    known = load(tmp_path, "system: helpdesk\norder: 5\nmatch: hd.id\nread: {id: hd.id, title: [hd.a, hd.b]}\n")
    assert next(iter(known)) == "helpdesk"
    assert len(known["helpdesk"].read["title"]) == 2


def test_a_site_changes_single_keys(tmp_path: Path) -> None:
    before = systems.load([ROOT / "rules"])["jira"]
    after = load(
        tmp_path, "system: jira\nread: {site: issue.fields.customfield_10010}\nvalues: {state: {fixed: closed}}"
    )
    changed = after["jira"]
    assert set(changed.read) == {*before.read, "site"}
    assert changed.values["severity"] == before.values["severity"]
    assert changed.values["state"] == {"fixed": "closed"}
    assert changed.match is not None


def test_a_site_switches_a_system_off(tmp_path: Path) -> None:
    assert "generic" not in load(tmp_path, "system: generic\nenabled: false\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "a file about a ticket system holds a mapping, not a list"),
        ("title: x", "'system' is missing or no name"),
        ("system: Has Space", "'system' is missing or no name"),
        ("system: x\ncolour: red", "system 'x': unknown key 'colour'"),
        ("system: x\nsystem: y", "key 'system' given twice"),
        ("system: x", "'read' is missing"),
        ("system: x\nread: {colour: a}", "'read' has 'colour'; there are: id, title"),
        ("system: x\nread: {id: 'a['}", "'read.id': 'a[' is not JMESPath"),
        ("system: x\nread: {id: [a, 'nope(b)']}", "'read.id': 'nope(b)' calls the function 'nope'"),
        ("system: x\nread: {id: 5}", "'read.id' must be a text (JMESPath), not int"),
        ("system: x\nread: {id: a}\nmatch: '('", "'match': '(' is not JMESPath"),
        ("system: x\nread: {id: a}\nkind: letter", "'kind' is 'letter'; it must be one of: ticket, alert"),
        ("system: x\nread: {id: a}\norder: soon", "'order' must be int, not str"),
        ("system: x\nread: {id: a}\nvalues: {colour: {a: b}}", "'values' has 'colour'; there are: severity, state"),
        ("system: x\nread: {id: a}\nvalues: {state: {a: ajar}}", "'values.state': 'a' means 'ajar'"),
        ("system: x\nread: {id: a}\nvalues: {state: [a]}", "'values.state' must be a mapping, not list"),
        ("system: x\nread: {id: a", "site.yml:"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RuleError) as error:
        load(tmp_path, text, own=False)
    assert message in str(error.value)
    assert "site.yml" in str(error.value)


def test_a_system_is_defined_once_in_a_directory(tmp_path: Path) -> None:
    (tmp_path / "tickets").mkdir()
    for name in ("a.yml", "b.yml"):
        (tmp_path / "tickets" / name).write_text("system: x\nread: {id: a}\n", encoding="utf-8")
    with pytest.raises(RuleError, match="b.yml: system 'x' is defined twice, first in .*a.yml"):
        systems.load([tmp_path])
