# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of AWX refuses what AWX would refuse or silently pass over: else it would prove nothing."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import shapes
import stand_in
from stand_in import Awx, Refused

TEMPLATE = {"name": "x", "project": 5, "inventory": 2, "playbook": "playbooks/diagnose.yml"}
AUTO = {
    "question_name": "x",
    "question_description": "",
    "variable": "auto",
    "type": "multiplechoice",
    "required": True,
    "choices": ["none", "safe"],
    "default": "safe",
}
SURVEY = {"name": "x", "description": "", "spec": [AUTO]}


@pytest.fixture
def awx() -> Iterator[Awx]:
    """With a project, 5, and a job template with a survey, 6."""
    with stand_in.running({"playbooks/diagnose.yml"}) as awx:
        assert post(awx, "projects", {"name": "p", "organization": 1})["id"] == 5
        assert post(awx, "job_templates", {**TEMPLATE, "name": "t", "survey_enabled": True})["id"] == 6
        post(awx, "job_templates/6/survey_spec", SURVEY)
        yield awx


def post(awx: Awx, where: str, body: Any, method: str = "POST") -> Any:
    """What AWX answers."""
    return awx.answer(method, f"/api/v2/{where}/", body)[1]


@pytest.mark.parametrize(
    ("where", "body", "field"),
    [
        ("job_templates", {**TEMPLATE, "colour": "red"}, "colour"),
        ("job_templates", {**TEMPLATE, "name": 3}, "name"),
        ("job_templates", {**TEMPLATE, "name": "x" * 513}, "name"),
        ("job_templates", {**TEMPLATE, "job_type": "scan"}, "job_type"),
        ("job_templates", {**TEMPLATE, "job_slice_count": -1}, "job_slice_count"),
        ("job_templates", {**TEMPLATE, "job_slice_count": "1"}, "job_slice_count"),
        ("job_templates", {**TEMPLATE, "become_enabled": "yes"}, "become_enabled"),
        ("job_templates", {**TEMPLATE, "extra_vars": {"a": 1}}, "extra_vars"),
        ("job_templates", {**TEMPLATE, "extra_vars": "- a"}, "extra_vars"),
        ("job_templates", {**TEMPLATE, "inventory": 1}, "inventory"),
        ("job_templates", {"name": "x", "inventory": 2, "playbook": "playbooks/diagnose.yml"}, "__all__"),
        ("job_templates", {**TEMPLATE, "playbook": "playbooks/nowhere.yml"}, "__all__"),
        ("job_templates", {**TEMPLATE, "name": "t"}, "__all__"),
        ("projects", {"organization": 1}, "name"),
        ("credential_types", {"name": "c", "kind": "ssh"}, "kind"),
        (
            "credential_types",
            {"name": "c", "kind": "cloud", "inputs": {}, "injectors": {"env": {"A": "{{ token }}"}}},
            "__all__",
        ),
        (
            "notification_templates",
            {
                "name": "n",
                "organization": 1,
                "notification_type": "webhook",
                "notification_configuration": {"url": "x"},
            },
            "__all__",
        ),
        ("schedules", {"name": "s", "unified_job_template": 6, "rrule": "RRULE:FREQ=DAILY;INTERVAL=1"}, "__all__"),
    ],
)
def test_a_wrong_body_is_refused(awx: Awx, where: str, body: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        post(awx, where, body)
    assert refused.value.args[0] == 400 and field in refused.value.args[1]


@pytest.mark.parametrize(
    ("extra_data", "right"),
    [({"auto": "none"}, True), ({"auto": "all"}, False), ({"auto": 1}, False), ({"other": "x"}, False)],
)
def test_a_node_may_answer_the_survey_and_nothing_else(awx: Awx, extra_data: dict[str, Any], right: bool) -> None:
    flow = post(awx, "workflow_job_templates", {"name": "w", "organization": 1})["id"]
    body = {"workflow_job_template": flow, "identifier": "n", "unified_job_template": 6, "extra_data": extra_data}
    if right:
        assert post(awx, "workflow_job_template_nodes", body)["extra_data"] == extra_data
    else:
        with pytest.raises(Refused):
            post(awx, "workflow_job_template_nodes", body)


@pytest.mark.parametrize(
    "question",
    [
        {**AUTO, "default": "all"},
        {**AUTO, "required": "yes"},
        {**AUTO, "choices": "none"},
        {**AUTO, "type": "integer", "default": "600"},
        {**AUTO, "colour": "red"},
        {key: value for key, value in AUTO.items() if key != "variable"},
    ],
)
def test_a_wrong_survey_is_refused(awx: Awx, question: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        post(awx, "job_templates/6/survey_spec", {**SURVEY, "spec": [question]})
    with pytest.raises(Refused):
        post(awx, "job_templates/6/survey_spec", {**SURVEY, "spec": [AUTO, AUTO]})


def test_links_neither_go_round_nor_both_ways(awx: Awx) -> None:
    flow = post(awx, "workflow_job_templates", {"name": "w", "organization": 1})["id"]
    one, two = (
        post(awx, "workflow_job_template_nodes", {"workflow_job_template": flow, "identifier": name})["id"]
        for name in "ab"
    )
    post(awx, f"workflow_job_template_nodes/{one}/success_nodes", {"id": two})
    for number, name, to in ((one, "failure_nodes", two), (two, "always_nodes", one), (one, "always_nodes", one)):
        with pytest.raises(Refused):
            post(awx, f"workflow_job_template_nodes/{number}/{name}", {"id": to})


def test_two_credentials_of_one_type_are_refused(awx: Awx) -> None:
    other = awx.add("credentials", name="Other login", organization=1, credential_type=3)
    post(awx, "job_templates/6/credentials", {"id": 4})
    with pytest.raises(Refused, match=r"one type"):
        post(awx, "job_templates/6/credentials", {"id": other})


def test_nobody_without_the_token_gets_in(awx: Awx) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{awx.url}/api/v2/projects/", timeout=10)
    assert refused.value.code == 401


def test_an_unknown_filter_and_an_unknown_endpoint_are_refused(awx: Awx) -> None:
    for path in ("/api/v2/projects/?colour=red", "/api/v2/nothing/", "/api/v2/projects/99/"):
        with pytest.raises(Refused):
            awx.answer("GET", path, None)


def test_the_recording_speaks_of_types_that_are_checked() -> None:
    kinds = {field["type"] for shape in shapes.ENDPOINTS.values() for field in shape["fields"].values()}
    assert kinds == {"string", "vars", "boolean", "integer", "id", "json", "choice"}
