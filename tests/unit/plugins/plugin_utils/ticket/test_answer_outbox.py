# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What could not be delivered: kept, bounded, private, and delivered later."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import answers, client, outbox
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import address
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import Letter
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.outbox import Outbox
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.post import Post, Sent
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket import desk as desks
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket.desk import Asked, Desk, Reply

ANSWER = answers.build(
    {
        "auth": "bearer",
        "id": "[0-9]+",
        "find": [{"path": "/t/{id}", "take": {"comments": "body[].{id: id, text: text}"}}],
        "create": [{"method": "POST", "path": "/t/{id}", "body": {"text": "{comment}"}, "take": {"n": "body.id"}}],
        "update": [{"method": "PUT", "path": "/t/{id}/{comment_id}", "body": {"text": "{comment}"}}],
    },
    "test",
)


class Tickets:
    """A ticket system that can be out of order."""

    def __init__(self) -> None:
        self.down: Reply | None = None
        self.tickets: dict[str, list[str]] = {}

    def __call__(self, asked: Asked) -> Reply:
        if self.down is not None:
            return self.down
        parts = asked.path.split("/")
        if parts[2] == "404":
            return 404, {"error": "no such ticket"}
        texts = self.tickets.setdefault(parts[2], [])
        if asked.method == "GET":
            return 200, [{"id": number, "text": text} for number, text in enumerate(texts)]
        if asked.method == "PUT":
            texts[int(parts[3])] = asked.body["text"]
            return 200, {"id": int(parts[3])}
        texts.append(asked.body["text"])
        return 201, {"id": len(texts) - 1}


@pytest.fixture
def tickets() -> Tickets:
    return Tickets()


@pytest.fixture
def desk(tickets: Tickets) -> Iterator[Desk]:
    found = Desk(tickets)
    yield found
    found.close()


@pytest.fixture
def box(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "reports" / "outbox")


def send(
    desk: Desk, box: Outbox, ticket: str = "7", check: bool = False, token: str = desks.TOKEN, **more: Any
) -> Sent:
    where = address(desk.url, token=token)
    letter = desks.letter(ANSWER, ticket, **more)
    post = Post(ANSWER, where, box, client.Patience(1, 60.0, lambda seconds: None))
    return post.send(letter, check=check)


def files(box: Outbox) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(box.path.glob("*.json"))]


@pytest.mark.parametrize(
    "down",
    [
        (500, None),
        (401, {"error": "token expired"}),
        desks.Raw(200, {"Content-Type": "text/html"}, (b"<h1>Maintenance</h1>",)),
        desks.Raw(200, {"Content-Length": "99"}, (b"{",)),
        (302, None, {"Location": "https://elsewhere.example/"}),
    ],
    ids=["500", "401", "garbage", "cut", "redirect"],
)
def test_it_is_kept_and_the_next_run_delivers_it_first(desk: Desk, tickets: Tickets, box: Outbox, down: Reply) -> None:
    tickets.down = down
    kept = send(desk, box, "7", run="A", text="First.")
    assert (kept.outcome, kept.kept, kept.changed, kept.delivered_before) == ("kept", 1, True, 0)
    (warning,) = kept.warnings
    assert "the answer to ticket 7 is kept until a later run delivers it" in warning and kept.why in warning
    tickets.down = None
    desk.asked.clear()
    later = send(desk, box, "8", run="B", text="Second.")
    assert (later.outcome, later.delivered_before, later.kept, later.warnings) == ("created", 1, 0, [])
    assert [asked.path for asked in desk.writes()] == ["/t/7", "/t/8"]
    assert "First." in tickets.tickets["7"][0] and files(box) == []


