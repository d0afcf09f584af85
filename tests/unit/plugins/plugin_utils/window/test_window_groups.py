# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redundancy groups: their members one after the other, each at the time that is best for it."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._window import groups
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import (
    HOUR,
    epoch,
    office,
    propose,
    week,
)

NOW = epoch("2026-11-25T12:00")
TONIGHT = {"not_before": "2026-11-26T00:00", "not_after": "2026-11-26T12:00"}


def slots(found: dict) -> dict[str, str]:
    """When each host is worked at in the best window."""
    return {slot["host"]: slot["text"][15:] for slot in found["windows"][0]["slots"]}


def quiet(*hours: int, busy: int = 500):
    def shape(local: datetime.datetime) -> int:
        return 10 if local.hour in hours else busy

    return shape


def test_an_mx_pair_is_staggered():
    weeks = {"mx1": week(quiet(2), NOW), "mx2": week(quiet(3), NOW)}
    found = propose(weeks, NOW, groups={"mx": ["mx1", "mx2"]}, **TONIGHT)
    assert found["slots"] == 2 and found["windows"][0]["text"] == "Thu 2026-11-26 02:00 - 04:00 CET"
    assert slots(found) == {"mx1": "02:00 - 03:00 CET", "mx2": "03:00 - 04:00 CET"}
    assert found["windows"][0]["expected"]["delivered"] == 20
    # Not by the order of their names.
    found = propose({"mx1": weeks["mx2"], "mx2": weeks["mx1"]}, NOW, groups={"mx": ["mx1", "mx2"]}, **TONIGHT)
    assert slots(found) == {"mx2": "02:00 - 03:00 CET", "mx1": "03:00 - 04:00 CET"}


def test_a_backup_mx_goes_first():
    """It is worked at while those that it stands in for serve, and what goes wrong there is learnt there."""
    weeks = {"mx1": week(quiet(2, 3), NOW), "mx2": week(quiet(2, 3), NOW), "backup": week(quiet(3, 4, busy=12), NOW)}
    found = propose(weeks, NOW, groups={"mx": ["mx1", "mx2", "backup"]}, backup_mx=["backup"], **TONIGHT)
    assert slots(found) == {"backup": "01:00 - 02:00 CET", "mx1": "02:00 - 03:00 CET", "mx2": "03:00 - 04:00 CET"}
    assert [slot["slot"] for slot in found["windows"][0]["slots"]] == [1, 2, 3]


def test_hosts_of_different_groups_share_a_slot():
    weeks = {name: week(office, NOW) for name in ("mx1", "mx2", "store1", "store2", "alone")}
    asked = {"mx": ["mx1", "mx2"], "store": ["store1", "store2"]}
    found = propose(weeks, NOW, groups=asked, **TONIGHT)
    best = found["windows"][0]
    assert best["text"] == "Thu 2026-11-26 02:00 - 04:00 CET"
    for members in asked.values():
        assert {slot["slot"] for slot in best["slots"] if slot["host"] in members} == {1, 2}
    assert any("Nobody answers in place of alone while" in why for why in best["why"])
    assert {slot["host"]: slot["groups"] for slot in best["slots"]}["mx1"] == ["mx"]


@pytest.mark.parametrize("seed", range(6))
def test_two_members_are_never_worked_at_at_once(seed: int):
    """Groups of all sizes, some of which share members."""
    names = [f"h{number}" for number in range(9)]
    asked = {
        f"g{number}": [
            names[(seed * 5 + number * 2 + step * (number + 1)) % 9] for step in range(2 + (seed + number) % 3)
        ]
        for number in range(4)
    }
    weeks = {name: week(quiet(2, (place + seed) % 5, busy=100 + place), NOW) for place, name in enumerate(names)}
    found = propose(weeks, NOW, groups=asked, not_after="2026-11-27T12:00")
    assert found["windows"]
    for window in found["windows"]:
        times = {slot["host"]: (slot["begin"], slot["end"]) for slot in window["slots"]}
        assert set(times) == set(names)
        for members in asked.values():
            ordered = sorted(times[member] for member in set(members))
            assert all(one[1] <= other[0] for one, other in zip(ordered, ordered[1:]))
        assert all(window["begin"] <= begin and end <= window["end"] for begin, end in times.values())
        assert all(end - begin == HOUR for begin, end in times.values())


def test_groups_that_overlap_may_need_more_slots():
    """A triangle of pairs: three slots, though no group has three members."""
    pairs = {"ab": ["a", "b"], "bc": ["b", "c"], "ca": ["c", "a"]}
    found = propose({name: week(office, NOW) for name in "abc"}, NOW, groups=pairs, **TONIGHT)
    assert found["slots"] == 3 and len(set(slots(found).values())) == 3


def test_members_that_are_not_asked_about():
    found = propose({"a": week(office, NOW)}, NOW, groups={"g": ["a", "elsewhere"]}, **TONIGHT)
    assert found["slots"] == 1 and not any("Nobody answers" in why for why in found["windows"][0]["why"])


def test_assigning():
    near = groups.neighbours("abc", {"g": "ab"})
    assert near == {"a": frozenset("b"), "b": frozenset("a"), "c": frozenset()}
    costs = {("a", 0): 5.0, ("a", 1): 1.0, ("b", 0): 2.0, ("b", 1): 1.0, ("c", 0): 9.0, ("c", 1): 3.0}
    assert groups.assign("abc", near, 2, lambda host, slot: costs[host, slot]) == {"a": 1, "b": 0, "c": 1}
    assert groups.assign("abc", near, 1, lambda host, slot: 0.0) is None
    assert groups.rounds({"g": "ab", "h": "abcd"}, "abc") == 3


def test_a_member_without_a_log_gets_a_slot_of_its_own():
    weeks = {"mx1": week(office, NOW), "mx2": {"failed": True, "msg": "no python"}}
    found = propose(weeks, NOW, groups={"mx": ["mx1", "mx2"]}, **TONIGHT)
    assert found["slots"] == 2 and found["hosts"] == ["mx1", "mx2"] and set(found["without_data"]) == {"mx2"}
    first, second = found["windows"][0]["slots"]
    assert first["end"] == second["begin"]
    assert {slot["host"]: slot["expected"] is None for slot in (first, second)} == {"mx1": False, "mx2": True}


def test_a_member_that_is_held_goes_on_serving():
    weeks = {"mx1": week(office, NOW), "mx2": week(office, NOW)}
    found = propose(weeks, NOW, groups={"mx": ["mx1", "mx2"]}, rules={"hold_hosts": ["mx2"]}, **TONIGHT)
    assert found["slots"] == 1 and [slot["host"] for slot in found["windows"][0]["slots"]] == ["mx1"]
    assert not any("Nobody answers" in why for why in found["windows"][0]["why"])
