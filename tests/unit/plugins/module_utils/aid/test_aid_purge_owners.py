# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owners of large mailboxes: who they are, how the mailboxes grew, who leaves all mail on the server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import owners
from ansible_collections.mailops.triage.plugins.module_utils._facts import mailboxes

NOW, DAY = 1_800_000_000.0, 86400.0


class Context:
    """A host without Postfix, at a given time."""

    def __init__(self, now: float) -> None:
        self.now = now

    def shared(self, look: Any) -> Any:
        return False

    def notes(self, subset: str) -> list[str]:
        return []


def mailbox(user: str, size: int | None, inbox: int = 10, old: int = 0, unseen: int = 0) -> dict[str, Any]:
    counts = {"inbox_messages": inbox, "inbox_old": old, "inbox_unseen": unseen, "messages": inbox + 1}
    return {"user": user, "bytes": size, **counts}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The largest mailboxes that the collector finds; the test says which."""
    largest: list[dict[str, Any]] = []
    found = {"largest": largest, "crowded": largest[:1], "complete": True, "counted": 2, "accounts": 2}
    monkeypatch.setattr(mailboxes, "collect", lambda context: found)
    return largest


def test_growth_is_told_from_the_second_look_on(store: list[dict[str, Any]], tmp_path: Path) -> None:
    folder = str(tmp_path / "state")
    store[:] = [mailbox("bob@example.test", 500), mailbox("alice", 9000)]
    first, notes = owners.look(Context(NOW), folder)
    assert [(one["user"], one["address"], one["grown_bytes"]) for one in first] == [
        ("alice", None, None),
        ("bob@example.test", "bob@example.test", None),
    ]
    assert notes == []
    assert os.stat(folder + "/mailboxes.json").st_mode & 0o777 == 0o600
    store[:] = [mailbox("alice", 9100)]
    again, _notes = owners.look(Context(NOW + 60), folder)
    assert again[0]["grown_bytes"] is None
    store[:] = [mailbox("alice", 12000)]
    later, _notes = owners.look(Context(NOW + 7 * DAY), folder)
    assert (later[0]["grown_bytes"], later[0]["grown_days"]) == (3000, 7.0)


def test_a_look_in_check_mode_remembers_nothing(store: list[dict[str, Any]], tmp_path: Path) -> None:
    store[:] = [mailbox("alice", 9000)]
    owners.look(Context(NOW), str(tmp_path / "state"), remember=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("inbox", "old", "unseen", "leaves"),
    [(40000, 39000, 12, True), (40000, 39000, 30000, False), (40000, 900, 0, False), (800, 800, 0, False)],
)
def test_who_leaves_all_mail_on_the_server(
    store: list[dict[str, Any]], tmp_path: Path, inbox: int, old: int, unseen: int, leaves: bool
) -> None:
    store[:] = [mailbox("alice", 9000, inbox, old, unseen)]
    (record,), _notes = owners.look(Context(NOW), str(tmp_path))
    assert record["leaves_on_server"] is leaves


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mailboxes": []}', '{"mailboxes": {"alice": 3}}'])
def test_sizes_that_cannot_be_understood_are_none(store: list[dict[str, Any]], tmp_path: Path, text: str) -> None:
    (tmp_path / "mailboxes.json").write_text(text)
    store[:] = [mailbox("alice", None)]
    (record,), _notes = owners.look(Context(NOW + 9 * DAY), str(tmp_path))
    assert (record["bytes"], record["grown_bytes"]) == (0, None)


def test_what_cannot_be_remembered_is_told(store: list[dict[str, Any]], tmp_path: Path) -> None:
    store[:] = [mailbox("alice", 1)]
    (tmp_path / "state").write_text("no directory")
    found, notes = owners.look(Context(NOW), str(tmp_path / "state"))
    assert len(found) == 1
    assert any("could not be remembered" in note for note in notes)
