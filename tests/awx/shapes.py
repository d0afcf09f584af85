# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX says of a body that is sent to it: fields, types and choices, as api.json has them.

AWX itself passes over fields that it does not know. Here they are refused: whoever sends one believes in something that
does not happen.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

API: dict[str, Any] = json.loads((Path(__file__).parent / "api.json").read_text(encoding="utf-8"))
ENDPOINTS: dict[str, dict[str, Any]] = API["endpoints"]
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "workflow_approval_templates")
"""What the endpoint unified_job_templates has together."""

Errors = dict[str, list[str]]


def check(endpoint: str, body: object, partial: bool) -> Errors:
    """What is wrong with a body, by field; nothing when it is right.

    :param partial: it changes an object: what is missing stays as it is
    """
    if not isinstance(body, dict):
        return {"__all__": ["a JSON object is expected"]}
    shape = ENDPOINTS[endpoint]
    errors: Errors = {}
    for name, value in body.items():
        if name in shape["fields"]:
            complaint = wrong(shape["fields"][name], value)
        elif name in shape["read_only"]:
            complaint = ""
        else:
            complaint = f"{endpoint} has no field of this name"
        if complaint:
            errors[name] = [complaint]
    for name, field in shape["fields"].items():
        if field.get("required") and name not in body and not partial:
            errors[name] = ["This field is required."]
    return errors


def wrong(field: dict[str, Any], value: object) -> str:
    """What is wrong with a value, "" when nothing is."""
    if value is None:
        may = "default" in field and field["default"] is None
        return "" if may or None in field.get("choices", ()) else "This field may not be null."
    kind = field["type"]
    types: dict[str, type] = {"string": str, "vars": str, "boolean": bool, "integer": int, "id": int, "json": dict}
    if kind == "choice":
        return "" if value in field["choices"] else f"{value!r} is not a valid choice."
    if not isinstance(value, types[kind]) or (kind in ("integer", "id") and isinstance(value, bool)):
        return f"{kind} expected, not {type(value).__name__}"
    if isinstance(value, str) and len(value) > field.get("max_length", len(value)):
        return f"Ensure this field has no more than {field['max_length']} characters."
    if isinstance(value, int) and not field.get("min", value) <= value <= field.get("max", value):
        return f"{value} is out of bounds"
    if kind == "vars" and not isinstance(yaml.safe_load(str(value)) or {}, dict):
        return "Variables have to be a mapping"
    return ""


def complete(endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
    """A new object: what the body says, and the defaults for the rest."""
    fields = ENDPOINTS[endpoint]["fields"]
    return {name: body.get(name, field.get("default")) for name, field in fields.items()}
