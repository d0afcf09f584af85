# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each system sends, as one event: recorded shapes, with dummy contents."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import payload, systems
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.read import Reading, read

PAYLOADS = Path(__file__).parent / "payloads"
KNOWN = systems.load([ROOT / "rules"])
SCHEMA = json.loads((ROOT / "docs" / "ticket.schema.json").read_text(encoding="utf-8"))


def reading(document: Any, forced: str | None = None, **variables: Any) -> Reading:
    """Read a payload as a webhook of AWX delivers it, beside other variables."""
    variables = {"awx_webhook_payload": document, **variables}
    return read(variables, payload.find(variables, None), KNOWN, forced)


def sent(name: str) -> Any:
    """A recorded payload."""
    return json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


EXPECTED: dict[str, dict[str, Any]] = {
    "jira": {
        "system": "jira",
        "id": "MAIL-7",
        "title": "POP server mail2 does not respond",
        "text": "Since this morning.\nAll of sales is affected.",
        "url": "https://jira.example.com/rest/api/2/issue/10007",
        "reporter": {"name": "Alice Dummy", "address": "alice@example.com"},
        "severity": "major",
        "since": "2026-03-01T08:00:00Z",
        "state": "open",
        "named": ["mail2"],
    },
    "jira_document": {
        "system": "jira",
        "id": "MAIL-8",
        "text": "Outlook says 0x800CCC0E\non every PC",
        "state": "closed",
        "ignored": "the ticket is closed",
    },
    "servicenow": {
        "system": "servicenow",
        "id": "9d385017c611228701d22104cc95c371",
        "title": "IMAP login fails in Osaka",
        "reporter": {"name": "Alice Dummy", "address": ""},
        "site": "Osaka",
        "severity": "major",
        "since": "2026-03-01T08:00:00",
        "state": "open",
        "named": ["mail1"],
    },
    "servicenow_all": {"system": "servicenow", "id": "9d38", "severity": "critical", "state": "closed", "text": ""},
    "glpi": {
        "system": "glpi",
        "id": "321",
        "text": "Le serveur mail2 ne répond pas.\n\nMerci",
        "reporter": {"name": "Alice Dummy", "address": ""},
        "site": "Osaka",
        "severity": "critical",
        "since": "2026-03-01T08:00:00Z",
        "state": "open",
    },
    "zammad": {
        "system": "zammad",
        "id": "81",
        "text": "mail2 です。\n\n部署の全員です。",
        "reporter": {"name": "Alice Dummy", "address": "alice@example.com"},
        "severity": "major",
        "state": "open",
        "language": "ja",
    },
    "redmine": {
        "system": "redmine",
        "id": "191",
        "url": "https://redmine.example.com/issues/191",
        "reporter": {"name": "Alice Dummy", "address": "alice@example.com"},
        "severity": "critical",
        "state": "open",
    },
    "redmine_flat": {
        "system": "redmine",
        "id": "123",
        "reporter": {"name": "Alice Dummy", "address": ""},
        "state": "closed",
    },
    "rt": {
        "system": "rt",
        "id": "17",
        "text": "The server mail2 does not respond.",
        "reporter": {"name": "alice@example.com", "address": "alice@example.com"},
        "severity": "major",
        "state": "open",
    },
    "roundup": {
        "system": "roundup",
        "id": "3",
        "reporter": {"name": "alice", "address": "alice@example.com"},
        "severity": "major",
        "since": "2026-03-01T08:00:00",
        "state": "open",
    },
    "github": {"system": "github", "id": "ops/mail#42", "severity": "critical", "state": "open"},
    "gitlab": {
        "system": "gitlab",
        "id": "5#23",
        "severity": "major",
        "since": "2026-03-01T08:00:00Z",
        "state": "open",
    },
    "alertmanager": {
        "system": "alertmanager",
        "kind": "alert",
        "id": '{}:{alertname="PostfixDown"}',
        "title": "Postfix is down",
        "text": "Nobody listens on mail2",
        "site": "osaka",
        "severity": "critical",
        "since": "2026-03-01T08:00:00Z",
        "state": "open",
        "named": ["mail2"],
    },
    "alertmanager_single": {
        "system": "alertmanager",
        "id": "3c",
        "protocols": ["imap"],
        "severity": "minor",
        "named": ["mail1"],
    },
    "zabbix": {
        "system": "zabbix",
        "kind": "alert",
        "id": "1001",
        "text": "The port does not answer.",
        "site": "osaka",
        "protocols": ["smtp"],
        "severity": "major",
        "since": "2026-03-01T08:00:00Z",
        "state": "open",
        "named": ["mail2", "192.0.2.12"],
    },
    "icinga": {
        "system": "icinga",
        "kind": "alert",
        "id": "mail1!smtp",
        "title": "smtp: SMTP CRITICAL - no answer",
        "severity": "critical",
        "since": "2026-03-01T08:00:00Z",
        "state": "open",
        "named": ["mail1"],
    },
    "nagios": {
        "system": "nagios",
        "kind": "alert",
        "id": "77",
        "title": "POP3: CRITICAL - Socket timeout",
        "severity": "critical",
        "since": "2026-03-01T08:00:00Z",
        "named": ["mail2", "192.0.2.12"],
    },
    "generic": {
        "system": "generic",
        "id": "4711",
        "title": "The POP server does not respond",
        "reporter": {"name": "Alice Dummy", "address": "alice@example.com"},
        "site": "osaka",
        "protocols": ["pop3"],
        "severity": "major",
        "since": "2026-03-01T08:00:00Z",
        "named": ["mail2"],
    },
}


