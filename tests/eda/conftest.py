# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-rulebook is installed first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import rulebook

INVENTORY = f"""\
[mailservers]
mail1
mail2

[all:vars]
ansible_connection=local
ansible_host=127.0.0.1
ansible_python_interpreter={sys.executable}
"""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Install what is missing, before there are workers."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        rulebook.install()


@pytest.fixture(name="start", scope="module")
def _start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., rulebook.Rulebook]]:
    """Starts a rulebook of the collection over two mail hosts, which are this machine; it ends with the module."""
    with ExitStack() as stack:

        def start(name: str, **more: object) -> rulebook.Rulebook:
            folder = tmp_path_factory.mktemp("eda")
            (folder / "hosts").write_text(INVENTORY, encoding="utf-8")
            running = rulebook.Rulebook(name, folder / "hosts", folder / "rulebook", **more)
            return stack.enter_context(running)

        yield start
