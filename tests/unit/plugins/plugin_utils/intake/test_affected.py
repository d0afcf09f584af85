# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is affected: names are sorted by what they are, and what is none of these is named."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._intake.affected import AffectedError, affected, scope

HOSTS = ("mail1", "mail2", "dept-a")
POINTS = ("controller", "dept-a")


def test_each_item_goes_where_it_belongs() -> None:
    told = affected(
        "alice, bob@example.test 192.0.2.7 198.51.100.0/25 2001:db8::1 mail2 dept-a Department", HOSTS, POINTS
    )
    assert told == {
        "users": ["alice", "bob@example.test"],
        "addresses": ["192.0.2.7", "198.51.100.0/25", "2001:db8::1"],
        "hosts": ["mail2"],
        "segments": ["dept-a"],
        "words": ["department"],
    }
    assert scope(told) == "department"


@pytest.mark.parametrize(
    ("given", "said"),
    [("alice", "one"), (["alice", "bob"], None), ("everyone alice", "everyone"), (None, None), ("10.0.0.1", None)],
)
def test_the_list_claims_a_scope_only_where_it_must(given: Any, said: str | None) -> None:
    assert scope(affected(given, HOSTS, POINTS)) == said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("-rf", "'-rf' is no user name"),
        ("../../etc/passwd", "is no user name"),
        ("a@b..test", "'a@b..test' is no user name"),
        ("x;reboot", "is no user name"),
        (["a b"], "'a b' is no user name"),
        ("{{x}}", "is no user name"),
        ([1], "must hold texts, nothing else"),
        ({"user": "alice"}, "must be a text or a list"),
        ([f"user{number}" for number in range(21)], "names 21 users; name at most 20, or say 'department'"),
        ([f"10.0.0.{number}" for number in range(101)], "holds 101 items"),
    ],
)
def test_what_is_none_of_these_is_named(given: Any, message: str) -> None:
    with pytest.raises(AffectedError) as error:
        affected(given, HOSTS, POINTS)
    assert message in str(error.value)