def test_what_is_kept_is_private_and_holds_no_secret(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (500, {"echo": desks.TOKEN})
    send(desk, box)
    (path,) = box.path.iterdir()
    assert (path.stat().st_mode & 0o777, box.path.stat().st_mode & 0o777) == (0o600, 0o700)
    assert desks.TOKEN not in path.read_text() and "Bearer" not in path.read_text()
    (found,) = files(box)
    assert (found["schema"], found["url"], found["ticket"]) == ("mailops.triage/outbox/1", desk.url, "7")


def test_a_newer_version_takes_the_place_of_the_kept_one(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (503, None)
    for text in ("Old.", "New."):
        assert send(desk, box, text=text).kept == 1
    (found,) = files(box)
    assert "New." in found["comment"]
    # What remedies did says what was found, too.
    send(desk, box, text="Mended.", stage="result")
    (found,) = files(box)
    assert found["stage"] == "result"
    send(desk, box, text="Of another run.", run="B")
    assert len(files(box)) == 2
    tickets.down = None
    assert send(desk, box, text="Mended well.", stage="result").delivered_before == 1
    assert [text.splitlines()[0] for text in tickets.tickets["7"]] == ["Of another run.", "Mended well."]
    assert files(box) == []


def test_the_ticket_shows_the_stages_in_their_order(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (503, None)
    send(desk, box, text="Found.")
    tickets.down = None
    assert send(desk, box, text="Mended.", stage="result").delivered_before == 1
    assert [text.splitlines()[0] for text in tickets.tickets["7"]] == ["Found.", "Mended."]


def test_it_goes_only_where_it_was_meant_for(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (503, None)
    send(desk, box)
    other = Desk(Tickets())
    try:
        assert send(other, box, "9", run="B").delivered_before == 0
        assert [asked.path for asked in other.writes()] == ["/t/9"]
    finally:
        other.close()
    tickets.down = None
    assert send(desk, box, "9", run="C", system="another").delivered_before == 0
    assert len(files(box)) == 1


def test_a_ticket_that_is_gone_keeps_nobody_else_waiting(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (503, None)
    send(desk, box, "404", run="A")
    send(desk, box, "8", run="B")
    tickets.down = None
    sent = send(desk, box, "9", run="C")
    assert (sent.outcome, sent.delivered_before, sent.kept) == ("created", 1, 0)
    (warning,) = sent.warnings
    assert warning.startswith("an answer of run A is given up: ") and files(box) == []
    refused = send(desk, box, "404", run="D")
    assert (refused.outcome, refused.changed, files(box)) == ("refused", False, [])


def test_a_system_that_takes_nothing_is_asked_once_for_what_waits(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (503, None)
    for number in range(5):
        send(desk, box, run=f"R{number}")
    desk.asked.clear()
    sent = send(desk, box, run="last")
    assert sent.kept == 6 and len(files(box)) == 6
    assert len(desk.asked) == 1 + 2  # one for what waits; our own with its one more try


def test_looking_keeps_and_delivers_nothing(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (503, None)
    sent = send(desk, box, check=True)
    assert (sent.outcome, sent.changed, box.path.exists()) == ("created", True, False)
    assert "is not known" in sent.warnings[0]


def test_only_so_many_are_kept_and_not_forever(
    desk: Desk, tickets: Tickets, box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    tickets.down = (503, None)
    for number in range(3):
        send(desk, box, run=f"R{number}")
        newest = max(box.path.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (time.time() - 100 + number,) * 2)
    letter = desks.letter(ANSWER, run="R3")
    notes = box.keep(desk.url, letter, "down")
    assert sorted(found["run"] for found in files(box)) == ["R1", "R2", "R3"] and "given up" in notes[0]
    for path in box.path.glob("*.json"):
        os.utime(path, (time.time() - outbox.LONGEST_S - 60,) * 2)
    waiting, notes = box.waiting(desk.url, "test", time.time())
    assert (waiting, files(box)) == ([], []) and "3 answers" in notes[0]


def keep(box: Outbox, url: str, **more: Any) -> Letter:
    letter = desks.letter(ANSWER, **more)
    box.keep(url, letter, "down")
    return letter


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("{"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text("[" * 100000),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "schema": "x"})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "ticket": ["7"]})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "stage": "other"})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "run": "other"})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "started": 1e300})),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "comment": "x" * 100000})),
    ],
)
def test_a_damaged_file_is_taken_out(box: Outbox, damage: Any) -> None:
    keep(box, "https://t.example", run="A")
    (path,) = box.path.glob("*.json")
    keep(box, "https://t.example", run="B")
    damage(path)
    waiting, notes = box.waiting("https://t.example", "test", time.time())
    assert [kept.letter.run for kept in waiting] == ["B"]
    assert "was no answer and is gone" in notes[0] and not path.exists()


def test_a_link_is_not_followed(box: Outbox, tmp_path: Path) -> None:
    keep(box, "https://t.example")
    (path,) = box.path.glob("*.json")
    secret = tmp_path / "secret.json"
    path.rename(secret)
    path.symlink_to(secret)
    waiting, dummy = box.waiting("https://t.example", "test", time.time())
    assert waiting == [] and secret.exists()


def test_two_runs_do_not_deliver_the_same(desk: Desk, tickets: Tickets, box: Outbox) -> None:
    tickets.down = (503, None)
    send(desk, box, run="A")
    tickets.down = None
    with Outbox(box.path).alone() as alone:
        assert alone is True
        assert send(desk, box, "8", run="B").delivered_before == 0
    assert send(desk, box, "8", run="B").delivered_before == 1


def test_an_outbox_that_cannot_be_used_ends_no_run(desk: Desk, tickets: Tickets, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tickets.down = (503, None)
    sent = send(desk, Outbox(tmp_path / "file" / "outbox"))
    assert (sent.outcome, sent.changed) == ("lost", False)
    assert "could not be delivered" in sent.warnings[-1]


def test_what_an_interrupted_run_left_is_tidied(box: Outbox) -> None:
    keep(box, "https://t.example")
    draft = box.path / ".half.tmp"
    draft.write_text("{")
    box.waiting("https://t.example", "test", time.time())
    assert draft.exists()
    os.utime(draft, (0, 0))
    box.waiting("https://t.example", "test", time.time())
    assert not draft.exists()
