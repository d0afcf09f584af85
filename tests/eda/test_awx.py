# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the rulebooks that launches a job template, with a double of what it asks AWX for."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rulebook

TOKEN = "t0psecret"


class Controller(http.server.ThreadingHTTPServer):
    """AWX as far as ansible-rulebook needs it; what was launched is in C(launched)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.launched: list[dict[str, Any]] = []
        self.strangers = 0


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Controller

    def do_GET(self) -> None:
        place = urllib.parse.urlsplit(self.path)
        asked = urllib.parse.parse_qs(place.query)
        if place.path.endswith("/config/"):
            self._answer({"version": "24.6.1"})
        elif place.path.endswith("/unified_job_templates/"):
            name = asked["name"][0]
            prompts = {"limit": True, "variables": True, "inventory": False, "labels": False}
            template = {
                "id": 7,
                "type": "job_template",
                "name": name,
                "related": {"launch": "/api/v2/job_templates/7/launch/"},
                "summary_fields": {"organization": {"name": "Default"}},
                **{f"ask_{prompt}_on_launch": value for prompt, value in prompts.items()},
            }
            self._answer({"count": 1, "next": None, "results": [template] if name == "Mail event" else []})
        else:
            jobs = [
                {"id": number, "status": "successful", "created": "2026-03-01T08:00:00Z", "artifacts": {}}
                for number in range(1, len(self.server.launched) + 1)
            ]
            self._answer({"count": len(jobs), "next": None, "results": jobs})

    def do_POST(self) -> None:
        self.server.launched.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        number = len(self.server.launched)
        self._answer({"id": number, "url": f"/api/v2/jobs/{number}/", "status": "pending"}, 201)

    def _answer(self, document: dict[str, Any], status: int = 200) -> None:
        self.server.strangers += self.headers["Authorization"] != f"Bearer {TOKEN}"
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *dummy: object) -> None:
        """Stay silent."""


@pytest.fixture(name="controller", scope="module")
def _controller() -> Iterator[Controller]:
    with Controller() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(name="listener", scope="module")
def _listener(start: Callable[..., rulebook.Rulebook], controller: Controller) -> rulebook.Rulebook:
    url = f"http://127.0.0.1:{controller.server_address[1]}/api/"
    return start("mailops.triage.ticket_awx", options=("--controller-url", url, "--controller-token", TOKEN))


def test_a_ticket_is_launched_once_with_its_payload_as_data(
    listener: rulebook.Rulebook, controller: Controller
) -> None:
    ticket = {"ticket": {"id": 4711, "title": "{{ lookup('pipe', 'id') }}"}}
    other = {"ticket": {"id": 4712, "title": "Mail is stuck"}}
    for dummy in range(5):
        assert listener.post(ticket) == 200
    assert listener.post(other) == 200
    listener.wait(lambda: len(controller.launched) >= 2, "two jobs")
    listener.wait(lambda: "job results url" in listener.log, "a job that is seen to have ended")
    events = [job["extra_vars"]["ansible_eda"]["event"] for job in controller.launched]
    assert sorted(event["payload"]["ticket"]["id"] for event in events) == [4711, 4712]
    assert ticket in [event["payload"] for event in events]
    # No limit comes from an event: the playbook narrows the hosts.
    assert [job["limit"] for job in controller.launched] == ["all", "all"]
    assert listener.token not in json.dumps(controller.launched)
    assert controller.strangers == 0
