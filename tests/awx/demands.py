# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX asks of objects beyond the types of their fields: surveys, credential types, messages, schedules.

Each function returns the complaint, or "" when there is none.
"""

from __future__ import annotations

import re
from typing import Any

import jinja2
import jsonschema
from jinja2 import sandbox

QUESTIONS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "textarea": (str,),
    "password": (str,),
    "multiplechoice": (str,),
    "multiselect": (str, list),
    "integer": (int,),
    "float": (float, int),
}
"""Types of questions, with the types that their defaults may have."""

_NAME = "^[a-zA-Z_]+[a-zA-Z0-9_]*$"
_INPUTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "required": {"type": "array", "items": {"type": "string"}},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "label", "type"],
                "properties": {
                    "id": {"type": "string", "pattern": _NAME},
                    "type": {"enum": ["string", "boolean"]},
                    "label": {"type": "string"},
                    "help_text": {"type": "string"},
                    "secret": {"type": "boolean"},
                    "multiline": {"type": "boolean"},
                    "format": {"enum": ["ssh_private_key", "url"]},
                    "choices": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}},
                    "default": {},
                },
            },
        },
    },
}
_INJECTORS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "env": {"type": "object", "additionalProperties": False, "patternProperties": {_NAME: {"type": "string"}}},
        "extra_vars": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {_NAME: {"anyOf": [{"type": "string"}, {"$ref": "#/properties/extra_vars"}]}},
        },
        "file": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
_WEBHOOK: dict[str, type] = {
    "url": str,
    "http_method": str,
    "disable_ssl_verification": bool,
    "username": str,
    "password": str,
    "headers": dict,
}
_JOB = {
    "id": 1,
    "name": "job",
    "status": "failed",
    "url": "/",
    "artifacts": {},
    "elapsed": 1.0,
    "launch_type": "webhook",
}
_CONTEXT = {"job": _JOB, "url": "https://awx.example.com/#/jobs/1", "job_friendly_name": "Job", "job_metadata": "{}"}


def survey(spec: object) -> str:
    """Of a survey; AWX words it as one sentence, too."""
    if not isinstance(spec, dict) or set(spec) != {"name", "description", "spec"}:
        return "a survey has a name, a description and a spec"
    if not isinstance(spec["spec"], list) or not spec["spec"]:
        return "'spec' doesn't contain any items."
    seen: set[str] = set()
    for number, question in enumerate(spec["spec"]):
        complaint = _question(question)
        if not complaint and question["variable"] in seen:
            complaint = f"'{question['variable']}' is asked for twice"
        if complaint:
            return f"survey question {number}: {complaint}"
        seen.add(question["variable"])
    return ""


def _question(question: dict[str, Any]) -> str:
    known = {
        "question_name",
        "question_description",
        "variable",
        "type",
        "required",
        "min",
        "max",
        "default",
        "choices",
    }
    for name in ("question_name", "variable", "type", "required"):
        if not isinstance(question.get(name), bool if name == "required" else str):
            return f"'{name}' is missing, or of a wrong type"
    if set(question) - known:
        return f"unknown: {sorted(set(question) - known)}"
    kind, default = question["type"], question.get("default", "")
    if kind not in QUESTIONS:
        return f"'{kind}' is not one of {', '.join(QUESTIONS)}"
    if default != "" and not isinstance(default, QUESTIONS[kind]):
        return f"default {default!r} is not of the type {kind}"
    if kind.startswith("multi"):
        choices = question.get("choices")
        if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
            return "a list of choices is needed"
        if any(choice not in choices for choice in str(default).splitlines()):
            return "Default choice must be answered from the choices listed."
    return ""


def answers(spec: dict[str, Any], given: dict[str, Any], others: bool) -> str:
    """Of variables that are given beforehand, by a node or a schedule.

    :param others: whether the template asks for variables, and so takes what its survey does not have
    """
    questions = {question["variable"]: question for question in spec.get("spec", [])}
    for name, value in given.items():
        if name not in questions:
            if others:
                continue
            return f"Variables {name} are not allowed on launch."
        question = questions[name]
        if question["type"] == "multiplechoice" and value not in question["choices"]:
            return f"Value {value} for '{name}' expected to be one of {question['choices']}."
        if not isinstance(value, QUESTIONS[question["type"]]) or isinstance(value, bool):
            return f"Value {value} for '{name}' expected to be of the type {question['type']}."
        size = value if isinstance(value, (int, float)) else len(value)
        if not question.get("min", size) <= size <= question.get("max", size):
            return f"'{name}' value {value} is too small or too large."
    return ""


def credential_type(inputs: dict[str, Any], injectors: dict[str, Any], kind: str) -> str:
    """Of a credential type: what it injects may refer to its own fields alone."""
    if kind not in ("cloud", "net"):
        return f"Must be 'cloud' or 'net', not {kind}"
    try:
        jsonschema.validate(inputs, _INPUTS)
        jsonschema.validate(injectors, _INJECTORS)
    except jsonschema.ValidationError as error:
        return error.message
    names = [field["id"] for field in inputs.get("fields", [])]
    if len(set(names)) < len(names) or set(inputs.get("required", [])) - set(names):
        return "field IDs must be unique, and what is required must be one of them"
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_") or name in ("PATH", "HOME", "PYTHONPATH", "JOB_ID", "INVENTORY_ID"):
            return f"Environment variable {name} is not allowed in credentials."
    complaints = (_renders(text, dict.fromkeys(names, "EXAMPLE")) for text in _texts(injectors))
    return next((complaint for complaint in complaints if complaint), "")


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return [value]


def _renders(text: str, names: dict[str, Any]) -> str:
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    try:
        environment.from_string(text).render(names)
    except (jinja2.TemplateError, sandbox.SecurityError) as error:
        return f"{text!r}: {error}"
    return ""


def notification(kind: str, configuration: dict[str, Any], messages: dict[str, Any] | None) -> str:
    """Of a notification by webhook, the only kind that is used here."""
    if kind != "webhook":
        return "this stand-in of AWX knows webhooks only"
    if set(configuration) != set(_WEBHOOK):
        return f"a webhook is configured by {sorted(_WEBHOOK)}"
    bad = [name for name, type_ in _WEBHOOK.items() if not isinstance(configuration[name], type_)]
    if bad:
        return f"Configuration field '{bad[0]}' incorrect type."
    for event, message in (messages or {}).items():
        if event not in ("started", "success", "error", "workflow_approval"):
            return f"Event '{event}' invalid"
        for part, text in (message or {}).items():
            if part not in ("message", "body") or not isinstance(text, str):
                return f"Message type '{part}' invalid, must be either 'message' or 'body'"
            complaint = _renders(text, _CONTEXT)
            if complaint:
                return complaint
    return ""


def rrule(text: str) -> str:
    """Of the rule of a schedule."""
    if len(re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", text)) != 1:
        return "Valid DTSTART required in rrule."
    if re.search(r"DTSTART:[0-9]+T[0-9]+(?!Z)\b", text):
        return "DTSTART cannot be a naive datetime."
    rules = re.findall(r"RULE:(\S*)", text)
    if "RRULE:" not in text or "EXDATE" in text or "RDATE" in text:
        return "One or more rule required in rrule, and neither EXDATE nor RDATE."
    if any("INTERVAL" not in rule or "SECONDLY" in rule for rule in rules):
        return "INTERVAL required in rrule"
    return ""
