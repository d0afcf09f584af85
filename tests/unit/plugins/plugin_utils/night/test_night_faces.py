# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan and the report of a night as text and as a page, also when hosts say hostile things."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html_night, terminal_night
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import columns
from ansible_collections.mailops.triage.plugins.plugin_utils._night import answers, fleet, gate, progress, summary

NOW = 1_800_000_000.0
HOSTILE = "<script>alert(1)</script>\x1b[31m{{ 7*7 }}\u202e"
MANNER = {"width": 80, "color": False}


def night(word: str = "it broke") -> dict[str, Any]:
    """A night with a host of every end."""
    names = ["done", "back", "failed", "left", "idle", "open"]
    made = fleet.new("night-1", NOW, names, {name: {"groups": ["g"], "roles": ["mta"]} for name in names}, {})
    made["runs"].append({})
    pending = {"package": "postfix", "installed": "1", "candidate": "2", "security": True, "mail_path": True}
    for name in names:
        listed = {"pending": [] if name == "idle" else [pending, {**pending, "package": word}]}
        progress.enter(made, name, answers.step("listed", listed, NOW, NOW), listed, NOW)
    fleet.plan(made, {"left"}, "1")
    for name in ("done", "back", "failed", "open"):
        for step in ("maintenance", "applied"):
            answer = {"changed": True, "changed_packages": [{"package": "postfix", "from": "1", "to": "2"}]}
            answer.update(conffiles_left=[word], reboot={"advised": [word]}, log=word * 3)
            if name in ("back", "failed") and step == "applied":
                answer.update(failed=True, msg=word)
            progress.enter(made, name, answers.step(step, answer, NOW, NOW + 63), answer, NOW)
    progress.enter(made, "back", answers.step("rolled_back", {"changed": True}, NOW, NOW), {}, NOW)
    for name in ("done", "back"):
        before = {"look": "x", "name": name, "verdict": "healthy", "summary": "", "roots": []}
        made["hosts"][name].update(before=before, after=before, judged={"verdict": "same", "why": [], "notes": [word]})
    for name in ("done", "back", "failed"):
        progress.close(made, name, NOW)
    return made


def report(word: str = "it broke") -> dict[str, Any]:
    outage = {"protocol": "smtp", "seen_from": "out", "from": NOW, "to": NOW + 31.5, "outcome": "refused"}
    series = {"began": NOW, "last": NOW + 300, "every": 2.0, "longest_gap": 3.1, "looks": 140}
    series.update(outages={"done": [outage]}, well={"done": {"out": ["smtp"]}, "back": {"out": ["smtp"]}})
    made = night(word)
    summary.end(made, NOW)
    return summary.make(made, [series], NOW, NOW + 86400, False)


def test_every_end_is_told() -> None:
    found = report()
    assert found["counts"] == {
        "done": 1,
        "nothing": 1,
        "left": 1,
        "rolled_back": 1,
        "failed": 1,
        "begun": 1,
        "planned": 0,
    }
    text = terminal_night.render(found, **MANNER)
    for word in (
        "failed",
        "went back",
        "left",
        "done",
        "begun and not ended",
        "smtp 32 s",
        "advised",
        "go back by hand",
    ):
        assert word in " ".join(text.split()), text
    assert "at every look at least one member answered: smtp" in " ".join(text.split())
    assert "The next window begins 2027-01-16 08:00:00 UTC" in text
    page = html_night.render(found)
    for name in found["hosts"]:
        assert f"<h3>{name}</h3>" in page


@pytest.mark.parametrize("width", [30, 44, 80, 160])
def test_no_line_is_too_long_and_nothing_is_coloured_unasked(width: int) -> None:
    for text in (
        terminal_night.render(report(HOSTILE), width=width, color=False),
        terminal_night.plan(night(HOSTILE), gate="the window is over", check=False, width=width, color=False),
    ):
        assert "\x1b" not in text and "\u202e" not in text
        assert max(columns(line) for line in text.splitlines()) <= width
    assert terminal_night.render(report("メール"), width=60, color=False, ascii_only=True).isascii()
    assert "\x1b[" in terminal_night.render(report(), width=80, color=True)


def test_what_hosts_say_is_never_markup() -> None:
    page = html_night.render(report(HOSTILE))
    assert "<script" not in page and "\x1b" not in page and html.escape("<script>alert(1)") in page
    assert "49" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S) and "{{ 7*7 }}" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_a_group_that_was_away_is_told_in_red() -> None:
    found = report()
    found["groups"] = {"g": {"smtp": 4.5, "imap": 0.0}}
    text = terminal_night.render(found, **MANNER)
    assert "no member answered: smtp 4.5 s" in text and "imap" not in text.split("Redundancy groups")[1]


def test_the_plan_names_what_is_frozen_and_who_is_alone() -> None:
    made = night()
    made["hosts"]["done"]["groups"] = []
    text = terminal_night.plan(made, gate="", check=True, **MANNER)
    assert "check mode" in text and "postfix 1 → 2" in text and "Nobody is known to stand in for done" in text
    assert "it is held back by the rules of the window" in " ".join(text.split())


def test_check_mode_says_so_and_tells_of_no_downtime() -> None:
    made = night()
    found = summary.make(made, [], NOW, None, True)
    assert found["groups"] == {} and "Check mode" in terminal_night.render(found, **MANNER)


def test_the_report_is_plain_json_and_small() -> None:
    made = night()
    gate.stop(made, "failed", "x", NOW)
    text = json.dumps(summary.make(made, [], NOW, None, False))
    assert len(text) < 32768
