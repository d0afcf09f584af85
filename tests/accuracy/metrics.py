# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of accuracy: pure arithmetic on outcomes, so that it can be tested without a host."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

STRICT_WANTED = 0.97
DOUBLES_WANTED = 0.90


@dataclasses.dataclass(frozen=True)
class Result:
    """One fault on one host, as far as the figures need it."""

    fault: str
    kind: str
    """C(fault), C(double_fault), C(decoy) or C(healthy)."""
    true: frozenset[str]
    """Ids of the root causes that there are."""
    named: frozenset[str]
    """Ids of the root causes that were named."""
    wrong: frozenset[str]
    """Measures that were not right."""

    @property
    def quiet(self) -> bool:
        """Is there nothing to be called a cause: a healthy host, a decoy?"""
        return self.kind in ("decoy", "healthy")

    @property
    def strict(self) -> float:
        """Strict root set: nothing when a true cause was missed, else the share of true ones among those named."""
        if not self.true <= self.named:
            return 0.0
        return len(self.true) / len(self.named) if self.named else 1.0


@dataclasses.dataclass(frozen=True)
class Share:
    """Good ones of all, with the interval in which the true share lies with 95 percent (Wilson)."""

    good: float
    of: int

    @property
    def value(self) -> float:
        """The share itself; of nothing, all is good."""
        return self.good / self.of if self.of else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        if not self.of:
            return (0.0, 1.0)
        z, share = 1.96, self.value
        middle = (share + z * z / (2 * self.of)) / (1 + z * z / self.of)
        half = z * math.sqrt(share * (1 - share) / self.of + z * z / (4 * self.of**2)) / (1 + z * z / self.of)
        return (max(0.0, middle - half), min(1.0, middle + half))

    def __str__(self) -> str:
        if not self.of:
            return "none"
        low, high = self.interval
        good = f"{self.good:g}" if self.good == int(self.good) else f"{self.good:.1f}"
        return f"{good}/{self.of} = {100 * self.value:.1f} % ({100 * low:.0f} to {100 * high:.0f})"

    def as_json(self) -> dict[str, float | int | list[float]]:
        """For a program."""
        return {"good": self.good, "of": self.of, "interval": [round(bound, 3) for bound in self.interval]}


def strict(results: Iterable[Result]) -> Share:
    """Strict root set of all that have a cause."""
    scores = [result.strict for result in results if result.true]
    return Share(sum(scores), len(scores))


def singles(results: Iterable[Result]) -> Share:
    """Strict root set of single faults."""
    return strict(result for result in results if result.kind != "double_fault")


def doubles(results: Iterable[Result]) -> Share:
    """Strict root set of double faults."""
    return strict(result for result in results if result.kind == "double_fault")


def category(finding: str) -> str:
    """The category that a finding is of: the first part of its id."""
    return finding.partition(".")[0]


@dataclasses.dataclass(frozen=True)
class CategoryRow:
    """How well the root causes of one category are found."""

    category: str
    precision: Share
    """True ones among those named."""
    recall: Share
    """Named ones among those there are."""


def by_category(results: Sequence[Result]) -> list[CategoryRow]:
    """Precision and recall of root causes, category by category."""
    rows = []
    for name in sorted({category(cause) for result in results for cause in result.true | result.named}):
        true = [(index, cause) for index, one in enumerate(results) for cause in one.true if category(cause) == name]
        named = [(index, cause) for index, one in enumerate(results) for cause in one.named if category(cause) == name]
        hits = len(set(true) & set(named))
        rows.append(CategoryRow(name, Share(hits, len(named)), Share(hits, len(true))))
    return rows


def false_alarms(results: Iterable[Result]) -> list[Result]:
    """Healthy hosts and decoys of which a cause was named, or which were judged otherwise than they should be."""
    return [one for one in results if one.quiet and (one.named or "detected" in one.wrong)]


def missed(results: Sequence[Result], blamed: Sequence[str]) -> list[str]:
    """What keeps the bench from passing, each in one line; nothing when all goals are met.

    :param blamed: wrong causes that were confirmed with a family of rules or a kind of facts withheld
    """
    lines = []
    if strict(results).value < STRICT_WANTED:
        lines.append(f"strict root set {strict(results)}, wanted {100 * STRICT_WANTED:g} %")
    if doubles(results).value < DOUBLES_WANTED:
        lines.append(f"strict root set of double faults {doubles(results)}, wanted {100 * DOUBLES_WANTED:g} %")
    lines += [f"{one.fault}: forbidden remedy" for one in results if "forbidden" in one.wrong]
    lines += [f"{one.fault}: false alarm" for one in false_alarms(results)]
    return [*lines, *blamed]
