# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of a ticket system's file that says how it takes an answer: every mistake is named."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import RuleError
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import answers

CREATE = [{"method": "POST", "path": "/c", "body": {"text": "{comment}"}}]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "'answer.create' is missing"),
        ({"create": [], "format": "text"}, "'answer.create' is missing"),
        (
            {"create": CREATE, "format": "bbcode"},
            "'answer.format' is 'bbcode'; it must be one of: text, markdown, html",
        ),
        ({"create": CREATE, "colour": "red"}, "unknown key 'colour'"),
        ({"create": CREATE, "auth": "password"}, "'answer.auth' has 'password'"),
        ({"create": CREATE, "auth": ["header:X Y"]}, "'answer.auth' has 'header:X Y'"),
        ({"create": CREATE, "auth": "header:X:no name in it"}, "'answer.auth' has 'header:X:no name in it'"),
        ({"create": CREATE, "auth": [5]}, "'answer.auth' has '5'"),
        ({"create": CREATE, "longest": 10}, "'answer.longest' must be at least 500"),
        ({"create": CREATE, "id": "("}, "'answer.id' is no regular expression"),
        ({"create": CREATE, "reply": "xml"}, "'answer.reply' is 'xml'"),
        ({"create": CREATE, "expect": "a ="}, "'answer.expect'"),
        ({"create": CREATE, "wrap": ["x"]}, "'answer.wrap' must be two texts"),
        ({"create": CREATE, "replace": {"a": 1}}, "'answer.replace' must map texts to texts"),
        ({"create": CREATE, "replace": {"": "x"}}, "'answer.replace' must map texts to texts"),
        ({"create": CREATE, "headers": {"X Y": "z"}}, "'X Y' is no name of a header"),
        ({"create": CREATE, "headers": {"X": "a\nb"}}, "'X' must be a text of one line"),
        ({"create": CREATE, "headers": {"X": "{token}"}}, "'answer.headers' uses '{token}', which nothing sets"),
        ({"create": CREATE, "states": {"open": []}}, "'answer.states' has 'open'; there are: diagnosed, resolved"),
        ({"create": CREATE, "states": {"resolved": {}}}, "'answer.states.resolved' must be a list of steps"),
        ({"create": CREATE, "find": [{"path": "/x"}]}, "'answer.find' takes no 'comments'"),
        ({"create": ["/c"]}, "'answer.create' (step 1): a step is a mapping"),
        ({"create": [{"method": "POST"}]}, "'answer.create' (step 1): 'path' is missing"),
        ({"create": [{"path": "c"}]}, "'path' must begin with '/'"),
        ({"create": [{"path": "http://evil.example/"}]}, "'path' must begin with '/'"),
        ({"create": [{"path": "/c", "method": "TRACE"}]}, "'method' is 'TRACE'"),
        ({"create": [{"path": "/c", "take": {"Big": "a"}}]}, "'take' has 'Big'"),
        ({"create": [{"path": "/c", "take": {"comment": "a"}}]}, "'take' has 'comment', which means something else"),
        ({"create": [{"path": "/c", "take": {"a": "b ="}}]}, "take.a"),
        ({"create": [{"path": "/c", "when": "b ="}]}, "'when'"),
        ({"create": [{"path": "/c", "when": True}]}, "'when' must be str"),
        ({"create": [{"path": "/c/{password}"}]}, "(step 1) uses '{password}', which nothing sets; there are: base"),
        ({"create": [{"path": "/c", "body": {"a": ["{b}"]}}, {"path": "/d", "take": {"b": "body.b"}}]}, "uses '{b}'"),
        ({"create": [*CREATE, {"path": "/c/{comment_id}"}]}, "(step 2) uses '{comment_id}'"),
    ],
)
def test_a_mistake_is_named(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError) as caught:
        answers.build(entry, "site/tickets/desk.yml: system 'desk'")
    assert str(caught.value).startswith("site/tickets/desk.yml: system 'desk': ") and message in str(caught.value)


def test_names_come_from_the_ticket_and_from_earlier_steps() -> None:
    found = answers.build(
        {
            "id": "(?P<project>[0-9]+)#(?P<number>[0-9]+)",
            "begin": [{"path": "/login", "take": {"session": "body.s"}}],
            "headers": {"Session": "{session}"},
            "create": [{"path": "/{project}/{number}", "take": {"n": "body.n"}}, {"path": "/{n}", "body": "{comment}"}],
            "update": [{"path": "/{comment_id}"}],
        },
        "test",
    )
    assert [step.names for step in found.create] == [{"project", "number"}, {"n", "comment"}]


def test_a_whole_name_keeps_its_type_and_braces_of_others_stay() -> None:
    values = {"n": 5, "text": "{n}"}
    assert answers.fill({"a": "{n}", "b": ["{text} {n}"], "c": "{ n } {N} {}", "d": None}, values) == {
        "a": 5,
        "b": ["{n} 5"],
        "c": "{ n } {N} {}",
        "d": None,
    }
