# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values of a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import values


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z"),
        ("2026-03-01T09:00:00.123456+01:00", "2026-03-01T08:00:00Z"),
        ("2026-03-01T03:30:00.000-0430", "2026-03-01T08:00:00Z"),
        ("2026-03-01 08:00:00", "2026-03-01T08:00:00"),
        ("2026.03.01 08:00", "2026-03-01T08:00:00"),
        ("2026-03-01", "2026-03-01T00:00:00"),
        (1772352000, "2026-03-01T08:00:00Z"),
        ("1772352000", "2026-03-01T08:00:00Z"),
        (1772352000123, "2026-03-01T08:00:00Z"),
        (1772352000.9, "2026-03-01T08:00:00Z"),
        ("2026-02-30", None),
        ("yesterday", None),
        ("9" * 5000, None),
        ("٢٠٢٦-٠٣-٠١", None),
        (True, None),
        (None, None),
        ({}, None),
        (12, None),
    ],
)
def test_moments(given: Any, wanted: str | None) -> None:
    assert values.moment(given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("alice@example.com", "alice@example.com"),
        ("Alice Dummy <alice@example.com>", "alice@example.com"),
        (["alice@example.com", "bob@example.com"], "alice@example.com"),
        ("198.51.100.7", "198.51.100.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("alice", ""),
        ("a@b\nc", ""),
        ("-oProxyCommand=x", ""),
        ("x" * 300 + "@example.com", ""),
        (None, ""),
        ({}, ""),
    ],
)
def test_addresses(given: Any, wanted: str) -> None:
    assert values.address(given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("https://example.com/t/1?a=b", "https://example.com/t/1?a=b"),
        ("javascript:alert(1)", ""),
        ("http://user:secret@example.com/", ""),
        ("https://example.com/a b", ""),
        ('https://example.com/"onload', ""),
        ("https://example.com/\x1b[2J", ""),
        ("https://[", ""),
        ("file:///etc/passwd", ""),
        (7, ""),
    ],
)
def test_links(given: Any, wanted: str) -> None:
    assert values.link(given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("mail1", ["mail1"]),
        ("mail1, mail2;mail3 mail1", ["mail1", "mail2", "mail3"]),
        ("https://mail1.example.com:9115/probe?x=1", ["mail1.example.com"]),
        ("mail1:9100", ["mail1"]),
        ("[2001:db8::1]:25", ["2001:db8::1"]),
        ("2001:db8::1", ["2001:db8::1"]),
        (["mail1", None, {"a": 1}, "mail2"], ["mail1", "mail2"]),
        ({"name": "mail1"}, []),
        (None, []),
    ],
)
def test_names_of_hosts(given: Any, wanted: list[str]) -> None:
    assert values.hosts(given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("POP3", ["pop3"]),
        (["imaps", "smtp"], ["imap", "smtp"]),
        ("POP, Submission", ["pop3", "submission"]),
        ("gopher", []),
        (25, []),
    ],
)
def test_protocols(given: Any, wanted: list[str]) -> None:
    assert values.protocols(given) == wanted


def test_meanings() -> None:
    assert values.meaning("severity", "  Very  HIGH ", {}) == "critical"
    assert values.meaning("severity", ["mail", "high"], {}) == "major"
    assert values.meaning("severity", 2.0, {"2": "critical"}) == "critical"
    assert values.meaning("severity", "high", {"high": "info"}) == "info"
    assert values.meaning("state", "Resolved", {}) == "closed"
    assert values.meaning("state", "ajar", {}) is None
    assert values.meaning("state", {"name": "open"}, {}) is None


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("<p>a</p><p>b<br/>c</p>", "a\n\nb\nc"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("Alice <alice@example.com> says", "Alice <alice@example.com> says"),
        ("<style>p {}</style>a<script>alert(1)</script>b", "ab"),
        ("a<!-- hidden -->b", "ab"),
        ("&lt;p&gt;a&amp;lt;b&lt;/p&gt;", "a<b"),
        ("a<img src=x onerror='alert(1)'>b", "ab"),
        ("a <b", "a <b"),
        ("a <script>never ends", "a"),
    ],
)
def test_html_becomes_text(given: str, wanted: str) -> None:
    assert values.body(given, True) == wanted


def test_plain_text_keeps_what_looks_like_html() -> None:
    assert values.body("a <b>c</b>", False) == "a <b>c</b>"


@pytest.mark.parametrize(
    ("told", "text", "wanted"),
    [
        ("ja", "x", "ja"),
        ("ja_JP", "x", "ja"),
        ("English", "メール", "en"),
        ("de", "Hallo", None),
        (None, "メールが届きません", "ja"),
        (None, "No mail", None),
        (["ja"], "x", None),
    ],
)
def test_languages(told: Any, text: str, wanted: str | None) -> None:
    assert values.language(told, text) == wanted