@pytest.mark.parametrize("name", sorted(path.stem for path in PAYLOADS.glob("*.json")))
def test_each_system_is_known_and_read(name: str) -> None:
    found = reading(sent(name))
    seen = {**found.event, "named": found.named, "ignored": found.ignored}
    wanted = EXPECTED[name]
    assert {key: seen[key] for key in wanted} == wanted
    assert found.notes == []
    if "ignored" not in wanted:
        assert (found.ignored is None) == (found.event["state"] != "closed")
    whole = {**found.event, "run": "20260301T080000Z-5f3a", "affected": [], "vantage_points": []}
    jsonschema.Draft202012Validator(SCHEMA).validate(whole)


def test_every_system_that_comes_with_the_collection_has_a_recorded_payload() -> None:
    assert set(KNOWN) - {"manual"} == {wanted["system"] for wanted in EXPECTED.values()}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("jira", {"webhookEvent": "comment_created"}),
        ("jira", {"webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_commented"}),
        ("glpi", {"event": "update"}),
        ("github", {"action": "labeled"}),
        ("github", {"comment": {"body": "our own answer"}}),
        ("gitlab", {"object_kind": "note"}),
        ("glpi", {"event": "delete"}),
        ("icinga", {"notification_type": "ACKNOWLEDGEMENT"}),
        ("nagios", {"NOTIFICATIONTYPE": "DOWNTIMESTART"}),
    ],
)
def test_what_is_no_new_trouble_starts_nothing(name: str, change: dict[str, Any]) -> None:
    found = reading({**sent(name), **change})
    assert found.ignored and "starts no diagnosis" in found.ignored


def test_the_answer_of_an_agent_in_zammad_starts_nothing() -> None:
    document = sent("zammad")
    document["ticket"]["article_count"] = 2
    assert reading(document).ignored is None
    document["article"]["sender"] = "Agent"
    assert reading(document).ignored


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("alertmanager_single", {"status": "resolved"}),
        ("nagios", {"NOTIFICATIONTYPE": "RECOVERY"}),
        ("zabbix", {"event_value": 0}),
    ],
)
def test_an_alert_that_is_over_starts_nothing(name: str, change: dict[str, Any]) -> None:
    assert reading({**sent(name), **change}).ignored == "the alert is closed"


def test_what_a_person_says_goes_before_the_payload() -> None:
    found = reading(
        sent("jira"),
        triage_ticket=4711,
        triage_symptom="Nothing arrives",
        triage_site="",
        triage_protocols=["IMAP"],
        triage_severity="low",
    ).event
    assert (found["id"], found["text"], found["severity"]) == ("4711", "Nothing arrives", "info")
    assert found["title"] == "POP server mail2 does not respond"
    assert found["protocols"] == ["imap"]
    assert (found["system"], found["source"]) == ("jira", "webhook")


def test_variables_alone_are_a_ticket() -> None:
    variables = {"triage_ticket": "4711", "triage_symptom": "POP3 fails", "triage_ticket_hosts": "mail1, mail2"}
    found = read(variables, None, KNOWN, None)
    assert (found.event["system"], found.event["source"], found.event["id"]) == ("manual", "variables", "4711")
    assert found.named == ["mail1", "mail2"]
    assert read(variables, None, KNOWN, "roundup").event["system"] == "roundup"


def test_nothing_at_all_is_a_plain_run() -> None:
    found = read({}, None, KNOWN, None)
    assert found.ignored is None and found.event["id"] == "" and found.event["text"] == ""


def test_a_system_can_be_forced() -> None:
    found = reading({"issue": {"key": "A-1", "fields": {"summary": "x"}}, "subject": "y"}, "generic")
    assert (found.event["system"], found.event["title"]) == ("generic", "y")


