# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module mail_probe, run as Ansible runs it: arguments in, JSON out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from ansible_collections.mailops.triage.plugins.doc_fragments import probing
from ansible_collections.mailops.triage.plugins.module_utils._probe.options import DEFAULTS, PORTS
from ansible_collections.mailops.triage.plugins.modules import mail_probe
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.probe.stubs import (
    HOSTILE,
    check_record,
    smtp_script,
    stub,
)

PROGRAM = """
import sys
sys.path[:] = {path!r}
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = {arguments!r}
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.mailops.triage.plugins.doc_fragments import probing
from ansible_collections.mailops.triage.plugins.modules import mail_probe
mail_probe.main()
"""


def run(tmp_path, **arguments):
    """(exit status, result) of the module in a process of its own."""
    collections = mail_probe.__file__.rsplit("/ansible_collections/", 1)[0]
    encoded = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_tmpdir": str(tmp_path), **arguments}}).encode()
    program = PROGRAM.format(path=[collections, *sys.path], arguments=encoded)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout or "null") or done.stderr


def target(port, protocol="smtp"):
    return {"name": "mail1", "address": "127.0.0.1", "services": [{"protocol": protocol, "port": port}]}


@pytest.mark.parametrize("check_mode", [False, True])
def test_probe(tmp_path, check_mode):
    with stub(smtp_script(f"220 {HOSTILE}\r\n".encode())) as server:
        status, result = run(tmp_path, targets=[target(server.port)], vantage="here", _ansible_check_mode=check_mode)
    assert status == 0 and result["changed"] is False
    assert result["probe"]["vantage"] == "here"
    (record,) = result["probe"]["hosts"]["mail1"]["services"]
    check_record(record)
    assert record["outcome"] == "ok"
    assert "{{ lookup('pipe','id') }}" in record["text"]


def test_password_is_nowhere_in_the_result(tmp_path):
    account = {"user": "probe", "password": "correct-horse"}
    with stub(smtp_script(b"220 correct-horse\r\n", EHLO=b"250-x\r\n250 AUTH PLAIN\r\n", AUTH=b"235 ok\r\n")) as server:
        status, result = run(tmp_path, targets=[target(server.port, "submission")], account=account, ping=False)
    assert status == 0
    assert result["probe"]["hosts"]["mail1"]["services"][0]["outcome"] == "ok"
    # ansible-core up to 2.20 repeats the arguments, masked; later ones leave them out.
    assert "correct-horse" not in json.dumps(result)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"targets": [target(25), target(25)]}, "target mail1 is there twice"),
        ({"targets": [target(70000)]}, "target mail1: port must lie between 1 and 65535"),
        ({"targets": [target(25, "gopher")]}, "value of protocol must be one of"),
        ({"targets": [], "per_host": 50}, "per_host must lie between 1 and 8"),
        ({"targets": [], "helo": "a b"}, "helo must not contain blanks"),
        ({}, "missing required arguments: targets"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path, arguments, words):
    status, result = run(tmp_path, **arguments)
    assert status == 1 and result["failed"] is True
    assert words in result["msg"]


def test_documentation_agrees_with_the_code():
    parts = (mail_probe.DOCUMENTATION, probing.ModuleDocFragment.DOCUMENTATION)
    documented = {name: option for part in parts for name, option in yaml.safe_load(part)["options"].items()}
    assert set(documented) == {"targets", *DEFAULTS}
    for name, default in DEFAULTS.items():
        assert documented[name].get("default") == default, name
    protocol = documented["targets"]["suboptions"]["services"]["suboptions"]["protocol"]
    assert set(protocol["choices"]) == set(PORTS) == set(mail_probe.PROTOCOLS)
