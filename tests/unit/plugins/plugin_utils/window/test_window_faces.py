# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the week on a terminal, in ASCII and as HTML; and what becomes of damage."""

from __future__ import annotations

import datetime
import html.parser
import re

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html_window, terminal_window
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import (
    epoch,
    office,
    propose,
    week,
)

NOW = epoch("2026-11-25T12:00")
EVIL = "<script>alert(1)</script> {{ 7*7 }} \x1b[31m\u202e"


def shape(local: datetime.datetime) -> int:
    return office(local) // (4 if local.weekday() >= 5 else 1)


@pytest.fixture(name="found", scope="module")
def _found() -> dict:
    weeks = {"mx1": week(shape, NOW), "mx2": week(shape, NOW)}
    return propose(weeks, NOW, groups={"mx": ["mx1", "mx2"]}, not_after="2026-11-29T12:00")


WIDE = """\
     00  02  04  06  08  10  12  14  16  18  20  22
 Mon ....      ....##########################........
 Tue ....      ....##########################........
 Wed ....      ....##########################........
 Thu ....()()  ....##########################........
 Fri ....      ....##########################........
 Sat     [][]      ::::::::::::::::::::::::::
 Sun     ()()      ::::::::::::::::::::::::::
     quiet ' .:+#' busy  |  [] proposed  |  () next best
"""


def test_the_picture(found: dict):
    assert terminal_window.picture(found) == WIDE


def test_on_a_terminal(found: dict):
    plain = terminal_window.render(found, width=100, color=False)
    assert " Sat     [][]      ▒▒▒▒" in plain and "\x1b" not in plain
    assert "Proposed    Sat 2026-11-28 02:00 - 04:00 CET" in plain
    assert "Confidence  high: this time of the week was seen 4 times, in 27 whole days of log" in plain
    assert "Sat 2026-11-28 03:00 - 04:00 CET mx2 (mx)" in " ".join(plain.split())
    colored = terminal_window.render(found, width=100, color=True)
    assert "\x1b[1;32m[]\x1b[0m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain


@pytest.mark.parametrize("width", [30, 40, 57, 80, 160])
def test_no_line_is_wider_than_the_terminal(found: dict, width: int):
    text = terminal_window.render(found, width=width, color=False, ascii_only=True)
    assert max(map(len, text.splitlines())) <= width and text.isascii()
    assert (" Sat   XX   :::::::::::::" if width < 53 else " Sat     [][]      ::::") in text


def test_many_hosts_are_counted(found: dict):
    slots = [{**found["windows"][0]["slots"][0], "host": f"h{number}"} for number in range(300)]
    crowd = {**found, "windows": [{**found["windows"][0], "slots": slots}]}
    assert "and 288 more hosts" in terminal_window.render(crowd, width=80, color=False)
    assert " h299" not in terminal_window.render(crowd, width=80, color=False)
    assert "and 100 more hosts" in html_window.page(crowd)


def test_without_any_log():
    nothing = propose({"mail1": {"hours": []}}, NOW)
    text = terminal_window.render(nothing, width=80, color=False)
    assert "no window can be proposed" in " ".join(text.split()) and " Mon " not in text
    assert "<svg" not in html_window.page(nothing) and "No window can be proposed" in html_window.page(nothing)


class Page(html.parser.HTMLParser):
    """What stands in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag


def test_as_a_page(found: dict):
    text = html_window.page(found)
    page = Page(text)
    assert page.open == []
    cells = [attributes for tag, attributes in page.tags if tag == "rect"]
    assert len([one for one in cells if "class" not in one]) == 7 * 24
    # Two hours each.
    assert [sum(one.get("class") == f"place-{place}" for one in cells) for place in (1, 2, 3)] == [2, 2, 2]
    marked = next(one for one in cells if one.get("class") == "place-1")
    assert (marked["x"], marked["y"]) == (str(32 + 2 * 20 - 1), str(18 + 5 * 20 - 1))
    # Five messages, a login and a tenth of ten connections, on two hosts.
    assert "<title>Sat 02:00: about 14 messages and logins; the proposed window</title>" in text
    assert "Content-Security-Policy" in text and "style=" not in text and "<script" not in text


def test_a_fragment_has_nothing_that_a_strict_page_forbids(found: dict):
    fragment = str(html_window.fragment(found))
    assert fragment in html_window.page(found)
    assert not re.search(
        r"<(?!/?(?:figure|svg|g|text|rect|title|figcaption|section|h3|p|b|ul|li|table|thead|tbody|tr|th|td)\b)",
        fragment,
    )
    assert not re.search(r"\s(?:style|on\w+|href|src)=", fragment)


def test_hostile_text_stays_text(found: dict):
    window = {**found["windows"][0], "text": EVIL, "why": [EVIL], "confidence": {"level": EVIL, "because": [EVIL]}}
    window["slots"] = [{**slot, "host": EVIL, "text": EVIL, "groups": [EVIL]} for slot in window["slots"]]
    evil = {**found, "timezone": EVIL, "why": [EVIL], "held": [EVIL], "windows": [window]}
    for text in (html_window.page(evil), terminal_window.render(evil, width=80, color=False)):
        assert "{{ 7*7 }}" in text
        assert "\x1b" not in text and "\u202e" not in text
    assert "<script" not in html_window.page(evil) and "&lt;script&gt;" in html_window.page(evil)


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"heat": "x", "windows": "y", "why": 7},
        {
            "heat": [[1, None, "x", float("nan"), -3, 1e999]],
            "windows": [None, 7, {"cells": [[1], "x", [1, 2, 3], [None, 1]]}],
        },
        {"heat": [[0] * 24] * 7, "windows": [{"slots": [None, {}], "confidence": [], "expected": {"logins": "x"}}]},
    ],
)
def test_a_damaged_proposal_is_shown_as_far_as_it_goes(damage: dict):
    assert Page(html_window.page(damage)).open == []
    assert "Patch window" in terminal_window.render(damage, width=80, color=False)
    assert terminal_window.picture(damage).count("\n") >= 8
