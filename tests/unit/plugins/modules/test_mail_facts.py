# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module mail_facts, run as Ansible runs it: arguments in, JSON out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from ansible_collections.mailops.triage.plugins.module_utils._collect import SUBSETS
from ansible_collections.mailops.triage.plugins.module_utils._probe.options import PORTS
from ansible_collections.mailops.triage.plugins.modules import mail_facts

PROGRAM = """
import sys
sys.path[:] = {path!r}
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = {arguments!r}
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.mailops.triage.plugins.modules import mail_facts
mail_facts.main()
"""


def run(tmp_path, **arguments):
    """(exit status, result) of the module in a process of its own."""
    collections = mail_facts.__file__.rsplit("/ansible_collections/", 1)[0]
    encoded = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_tmpdir": str(tmp_path), **arguments}}).encode()
    program = PROGRAM.format(path=[collections, *sys.path], arguments=encoded)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("check_mode", [False, True])
def test_document_and_facts(tmp_path, check_mode):
    code, found = run(tmp_path, gather_subset=["host", "memory"], _ansible_check_mode=check_mode)
    assert code == 0 and found["changed"] is False
    assert found["ansible_facts"] == {"mail_facts": found["mail_facts"]}
    assert set(found["mail_facts"]["collectors"]) == {"host", "memory"}


def test_unknown_subset(tmp_path):
    code, found = run(tmp_path, gather_subset=["disk", "disc"])
    assert code == 1 and found["failed"]
    assert "disc;" in found["msg"] and all(name in found["msg"] for name in SUBSETS)


@pytest.mark.parametrize("option", ["time_budget", "log_window"])
def test_times_must_be_positive(tmp_path, option):
    code, found = run(tmp_path, **{option: 0})
    assert code == 1 and option in found["msg"]


def test_unknown_service(tmp_path):
    code, found = run(tmp_path, services=["gopher"])
    assert code == 1 and "gopher" in found["msg"]


def test_documentation_is_true():
    documentation = yaml.safe_load(mail_facts.DOCUMENTATION)
    options = documentation["options"]
    assert set(options) == {"gather_subset", "time_budget", "log_window", "services", "users", "addresses"}
    assert set(options["services"]["choices"]) == set(mail_facts.PROTOCOLS) == set(PORTS)
    assert all(f"V({name})" in " ".join(options["gather_subset"]["description"]) for name in SUBSETS)
    assert {"mail_facts", "ansible_facts"} == set(yaml.safe_load(mail_facts.RETURN))
    assert yaml.safe_load(mail_facts.EXAMPLES)
