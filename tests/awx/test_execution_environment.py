# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: ansible-builder makes a context of it, and what the controller's side needs is in it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import runner_layout
import yaml
from runner_layout import ROOT

BUILDER = runner_layout.VENV / "bin" / "ansible-builder"
OF_ANSIBLE = {"ansible", "ansible_collections", "jinja2", "markupsafe", "yaml"}
"""What ansible-core brings along."""
PACKAGES = {"jmespath": "jmespath", "dateutil": "python-dateutil"}
"""Libraries by the name that is imported, with the name that is installed."""


def builder(*words: str) -> str:
    """Run ansible-builder; what it says."""
    runner_layout.install()
    done = subprocess.run([str(BUILDER), *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image would be built from."""
    folder = tmp_path_factory.mktemp("context")
    builder("create", "--context", str(folder), "--output-filename", "Containerfile")
    return folder


def imported() -> set[str]:
    """The libraries that the controller's side of the collection imports, also those that it asks for by name."""
    found: set[str] = set()
    for folder in ("action", "plugin_utils", "test"):
        for path in (ROOT / "plugins" / folder).rglob("*.py"):
            for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(part, ast.Import):
                    found |= {alias.name for alias in part.names}
                elif isinstance(part, ast.ImportFrom) and part.module:
                    found.add(part.module)
                elif isinstance(part, ast.Call) and ast.unparse(part.func) == "importlib.import_module":
                    found |= {word.value for word in part.args if isinstance(word, ast.Constant)}
    return {name.split(".")[0] for name in found} - set(sys.stdlib_module_names) - OF_ANSIBLE


def test_each_library_is_installed(context: Path) -> None:
    lines = (context / "_build" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = {line.split(">")[0] for line in lines if line and not line.startswith("#")}
    assert imported() == set(PACKAGES)
    assert wanted == set(PACKAGES.values())


def test_each_program_is_installed(context: Path) -> None:
    text = (context / "_build" / "bindep.txt").read_text(encoding="utf-8")
    for program in ("ipmitool", "openssh-clients", "sshpass", "iputils", "tzdata"):
        assert f"\n{program} [platform:rpm]" in text


def test_the_collections_are_those_that_awx_fetches_and_the_one_that_speaks_to_it(context: Path) -> None:
    built = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    project = yaml.safe_load((ROOT / "collections" / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    assert built == [*project, {"name": "awx.awx", "version": ">=24.6.1"}]


def test_python_and_ansible_are_those_that_are_supported(context: Path) -> None:
    recipe = (context / "Containerfile").read_text(encoding="utf-8")
    assert 'ARG PYCMD="/usr/bin/python3.12"' in recipe
    assert "ansible-core>=2.16,<2.22" in recipe
    supported = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    assert supported == ">=2.16.0"


def test_an_environment_of_somebody_else_gets_the_same() -> None:
    """ansible-builder asks each collection of an image what it needs."""
    asked = yaml.safe_load(builder("introspect", str(ROOT / "playbooks" / "collections")))
    ours = "  # from collection mailops.triage"
    assert asked["python"] == [f"{name}{ours}" for name in ("jmespath>=0.10.0", "python-dateutil")]
    assert f"ipmitool [platform:rpm]{ours}" in asked["system"]
