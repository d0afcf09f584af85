# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the surveys for AWX ask is what the roles take: the same names, choices, defaults and types."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "awx_configure"
KINDS = {
    "text": {"str", "path", "raw"},
    "textarea": {"str", "raw"},
    "multiplechoice": {"str"},
    "integer": {"int", "float"},
}
"""Types of questions that are used, with the types of options that they may answer."""


class _Loader(yaml.SafeLoader):
    """Reads C(!unsafe) as the text that it is."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> dict[str, Any]:
    """A YAML file of a role."""
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    return loaded


DEFINED = load(ROLE / "vars" / "main.yml")
QUESTIONS: dict[str, dict[str, Any]] = DEFINED["awx_configure_questions"]
TEMPLATES: list[dict[str, Any]] = DEFINED["awx_configure_templates"]
WORKFLOWS: list[dict[str, Any]] = DEFINED["awx_configure_workflows"]
ASKED = [(template["playbook"], name) for template in TEMPLATES for name in template.get("survey", [])]


def roles(playbook: str) -> list[dict[str, Any]]:
    """The argument specifications of the roles that a playbook runs."""
    text = (ROOT / "playbooks" / playbook).read_text(encoding="utf-8")
    names = re.findall(r"name: mailops\.triage\.(\w+)", text)
    paths = [ROOT / "roles" / name / "meta" / "argument_specs.yml" for name in names]
    return [load(path)["argument_specs"]["main"] for path in paths if path.exists()]


def read_as_it_is(playbook: str, variable: str) -> bool:
    """Whether a role, or the module that reads tickets, says that it takes a variable without templating it."""
    text = json.dumps([spec["description"] for spec in roles(playbook)])
    if "ticket_read" in (ROOT / "playbooks" / playbook).read_text(encoding="utf-8"):
        text += (ROOT / "plugins" / "modules" / "ticket_read.py").read_text(encoding="utf-8")
    return f"V({variable})" in text


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_is_one_that_awx_takes(name: str) -> None:
    schema = json.loads((Path(__file__).parent / "survey.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(QUESTIONS[name], schema)


@pytest.mark.parametrize(("playbook", "name"), ASKED)
def test_each_question_is_a_variable_of_what_the_playbook_runs(playbook: str, name: str) -> None:
    question = QUESTIONS[name]
    variable = question["variable"]
    options = [spec["options"][variable] for spec in roles(playbook) if variable in spec.get("options", {})]
    for option in options:
        assert option["type"] in KINDS[question["type"]]
        assert option.get("choices", []) == question.get("choices", [])
        assert option.get("default", "") == question["default"]
        assert option.get("required", False) is False
    if not options:
        # No option, so that it is never templated: then it is a text that may be empty.
        text = (ROOT / "playbooks" / playbook).read_text(encoding="utf-8")
        assert read_as_it_is(playbook, variable) or f"{variable} | default(omit, true)" in text
        assert (question["type"] in ("text", "textarea"), question["required"], question["default"]) == (
            True,
            False,
            "",
        )


def test_tickets_are_texts() -> None:
    """AWX refuses a number where a text is asked for, and a text where a number is."""
    assert QUESTIONS["ticket"]["type"] == "text"


def test_each_question_is_asked_somewhere() -> None:
    assert {name for dummy, name in ASKED} == set(QUESTIONS)


def test_a_ticket_is_never_asked_what_may_be_done() -> None:
    """What is surveyed can be answered by whoever may launch."""
    asking = {template["key"] for template in TEMPLATES if "auto" in template.get("survey", [])}
    assert asking == {"remediate", "remedy"}
    assert not any("auto" in workflow.get("survey", []) for workflow in WORKFLOWS)


def test_what_a_node_sets_beforehand_is_asked_by_its_template() -> None:
    surveys = {template["key"]: template.get("survey", []) for template in TEMPLATES}
    for workflow in WORKFLOWS:
        for node in workflow["nodes"]:
            for variable in re.findall(r"'(\w+)':", str(node.get("extra_data", ""))):
                assert variable in {QUESTIONS[name]["variable"] for name in surveys[node["template"]]}


def test_a_workflow_has_no_name_of_a_template() -> None:
    """AWX names the workflow job of slices after its template; patch nights tell slices by that."""
    assert not {template["key"] for template in TEMPLATES} & {workflow["key"] for workflow in WORKFLOWS}


def test_no_variable_has_a_name_that_awx_uses() -> None:
    names = {question["variable"] for question in QUESTIONS.values()}
    assert not any(name.startswith(("awx_", "tower_")) for name in names)


def test_defaults_and_argument_specification_agree() -> None:
    options = load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert load(ROLE / "defaults" / "main.yml") == {name: option["default"] for name, option in options.items()}


def test_roles_name_what_there_is() -> None:
    templates = {template["key"] for template in TEMPLATES}
    workflows = {workflow["key"] for workflow in WORKFLOWS}
    for role in DEFINED["awx_configure_roles"]:
        assert set(role.get("templates", [])) <= templates and set(role.get("workflows", [])) <= workflows
