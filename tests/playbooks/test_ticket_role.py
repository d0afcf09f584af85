# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role ticket as a play runs it: nothing is templated, no secret is shown, and no ticket system ends a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import answered
import plays
import pytest

from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket.desk import Asked, Desk, Reply

TOKEN = "Canary-token-4711"
SECRETS = {
    "ansible_password": "Canary-ssh-4711",
    "ansible_become_password": "{{ 'Canary' ~ '-become-4711' }}",
    "mail_hardware": {"serial": "SN-1", "bmc": {"user": "bmc", "password": "Canary-bmc-4711"}},
    "triage_probe_account": {"user": "probe", "password": "Canary-probe-4711"},
}
SHOWN = ["Canary-ssh-4711", "Canary-become-4711", "Canary-bmc-4711", "Canary-probe-4711", TOKEN]


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Reply]], Desk]]:
    """Starts ticket systems."""
    desks: list[Desk] = []

    def start(answer: Callable[[Asked], Reply]) -> Desk:
        desks.append(Desk(answer))
        return desks[-1]

    yield start
    for desk in desks:
        desk.close()


def written(folder: Path) -> str:
    """Everything that a run left."""
    return "\n".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("status", [201, 500])
def test_no_secret_is_sent_shown_or_kept(
    tmp_path: Path, serve: Callable[[Callable[[Asked], Reply]], Desk], status: int
) -> None:
    desk = serve(lambda asked: (status, {"id": 1, "echo": dict(asked.headers), "body": asked.body}))
    report_dir = answered.prepare(tmp_path, {"system": "generic", "id": "7"})
    report = json.loads((report_dir / "triage.json").read_text())
    finding = report["hosts"]["mail2"]["findings"][0]
    finding["evidence"] = [{"says": f"login failed, tried {secret}"} for secret in SHOWN[:4]]
    report["fleet"]["summary"] = f"Somebody wrote {TOKEN} into a log."
    (report_dir / "triage.json").write_text(json.dumps(report))
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": {}, "mail2": SECRETS}}}))
    done, result = answered.play(
        tmp_path,
        report_dir,
        *("-vvv", "--diff", "-i", str(inventory)),
        variables={"ticket_headers": {"App-Token": "Canary-app-4711"}, "ticket_retries": 0},
        MAILOPS_TICKET_URL=desk.url,
        MAILOPS_TICKET_TOKEN=TOKEN,
    )
    assert done.returncode == 0, plays.said(done)
    assert result["outcome"] == ("created" if status == 201 else "kept"), result
    (asked,) = desk.asked
    assert (asked.headers["authorization"], asked.headers["app-token"]) == (f"Bearer {TOKEN}", "Canary-app-4711")
    assert "login failed, tried ********" in asked.body["comment"]
    # Where the secrets came from they may stand, and in the report, into which a host wrote them.
    inventory.unlink()
    (report_dir / "triage.json").unlink()
    for text in (json.dumps(asked.body), done.stdout, done.stderr, written(tmp_path), json.dumps(result)):
        assert [secret for secret in SHOWN if secret in text] == []
        assert "Canary" not in text


def test_nothing_of_a_ticket_or_report_is_templated(
    tmp_path: Path, serve: Callable[[Callable[[Asked], Reply]], Desk]
) -> None:
    owned = tmp_path / "owned"
    hostile = "{{ lookup('pipe', 'touch " + str(owned) + "') }} {% raw %}"
    desk = serve(lambda asked: (201, None))
    ticket = {"system": "generic", "id": hostile, "url": hostile, "title": hostile, "unknown_hosts": [hostile]}
    report_dir = answered.prepare(tmp_path, ticket)
    report = json.loads((report_dir / "triage.json").read_text())
    report["fleet"]["summary"] = hostile
    (report_dir / "triage.json").write_text(json.dumps(report))
    done, result = answered.play(tmp_path, report_dir, MAILOPS_TICKET_URL=desk.url)
    assert done.returncode == 0, plays.said(done)
    assert (desk.asked[0].body["ticket"], result["ticket"]["url"]) == (hostile, hostile)
    assert hostile in desk.asked[0].body["comment"] and hostile in result["comment"]
    assert not owned.exists()


