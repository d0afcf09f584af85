# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML face: that it is whole, says what matters, asks nobody for anything, and runs nothing from outside."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

_VOID = frozenset(("br", "hr", "img", "input", "link", "meta", "rect"))


class _Page(HTMLParser):
    """Every element of a page with its attributes, its text, and whatever does not nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self._open[-1:]}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self) -> str:
        """What a reader sees, in one line."""
        return " ".join(" ".join(data for tag, data in self.texts if tag not in ("style", "script")).split())


def _policy(page: _Page) -> str:
    found = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert len(found) == 1
    return found[0] or ""


@pytest.mark.parametrize("name", samples.RECORDED)
def test_the_page_is_whole_and_needs_nobody(name: str) -> None:
    text = html.render(samples.load(name))
    page = _Page(text)
    assert page.wrong == []
    assert text.startswith("<!DOCTYPE html>\n")
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "form", "base"), tag
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "style", "srcset", "action")]
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"@import|url\(", text.partition("</style>")[0])


@pytest.mark.parametrize("name", samples.RECORDED)
def test_only_our_own_style_and_script_are_let_in(name: str) -> None:
    page = _Page(html.render(samples.load(name)))
    policy = _policy(page)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        inside = "".join(data for inside_of, data in page.texts if inside_of == tag)
        assert len(page.all(tag)) == 1
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_style_and_script_do_not_depend_on_the_report() -> None:
    assert _policy(_Page(html.render(samples.load("fleet")))) == _policy(_Page(html.render(samples.load("hostile"))))


def test_ids_are_unique_and_links_lead_somewhere() -> None:
    for report in (samples.load("fleet"), samples.crowd(1000, 2)):
        page = _Page(html.render(report))
        ids = [attributes["id"] for dummy, attributes in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert {(link["href"] or "")[1:] for link in page.all("a")} <= set(ids)
        named = [
            attributes["aria-labelledby"] for dummy, attributes in page.elements if "aria-labelledby" in attributes
        ]
        assert set(named) <= set(ids)


def test_it_is_made_for_everybody() -> None:
    page = _Page(html.render(samples.load("fleet")))
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))
    assert [chart.get("aria-label") for chart in page.all("svg")] == ["3 down, 1 degraded, 1 maintenance, 1 healthy"]
    levels = [int(tag[1]) for tag, dummy in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:]))


def test_a_fleet_in_trouble() -> None:
    text = _Page(html.render(samples.load("fleet"))).text()
    for phrase in (
        "✗ Down",
        "Vantage point dept-b could not be used",
        "The others still count.",
        "Cause 1 of 2: Dovecot is not running",
        "Do not flush the rule set.",
        "Barred remedies restart_daemon",
        "MAIL FROM is answered with 452 4.3.1 Insufficient system storage.",
        "disk.filesystems[2].available_bytes = 1843200",
        "smartctl is not installed",
        "Power state at the BMC",
        "What answers, and from where",
        "the host itself",
        "Certificate of mail1.example.net expires in 9 days",
    ):
        assert phrase in text
    assert text.index("Host by host") < text.index("Risks")


def test_a_segment_is_told_once() -> None:
    text = _Page(html.render(samples.load("segment"))).text()
    assert text.count("Hand over to the network people") == 1
    assert "Explains what is wrong with 4 hosts: mail1, mail2, mail3, mail4." in text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "\"'><svg onload=alert(1)>",
        "</style></script></title><!--",
        "{{ 7*7 }}{{ self.__init__.__globals__ }}{% include '/etc/passwd' %}{# x #}",
        "javascript:alert(1)",
        "\x1b[2J\x00\u202e\u2066\u200b",
        "<" * 1_000_000,
        "\ud800",
        "",
    ],
    ids=["script", "attribute", "breakout", "template", "link", "controls", "long", "surrogate", "empty"],
)
def test_text_from_outside_is_inert(text: str) -> None:
    report = samples.everywhere(samples.load("fleet"), text)
    report["hosts"][f"mail9{text}"] = copy.deepcopy(report["hosts"]["mail2"])
    shown = html.render(report)
    shown.encode("utf-8")
    page = _Page(shown)
    assert page.wrong == []
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert len(page.all("img")) == 0
    assert len(page.all("svg")) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown)
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    if "7*7" in text:
        assert "{{ 7*7 }}" in page.text()
        assert "root:" not in page.text()
    assert len(shown) < 2_000_000


@pytest.mark.parametrize(("sick_every", "most"), [(20, 1_500_000), (1, 4_000_000)])
def test_a_thousand_hosts_stay_a_few_megabytes(sick_every: int, most: int) -> None:
    shown = html.render(samples.crowd(1000, sick_every))
    page = _Page(shown)
    assert page.wrong == []
    assert len(shown.encode()) < most
    assert page.text().count("mx999.example.net") >= 1
    if sick_every > 1:
        assert "950 healthy hosts" in page.text()
    else:
        assert "and 600 more hosts" in page.text()


@pytest.mark.parametrize("report", [{}, {"run": [], "fleet": None, "hosts": {"x": 7, "y": {"findings": [[], {}]}}}])
def test_a_damaged_report_is_still_shown(report: dict[str, Any]) -> None:
    page = _Page(html.render(report))
    assert page.wrong == []
    assert "? Unknown" in page.text()