@pytest.mark.parametrize(
    ("document", "forced", "message"),
    [
        ({"a": 1}, "weather", "triage_ticket_system: there is no system 'weather'; there are: alertmanager"),
        ({"a": {"b": "c"}}, None, "awx_webhook_payload was read as ticket system ('generic'), and neither title"),
        ({"subject": "x"}, "jira", "awx_webhook_payload was read as Jira ('jira'), and neither title"),
        ([1, 2], None, "awx_webhook_payload must be a mapping, as JSON of a webhook is, not a list"),
        (7, None, "awx_webhook_payload must be a mapping, as JSON of a webhook is, not a number"),
        ("no json", None, "awx_webhook_payload is a text, and no JSON: Expecting value (line 1)"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(document: Any, forced: str | None, message: str) -> None:
    with pytest.raises(payload.TicketError) as error:
        reading(document, forced)
    assert message in str(error.value)


@pytest.mark.parametrize("wrong", [{"a": 1}, [{"b": 2}], [[1]], True, math.nan, 10**400, None, "", []])
def test_a_wrong_type_leaves_the_field_empty(wrong: Any) -> None:
    for field in ("summary", "description", "reporter", "priority", "created", "status", "components"):
        document = sent("jira")
        document["issue"]["fields"][field] = wrong
        found = reading(document).event
        jsonschema.Draft202012Validator(SCHEMA).validate(
            {**found, "run": "x", "affected": [], "vantage_points": []},
        )


def test_a_wrong_type_is_told() -> None:
    document = sent("jira")
    document["issue"]["fields"]["summary"] = {"text": "x"}
    assert reading(document).notes == [
        "title: 'issue.fields.summary' finds no text in the payload, but a mapping",
    ]


HOSTILE = [
    "{{ lookup('pipe', 'touch /tmp/pwned') }}",
    "{% for x in range(9) %}{{ x }}{% endfor %}",
    "!unsafe '{{ 1 + 1 }}'",
    "!!python/object/apply:os.system ['touch /tmp/pwned']",
    "$(touch /tmp/pwned) `id` ; rm -rf / | cat",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_the_texts_that_they_are(text: str) -> None:
    document = sent("jira")
    document["issue"]["fields"].update(summary=text, description=text)
    document["issue"]["key"] = text
    found = reading(document).event
    assert found["title"] == text and found["text"] == text and found["id"] == text


def test_control_characters_are_gone() -> None:
    document = sent("jira")
    document["issue"]["fields"]["summary"] = "a\x1b[31mb\x00c\u202ed\u200be\r\nf"
    document["issue"]["fields"]["description"] = "a\x1b[2Jb\n\n\n\n\u202ec\td\x07"
    found = reading(document).event
    assert found["title"] == "a [31mb c d e f"
    assert found["text"] == "a [2Jb\n\nc d"


def test_ten_megabytes_are_cut() -> None:
    # Whoever reads this in a time that grows with the square of its length does not come to an end.
    for unit in ("x", "<a ", "&#60;p&#62;x", "mail1 ", "x\n", "{{", "mail2.example.com:", "<!--", "<script", "a@"):
        document = sent("glpi")
        document["item"]["content"] = unit * (10_000_000 // len(unit))
        document["item"]["name"] = document["item"]["content"]
        document["more"] = [document["item"]["content"]] * 50
        found = reading(document).event
        assert 0 < len(found["text"]) <= 65536 and 0 < len(found["title"]) <= 300


def test_a_payload_cannot_say_what_only_a_person_may() -> None:
    document = {
        **sent("generic"),
        "remediate_auto": "all",
        "ansible_connection": "local",
        "triage_hosts": "all",
        "run": "x",
        "affected": ["root"],
        "vantage_points": ["elsewhere"],
        "source": "variables",
        "system": "manual",
    }
    plain = reading(sent("generic")).event
    assert reading(document).event == plain


def test_events_of_one_outage_are_one_event_with_the_hosts_of_all() -> None:
    def told(host: str) -> dict[str, Any]:
        return {"payload": {"HOSTNAME": host, "NOTIFICATIONTYPE": "PROBLEM", "SERVICEDESC": "POP3"}}

    variables = {"ansible_eda": {"events": {"m_0": told("mail2"), "m_1": told("mail1"), "m_2": told("mail2")}}}
    found = read(variables, payload.find(variables, None), KNOWN, None)
    assert (found.event["system"], found.event["id"], found.named) == ("nagios", "mail2!POP3", ["mail2", "mail1"])
