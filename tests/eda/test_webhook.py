# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems as Nagios tells of them, one message for each service of each host, and events of any other program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rulebook


@pytest.fixture(name="listener", scope="module")
def _listener(start: Callable[..., rulebook.Rulebook]) -> rulebook.Rulebook:
    return start("mailops.triage.webhook")


def problem(host: str, service: str = "POP3", kind: str = "PROBLEM") -> dict[str, Any]:
    return {
        "NOTIFICATIONTYPE": kind,
        "HOSTNAME": host,
        "SERVICEDESC": service,
        "SERVICESTATE": "CRITICAL",
        "SERVICEOUTPUT": "connect to address 192.0.2.1 and port 110: Connection refused",
    }


def test_what_comes_together_is_one_triage_of_all_hosts(listener: rulebook.Rulebook) -> None:
    before = len(listener.finished())
    for dummy in range(20):
        assert listener.post(problem("mail2")) == 200
        assert listener.post(problem("mail1")) == 200
        assert listener.post(problem("elsewhere.example.com")) == 200
    assert listener.post(problem("mail1", kind="RECOVERY")) == 200
    (report,) = listener.wait_for(before + 1)[before:]
    assert sorted(report["hosts"]) == ["mail1", "mail2"]


def test_any_program_says_what_is_the_same_to_it(listener: rulebook.Rulebook) -> None:
    before = len(listener.finished())
    for number in (1, 1, 2, 1):
        assert listener.post({"id": number, "title": "Mail is stuck", "host": f"mail{number}"}) == 200
    reports = listener.wait_for(before + 2)[before:]
    assert [list(report["hosts"]) for report in reports] == [["mail1"], ["mail2"]]


def test_an_unknown_event_is_logged_and_starts_nothing(listener: rulebook.Rulebook) -> None:
    before = len(listener.finished())
    for payload in ({}, [], "text", {"HOSTNAME": "mail1"}, {"event_id": 7, "event_value": 1}):
        assert listener.post(payload) == 200
    assert listener.post({"id": "last", "title": "Mail is stuck", "host": "mail1"}) == 200
    assert len(listener.wait_for(before + 1)) == before + 1
    # These five, and the recovery before.
    assert listener.log.count("is no problem that is known here") == 6
