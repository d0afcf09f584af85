# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivering to a ticket system that is slow, broken, hostile, or away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import answers, client, exchange
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import Address, AddressError, address
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.exchange import Trouble
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket import desk as desks
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket.desk import Asked, Desk, Raw, Reply

ANSWER = answers.build(
    {
        "auth": "bearer",
        "id": "[0-9]+",
        "find": [{"path": "/t/{id}/comments", "take": {"comments": "body.list[].{id: id, text: text}"}}],
        "create": [
            {"method": "POST", "path": "/t/{id}/comments", "body": {"text": "{comment}"}, "take": {"n": "body.id"}}
        ],
        "update": [{"method": "PUT", "path": "/c/{comment_id}", "body": {"text": "{comment}"}}],
        "states": {"resolved": [{"method": "POST", "path": "/t/{id}/close"}]},
    },
    "test",
)


class Comments:
    """A ticket with comments; C(fails) are answered first, one for each request."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.fails: list[Reply] = []

    def __call__(self, asked: Asked) -> Reply:
        if self.fails:
            return self.fails.pop(0)
        if asked.method == "GET":
            return 200, {"list": [{"id": int(key), "text": text} for key, text in self.texts.items()]}
        if asked.path.endswith("/close"):
            return 204, None
        key = asked.path.rsplit("/", 1)[1] if asked.method == "PUT" else str(len(self.texts) + 1)
        self.texts[key] = asked.body["text"]
        return 200, {"id": int(key)}


@pytest.fixture
def comments() -> Comments:
    return Comments()


@pytest.fixture
def desk(comments: Comments) -> Iterator[Desk]:
    found = Desk(comments)
    yield found
    found.close()


class Pauses:
    """Pauses that take no time."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def patience(self, retries: int = 3, seconds: float = 60.0) -> client.Patience:
        return client.Patience(retries, seconds, self.seconds.append)


def where(desk: Desk, **more: Any) -> Address:
    return address(desk.url, **{"token": desks.TOKEN, **more})


def deliver(desk: Desk, letter: Any = None, pauses: Pauses | None = None, **more: Any) -> client.Delivered:
    return client.deliver(ANSWER, where(desk, **more), letter or desks.letter(ANSWER), (pauses or Pauses()).patience())


def test_one_comment_that_is_renewed(desk: Desk, comments: Comments) -> None:
    assert deliver(desk).comment == "created"
    assert desk.writes()[-1].headers["authorization"] == f"Bearer {desks.TOKEN}"
    again = deliver(desk)
    assert (again.comment, again.changed, desk.writes()) == ("unchanged", False, [])
    renewed = deliver(desk, desks.letter(ANSWER, text="It is half down."))
    assert (renewed.comment, renewed.before) == ("updated", desks.letter(ANSWER).comment)
    assert [(asked.method, asked.path) for asked in desk.writes()] == [("PUT", "/c/1")]
    assert deliver(desk, desks.letter(ANSWER, stage="result", state="resolved")).state is True
    assert list(comments.texts) == ["1", "2"]


def test_a_quoted_marker_is_not_ours(desk: Desk, comments: Comments) -> None:
    ours = desks.letter(ANSWER).comment
    comments.texts["3"] = "Thanks!\n" + "\n".join(f"> {line}" for line in ours.splitlines())
    assert deliver(desk).comment == "created"
    # Somebody copied it whole: the older one is ours.
    comments.texts["9"] = comments.texts["4"] = comments.texts.pop("2")
    deliver(desk, desks.letter(ANSWER, text="News."))
    assert [asked.path for asked in desk.writes()][-1] == "/c/4"


def test_looking_writes_nothing(desk: Desk, comments: Comments) -> None:
    letter = desks.letter(ANSWER, stage="result", state="resolved")
    found = client.deliver(ANSWER, where(desk), letter, Pauses().patience(), check=True)
    assert (found.comment, found.state, desk.writes(), comments.texts) == ("created", True, [], {})


