# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket system on loopback that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import os
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import render
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.answers import Answer
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import Letter

TOKEN = "Canary-token-7f3a"
USER = "robot"
PASSWORD = "Canary-password-91c2"
RUN = "20260504T061209Z-4c1e"


class Asked(NamedTuple):
    """One request; the names of its headers are in lower case, its body is parsed when it is JSON."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Raw(NamedTuple):
    """An answer that is no JSON: status, headers and pieces, with what to do before each."""

    status: int
    headers: dict[str, str]
    pieces: tuple[bytes, ...]
    before: Callable[[], object] = lambda: None


Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]] | Raw


class Desk:
    """The ticket system.

    :param answer: says for each request what to answer
    :param tls: what it proves itself with
    """

    def __init__(self, answer: Callable[[Asked], Reply], tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    body = json.loads(raw) if raw else None
                except ValueError:
                    body = raw.decode()
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
                desk.asked.append(asked)
                self.reply(desk.answer(asked))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

            def reply(self, reply: Reply) -> None:
                if isinstance(reply, Raw):
                    status, headers, pieces = reply.status, reply.headers, reply.pieces
                else:
                    status, found, headers = (*reply, {})[:3]
                    pieces = (b"" if found is None else json.dumps(found).encode(),)
                    headers = {"Content-Type": "application/json", **headers, "Content-Length": str(len(pieces[0]))}
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    for piece in pieces:
                        if isinstance(reply, Raw):
                            reply.before()
                        self.wfile.write(piece)
                        self.wfile.flush()
                except OSError:
                    return  # whoever asked did not wait

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        # A proxy of this machine has no part in it.
        os.environ["no_proxy"] = "*"
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def writes(self) -> list[Asked]:
        """The requests that are no mere look, and forget them all."""
        found = [asked for asked in self.asked if asked.method != "GET"]
        self.asked.clear()
        return found

    def close(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._server.server_close()


def letter(
    answer: Answer, ticket: str = "7", text: str = "It is down.", stage: str = "diagnosis", state: str = "", **more: Any
) -> Letter:
    """A letter with a text of one's own."""
    report = {
        "run": {"id": more.pop("run", RUN), "started": 1777875129.0},
        "fleet": {"verdict": "down", "summary": "All is down."},
    }
    return render.letter(text, answer, more.pop("system", "test"), ticket, report, stage, state, written=1777875200.0)
