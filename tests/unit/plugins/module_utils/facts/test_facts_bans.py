# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Banned addresses: what fail2ban says, sets of nftables, rules for one address."""

from __future__ import annotations

import json

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import banlists, bans, listeners
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    HOSTILE,
    Quiet,
    result,
    text,
)

NOW = 1795603100.0
MAIL = [25, 587, 143, 993, 110, 995, 4190]
SET = {"set": {"family": "inet", "table": "t", "name": "bad", "elem": []}}


def rule(verdict: str, ports: object = None, op: str = "==") -> dict:
    expr = [{"match": {"op": op, "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@bad"}}]
    if ports is not None:
        left = {"payload": {"protocol": "tcp", "field": "dport"}}
        expr.insert(0, {"match": {"op": "==", "left": left, "right": ports}})
    return {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [*expr, {verdict: None}]}}


def of(elements: list, *rules: dict) -> list[banlists.Entry]:
    entries = [{"set": {**SET["set"], "elem": elements}}, *rules]
    return banlists.of_nft(json.dumps({"nftables": entries}), NOW)


def test_what_fail2ban_made_of_nftables() -> None:
    (entry,) = banlists.of_nft(text("nft-fail2ban.json"), NOW)
    assert (entry.address, entry.name, sorted(entry.ports)) == ("198.51.100.139", "addr-set-dovecot", sorted(MAIL))


@pytest.mark.parametrize(
    ("element", "address"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ({"prefix": {"addr": "192.0.2.0", "len": 25}}, "192.0.2.0/25"),
        ({"range": ["192.0.2.0", "192.0.2.127"]}, "192.0.2.0/25"),
        ({"range": ["192.0.2.1", "192.0.2.127"]}, None),
        ({"elem": {"val": "2001:db8::1", "timeout": 600, "expires": 500}}, "2001:db8::1"),
        ({"concat": ["192.0.2.9", 25]}, None),
        (7, None),
    ],
)
def test_elements(element: object, address: str | None) -> None:
    assert [entry.address for entry in of([element], rule("drop"))] == ([] if address is None else [address])


def test_times_of_elements() -> None:
    (entry,) = of([{"elem": {"val": "192.0.2.9", "timeout": 600, "expires": 500}}], rule("reject"))
    assert (entry.since, entry.until) == (NOW - 100, NOW + 500)


@pytest.mark.parametrize(
    "harmless",
    [rule("accept"), rule("drop", op="!="), rule("drop", ports=80), rule("drop", ports={"set": [80, 443]}), {}],
)
def test_sets_that_ban_nobody_from_mail(harmless: dict) -> None:
    assert of(["192.0.2.9"], harmless) == []


def test_ports_by_range() -> None:
    (entry,) = of(["192.0.2.9"], rule("drop", ports={"range": [100, 200]}))
    assert entry.ports == [143, 110]


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"nftables": {"a": 1}}', '{"nftables": [1, {"rule": 3}]}', HOSTILE])
def test_rubbish_bans_nobody(said: str) -> None:
    assert banlists.of_nft(said, NOW) == []


def test_words_of_fail2ban() -> None:
    said = "[{'sshd': []}, {'dovecot': ['198.51.100.139', '2001:db8::1']}]\n"
    assert bans.parse_banned(said) == {"sshd": [], "dovecot": ["198.51.100.139", "2001:db8::1"]}
    for rubbish in ("", "Sorry", "__import__('os')", "[" * 500):
        with pytest.raises(ValueError, match="no list of jails"):
            bans.parse_banned(rubbish)


def test_times_of_fail2ban() -> None:
    said = (
        "198.51.100.139 \t2026-11-25 10:32:35 + 600 = 2026-11-25 10:42:35\n192.0.2.9 \t2026-11-25 10:32:35 + -1 = 9999"
    )
    found = bans.parse_times(said)
    since, until = found["198.51.100.139"]
    assert until - since == 600 and found["192.0.2.9"] == (since, None)
    assert bans.parse_times("192.0.2.9 \t2026-99-25 10:32:35 + 600 = x") == {}


class TestCollect:
    def collect(self, tmp_path, monkeypatch, addresses: list[str], client: object = None) -> dict:
        (tmp_path / "run" / "fail2ban").mkdir(parents=True)
        (tmp_path / "run" / "fail2ban" / "fail2ban.sock").touch()
        monkeypatch.setattr(bans._run, "find_program", lambda name: "/usr/bin/" + name)
        answers = {
            "fail2ban-client banned": client or result("[{'dovecot': ['198.51.100.139', '203.0.113.5']}]"),
            "fail2ban-client get": result("198.51.100.139 \t2026-11-25 10:37:02 + 3600 = 2026-11-25 11:37:02\n"),
            "nft": result(text("nft-fail2ban.json")),
        }
        self.context = Quiet(answers, root=str(tmp_path), options={"addresses": addresses})
        return bans.collect(self.context)

    def test_joined(self, tmp_path, monkeypatch) -> None:
        found = self.collect(tmp_path, monkeypatch, ["198.51.100.139", "192.0.2.2"])
        assert (found["fail2ban"], found["filter_status"], found["total"]) == ("ok", "ok", 2)
        first = found["entries"][0]
        assert first["address"] == "198.51.100.139" and first["asked"] == ["198.51.100.139"]
        assert "fail2ban dovecot" in first["by"] and "nft addr-set-dovecot" in first["by"]
        assert first["until"] - first["since"] == 3600
        assert found["entries"][1]["asked"] == []

    def test_a_network_is_asked_for(self, tmp_path, monkeypatch) -> None:
        found = self.collect(tmp_path, monkeypatch, ["198.51.100.128/25", "nonsense"])
        assert found["entries"][0]["asked"] == ["198.51.100.128/25"]

    def test_fail2ban_that_does_not_answer(self, tmp_path, monkeypatch) -> None:
        found = self.collect(tmp_path, monkeypatch, [], result(rc=None, status="timeout"))
        assert found["fail2ban"] == "failed" and found["total"] == 1
        assert self.context.notes("bans") == ["fail2ban: timeout"]

    def test_nobody_asked_costs_no_look_at_the_times(self, tmp_path, monkeypatch) -> None:
        self.collect(tmp_path, monkeypatch, [])
        assert ["fail2ban-client", "get"] not in [argv[:2] for argv in self.context.asked]


def test_not_installed() -> None:
    context = Quiet(looks={listeners.packet_filter: ([], "absent"), bans.fail2ban: ({}, "absent")})
    wanted = {"fail2ban": "absent", "filter_status": "absent", "jails": [], "total": 0, "entries": []}
    assert bans.collect(context) == wanted
