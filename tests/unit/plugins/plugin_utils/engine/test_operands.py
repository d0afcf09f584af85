# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions taken apart, as the explanation shows them."""

from __future__ import annotations

import jmespath
import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.operands import alternatives, compared, guards


@pytest.mark.parametrize(
    ("condition", "ways"),
    [
        ("a.b", [["a.b"]]),
        ("a && b", [["a", "b"]]),
        ("(a && (b && c))", [["a", "b", "c"]]),
        ("a && (b || c) || d", [["a", "b || c"], ["d"]]),
        ("x[?a && b] && y", [["x[?a && b]", "y"]]),
        ("f(a, 'x && y') && z == `1`", [["f(a, 'x && y')", "z == `1`"]]),
        ("a | b && c", [["a | b && c"]]),
        ("(a) && (b)", [["a", "b"]]),
    ],
)
def test_a_condition_falls_into_its_parts(condition: str, ways: list[list[str]]) -> None:
    assert alternatives(condition) == ways


@pytest.mark.parametrize(
    ("part", "facts"),
    [
        ("it.used_percent >= `90`", ["it.used_percent"]),
        ("`1` < a.b", ["a.b"]),
        ("a.b < c.d", ["a.b", "c.d"]),
        ("length(symptoms[?protocol == 'smtp']) > `0`", ["length(symptoms[?protocol == 'smtp'])"]),
        ("!matches(config.text, 'x')", ["config.text"]),
        ("contains(['T', 'D'], services.mda.state)", ["services.mda.state"]),
        ("reach.silent", []),
        ("a.b > `0` || c == 'off'", ["a.b", "c"]),
    ],
)
def test_a_part_names_what_it_looks_at(part: str, facts: list[str]) -> None:
    assert compared(part) == facts


def test_a_guard_is_no_reason() -> None:
    assert guards("config.postfix != `null`") and guards("a!=`null`")
    assert not guards("a == `null`") and not guards("a != 'null'")


def test_the_parts_of_every_rule_are_expressions_that_together_are_the_rule() -> None:
    for rule in rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()}):
        ways = alternatives(rule.when.text)
        for way in ways:
            for part in way:
                jmespath.compile(part)
                for fact in compared(part):
                    jmespath.compile(fact)
        again = " || ".join("(" + " && ".join(f"({part})" for part in way) + ")" for way in ways)
        assert alternatives(again) == ways
