# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts an event is about: only ever some of those that may be chosen."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._intake import knowledge
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.understand import understand
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.choose import Choice, Host, Point, hosts, points

WORDS = knowledge.load([ROOT / "rules"])
FLEET = [
    Host("mail1", "192.0.2.11", "berlin", ("mta", "submission")),
    Host("mail2.example.com", "192.0.2.12", "berlin", ("imap", "pop3")),
    Host("mail3.example.com", "2001:db8::3", "osaka", ("imap",)),
    Host("mail", "mail.example.com", "osaka", ("mta",)),
    Host("nameless", "", "", ("mta",)),
]
EVERYBODY = [host.name for host in FLEET]


def choice(text: str = "", named: list[str] | None = None, site: str = "", protocols: Any = ()) -> Choice:
    """Choose for an event with these fields."""
    event = {"title": "", "text": text, "site": site, "protocols": list(protocols)}
    return hosts(event, named or [], understand(text, WORDS)["statements"], FLEET)


@pytest.mark.parametrize(
    ("named", "wanted", "unknown"),
    [
        (["mail1"], ["mail1"], []),
        (["MAIL1"], ["mail1"], []),
        (["mail1.example.com"], ["mail1"], []),
        (["mail2"], ["mail2.example.com"], []),
        (["mail2.example.com."], ["mail2.example.com"], []),
        (["192.0.2.12"], ["mail2.example.com"], []),
        (["2001:db8::3"], ["mail3.example.com"], []),
        (["mail"], ["mail"], []),
        (["mail1", "gone"], ["mail1"], ["gone"]),
        (["gone"], EVERYBODY, ["gone"]),
        ([".", ".example.com", "-"], EVERYBODY, [".", ".example.com", "-"]),
        (["all", "*", "mail*", "~mail", "!mail1", "mail1:&mail2"], EVERYBODY, None),
        (["localhost", "127.0.0.1", "192.0.2.99"], EVERYBODY, ["localhost", "127.0.0.1", "192.0.2.99"]),
    ],
)
def test_names_in_the_field_for_hosts(named: list[str], wanted: list[str], unknown: list[str] | None) -> None:
    found = choice(named=named)
    assert found.hosts == wanted
    assert found.unknown == (named if unknown is None else unknown)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mail1 is down", ["mail1"]),
        ("mail1が応答しません", ["mail1"]),
        ("Host: mail1:25, mail2.", ["mail1", "mail2.example.com"]),
        ("see https://mail2.example.com/x", ["mail2.example.com"]),
        ("from 192.0.2.12: refused", ["mail2.example.com"]),
        ("from 2001:db8::3 too", ["mail3.example.com"]),
    ],
)
def test_names_in_the_text(text: str, wanted: list[str]) -> None:
    assert choice(text).hosts == wanted
    assert choice(text).named == wanted


@pytest.mark.parametrize(
    "text",
    [
        "mail does not work",
        "my mail1x and xmail1 and mail11 and webmail1",
        "write to alice@mail1 or bob@mail2.example.com",
        "mail1.attacker.test",
        "192.0.2.123",
        "127.0.0.1",
    ],
)
def test_words_that_name_no_host(text: str) -> None:
    found = choice(text)
    assert found.hosts == EVERYBODY and found.named == []


def test_a_stranger_with_our_domain_is_told() -> None:
    assert choice("mail9.example.com and mail2.example.com").unknown == ["mail9.example.com"]
    assert choice("alice@example.com, www.elsewhere.test").unknown == []


def test_by_site_and_by_protocol() -> None:
    assert choice(site="Osaka").hosts == ["mail3.example.com", "mail"]
    assert choice(site="nowhere").hosts == EVERYBODY
    assert choice(protocols=["pop3"]).hosts == ["mail2.example.com"]
    assert choice(protocols=["sieve"]).hosts == EVERYBODY
    assert choice(site="osaka", protocols=["imap"]).hosts == ["mail3.example.com"]
    # The site has no such host: then all that it has.
    assert choice(site="osaka", protocols=["pop3"]).hosts == ["mail3.example.com", "mail"]


def test_by_what_the_symptom_says() -> None:
    assert choice("The POP server does not respond").hosts == ["mail2.example.com"]
    assert choice("POPサーバが応答しません").hosts == ["mail2.example.com"]
    # Where a message got lost, any host may be the one.
    assert choice("I cannot receive mail").hosts == EVERYBODY
    assert choice("something is strange").hosts == EVERYBODY


def test_nothing_that_is_written_chooses_a_stranger() -> None:
    text = " ".join(f"mail{number}.example.com 10.0.0.{number}" for number in range(1, 250))
    found = choice(text, named=[f"x{number}" for number in range(500)])
    assert set(found.hosts) <= set(EVERYBODY)
    assert len(found.unknown) <= 20


POINTS = [
    Point("branch", "osaka", ("198.51.100.0/24",)),
    Point("depot", "berlin", ("203.0.113.0/24", "2001:db8:1::/48")),
    Point("hall", "", ()),
]


@pytest.mark.parametrize(
    ("site", "address", "wanted", "inside"),
    [
        ("", "198.51.100.9", ["branch"], ["branch"]),
        ("", "2001:db8:1::9", ["depot"], ["depot"]),
        ("Berlin", "", ["depot"], []),
        ("berlin", "198.51.100.9", ["branch", "depot"], ["branch"]),
        ("", "alice@example.com", [], []),
        ("", "192.0.2.1", [], []),
        ("", "", [], []),
    ],
)
def test_vantage_points(site: str, address: str, wanted: list[str], inside: list[str]) -> None:
    assert points({"site": site, "reporter": {"address": address}}, POINTS) == (wanted, inside)
