# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explaining-away: from a pile of findings to root causes, symptoms, risks and what stays unexplained.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Suppression is explicit. A finding becomes a symptom only when a rule says that it explains it; two findings that
merely account for the same silence stay side by side, because a host can have two faults.
"""

from __future__ import annotations

import fnmatch
import typing as t

Document = dict[str, t.Any]

CONFIDENT = 0.7
"""From this confidence on a finding may stand as a root cause; below it is a candidate."""


class Selection(t.NamedTuple):
    """The findings with their C(kind) settled, and the symptoms that no root cause explains."""

    findings: list[Document]
    unexplained: list[Document]


def select(findings: list[Document], symptoms: list[Document]) -> Selection:
    """Settle which finding is what.

    :param findings: as the rules made them; C(kind) is C(fault), C(symptom), C(risk) or C(note)
    :param symptoms: what does not work (see L(symptoms)); each gets C(explained_by)
    """
    faults = [finding for finding in findings if finding["kind"] == "fault"]
    effects = [finding for finding in findings if finding["kind"] == "symptom"]
    strong = [fault for fault in faults if fault["confidence"] >= CONFIDENT]
    sides = [*faults, *effects]
    for cause in sorted(strong, key=lambda fault: -fault["confidence"]):
        for effect in sides:
            if effect is not cause and _explains(cause, effect) and not _descends(cause, effect, strong):
                _add(effect, cause)
    for effect in effects:
        effect["kind"] = "symptom"
    for fault in faults:
        if fault["explained_by"]:
            fault["kind"] = "symptom"
        elif fault["confidence"] >= CONFIDENT:
            fault["kind"] = "root_cause"
        else:
            fault["kind"] = "note"
    for symptom in symptoms:
        symptom["explained_by"] = sorted(
            {cause["id"] for cause in strong if any(_match(symptom["id"], pattern) for pattern in cause["explains"])}
        )
    unexplained = [symptom for symptom in symptoms if not symptom["explained_by"]]
    unexplained += [effect for effect in effects if not effect["explained_by"]]
    return Selection(_ordered(findings), unexplained)


def _explains(cause: Document, effect: Document) -> bool:
    return any(_match(effect["id"], pattern) for pattern in cause["explains"])


def _match(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern)


def _descends(cause: Document, effect: Document, strong: list[Document]) -> bool:
    """Is the would-be cause itself already an effect of the would-be effect? Then the edge would close a circle."""
    seen: set[str] = set()
    waiting = list(cause["explained_by"])
    while waiting:
        name = waiting.pop()
        if name == effect["id"]:
            return True
        if name not in seen:
            seen.add(name)
            for other in strong:
                if other["id"] == name:
                    waiting.extend(other["explained_by"])
    return False


def _add(effect: Document, cause: Document) -> None:
    if cause["id"] not in effect["explained_by"]:
        effect["explained_by"] = sorted([*effect["explained_by"], cause["id"]])


_KINDS = ("root_cause", "symptom", "risk", "note")
_SEVERITIES = ("critical", "major", "minor", "info")


def _ordered(findings: list[Document]) -> list[Document]:
    """Causes first, the worst and surest of them first; the same facts always give the same order."""
    return sorted(
        findings,
        key=lambda finding: (
            _KINDS.index(finding["kind"]),
            _SEVERITIES.index(finding["severity"]),
            -finding["confidence"],
            finding["id"],
            finding["subject"],
        ),
    )
