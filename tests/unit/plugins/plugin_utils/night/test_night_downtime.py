# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of outages: by host and protocol, and of whole redundancy groups."""

from __future__ import annotations

from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._night import downtime


def one(began: float, last: float, outages: list[tuple[Any, ...]], well: dict[str, list[str]]) -> dict[str, Any]:
    """A series: outages as (host, vantage, protocol, from, to), and who answered anybody which protocols."""
    found: dict[str, list[dict[str, Any]]] = {}
    for host, vantage, protocol, begin, end in outages:
        line = {"protocol": protocol, "seen_from": vantage, "from": begin, "to": end, "outcome": "refused"}
        found.setdefault(host, []).append(line)
    seen = {host: dict.fromkeys(("in", "out"), protocols) for host, protocols in well.items()}
    return {
        "began": began,
        "last": last,
        "every": 2.0,
        "longest_gap": 2.5,
        "looks": 10,
        "outages": found,
        "well": seen,
    }


BOTH = {"a": ["smtp", "imap"], "b": ["smtp", "imap"]}
GROUP = {"g": ["a", "b"]}


def test_the_vantage_point_that_saw_most_counts() -> None:
    found = downtime.sum_up(
        [one(0, 100, [("a", "in", "smtp", 10, 20), ("a", "out", "smtp", 10, 30), ("a", "out", "smtp", 50, 51)], BOTH)],
        {},
    )
    assert found["hosts"]["a"]["smtp"]["seconds"] == 21.0
    assert (found["hosts"]["a"]["smtp"]["times"], found["hosts"]["a"]["smtp"]["by"]) == (2, "out")
    assert found["hosts"]["a"]["imap"]["seconds"] == 0.0


def test_a_group_that_takes_turns_is_never_away() -> None:
    turns = [("a", "out", "smtp", 10, 20), ("b", "out", "smtp", 20, 40)]
    assert downtime.sum_up([one(0, 100, turns, BOTH)], GROUP)["groups"] == {"g": {"smtp": 0.0, "imap": 0.0}}


def test_a_group_that_is_away_together_is_told_of() -> None:
    both = [("a", "out", "smtp", 10, 20), ("b", "out", "smtp", 17.5, 40)]
    assert downtime.sum_up([one(0, 100, both, BOTH)], GROUP)["groups"]["g"]["smtp"] == 2.5
    # Away for one vantage point each: from each of them somebody answered.
    split = [("a", "out", "smtp", 10, 20), ("b", "in", "smtp", 10, 20)]
    assert downtime.sum_up([one(0, 100, split, BOTH)], GROUP)["groups"]["g"]["smtp"] == 0.0


def test_what_never_answered_was_not_away() -> None:
    found = downtime.sum_up([one(0, 100, [("a", "out", "pop3", 0, None)], BOTH)], GROUP)
    assert "pop3" not in found["hosts"]["a"] and found["never"] == {"a": ["pop3"]}
    assert "pop3" not in found["groups"]["g"]


def test_what_still_lasts_at_the_end_lasted_as_long_as_anybody_looked() -> None:
    first = one(0, 100, [("a", "out", "smtp", 90, None)], BOTH)
    second = one(160, 200, [("a", "out", "smtp", 160, 170)], BOTH)
    found = downtime.sum_up([first, second], {})
    assert found["hosts"]["a"]["smtp"]["seconds"] == 20.0
    assert found["unseen"] == [[100, 160]] and found["looks"] == 20 and found["seconds"] == 140


def test_what_falls_over_again_falls_over_for_everybody() -> None:
    outages = [("a", "in", "imap", 100, 110), ("a", "out", "imap", 105, 115), ("a", "out", "smtp", 100, 110)]
    seen = [one(0, 200, outages, BOTH)]
    assert downtime.fell(seen, "a", 50) == ["imap"]
    assert downtime.fell(seen, "a", 102) == [] == downtime.fell(seen, "b", 0)
    assert downtime.fell([], "a", 0) == []


def test_a_way_that_is_cut_is_nobodys_fall() -> None:
    cut = [(host, vantage, "imap", 100, 110) for host in "ab" for vantage in ("in", "out")]
    assert downtime.fell([one(0, 200, cut, BOTH)], "a", 50) == []
    assert downtime.fell([one(0, 200, cut[:2], BOTH)], "a", 50) == ["imap"]


def test_nobody_looked() -> None:
    found = downtime.sum_up([], GROUP)
    assert found["hosts"] == {} and found["groups"] == {"g": {}} and found["every"] is None
