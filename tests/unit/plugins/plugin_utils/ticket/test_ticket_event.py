# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event document: how it gets from its file into what a user reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.reported import reported, taken_in
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import TICKET, Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import event as events

RULES = [ROOT / "rules"]
EVENT: dict[str, Any] = {
    "schema": "mailops.triage/ticket/1",
    "run": "20260301T080000Z-5f3a",
    "system": "jira",
    "id": "MAIL-7",
    "title": "POP3 does not respond",
    "text": "since this morning",
    "hosts": ["mail2"],
    "affected": ["alice@example.com", "mail2"],
    "vantage_points": [],
}


def test_the_title_comes_first() -> None:
    assert events.symptom(EVENT) == "POP3 does not respond\nsince this morning"
    assert events.symptom({**EVENT, "text": "POP3 does not respond, since nine"}) == "POP3 does not respond, since nine"
    assert events.symptom({**EVENT, "title": ""}) == "since this morning"


def test_a_run_without_a_ticket_has_no_event(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    assert events.of_run(recording) is None
    recording.write(TICKET, EVENT)
    assert events.of_run(recording) == EVENT


def test_an_event_of_an_earlier_run_is_not_taken_for_one_of_this(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "report")
    recording.create()
    recording.write(TICKET, EVENT)
    recording.create()
    assert events.of_run(recording) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "other/1"}, "'schema' is not mailops.triage/ticket/1"),
        ({"text": ["a"]}, "damaged: id, title, text, system, run must be texts"),
        ({"affected": "alice"}, "damaged"),
        ({"vantage_points": [1]}, "damaged"),
    ],
)
def test_a_damaged_event_is_told(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / TICKET
    path.write_text(json.dumps({**EVENT, **change}), encoding="utf-8")
    with pytest.raises(RecordingError, match=message):
        events.load(path)


def told(variables: dict[str, Any], **change: Any) -> dict[str, Any]:
    """What the run keeps of a report."""
    event = {**EVENT, **change}
    said = {"text": events.symptom(event), "affected": event["affected"]}
    return taken_in(variables, RULES, {"mail1", "mail2"}, {"branch"}, said)


def test_the_event_is_what_a_user_reported() -> None:
    run = told({})
    assert run["affected"]["users"] == ["alice@example.com"] and run["affected"]["hosts"] == ["mail2"]
    assert [statement["protocols"] for statement in run["symptom"]["statements"]] == [["pop3"]]


def test_whoever_wrote_the_ticket_is_not_the_only_one_who_is_affected() -> None:
    run = told({})
    assert run["symptom"]["scope"] is None and reported(run)["scope"] is None
    assert told({"triage_affected": "alice"})["symptom"]["scope"] == "one"


def test_what_the_variables_say_goes_before_it() -> None:
    run = told({"triage_symptom": "IMAP fails", "triage_affected": ["bob"]})
    assert run["symptom"]["text"] == "IMAP fails"
    assert run["affected"]["users"] == ["bob"] and run["affected"]["hosts"] == []
    # An empty answer to a survey says nothing.
    assert told({"triage_symptom": "", "triage_affected": ""}) == told({})


def test_an_event_without_a_text_reports_nothing() -> None:
    assert told({}, title="", text="", affected=[]) == {}
