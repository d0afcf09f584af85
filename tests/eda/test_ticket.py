# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets as their systems post them: one triage for each, however often it is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rulebook

_TEXT = "The POP server mail2 does not respond"

# Each as its system tells of it when it is made and again when it is changed.
TICKETS: dict[str, dict[str, Any]] = {
    "jira": {"issue": {"key": "MAIL-1", "fields": {"summary": _TEXT}}, "webhookEvent": "jira:issue_created"},
    "github": {
        "action": "edited",
        "issue": {"id": 9, "number": 1, "title": _TEXT, "body": ""},
        "repository": {"full_name": "ops/mail"},
    },
    "gitlab": {
        "object_kind": "issue",
        "project": {"id": 1, "path_with_namespace": "ops/mail"},
        "object_attributes": {"iid": 1, "title": _TEXT},
    },
    "zammad": {
        "ticket": {"id": 1, "number": "1001", "group": {"name": "mail"}, "title": _TEXT},
        "article": {"body": "<p>nothing more</p>"},
    },
    "servicenow": {"sys_id": {"value": "a1"}, "number": "INC1", "short_description": _TEXT},
}


@pytest.fixture(name="listener", scope="module")
def _listener(start: Callable[..., rulebook.Rulebook]) -> rulebook.Rulebook:
    return start("mailops.triage.ticket")


def test_every_ticket_starts_one_triage(listener: rulebook.Rulebook) -> None:
    for ticket in TICKETS.values():
        for dummy in range(3):
            assert listener.post(ticket) == 200
    assert listener.post({"comment": {"body": _TEXT}, **TICKETS["github"]}) == 200
    assert listener.post({"words": _TEXT}) == 200
    assert listener.post({"id": 1, "Subject": _TEXT, "Queue": "mail"}) == 200
    reports = listener.wait_for(len(TICKETS) + 1)
    assert len(reports) == len(TICKETS) + 1
    assert all(list(report["hosts"]) == ["mail2"] for report in reports)
    assert listener.log.count("is no ticket that is known here") == 2