def test_the_answer_is_in_the_language_of_the_ticket(
    tmp_path: Path, serve: Callable[[Callable[[Asked], Reply]], Desk]
) -> None:
    desk = serve(lambda asked: (201, None))
    report_dir = answered.prepare(tmp_path, {"system": "generic", "id": "7", "language": "ja"})
    dummy, result = answered.play(tmp_path, report_dir, MAILOPS_TICKET_URL=desk.url)
    assert result["comment"].startswith("✗ メール障害の診断結果: 停止") and result["needs_approval"] is True


@pytest.mark.parametrize(
    ("ticket", "variables", "why"),
    [
        ({"system": "jira", "id": "MAIL-7"}, {}, "ticket_url is not set"),
        ({"system": "alertmanager", "id": "x"}, {"ticket_url": "http://127.0.0.1:9/"}, "Alertmanager has no way back"),
        ({"system": None, "id": "7"}, {"ticket_url": "http://127.0.0.1:9/"}, "the ticket names no system"),
    ],
)
def test_where_there_is_no_way_back_nothing_is_sent(
    tmp_path: Path, ticket: dict[str, Any], variables: dict[str, Any], why: str
) -> None:
    report_dir = answered.prepare(tmp_path, ticket)
    done, result = answered.play(tmp_path, report_dir, variables=variables)
    assert done.returncode == 0, plays.said(done)
    assert (result["outcome"], result["changed"]) == ("nothing", False) and why in result["why"]
    assert not (tmp_path / "triage-reports" / "ticket-outbox").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ticket_url": "tickets.example.com"}, "ticket_url must be an address such as https://tickets.example.com"),
        ({"ticket_system": "remedy"}, "ticket_system: there is no ticket system 'remedy'; there are: "),
        ({"ticket_stage": "end"}, "value of ticket_stage must be one of: diagnosis, result, got: end"),
        ({"ticket_report_dir": "/nowhere"}, "/nowhere/triage.json: No such file or directory"),
        ({"triage_rules_dirs": ["RULES"]}, "desk.yml: system 'desk': 'answer.create' is missing"),
    ],
)
def test_what_the_site_wrote_wrongly_is_named(tmp_path: Path, variables: dict[str, Any], message: str) -> None:
    (tmp_path / "rules" / "tickets").mkdir(parents=True)
    desk = "---\nsystem: desk\nread: {id: id}\nanswer: {format: text}\n"
    (tmp_path / "rules" / "tickets" / "desk.yml").write_text(desk)
    if "triage_rules_dirs" in variables:
        variables = {"triage_rules_dirs": [str(tmp_path / "rules")]}
    report_dir = answered.prepare(tmp_path, {"system": "generic", "id": "7"})
    done, dummy = answered.play(tmp_path, report_dir, variables={"ticket_url": "http://127.0.0.1:9", **variables})
    assert done.returncode != 0 and message in plays.said(done)


def test_a_site_adds_its_own_system_in_a_small_file(
    tmp_path: Path, serve: Callable[[Callable[[Asked], Reply]], Desk]
) -> None:
    desk = serve(lambda asked: (201, {"ok": True}))
    folder = tmp_path / "rules" / "tickets"
    folder.mkdir(parents=True)
    folder.joinpath("desk.yml").write_text(
        "---\nsystem: desk\nread: {id: id}\nanswer:\n  format: html\n  auth: header:X-Desk-Key\n"
        "  create:\n    - {method: POST, path: '/tickets/{id}/notes', body: {html: '{comment}'}, take: {ok: body.ok}}\n"
    )
    report_dir = answered.prepare(tmp_path, {"system": "desk", "id": "A/7"})
    variables = {"triage_rules_dirs": [str(tmp_path / "rules")], "ticket_token": TOKEN, "ticket_url": f"{desk.url}/v1"}
    dummy, result = answered.play(tmp_path, report_dir, variables=variables)
    (asked,) = desk.asked
    assert (result["outcome"], asked.path) == ("created", "/v1/tickets/A%2F7/notes")
    assert asked.headers["x-desk-key"] == TOKEN and asked.body["html"].startswith("<p><b>✗ Mail diagnosis: down")
