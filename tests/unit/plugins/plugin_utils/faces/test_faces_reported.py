# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user reported, and why hosts were judged so, on both faces: bounded, inert, harmless when damaged."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html, terminal, terminal_why
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import columns
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces.test_faces_html import _Page as Page

HOSTILE = "{{ 7*7 }}<script>alert(1)</script>\x1b[31m\u202e" + "長" * 3000


def reported(agrees: str = "no", text: str = "POPサーバが応答しません") -> dict[str, Any]:
    report = samples.load("fleet")
    statement = {
        "id": "client.timeout",
        "quote": text,
        "protocols": ["pop3"],
        "direction": "receive",
        "phase": "connect",
        "says": "The server does not respond",
        "hypothesis": "The daemon does not run.",
        "agrees": agrees,
    }
    report["symptom"] = {
        "text": text,
        "scope": "department",
        "affected": {"users": [text, "alice"], "addresses": [], "hosts": [], "segments": ["dept-a"], "words": []},
        "understood": [statement],
        "hypothesis": statement["hypothesis"],
        "agrees": agrees,
        "says": f"The user's '{text}' was weighed.",
    }
    return report


def explained(text: str = "configuration.mda_config_fatal") -> dict[str, Any]:
    part = {"text": "a.b > `1`", "holds": False, "values": [{"fact": "a.b", "value": text}]}
    near = {"rule": text, "title": text, "why": "2 of 3 conditions hold", "would_explain": [text], "parts": [part]}
    fired = {
        "rule": text,
        "title": text,
        "kind": "symptom",
        "confidence": 0.9,
        "explained_by": [text],
        "explains": [text],
    }
    asked = {
        "rule": text,
        "title": text,
        "place": "rules/x.yml:1",
        "when": text,
        "state": "did not fire",
        "tries": [near],
    }
    return {
        "verdict": "degraded",
        "summary": text,
        "fired": [fired],
        "near": [near],
        "chains": [{"way": [text, "software.mda_not_running"], "root": True}],
        "not_judged": [{"rule": text, "because": text}],
        "asked": [asked],
    }


@pytest.mark.parametrize(
    ("agrees", "words"),
    [
        ("yes", "agrees"),
        ("no", "does not agree"),
        ("partly", "agrees in part"),
        ("unknown", "cannot tell"),
        ("x", "cannot tell"),
    ],
)
def test_the_answer_to_the_user_is_said_before_the_hosts(agrees: str, words: str) -> None:
    shown = terminal.render(reported(agrees), width=100, color=False)
    assert words in shown.splitlines()[[line.startswith("── Reported") for line in shown.splitlines()].index(True)]
    assert shown.index("was weighed.") < shown.index("mail2")
    page = html.render(reported(agrees))
    assert f"evidence {words}" in page
    assert page.index("was weighed.") < page.index('id="hosts"')


def test_without_a_report_of_a_user_nothing_is_said() -> None:
    report = samples.load("fleet")
    assert "Reported" not in terminal.render(report, width=100, color=False)
    assert 'id="reported"' not in html.render(report)


@pytest.mark.parametrize("width", [30, 80, 120])
def test_hostile_words_of_a_user_are_inert(width: int) -> None:
    shown = terminal.render(reported(text=HOSTILE), width=width, color=False, verbose=True)
    why = terminal_why.render({HOSTILE: explained(HOSTILE)}, width=width, color=False, verbose=True)
    for text in (shown, why):
        assert not {"\x1b", "\u202e"} & set(text)
        assert max(columns(line) for line in text.splitlines()) <= width
    name = next(iter(samples.load("fleet")["hosts"]))
    page = html.render(reported(text=HOSTILE), {name: explained(HOSTILE)})
    assert "<script>alert" not in page and "{{ 7*7 }}" in page
    assert len(page) < len(html.render(samples.load("fleet"))) + 60_000


def test_the_explanation_is_folded_into_the_block_of_its_host() -> None:
    report = samples.load("fleet")
    healthy = next(name for name, host in report["hosts"].items() if host["verdict"] == "healthy")
    page = html.render(report, {healthy: explained()})
    assert page.count('<details class="more because">') == 1
    assert "Nearly fired" in page and "2 of 3 conditions hold" in page


def test_an_explanation_in_ascii_is_ascii() -> None:
    assert terminal_why.render({"mail2": explained()}, width=80, color=False, ascii_only=True).isascii()


@pytest.mark.parametrize(
    "damage", [None, 1, [], "x", {"near": 5, "fired": "x", "asked": {}, "chains": [1, {"way": 3}]}]
)
def test_damage_is_still_shown(damage: Any) -> None:
    assert "mail2" in terminal_why.render({"mail2": damage}, width=80, color=False)
    report = samples.load("fleet")
    report["symptom"] = damage
    name = next(iter(report["hosts"]))
    assert html.render(report, {name: damage}).rstrip().endswith("</html>")
    assert "mail2" in terminal.render(report, width=80, color=False)


def test_nobody_to_explain() -> None:
    assert "explain_host" in terminal_why.render({}, width=80, color=False)


def test_the_page_stays_whole() -> None:
    for text in ("configuration.mda_config_fatal", HOSTILE):
        report = reported(text=text)
        page = Page(html.render(report, dict.fromkeys(report["hosts"], explained(text))))
        assert page.wrong == []
        assert len(page.all("script")) == 1
