# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages to chats: what each service gets, that no text is markup there, and what happens when nobody listens."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils import _notify
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import chat
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

SECRET = "t0psecret"
_HOSTILE = "<!channel> @all [click](http://evil.example.com) <at>x</at> `$(id)` **b** &lt; \u202e\x1b[2J\n# big"


class Listener(http.server.ThreadingHTTPServer):
    """A webhook on loopback that gives the answers it was told, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = [200]
        self.got: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *dummy: object) -> None:
        """Stay silent."""


@pytest.fixture(name="listener")
def _listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def to(url: str, **more: Any) -> dict[str, Any]:
    return {"url": url, "kind": "json", "token": None, "verdicts": ["down", "degraded", "unknown"], **more}


def tell(*whom: dict[str, Any], name: str = "segment", retries: int = 0, timeout: float = 20.0) -> Any:
    return _notify.tell(whom, chat.message(samples.load(name)), timeout, retries, 0.0)


def test_the_message_says_what_is_wrong_in_a_few_lines() -> None:
    told = chat.message(samples.load("fleet"))
    assert told.title == "✗ Mail down: 3 down, 1 degraded, 1 maintenance, 1 healthy"
    text = "\n".join(told.lines)
    assert "mail4 down: " in text and "Dovecot is not running" in text
    assert "mail1" not in text


def test_a_large_fleet_is_still_a_short_message() -> None:
    told = chat.message(samples.crowd(800))
    assert "and 32 more hosts" in told.lines
    assert sum(map(len, told.lines)) < 4000


def test_what_all_hosts_have_in_common_is_told_once() -> None:
    told = chat.message(samples.load("segment"))
    assert any(line.startswith("Across hosts: ") for line in told.lines)
    assert not any(line.startswith("mail1 ") for line in told.lines)


@pytest.mark.parametrize("kind", chat.KINDS)
def test_each_service_gets_its_form(listener: Listener, kind: str) -> None:
    good, bad = tell(to(f"{listener.url}/hook", kind=kind))
    assert (good, bad) == ([f"{kind} (entry 1)"], [])
    ((path, headers, body),) = listener.got
    assert headers["Content-Type"] == "application/json" and "Authorization" not in headers
    assert path == ("/" if kind == "ntfy" else "/hook")
    keys = {
        "slack": {"text"},
        "mattermost": {"text"},
        "teams": {"type", "attachments"},
        "ntfy": {"topic", "title", "message", "priority", "markdown"},
        "json": {"schema", "verdict", "title", "text"},
    }
    assert set(body) == keys[kind]
    if kind == "ntfy":
        assert (body["topic"], body["priority"]) == ("hook", 4)


def hostile(kind: str) -> str:
    report = samples.everywhere(samples.load("fleet"), _HOSTILE)
    body = chat.request(kind, "https://chat.example.com/hook", chat.message(report)).body
    return json.dumps(body, ensure_ascii=False)


def test_nothing_in_a_report_is_markup_to_slack() -> None:
    assert not set("<>") & set(hostile("slack"))
    assert "&lt;!channel&gt;" in hostile("slack")


def test_nothing_in_a_report_is_markup_to_mattermost() -> None:
    text = json.loads(hostile("mattermost"))["text"]
    assert "@all" not in text and "](http" not in text and "**b**" not in text and "://" not in text
    assert "\\*\\*b\\*\\*" in text and "\\`" in text


def test_nothing_in_a_report_is_markup_to_teams() -> None:
    card = json.loads(hostile("teams"))["attachments"][0]["content"]
    assert {element["type"] for element in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for element in card["body"] for run in element["inlines"]} == {"TextRun"}


@pytest.mark.parametrize("kind", chat.KINDS)
def test_no_control_character_gets_out(kind: str) -> None:
    assert not {"\u202e", "\x1b"} & set(hostile(kind)) and "\\u001b" not in hostile(kind)


def test_a_token_is_sent_and_not_told(listener: Listener) -> None:
    tell(to(listener.url, token=SECRET))
    assert listener.got[0][1]["Authorization"] == f"Bearer {SECRET}"


def test_only_the_verdicts_that_are_wanted_are_told(listener: Listener) -> None:
    good, bad = tell(to(listener.url, verdicts=["down"]), to(listener.url, verdicts=["degraded"]))
    assert (good, bad) == (["json (entry 2)"], []) and len(listener.got) == 1


def test_trouble_that_passes_is_waited_for(listener: Listener) -> None:
    listener.answers = [500, 429, 200]
    assert tell(to(listener.url), retries=2) == (["json (entry 1)"], [])
    assert len(listener.got) == 3


def test_trouble_that_stays_is_told_without_the_address(listener: Listener) -> None:
    listener.answers = [500]
    good, (failure,) = tell(to(f"{listener.url}/{SECRET}", token=SECRET), retries=2)
    assert (good, failure.why, len(listener.got)) == ([], "it answered 500", 3)
    assert SECRET not in str(failure)


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_a_refusal_is_not_repeated_and_no_redirect_is_followed(listener: Listener, status: int) -> None:
    listener.answers = [status]
    dummy, (failure,) = tell(to(listener.url), retries=2)
    assert (failure.why, len(listener.got)) == (f"it answered {status}", 1)


def test_one_that_is_down_does_not_keep_the_next_from_being_told(listener: Listener) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{reserved.getsockname()[1]}/{SECRET}"
        good, (failure,) = tell(to(closed), to(listener.url))
    assert good == ["json (entry 2)"]
    assert failure.why == "it could not be reached: Connection refused"


def test_one_that_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        dummy, (failure,) = tell(to(f"http://127.0.0.1:{silent.getsockname()[1]}/"), timeout=0.2)
    assert failure.why == "it did not answer within 0.2 s"


def test_one_that_answers_rubbish_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()

        def rubbish() -> None:
            client = silent.accept()[0]
            client.recv(65536)
            client.sendall(b"\x00\xff\n\n")
            client.close()

        thread = threading.Thread(target=rubbish)
        thread.start()
        dummy, (failure,) = tell(to(f"http://127.0.0.1:{silent.getsockname()[1]}/"))
        thread.join()
    assert failure.why.startswith("it could not be reached: ")


@pytest.mark.parametrize("url", ["", "chat", "ftp://chat.example.com/x", "file:///etc/passwd", "https://", "http://[x"])
def test_an_address_that_is_none_is_named_by_its_number(url: str) -> None:
    with pytest.raises(_notify.NotifyError, match="entry 2") as caught:
        _notify.check([to("https://chat.example.com/x"), to(url)])
    assert not url or url not in str(caught.value) or url == "https://"


@pytest.mark.parametrize("damaged", [{}, {"hosts": []}, {"run": None, "hosts": {"a": None}}])
def test_a_damaged_report_raises_nothing(damaged: dict[str, Any]) -> None:
    assert chat.message(damaged).title
