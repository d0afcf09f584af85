# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document as a whole: subsets, budgets, isolation of failures, schema."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import jsonschema
import pytest

from ansible_collections.mailops.triage.plugins.module_utils import _collect
from ansible_collections.mailops.triage.plugins.module_utils._facts import filesystems, procfs
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import Quiet, result, text

SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "facts.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def problems(document):
    return [(list(error.absolute_path), error.message[:200]) for error in VALIDATOR.iter_errors(document)]


@pytest.mark.parametrize(
    ("subsets", "names"),
    [
        (None, set(_collect.SUBSETS)),
        (["all"], set(_collect.SUBSETS)),
        (["!log"], set(_collect.SUBSETS) - {"log"}),
        (["all", "!log", "!dns"], set(_collect.SUBSETS) - {"log", "dns"}),
        (["disk", "queue"], {"disk", "queue"}),
        ("disk,queue", {"disk", "queue"}),
        (["disk", "!disk"], set()),
        (["!all", "host"], {"host"}),
        (["!all"], set()),
    ],
)
def test_choosing(subsets, names):
    assert set(_collect.choose(subsets)) == names


@pytest.mark.parametrize("subsets", [["disc"], ["!disc", "queue"], ["all", "hardwear"]])
def test_unknown_subsets_are_named(subsets):
    with pytest.raises(ValueError) as raised:
        _collect.choose(subsets)
    assert subsets[0].lstrip("!") in str(raised.value) or "hardwear" in str(raised.value)
    assert "loopback" in str(raised.value)


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == _collect.SCHEMA
    assert set(_collect.SUBSETS) <= set(SCHEMA["properties"])


def test_this_machine():
    document = _collect.collect(["all", "!loopback"], {"time_budget": 20})
    assert problems(document) == []
    assert set(document["collectors"]) == set(_collect.SUBSETS) - {"loopback"}
    assert "loopback" not in document
    assert document["host"]["hostname"] and document["memory"]["total_bytes"]
    assert any("root" in item["holds"] for item in document["disk"]["filesystems"])
    json.dumps(document)


@pytest.mark.parametrize("name", ["document-healthy.json", "document-faulty.json"])
def test_recorded_documents(name):
    document = json.loads(text(name))
    assert problems(document) == []


def test_recorded_faults_are_in_the_document():
    document = json.loads(text("document-faulty.json"))
    assert document["services"]["mda"]["master"]["state"] == "absent"
    assert {item["kind"]: item["outcome"] for item in document["services"]["dependencies"]}["sasl"] == "refused"
    assert document["log"]["signatures"]["sasl_refused"]["current"] > 0
    assert [item["verdict"] for item in document["listeners"]["filtered"]] == ["drop", "drop"]


def test_one_that_raises_costs_its_own_part_only(monkeypatch):
    def broken(_context):
        raise RuntimeError("no such luck \x1b[31m" + "x" * 5000)

    monkeypatch.setitem(_collect.COLLECTORS, "memory", broken)
    document = _collect.collect(["memory", "host"])
    record = document["collectors"]["memory"]
    assert document["memory"] is None and record["status"] == "failed"
    assert record["reason"].startswith("RuntimeError: no such luck") and "\x1b" not in record["reason"]
    assert len(record["reason"]) <= 400
    assert document["host"] is not None and document["collectors"]["host"]["status"] == "ok"
    assert problems(document) == []


def test_one_that_hangs_costs_the_budget_only(monkeypatch):
    monkeypatch.setitem(_collect.COLLECTORS, "memory", lambda _context: time.sleep(5))
    began = time.monotonic()
    document = _collect.collect(["memory", "host"], {"time_budget": 0.5})
    assert time.monotonic() - began < 2
    assert document["memory"] is None and document["host"] is not None
    assert "time budget of 0.5 s" in document["collectors"]["memory"]["reason"]


def test_a_host_that_gives_no_more_threads(monkeypatch):
    start = threading.Thread.start

    def refused(thread):
        if thread.name != "collect host":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    document = _collect.collect(["memory", "host", "disk"])
    assert document["host"] is not None and document["memory"] is document["disk"] is None
    record = document["collectors"]["memory"]
    assert (record["status"], record["reason"]) == ("failed", "RuntimeError: can't start new thread")
    assert problems(document) == []


def test_no_time_at_all():
    document = _collect.collect(["memory", "queue"], {"time_budget": 0.0})
    assert {record["status"] for record in document["collectors"].values()} == {"skipped"}
    assert document["memory"] is None and problems(document) == []


def test_notes_make_a_collector_partial(monkeypatch):
    def half(context):
        context.note("memory", "one half")
        context.note("memory", "one half")
        return {"total_bytes": 1}

    monkeypatch.setitem(_collect.COLLECTORS, "memory", half)
    document = _collect.collect(["memory"])
    assert document["collectors"]["memory"]["status"] == "partial"
    assert document["collectors"]["memory"]["reason"] == "one half"


def test_remote_file_systems_are_asked_by_a_child():
    mount = filesystems.Mount("/srv/mail", "nas:/mail", "nfs4", False, 99)
    dead = Quiet({"stat": result(rc=None, status="timeout")})
    assert filesystems.space(dead, mount) is None and dead.asked[0][0] == "stat"
    alive = Quiet({"stat": result("4096 1000 100 150 0 0\n")})
    assert filesystems.space(alive, mount).available == 409600


def test_processes_of_other_namespaces_are_not_ours(tmp_path):
    for pid, space in (("self", "pid:[1]"), ("7", "pid:[1]"), ("8", "pid:[2]")):
        (tmp_path / pid / "ns").mkdir(parents=True)
        (tmp_path / pid / "ns" / "pid").symlink_to(space)
    assert procfs.same_pid_namespace(7, str(tmp_path))
    assert not procfs.same_pid_namespace(8, str(tmp_path))
    assert procfs.same_pid_namespace(9, str(tmp_path))
