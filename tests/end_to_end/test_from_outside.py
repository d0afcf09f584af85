# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket goes in and an answer comes out, alerts go in and one triage comes out: with real systems at both ends.

AWX itself is in no registry of packages. Its part here is ansible-runner in AWX's layout, launched by hand in the order
in which the workflow of awx_configure launches its nodes.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import rulebook
import runner_layout
import yaml
from labkit import plan
from labkit.lab import Lab
from runner_layout import AwxJob, Done
from tracker import USER, Tracker

HOST = "mail2"
WORD = "word-of-the-webhook"
HOSTILE = "{{ lookup('pipe', 'touch /tmp/mailops-pwned') }}"
OTHERS = ("mail1", "mail3")
"""Hosts of the same inventory that the ticket is not about."""


class Receiver:
    """Takes the webhook of the ticket system, as AWX does: it looks at the word, and answers at once."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        found = self.payloads

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                welcome = self.headers["Authorization"] == f"Bearer {WORD}"
                if welcome:
                    found.append(json.loads(body))
                self.send_response(202 if welcome else 403)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(lab: Lab) -> Iterator[Receiver]:
    """Somebody who takes webhooks."""
    listening = Receiver()
    yield listening
    listening.close()


@pytest.fixture
def broken(lab: Lab) -> Iterator[str]:
    """A host whose Dovecot does not run."""
    lab.reset(HOST)
    lab.inject("F042", HOST)
    yield HOST
    lab.reset(HOST)


def inventory(lab: Lab) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Hosts and groups of the lab's inventory, those that matter here."""
    told = yaml.safe_load((plan.STATE_DIR / "inventory.yml").read_text(encoding="utf-8"))["all"]
    common = told.get("vars", {})
    hosts: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}
    for name, group in told["children"].items():
        kept = {
            host: {**common, **group.get("vars", {}), **(own or {})}
            for host, own in group["hosts"].items()
            if name != "mailservers" or host in (HOST, *OTHERS)
        }
        hosts.update(kept)
        groups[name] = list(kept)
    return hosts, groups


def test_a_ticket_is_answered_approved_mended_and_closed(
    lab: Lab, roundup: Tracker, receiver: Receiver, broken: str, tmp_path: Path
) -> None:
    hosts, groups = inventory(lab)
    login = {
        "MAILOPS_TICKET_URL": roundup.url,
        "MAILOPS_TICKET_USER": USER,
        "MAILOPS_TICKET_PASSWORD": roundup.password,
    }
    shared = {"triage_history_dir": str(tmp_path / "history"), "ticket_outbox_dir": str(tmp_path / "outbox")}

    def job(number: int, playbook: str, extra: dict[str, Any], **template: Any) -> Done:
        done = AwxJob(
            tmp_path / str(number),
            f"playbooks/{playbook}.yml",
            hosts,
            groups,
            extra=extra,
            template={**shared, **template, "triage_report_dir": str(tmp_path / "reports" / str(number))},
            credential=login,
            words="",
            ident=number,
        ).run(timeout=600)
        assert done.leaks(roundup.password) == []
        return done

    roundup.webhook(receiver.url, WORD)
    issue = roundup.issue(f"POP server on {broken} does not respond", f"Nobody gets mail. {HOSTILE}")
    roundup.webhook(None)
    (payload,) = receiver.payloads

    # Launched by the webhook: it has no limit, and finds out for itself which hosts the ticket is about.
    first = job(1, "triage", runner_layout.webhook(payload, job=1))
    assert first.rc == 0, first.stdout
    artifact = first.artifacts["mailops_triage"]
    assert (artifact["worst_host"], artifact["ticket"]["id"]) == (broken, issue)
    report = json.loads((tmp_path / "reports" / "1" / "triage.json").read_text(encoding="utf-8"))
    assert list(report["hosts"]) == [broken]
    (comment,) = roundup.comments(issue)
    assert comment["author"] == USER and "dovecot is not running" in comment["content"]
    assert roundup.status(issue) == "in-progress"
    assert lab.probe(broken, "pop3") == "refused", "a ticket starts a diagnosis and nothing more"

    # This site has every remedy approved; somebody does.
    launch = {"triage_ticket": issue}
    asked = job(2, "approval", runner_layout.node(first.artifacts, launch, job=2), approval_unattended="none")
    assert asked.rc != 0, "a person has to be asked"
    answers = {"remediate_auto": "all", "remediate_watch_seconds": 5}
    remedy = runner_layout.node(first.artifacts, runner_layout.webhook(payload, job=3), job=3, **answers)
    mended = job(3, "triage", remedy)
    assert mended.rc == 0, mended.stdout
    last = job(4, "answer", runner_layout.node(mended.artifacts, launch, job=4))
    assert last.rc == 0, last.stdout

    assert lab.probe(broken, "pop3") == "ok"
    lab.deliver(broken)
    told = roundup.comments(issue)[-1]["content"]
    assert f"{broken}" in told and "down -> healthy" in told.replace("degraded", "down"), told
    assert roundup.status(issue) == "resolved"
    assert not Path("/tmp/mailops-pwned").exists()


def test_forty_alerts_in_a_minute_start_one_triage(lab: Lab, broken: str, tmp_path: Path) -> None:
    alert = {
        "status": "firing",
        "labels": {"alertname": "Pop3Down", "instance": f"{broken}:9154", "severity": "critical"},
        "annotations": {"summary": "The POP server does not respond", "description": HOSTILE},
        "startsAt": "2026-03-01T08:00:00.000Z",
    }
    outage = {
        "version": "4",
        "groupKey": '{}:{alertname="Pop3Down"}',
        "status": "firing",
        "receiver": "mail-triage",
        "externalURL": "http://alertmanager.example.com",
        "alerts": [alert],
    }
    well = {**outage, "groupKey": "another", "alerts": [{**alert, "labels": {**alert["labels"], "instance": "mail1"}}]}
    name, hosts = "mailops.triage.alertmanager", plan.STATE_DIR / "inventory.yml"
    with (
        # The sockets of ssh want a short path.
        tempfile.TemporaryDirectory(prefix="mt-") as sockets,
        rulebook.Rulebook(
            name, hosts, tmp_path / "rulebook", environment={"ANSIBLE_SSH_CONTROL_PATH_DIR": sockets}
        ) as listening,
    ):
        for dummy in range(40):
            assert listening.post(outage) == 200
        # Triages run in the order of their events: when this one has ended, so have all before it.
        assert listening.post(well) == 200
        reports = listening.wait_for(2)
    assert [list(report["hosts"]) for report in reports] == [[broken], ["mail1"]]
    roots = [one["id"] for one in reports[0]["hosts"][broken]["findings"] if one["kind"] == "root_cause"]
    assert roots == ["software.mda_not_running"]
    assert reports[1]["hosts"]["mail1"]["verdict"] == "healthy"
    assert lab.probe(broken, "pop3") == "refused", "an alert starts a diagnosis and nothing more"
    assert not Path("/tmp/mailops-pwned").exists()
