# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published schema of the report, and that the samples of the other tests follow it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

Report = dict[str, Any]


@pytest.fixture(name="validator")
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(samples.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", samples.RECORDED)
def test_samples_follow_the_schema(validator: jsonschema.Draft202012Validator, name: str) -> None:
    assert [error.message for error in validator.iter_errors(samples.load(name))] == []


def test_fields_may_be_added_at_every_level(validator: jsonschema.Draft202012Validator) -> None:
    def grown(value: Any) -> Any:
        if isinstance(value, dict):
            return {"added_later": "", **{key: grown(item) for key, item in value.items()}}
        return [grown(item) for item in value] if isinstance(value, list) else value

    report = grown(samples.load("fleet"))
    del report["hosts"]["added_later"]
    for host in report["hosts"].values():
        del host["reach"]["added_later"]
        for row in host["reach"].values():
            del row["added_later"]
    assert [error.message for error in validator.iter_errors(report)] == []


def _host(report: Report) -> Report:
    host: Report = report["hosts"]["mail2"]
    return host


def _finding(report: Report) -> Report:
    finding: Report = _host(report)["findings"][0]
    return finding


@pytest.mark.parametrize(
    "break_it",
    [
        lambda report: report.update(schema="mailops.triage/report/2"),
        lambda report: report.pop("run"),
        lambda report: report["fleet"].update(verdict="maintenance"),
        lambda report: report["fleet"].update(scope="world"),
        lambda report: report["fleet"]["counts"].pop("unknown"),
        lambda report: report["run"]["vantage_points"][0].update(status="maybe"),
        lambda report: _host(report).update(verdict="sick"),
        lambda report: _host(report)["reach"]["controller"].update(smtp="closed"),
        lambda report: _host(report)["login"].update(outcome="denied"),
        lambda report: _finding(report).update(kind="cause"),
        lambda report: _finding(report).update(confidence=1.5),
        lambda report: _finding(report).update(category="weather"),
        lambda report: _finding(report).update(id="Postfix is down"),
        lambda report: _finding(report)["remedy"].pop("dont"),
        lambda report: _host(report)["actions"][0].update(state="maybe"),
    ],
)
def test_what_the_contract_fixes_is_enforced(
    validator: jsonschema.Draft202012Validator, break_it: Callable[[Report], object]
) -> None:
    report = samples.load("fleet")
    break_it(report)
    assert not validator.is_valid(report)
