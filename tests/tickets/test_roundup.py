# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role ticket and a real ticket system: an issue is answered, answered again, and closed."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import answered
import plays
import pytest
from tracker import USER, Tracker

HOSTILE = "Mail stuck {{ lookup('pipe', 'id') }} <script>alert(1)</script> {% raw %}"


def answer(
    roundup: Tracker, folder: Path, report_dir: Path, *words: str, **variables: Any
) -> tuple[str, dict[str, Any]]:
    """Run the role as AWX does, with the login in the environment; returns its output and its result."""
    login = {
        "MAILOPS_TICKET_URL": roundup.url,
        "MAILOPS_TICKET_USER": USER,
        "MAILOPS_TICKET_PASSWORD": roundup.password,
    }
    done, result = answered.play(folder, report_dir, *words, variables=variables, **login)
    assert done.returncode == 0, plays.said(done)
    return done.stdout + done.stderr, result


def test_an_issue_is_answered_renewed_and_closed(roundup: Tracker, tmp_path: Path) -> None:
    issue = roundup.issue(HOSTILE, "The POP server does not respond since 9 o'clock")
    ticket = {"system": "roundup", "id": issue, "title": HOSTILE, "unknown_hosts": [HOSTILE]}
    report_dir = answered.prepare(tmp_path, ticket)

    dummy, planned = answer(roundup, tmp_path, report_dir, "--check", "--diff")
    assert (planned["outcome"], planned["changed"], roundup.comments(issue)) == ("created", True, [])

    said, first = answer(roundup, tmp_path, report_dir, "-vvv")
    assert (first["outcome"], first["changed"], first["state"]) == ("created", True, "diagnosed")
    assert roundup.password not in said
    (comment,) = roundup.comments(issue)
    assert comment["author"] == USER and comment["content"].strip() == first["comment"]
    for text in (
        "Mail diagnosis: down",
        "Postfix is not running",
        "ansible-playbook mailops.triage.remediate",
        HOSTILE[:40],
    ):
        assert text in comment["content"]
    assert roundup.status(issue) == "in-progress"

    dummy, again = answer(roundup, tmp_path, report_dir)
    assert (again["outcome"], again["changed"], again["state"]) == ("unchanged", False, "")
    assert roundup.comments(issue) == [comment]

    dummy, renewed = answer(roundup, tmp_path, report_dir, ticket_language="ja")
    assert (renewed["outcome"], renewed["changed"]) == ("updated", True)
    (comment,) = roundup.comments(issue)
    assert "メール障害の診断結果" in comment["content"] and "Mail diagnosis" not in comment["content"]

    report_dir = answered.prepare(tmp_path, ticket, after=True)
    dummy, closed = answer(roundup, tmp_path, report_dir, ticket_stage="result")
    assert (closed["outcome"], closed["state"]) == ("created", "resolved")
    last = roundup.comments(issue)[-1]["content"]
    assert "mail2 (tokyo): down -> healthy" in last and "held for the 10 min 0 s it was watched" in last
    assert (len(roundup.comments(issue)), roundup.status(issue)) == (2, "resolved")

    dummy, again = answer(roundup, tmp_path, report_dir, ticket_stage="result")
    assert (again["outcome"], again["changed"]) == ("unchanged", False)
    assert len(roundup.comments(issue)) == 2


def test_what_cannot_be_delivered_waits_for_the_next_run(roundup: Tracker, tmp_path: Path) -> None:
    first, second = (roundup.issue(f"Mail stuck {number}", "No mail") for number in (1, 2))
    outbox = tmp_path / "triage-reports" / "ticket-outbox"
    report_dir = answered.prepare(tmp_path, {"system": "roundup", "id": first}, run="20260101T000000Z-aaaa")
    roundup.stop()
    try:
        said, kept = answer(roundup, tmp_path, report_dir, "-vvv", ticket_retries=0)
    finally:
        roundup.start()
    assert (kept["outcome"], kept["kept"], kept["changed"]) == ("kept", 1, True)
    assert f"the answer to ticket {first} is kept" in " ".join(said.split())
    (file,) = outbox.glob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600 and outbox.stat().st_mode & 0o777 == 0o700
    assert roundup.password not in said + file.read_text() and roundup.comments(first) == []

    report_dir = answered.prepare(tmp_path, {"system": "roundup", "id": second}, run="20260101T000100Z-bbbb")
    dummy, delivered = answer(roundup, tmp_path, report_dir)
    assert (delivered["outcome"], delivered["delivered_before"], delivered["kept"]) == ("created", 1, 0)
    assert [len(roundup.comments(issue)) for issue in (first, second)] == [1, 1]
    assert "run=20260101T000000Z-aaaa" in roundup.comments(first)[0]["content"]
    assert list(outbox.glob("*.json")) == []


