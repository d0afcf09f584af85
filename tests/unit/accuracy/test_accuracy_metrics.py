# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the accuracy bench."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import metrics
from metrics import Result, Share


def result(true: str, named: str, kind: str = "fault", wrong: str = "") -> Result:
    return Result("F1", kind, frozenset(true.split()), frozenset(named.split()), frozenset(wrong.split()))


@pytest.mark.parametrize(
    ("true", "named", "score"),
    [
        ("a.x", "a.x", 1.0),
        ("a.x", "a.x b.y", 0.5),
        ("a.x b.y", "a.x", 0.0),
        ("a.x b.y", "a.x b.y c.z", 2 / 3),
        ("a.x", "", 0.0),
        ("", "", 1.0),
    ],
)
def test_strict_root_set(true: str, named: str, score: float) -> None:
    assert result(true, named).strict == score


def test_singles_and_doubles_are_counted_apart() -> None:
    results = [result("a.x", "a.x"), result("a.x b.y", "a.x", "double_fault"), result("", "", "decoy")]
    assert metrics.singles(results) == Share(1.0, 1)
    assert metrics.doubles(results) == Share(0.0, 1)
    assert metrics.strict(results) == Share(1.0, 2)


def test_a_cause_of_another_host_does_not_count() -> None:
    """Two faults with the causes exchanged: both wrong, though the same words were said."""
    rows = metrics.by_category([result("a.x", "a.y b.z"), result("a.y", "a.x")])
    assert [(row.category, row.precision, row.recall) for row in rows] == [
        ("a", Share(0, 2), Share(0, 2)),
        ("b", Share(0, 1), Share(0, 0)),
    ]


def test_precision_and_recall() -> None:
    (row,) = metrics.by_category([result("a.x", "a.x a.y"), result("a.x a.z", "a.x")])
    assert (row.precision, row.recall) == (Share(2, 3), Share(2, 3))


@pytest.mark.parametrize(
    ("good", "of", "low", "high"), [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (50, 100, 0.404, 0.596)]
)
def test_wilson(good: int, of: int, low: float, high: float) -> None:
    assert Share(good, of).interval == pytest.approx((low, high), abs=0.001)


def test_a_share_as_text() -> None:
    assert str(Share(2.5, 4)) == "2.5/4 = 62.5 % (22 to 91)"
    assert str(Share(0, 0)) == "none"


def test_goals_that_are_met() -> None:
    assert metrics.missed([result("a.x", "a.x"), result("", "", "healthy")], []) == []


def test_goals_that_are_missed_are_named() -> None:
    lines = metrics.missed(
        [
            result("a.x", "a.x a.y", wrong="forbidden"),
            result("a.x b.y", "", "double_fault"),
            result("", "a.x", "decoy"),
            result("", "", "healthy", wrong="detected"),
        ],
        ["F2: named a.z"],
    )
    assert lines[0].startswith("strict root set 0.5/2 = 25.0 %")
    assert lines[1].startswith("strict root set of double faults 0/1 = 0.0 %")
    assert lines[2:] == ["F1: forbidden remedy", "F1: false alarm", "F1: false alarm", "F2: named a.z"]
