# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences with facts in them: what a fact holds is text, whatever it looks like."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.units import duration, size
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.wording import Wording


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a.b} is full", "/var is full"),
        ("{a.free_bytes} left", "1.5 MiB left"),
        ("since {a.age_s}", "since 2 h"),
        ("{a.list}", "x, y"),
        ("{a.nothing}", "?"),
        ("{a.yes}", "yes"),
        ("no places", "no places"),
    ],
)
def test_facts_are_put_in(text: str, said: str) -> None:
    facts = {"b": "/var", "free_bytes": 1572864, "age_s": 7200, "list": ["x", "y"], "nothing": None, "yes": True}
    assert Wording(text).say({"a": facts}) == said


def test_what_a_fact_holds_is_never_looked_at_again() -> None:
    hostile = "{{ lookup('pipe','id') }} {a} \x1b[31m<script>"
    said = Wording("it says: {a}").say({"a": hostile})
    assert said == "it says: {{ lookup('pipe','id') }} {a}  [31m<script>"


def test_units() -> None:
    assert [size(n) for n in (0, 1023, 1024, 3 * 1024**3)] == ["0 B", "1023 B", "1.0 KiB", "3.0 GiB"]
    assert [duration(n) for n in (5, 60, 5400, 172800)] == ["5 s", "1 min", "1.5 h", "2 d"]


def test_a_list_makes_a_sentence_for_each() -> None:
    assert Wording("{a}.remote.{b}").each({"a": ["imap", "pop3"], "b": "timeout"}) == [
        "imap.remote.timeout",
        "pop3.remote.timeout",
    ]