def test_a_wrong_password_ends_no_run_and_is_shown_nowhere(roundup: Tracker, tmp_path: Path) -> None:
    issue = roundup.issue("Mail stuck", "No mail")
    report_dir = answered.prepare(tmp_path, {"system": "roundup", "id": issue})
    login = {
        "MAILOPS_TICKET_URL": roundup.url,
        "MAILOPS_TICKET_USER": USER,
        "MAILOPS_TICKET_PASSWORD": "Canary-4711-wrong",
    }
    done, result = answered.play(tmp_path, report_dir, "-vvv", **login)
    assert (done.returncode, result["outcome"]) == (0, "kept"), plays.said(done)
    assert "it answers 401" in result["why"] or "it answers 403" in result["why"]
    written = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in (done.stdout, done.stderr, *written) if "Canary-4711" in text]
    assert roundup.comments(issue) == []


@contextlib.contextmanager
def posted(roundup: Tracker) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What the tracker posts meanwhile: login and body."""
    found: list[tuple[str, dict[str, Any]]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.append((self.headers["Authorization"], json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    roundup.webhook(f"http://127.0.0.1:{server.server_port}/", "word")
    try:
        yield found
    finally:
        roundup.webhook(None)
        server.shutdown()
        server.server_close()


def test_a_new_issue_goes_in_and_an_answer_comes_out(roundup: Tracker, tmp_path: Path) -> None:
    with posted(roundup) as found:
        issue = roundup.issue(HOSTILE, "The POP server mail2 does not respond")
    ((login, body),) = found
    assert (login, body["ticket"]["id"], body["ticket"]["title"]) == ("Bearer word", issue, HOSTILE)
    (tmp_path / "ticket.json").write_text(json.dumps(body))
    # Hosts of this machine, on which no mail answers.
    (tmp_path / "hosts").write_text(
        "[mailservers]\n"
        "mail1 mail_roles='[\"mta\"]'\n"
        "mail2 mail_roles='[\"pop3\"]'\n"
        "[all:vars]\n"
        "ansible_connection=local\n"
        "ansible_host=127.0.0.1\n"
        f"ansible_python_interpreter={sys.executable}\n"
    )
    quick = {"triage_gather_subset": ["host"], "triage_probe_timeout": 1, "triage_probe_deadline": 5}
    quick["triage_payload_file"] = str(tmp_path / "ticket.json")
    done = plays.play(
        tmp_path,
        plays.ROOT / "playbooks" / "triage.yml",
        *("-vvv", "-e", json.dumps(quick)),
        inventory=str(tmp_path / "hosts"),
        MAILOPS_TICKET_URL=roundup.url,
        MAILOPS_TICKET_USER=USER,
        MAILOPS_TICKET_PASSWORD=roundup.password,
    )
    assert done.returncode == 0, plays.said(done)
    (comment,) = roundup.comments(issue)
    assert "mail2: " in comment["content"] and "mail1" not in comment["content"]
    assert "The POP server mail2 does not respond" in " ".join(comment["content"].split())
    assert roundup.status(issue) == "in-progress"
    written = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in (done.stdout, done.stderr, *written) if roundup.password in text]


@pytest.mark.parametrize("stage", ["diagnosis", "result"])
def test_a_ticket_that_is_gone_ends_no_run(roundup: Tracker, tmp_path: Path, stage: str) -> None:
    report_dir = answered.prepare(tmp_path, {"system": "roundup", "id": "999999"}, after=stage == "result")
    dummy, result = answer(roundup, tmp_path, report_dir, ticket_stage=stage)
    assert (result["outcome"], result["changed"]) == ("refused", False)
    assert not list((tmp_path / "triage-reports").glob("ticket-outbox/*.json"))
