# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a payload is looked for, and how little of it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.payload import (
    LARGEST,
    TEXT,
    TicketError,
    find,
    plain,
)

DOCUMENT = {"subject": "x"}


def test_the_first_place_counts(tmp_path: Path) -> None:
    path = tmp_path / "ticket.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    places: dict[str, Any] = {
        "awx_webhook_payload": {"a": "1"},
        "tower_webhook_payload": {"a": "2"},
        "ansible_eda": {"event": {"payload": {"a": "3"}}},
        "triage_payload": {"a": "4"},
    }
    seen = []
    while places:
        found = find(places, str(path))
        assert found is not None
        seen.append((found.source, found.place, found.document))
        del places[next(iter(places))]
    found = find({}, str(path))
    assert found is not None
    assert seen == [
        ("webhook", "awx_webhook_payload", {"a": "1"}),
        ("webhook", "tower_webhook_payload", {"a": "2"}),
        ("eda", "ansible_eda.event.payload", {"a": "3"}),
        ("payload", "triage_payload", {"a": "4"}),
    ]
    assert (found.source, found.document) == ("payload", DOCUMENT)
    assert find({"awx_webhook_payload": {}, "triage_payload": ""}, None) is None


@pytest.mark.parametrize(
    ("event", "document"),
    [
        ({"event": {"alert": {"labels": {}}, "payload": {"alerts": []}}}, {"labels": {}}),
        ({"event": {"payload": [{"labels": {"a": "b"}}]}}, {"alerts": [{"labels": {"a": "b"}}]}),
        ({"event": {"alerts": [{"labels": {}}], "meta": {}}}, {"alerts": [{"labels": {}}], "meta": {}}),
        ({"events": {"m_1": {"payload": {"b": 1}}, "m_0": {"payload": {"a": 1}}}}, {"a": 1}),
    ],
)
def test_an_event_of_ansible_rulebook(event: Any, document: Any) -> None:
    found = find({"ansible_eda": event}, None)
    assert found is not None and found.document == document


def test_events_that_were_collected_keep_their_order() -> None:
    """Ansible-rulebook calls them m_0 to m_11, and not in this order."""
    events = {f"m_{number}": {"payload": {"number": number}} for number in (11, 2, 0, 10)}
    found = find({"ansible_eda": {"events": events}}, None)
    assert found is not None and found.place == "ansible_eda.events.m_0.payload"
    assert [found.document, *found.others] == [{"number": number} for number in (0, 2, 10, 11)]


@pytest.mark.parametrize(
    "event",
    [
        7,
        [],
        "x",
        {"event": 7},
        {"event": None},
        {"events": {"m_0": "x"}},
        {"events": {"m_0": {"payload": {}}, "m_1": 7}},
    ],
)
def test_a_wrong_event_is_one_clear_error(event: Any) -> None:
    if event:
        with pytest.raises(TicketError, match="ansible_eda"):
            find({"ansible_eda": event}, None)


@pytest.mark.parametrize(
    "text", ['{"subject": "x"}', '\ufeff  {"subject": "x"}', "subject: x\n", "---\nsubject: !unsafe x"]
)
def test_a_file_may_be_json_or_yaml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ticket"
    path.write_text(text, encoding="utf-8")
    found = find({}, str(path))
    assert found is not None and found.document == DOCUMENT


@pytest.mark.parametrize(
    "text",
    [
        "subject: !unsafe '{{ x }}'",
        "subject: !vault '{{ x }}'",
        'subject: !anything "{{ x }}"',
        '{"subject": "{{ x }}"}',
    ],
)
def test_a_tag_means_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ticket"
    path.write_text(text, encoding="utf-8")
    found = find({}, str(path))
    assert found is not None
    assert found.document["subject"] == "{{ x }}" and found.document["subject"].__class__.__name__ == "str"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "neither JSON nor plain YAML: Expecting property name"),
        ("a: b: c", "neither JSON nor plain YAML: mapping values are not allowed"),
        ("a: !!python/object/apply:os.system ['touch pwned']", "neither JSON nor plain YAML: could not determine"),
        ("? [a]\n: b", "neither JSON nor plain YAML"),
        ("just words", "must hold a mapping, as JSON of a webhook is, not a text"),
        ("[" * 100_000, "neither JSON nor plain YAML"),
        ("", "must be a mapping, as JSON of a webhook is, not nothing"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ticket"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TicketError) as error:
        find({}, str(path))
    assert message in str(error.value)
    assert str(path) in str(error.value) or "line" in str(error.value)


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path) -> None:
    with pytest.raises(TicketError, match=r"triage_payload_file .*nowhere: No such file"):
        find({}, str(tmp_path / "nowhere"))
    path = tmp_path / "ticket"
    path.write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(TicketError, match="is larger than 10 MB"):
        find({}, str(path))
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(TicketError, match="not UTF-8"):
        find({}, str(path))


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ticket"
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 25)]
    path.write_text("\n".join([*lines, "subject: x"]), encoding="utf-8")
    found = find({}, str(path))
    assert found is not None
    assert len(json.dumps(found.document)) < 1_000_000


class Text(str):
    """A text of a kind of its own, as Ansible has them."""


def test_what_is_kept_is_plain_and_bounded() -> None:
    found = plain({Text("a"): Text("b"), "c": [Text("d"), {"e": 1.5}], "f": {1, 2}, "g": object(), "h": 10**30})
    assert found == {"a": "b", "c": ["d", {"e": 1.5}], "f": None, "g": None, "h": None}
    assert all(item.__class__.__name__ == "str" for item in (*found, found["a"], found["c"][0]))
    assert len(plain("x" * 10_000_000)) == TEXT
    assert len(plain(["x"] * 1_000_000)) < 30_000
    deep: Any = "x"
    for dummy in range(5000):
        deep = [deep]
    assert len(json.dumps(plain(deep))) < 200


def test_a_mapping_that_holds_itself_ends() -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless
    assert len(json.dumps(plain(endless))) < 1000
