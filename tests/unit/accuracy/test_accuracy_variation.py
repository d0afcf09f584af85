# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts differ by seed and fault, and always in the same way; what goes on at them is honest."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from pathlib import Path

import pytest
from labkit.background import Day

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import history
import variation

FAULTS = [f"F{number:03}" for number in range(100)]


def test_a_case_can_be_played_again() -> None:
    assert [variation.draw(2, fault) for fault in FAULTS] == [variation.draw(2, fault) for fault in FAULTS]
    assert variation.order(2, FAULTS) == variation.order(2, FAULTS)


def test_seeds_differ() -> None:
    assert [variation.draw(1, fault) for fault in FAULTS] != [variation.draw(2, fault) for fault in FAULTS]
    assert variation.order(1, FAULTS) != variation.order(2, FAULTS)
    assert sorted(variation.order(1, FAULTS)) == FAULTS


def test_everything_varies() -> None:
    drawn = [variation.draw(1, fault) for fault in FAULTS]
    for field in (one.name for one in dataclasses.fields(variation.Variation)):
        assert len({getattr(one, field) for one in drawn}) > 1, field


def test_a_fault_that_is_about_places_finds_them_where_it_expects_them() -> None:
    assert not any(variation.draw(seed, "F073").queue_megabytes for seed in range(1, 50))
    assert any(variation.draw(seed, "F041").queue_megabytes for seed in range(1, 50))


def test_seed_0_is_the_plain_host() -> None:
    assert variation.draw(0, "F041") == variation.PLAIN
    assert str(variation.PLAIN) == "plain"
    assert variation.order(0, FAULTS) == FAULTS


@pytest.mark.parametrize(
    ("classic", "begin", "same_hour"),
    [
        (True, "Nov 23 06:00:00 mail2 ", "Nov 24 09:"),
        (False, "2026-11-23T06:00:00.", "2026-11-24T09:"),
    ],
)
def test_the_log_of_the_days_before(classic: bool, begin: str, same_hour: str) -> None:
    """Written at 10:00 of the 25th."""
    lines = list(history.lines(500, classic, "mail2", 1795600800.0))
    assert len(lines) == 500
    assert lines[0].startswith(begin)
    assert any(line.startswith(same_hour) for line in lines)
    assert all(line.endswith("\n") and " postfix/" in line for line in lines)


def test_an_ordinary_day_is_mostly_mail_and_hardly_ever_a_mistake() -> None:
    day = Day("mail2", 1, 2.0, 1.0)
    jobs = [day.job(number) for number in range(2000)]
    kinds = Counter(job.func.__name__ for job in jobs)
    assert set(kinds) == {"_send", "_read", "_fetch"}
    assert kinds["_send"] > kinds["_read"] > kinds["_fetch"]
    assert day.desks == Day("mail2", 2, 2.0, 1.0).desks, "an account that moves would be a stolen one"
    mistyped = [job for job in jobs if "mistyped" in job.args or "alcie" in job.args]
    assert 0 < len(mistyped) < 0.08 * len(jobs)
