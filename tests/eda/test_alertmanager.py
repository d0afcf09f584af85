# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts as Alertmanager posts them, to an ansible-rulebook that really runs and really starts a triage.

That something is *not* started is seen by what is sent last: triages run one after the other, in the order of their
events, so when the last one has ended, all others have.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rulebook


@pytest.fixture(name="listener", scope="module")
def _listener(start: Callable[..., rulebook.Rulebook]) -> rulebook.Rulebook:
    return start("mailops.triage.alertmanager")


def evil(listener: rulebook.Rulebook) -> Path:
    """A file that is there when a text of an alert was run."""
    return listener.folder / "pwned"


def notification(outage: str, host: str, status: str = "firing", text: str = "") -> dict[str, Any]:
    """What Alertmanager's webhook receiver posts, version 4."""
    labels = {"alertname": outage, "instance": f"{host}:9154", "severity": "critical"}
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": "The POP server does not respond", "description": text},
        "startsAt": "2026-03-01T08:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph",
        "fingerprint": "5ef77f1f8a3ecfb7",
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{outage}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "mail-triage",
        "groupLabels": {"alertname": outage},
        "commonLabels": labels,
        "commonAnnotations": {"summary": "The POP server does not respond"},
        "externalURL": "http://alertmanager.example.com",
        "alerts": [alert],
    }


def test_a_wrong_token_starts_nothing(listener: rulebook.Rulebook) -> None:
    assert listener.post(notification("Wrong", "mail1"), token="guessed") == 401
    assert listener.post(notification("Wrong", "mail1"), token=None) == 401


def test_equal_alerts_start_one_triage_and_two_outages_two(listener: rulebook.Rulebook) -> None:
    before = len(listener.finished())
    for dummy in range(40):
        assert listener.post(notification("Pop3Down", "mail1")) == 200
    assert listener.post(notification("ImapDown", "mail2")) == 200
    reports = listener.wait_for(before + 2)[before:]
    assert [list(report["hosts"]) for report in reports] == [["mail1"], ["mail2"]]


def test_what_is_no_firing_alert_is_logged_and_harmless(listener: rulebook.Rulebook) -> None:
    before = len(listener.finished())
    for payload in (
        {},
        [],
        "text",
        7,
        {"alerts": "none"},
        {"status": 7, "groupKey": {}, "alerts": None},
        [{"alerts": 1}],
    ):
        assert listener.post(payload) == 200
    assert listener.post(b"{no json") == 400
    assert listener.post(notification("Solved", "mail1", status="resolved")) == 200
    assert listener.post(notification("Again", "mail2")) == 200
    assert len(listener.wait_for(before + 1)) == before + 1
    assert listener.log.count("is no notification of an Alertmanager") == 6
    assert "Traceback" not in listener.log


def test_a_host_that_the_inventory_lacks_is_not_contacted(listener: rulebook.Rulebook) -> None:
    before = len(listener.finished())
    assert listener.post(notification("Elsewhere", "victim.example.com")) == 200
    report = listener.wait_for(before + 1)[-1]
    assert "victim.example.com" not in report["hosts"]


def test_text_of_an_alert_is_never_run(listener: rulebook.Rulebook) -> None:
    before = len(listener.finished())
    text = f"{{{{ lookup('pipe', 'touch {evil(listener)}') }}}} {{% raw %}} !unsafe $(touch {evil(listener)})"
    assert listener.post(notification("Evil", "mail2", text=text)) == 200
    report = listener.wait_for(before + 1)[-1]
    assert list(report["hosts"]) == ["mail2"]
    assert not evil(listener).exists()
