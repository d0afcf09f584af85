# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions: unknown facts are found when a rule is loaded, and null never raises while it judges."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import (
    UNKNOWN,
    Expression,
    ExpressionError,
)

SCHEMA = {
    "type": "object",
    "properties": {
        "disk": {
            "type": "object",
            "properties": {
                "filesystems": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"mount": {}, "used_percent": {}, "holds": {}}},
                }
            },
        },
        "signatures": {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": {"count": {}, "last": {}}},
        },
        "queue": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"total": {}}}]},
    },
}


@pytest.mark.parametrize(
    "text",
    [
        "disk.filesystems[?used_percent > `90`].mount",
        "disk.filesystems[0].holds",
        "length(disk.filesystems) > `0` && contains(disk.filesystems[0].holds, 'queue')",
        "signatures.anything.count > `0`",
        "queue.total",
        "disk.filesystems[*].mount | [0]",
    ],
)
def test_known_paths_compile(text: str) -> None:
    Expression(text, SCHEMA)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("disk.filesystem", "filesystem"),
        ("disk.filesystems[?usedpercent > `90`]", "usedpercent"),
        ("disk.filesystems[0].mounts", "mounts"),
        ("length(disks.filesystems)", "disks"),
        ("signatures.enospc.counts", "counts"),
        ("queue.totals", "totals"),
        ("disk.filesystems[?holds].{m: mont}", "mont"),
    ],
)
def test_unknown_paths_are_named(text: str, names: str) -> None:
    with pytest.raises(ExpressionError, match=f"'{names}'"):
        Expression(text, SCHEMA)


@pytest.mark.parametrize("text", ["disk.[", "nofunction(disk)", "a ===", ""])
def test_what_is_not_jmespath_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text, SCHEMA)


def test_a_not_that_means_something_else_is_refused() -> None:
    with pytest.raises(ExpressionError, match="binds tighter"):
        Expression("length(disk.filesystems) > `0` && !queue.total", SCHEMA)


def test_null_is_unknown_and_not_an_error() -> None:
    assert Expression("length(disk.filesystems) > `0`").search({"disk": None}) is UNKNOWN
    assert Expression("contains(a, 'x')").search({}) is UNKNOWN
    assert not UNKNOWN


def test_roots_are_the_facts_it_reads() -> None:
    expression = Expression("disk.filesystems[?used_percent > `90`] && queue.total", SCHEMA)
    assert expression.roots == {"disk", "queue"}


def test_own_functions() -> None:
    assert Expression("matches(a, '^x+$')").search({"a": "xxx"}) is True
    assert Expression("matches(a, 'x')").search({"a": None}) is False
    assert Expression("minus(a, b)").search({"a": 5, "b": 3}) == 2
    assert Expression("duration(a)").search({"a": 7200}) == "2 h"