@pytest.mark.parametrize(
    "trouble",
    [
        (500, {"error": "no database"}),
        (503, None, {"Retry-After": "7"}),
        (429, None),
        (412, {"error": "changed meanwhile"}),
        Raw(200, {"Content-Type": "text/html"}, (b"<html>Please log in</html>",)),
        Raw(200, {"Content-Type": "application/json"}, (b'{"list": [',)),
        Raw(200, {"Content-Length": "5000"}, (b"{}",)),
        (200, {"something": "else"}),
        (200, ["not", "a", "mapping"]),
        (200, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_may_pass_is_tried_again(desk: Desk, comments: Comments, trouble: Reply) -> None:
    comments.fails = [trouble, trouble]
    pauses = Pauses()
    assert deliver(desk, pauses=pauses).comment == "created"
    first, second = pauses.seconds
    assert first == (7.0 if "Retry-After" in str(trouble) else 1.0) and second >= 2.0
    assert list(comments.texts) == ["1"]


def test_an_answer_whose_acknowledgement_was_lost_is_not_written_twice(desk: Desk, comments: Comments) -> None:
    lost = iter([True])

    def answer(asked: Asked) -> Reply:
        reply = comments(asked)
        return (502, None) if asked.method == "POST" and next(lost, False) else reply

    desk.answer = answer
    assert deliver(desk).comment == "unchanged"
    assert list(comments.texts) == ["1"]


@pytest.mark.parametrize(
    ("status", "keep"), [(400, False), (401, True), (403, True), (404, False), (410, False), (422, False)]
)
def test_what_will_not_pass_is_not_tried_again(desk: Desk, comments: Comments, status: int, keep: bool) -> None:
    comments.fails = [(status, {"error": "no"})]
    pauses = Pauses()
    with pytest.raises(Trouble, match=f"it answers {status}") as caught:
        deliver(desk, pauses=pauses)
    assert (caught.value.keep, pauses.seconds, len(desk.asked)) == (keep, [], 1)


def test_a_redirect_is_not_followed_and_no_token_goes_there(desk: Desk, comments: Comments) -> None:
    elsewhere = Desk(lambda asked: (200, {"list": []}))
    try:
        comments.fails = [(302, None, {"Location": f"{elsewhere.url}/steal?token={desks.TOKEN}"})] * 4
        with pytest.raises(Trouble, match="redirect to") as caught:
            deliver(desk)
        assert elsewhere.asked == [] and desks.TOKEN not in str(caught.value)
    finally:
        elsewhere.close()


def test_nobody_waits_for_a_system_that_drips(desk: Desk, comments: Comments) -> None:
    held = threading.Event()
    comments.fails = [Raw(200, {}, (b" ",) * 1000, before=lambda: held.wait(0.2))] * 2
    try:
        with pytest.raises(Trouble, match="no whole answer within"):
            client.deliver(ANSWER, where(desk, timeout=0.5), desks.letter(ANSWER), Pauses().patience(retries=0))
    finally:
        held.set()


def test_nobody_reads_an_endless_answer(desk: Desk, comments: Comments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST_BYTES", 1 << 20)
    comments.fails = [Raw(200, {}, (b"x" * (1 << 16),) * 100)]
    with pytest.raises(Trouble, match="its answer is longer than 1 MiB"):
        client.deliver(ANSWER, where(desk), desks.letter(ANSWER), Pauses().patience(retries=0))


def test_all_tries_together_have_an_end(desk: Desk, comments: Comments) -> None:
    comments.fails = [(503, None, {"Retry-After": "20"})] * 99
    pauses = Pauses()
    with pytest.raises(Trouble, match="it answers 503"):
        client.deliver(ANSWER, where(desk), desks.letter(ANSWER), pauses.patience(retries=99, seconds=15.0))
    assert pauses.seconds == []


def test_a_system_that_is_away(desk: Desk) -> None:
    desk.close()
    pauses = Pauses()
    with pytest.raises(Trouble, match="refused") as caught:
        deliver(desk, pauses=pauses)
    assert caught.value.keep and pauses.seconds == [1.0, 2.0, 4.0]


def test_no_secret_in_a_message_whatever_the_system_echoes(desk: Desk, comments: Comments) -> None:
    for more in ({"token": desks.TOKEN}, {"token": None, "user": desks.USER, "password": desks.PASSWORD}):
        answer = answers.build({"auth": ["bearer", "basic"], "create": [{"path": "/"}]}, "test")
        sent = where(desk, **more)

        def echo(asked: Asked) -> Reply:
            return 403, {"your header": asked.headers["authorization"], "words": f"{desks.TOKEN}, {desks.PASSWORD}"}

        desk.answer = echo
        with pytest.raises(Trouble) as caught:
            client.deliver(answer, sent, desks.letter(answer), Pauses().patience())
        assert "********" in str(caught.value)
        secrets = [value for value in more.values() if value not in (None, desks.USER)]
        coded = desk.asked[-1].headers["authorization"].split()[1]
        assert not [word for word in (*secrets, coded) if word in str(caught.value)]
        assert not [word for word in secrets if word in repr(sent)]


def test_values_are_filled_in_and_never_read_again(desk: Desk) -> None:
    hostile = '"}, "admin": true, "x": "{user}{comment}\\ \u0000\u001b \U0001f600'
    desk.answer = lambda asked: (200, {"list": [], "id": hostile})
    steps = [
        {"method": "POST", "path": "/a/{id}?q={id}", "take": {"got": "body.id"}},
        {"method": "POST", "path": "/b/{got}/c", "body": {"got": "{got}", "deep": [{"x": "<{got}>"}], "n": 5}},
    ]
    answer = answers.build({"create": steps}, "test")
    client.deliver(answer, where(desk), desks.letter(answer, ticket="../admin?x=1&y#z"), Pauses().patience())
    first, second = desk.asked
    assert first.path == "/a/..%2Fadmin%3Fx%3D1%26y%23z" and first.query == {"q": "../admin?x=1&y#z"}
    assert second.path.count("/") == 3
    assert second.body == {"got": hostile, "deep": [{"x": f"<{hostile}>"}], "n": 5}


@pytest.mark.parametrize("ticket", ["", "x", "7/../8", "7 ", "7\n8", ".."])
def test_a_ticket_that_is_none_is_asked_for_nowhere(desk: Desk, ticket: str) -> None:
    with pytest.raises(Trouble) as caught:
        deliver(desk, desks.letter(ANSWER, ticket=ticket))
    assert (caught.value.keep, desk.asked) == (False, [])


def test_a_session_is_used_and_given_back(desk: Desk) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/login":
            return 200, {"session": "S-4711"}
        if asked.path == "/logout":
            return 500, None
        return 403, {"echo": asked.headers["session"]}

    desk.answer = answer
    system = answers.build(
        {
            "headers": {"Session": "{session}"},
            "begin": [{"path": "/login", "take": {"session": "body.session"}}],
            "create": [{"method": "POST", "path": "/c"}],
            "end": [{"path": "/logout"}],
        },
        "test",
    )
    with pytest.raises(Trouble) as caught:
        client.deliver(system, where(desk), desks.letter(system), Pauses().patience())
    assert "S-4711" not in str(caught.value)
    assert [(asked.path, asked.headers.get("session")) for asked in desk.asked] == [
        ("/login", None),
        ("/c", "S-4711"),
        ("/logout", "S-4711"),
    ]


def test_a_header_that_cannot_be_sent_is_no_crash(desk: Desk) -> None:
    desk.answer = lambda asked: (200, {"etag": "a\r\nX-Evil: 1"})
    steps = [{"path": "/a", "take": {"etag": "body.etag"}}, {"path": "/b", "headers": {"If-Match": "{etag}"}}]
    system = answers.build({"create": steps}, "test")
    with pytest.raises(Trouble, match="If-Match"):
        client.deliver(system, where(desk), desks.letter(system), Pauses().patience(retries=0))
    assert [asked.path for asked in desk.asked] == ["/a"]


@pytest.mark.parametrize(
    ("url", "more", "message"),
    [
        ("tickets.example.com", {}, "ticket_url must be an address such as"),
        ("ftp://tickets.example.com", {}, "ticket_url must be an address such as"),
        ("https://tickets.example.com:port", {}, "its port is no number"),
        ("https://me:Canary-in-url@tickets.example.com", {}, "ticket_url must hold no login"),
        ("https://tickets.example.com/?a=b", {}, "ticket_url must end before"),
        ("https://tickets.example.com/a b", {}, "ticket_url must be an address such as"),
        (
            "https://tickets.example.com",
            {"ca_path": "/nowhere/ca.pem"},
            "ticket_ca_path: /nowhere/ca.pem does not exist",
        ),
        ("https://tickets.example.com", {"timeout": 0.0}, "ticket_timeout must be more than 0"),
        ("https://tickets.example.com", {"token": "Canary\nX: y"}, "ticket_token has characters that cannot be sent"),
        ("https://tickets.example.com", {"token": "Canary-é"}, "ticket_token has characters beyond ASCII"),
        (
            "https://tickets.example.com",
            {"headers": {"App-Token": "Canary\0"}},
            "ticket_headers.App-Token has characters",
        ),
    ],
)
def test_an_address_that_cannot_be_used(url: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(AddressError) as caught:
        address(url, **more)
    assert message in str(caught.value) and "Canary" not in str(caught.value)


def test_a_secret_from_a_file_may_end_in_a_line_break() -> None:
    found = address("https://tickets.example.com/", token="Canary-1\n")
    assert found.authorization(["bearer"]) == {"Authorization": "Bearer Canary-1"}
    assert found.url == "https://tickets.example.com"


def test_a_login_is_chosen_by_what_there_is() -> None:
    ways = ["header:X-Key", "header:Authorization:Token token={token}", "basic"]
    url = "https://tickets.example.com"
    assert address(url, token="abc").authorization(ways[1:]) == {"Authorization": "Token token=abc"}
    assert address(url, token="abc").authorization(ways) == {"X-Key": "abc"}
    login = address(url, user="me", password="pass")
    assert login.authorization(ways) == {"Authorization": "Basic bWU6cGFzcw=="}
    with pytest.raises(AddressError, match="set ticket_token or ticket_user and ticket_password"):
        address(url).authorization(ways)


def test_certificates_are_verified(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def refuse(url: str, **options: Any) -> None:
        given.update(options)
        raise OSError("certificate verify failed: self-signed certificate")

    monkeypatch.setattr(exchange, "open_url", refuse)
    with pytest.raises(Trouble, match="certificate verify failed"):
        client.deliver(ANSWER, where(desk), desks.letter(ANSWER), Pauses().patience(retries=0))
    assert (given["validate_certs"], given["follow_redirects"], given["use_netrc"]) == (True, "none", False)
    assert json.dumps(given["headers"]).count(desks.TOKEN) == 1
