# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done, what was not and why, as a person reads it: before it is done, and afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import (
    html,
    terminal,
    terminal_plan,
    terminal_watch,
)
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

HOSTILE = "<script>alert(1)</script>\x1b[31m{{ 7 * 7 }}"
MANNER: dict[str, Any] = {"width": 100, "color": False}


def action(**more: Any) -> dict[str, Any]:
    """A restart that helped; what is given replaces that."""
    found = {"action": "restart_daemon", "subject": "dovecot.service", "finding": "software.mda_hung", "state": "done"}
    found.update(why="restarted", before={"active": "hung"}, after={"active": "active"}, retry_at=None, notes=[])
    found.update(steps=[{"at": 1.0, "what": "stop", "result": "gone after 2 s"}], started=100.0, finished=104.0)
    found.update(evidence=["evidence/mail2/journal.txt", "evidence/mail2/unit.txt"], code="", proof=None)
    return {**found, **more}


def faces(*actions: dict[str, Any]) -> tuple[str, str]:
    """The terminal's text in one line, and the page, of a fleet with these actions on one host."""
    report = samples.load("fleet")
    for host in report["hosts"].values():
        host["actions"] = []
    report["hosts"]["mail2"]["actions"] = list(actions)
    return " ".join(terminal.render(report, **MANNER).split()), html.render(report)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "done restart_daemon dovecot.service: restarted"),
        ({"state": "refused", "why": "mail2 is in maintenance"}, "refused to do restart_daemon dovecot.service"),
        ({"state": "nothing", "why": "it runs"}, "nothing to do for restart_daemon dovecot.service: it runs"),
        ({"proof": {"state": "proved", "healed_after": 4.2}}, "works again after 4.2 s"),
        ({"proof": {"state": "proved", "healed_after": 4.2, "watched_s": 600}}, "held for the 10 min 0 s"),
        ({"proof": {"state": "proved", "by": "diagnosis"}}, "the diagnosis finds it mended"),
        ({"proof": {"state": "not_healed", "why": "imap did not answer"}}, "did not cure it: imap did not answer"),
        ({"proof": {"state": "relapsed", "relapse_at": 0}}, "fell over at 1970-01-01 00:00:00 UTC"),
        ({"state": "refused", "retry_at": 60.0}, "tried again at 1970-01-01 00:01:00 UTC"),
        ({}, "evidence/mail2/journal.txt"),
        ({"notes": ["Monit watches this host"]}, "Monit watches this host"),
        ({"state": "failed"}, "gone after 2 s"),
    ],
)
def test_both_faces_tell_it(more: dict[str, Any], words: str) -> None:
    shown, page = faces(action(**more))
    assert words in shown
    for part in words.replace("restart_daemon ", "|").replace("dovecot.service: ", "|").split("|"):
        assert part.replace("dovecot.service", "").strip() in page


def test_the_head_counts_them() -> None:
    shown, page = faces(action(), action(), action(state="refused"), action(state="planned"))
    assert "Remedies: 2 done, 1 refused, 1 not done yet" in shown
    assert "2 done, 1 refused, 1 not done yet" in page
    assert "Remedies" not in faces()[0]


@pytest.mark.parametrize(
    "wrong", [None, 7, "x", [], {"steps": 3, "proof": [], "evidence": {}, "state": {}, "retry_at": "x"}]
)
def test_a_damaged_action_spoils_nothing(wrong: Any) -> None:
    shown, page = faces(wrong, action())
    assert "done restart_daemon dovecot.service" in shown
    assert "dovecot.service" in page


def test_hostile_words_are_only_words() -> None:
    steps = [{"at": None, "what": HOSTILE, "result": HOSTILE}]
    texts = dict.fromkeys(("subject", "why", "finding"), HOSTILE)
    shown, page = faces(action(**texts, steps=steps, notes=[HOSTILE], evidence=[HOSTILE], before={HOSTILE: HOSTILE}))
    assert "\x1b" not in shown and "\x1b" not in page
    assert "<script>alert(1)" not in page
    assert "{{ 7 * 7 }}" in page and "{{ 7 * 7 }}" in shown


def item(**more: Any) -> dict[str, Any]:
    found = {"action": "restart_daemon", "subject": "dovecot.service", "findings": ["software.mda_hung"]}
    return {**found, "args": {"service": "dovecot.service", "how": "restart"}, "state": "go", "why": "safe", **more}


def test_a_plan_says_what_will_be_done_and_what_not() -> None:
    plans = {"mail2": [item(), item(state="refused", why="the disk is full")], "mail3": [item(state="ask", why="asks")]}
    shown = " ".join(terminal_plan.render(plans, live=True, check=False, **MANNER).split())
    assert "1 to do, 1 to ask, 1 not done" in shown
    assert "Will do mail2: restart_daemon dovecot.service (how=restart) for software.mda_hung" in shown
    assert "because the disk is full" in shown
    assert "To do what asks: -e remediate_auto=all -l mail3" in shown
    question = terminal_plan.question(plans)
    assert "mail3: restart_daemon dovecot.service" in question and "mail2" not in question
    assert terminal_plan.question({"mail2": [item()]}) == ""


def test_a_plan_with_nothing_in_it_says_so() -> None:
    assert "nothing to be done" in terminal_plan.render({}, live=True, check=False, **MANNER)


def test_no_line_of_a_plan_is_longer_than_the_terminal() -> None:
    plans = {"メール" * 30: [item(subject=HOSTILE * 9, why=HOSTILE * 30, args={HOSTILE: HOSTILE})]}
    for width in (30, 60, 160):
        shown = terminal_plan.render(plans, live=True, check=True, width=width, color=False, ascii_only=True)
        assert max(map(len, shown.splitlines())) <= width
        assert "\x1b" not in shown


def test_a_watch_tells_who_was_down_and_for_how_long() -> None:
    outage = {"protocol": "imap", "seen_from": "controller", "outcome": "refused", "from": 0.0, "to": 12.0}
    other = {**outage, "protocol": "pop3"}
    fell = {"mail2": {"downtime": {"imap": 12.0, "pop3": 12.0}, "outages": [outage, other]}}
    watch = {"seconds": 60.0, "looks": 9, "hosts": fell}
    shown = " ".join(terminal_watch.render(watch, ["mail1", "mail2"], **MANNER).split())
    assert "2 hosts, 60 s, 9 looks" in shown
    assert "mail2 down: imap 12 s, pop3 12 s" in shown
    assert "imap pop3 refused from controller" in shown
    assert "answered all the time" in terminal_watch.render({**watch, "hosts": {}}, ["mail1"], **MANNER)
