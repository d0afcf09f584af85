# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: canaries first, nobody twice, never two of one group, whatever the fleet looks like."""

from __future__ import annotations

import random

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._night import batches
from ansible_collections.mailops.triage.plugins.plugin_utils._night.batches import Host


def host(name: str, group: str = "", *roles: str) -> Host:
    return Host(name, frozenset({group} - {""}), frozenset(roles or ("mta",)))


def test_one_canary_for_each_role() -> None:
    fleet = [
        host("mx1", "mx", "mta"),
        host("mx2", "mx", "mta"),
        host("store1", "store", "imap"),
        host("store2", "store", "imap"),
        host("relay", "", "submission"),
    ]
    made = batches.make(fleet, {one.name for one in fleet}, "10")
    assert [one.hosts for one in made] == [("mx1", "store1"), ("mx2", "store2", "relay")]
    assert [one.name for one in made] == ["canary", "batch 1"]


def test_a_host_that_has_all_roles_is_canary_enough() -> None:
    fleet = [host("a", "g", "mta", "imap"), host("b", "g", "mta", "imap"), host("c", "", "mta")]
    assert batches.make(fleet, {"a", "b", "c"}, "10")[0].hosts == ("a",)


def test_who_is_alone_in_a_role_is_no_canary() -> None:
    fleet = [host("only", "", "imap", "mta"), host("mx1", "mx", "mta"), host("mx2", "mx", "mta")]
    assert batches.make(fleet, {"only", "mx1", "mx2"}, "10")[0].hosts == ("mx1",)


def test_where_everybody_is_alone_one_goes_first() -> None:
    fleet = [host("a", "", "mta"), host("b", "", "imap")]
    assert [one.hosts for one in batches.make(fleet, {"a", "b"}, "10")] == [("a",), ("b",)]


def test_hosts_without_work_count_for_the_roles_and_come_in_no_batch() -> None:
    fleet = [host("a", "g"), host("b", "g")]
    assert [one.hosts for one in batches.make(fleet, {"b"}, "10")] == [("b",)]
    assert batches.make(fleet, set(), "10") == []


@pytest.mark.parametrize("seed", range(60))
def test_the_rules_hold_for_any_fleet(seed: int) -> None:
    dice = random.Random(seed)
    roles = ["mta", "imap", "pop3", "submission"]
    fleet = [
        Host(
            f"h{number}",
            frozenset({dice.choice(["", "a", "b", "c"])} - {""}),
            frozenset(dice.sample(roles, dice.randint(1, 3))),
        )
        for number in range(dice.randint(1, 40))
    ]
    working = {one.name for one in fleet if dice.random() < 0.8}
    at_once = dice.choice(["1", "3", "10%", "25%", "100%"])
    made = batches.make(fleet, working, at_once)
    assert sorted(name for batch in made for name in batch.hosts) == sorted(working)
    known = {one.name: one.groups for one in fleet}
    most = len(working) * int(at_once[:-1]) // 100 if at_once.endswith("%") else int(at_once)
    for batch in made:
        groups = [group for name in batch.hosts for group in known[name]]
        assert len(groups) == len(set(groups))
        assert batch.hosts and (batch.name == "canary" or len(batch.hosts) <= max(1, most))
    assert not made or made[0].name == "canary"


def test_who_is_in_two_groups_is_apart_from_both() -> None:
    fleet = [
        Host("a", frozenset({"mx", "store"}), frozenset({"mta"})),
        Host("b", frozenset({"mx"}), frozenset({"mta"})),
        Host("c", frozenset({"store"}), frozenset({"mta"})),
    ]
    made = batches.make(fleet, {"a", "b", "c"}, "10")
    together = [set(one.hosts) for one in made]
    assert not any("a" in one and len(one) > 1 for one in together) and {"b", "c"} in together


@pytest.mark.parametrize("word", ["0", "many", "-1", "25 %%", "", "0%"])
def test_nonsense_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="at_once"):
        batches.make([host("a")], {"a"}, word)
