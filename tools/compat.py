# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try the collection on the oldest and the newest ansible-core it supports, each in an environment of its own.

Per ansible-core: the unit tests, and a syntax check of every playbook, which makes ansible load and resolve all
that the playbooks name. An ansible-core that no Python on this machine can run is said to be left out.
"""

from __future__ import annotations

import os
import subprocess
import sys

import mirror
import package

CORES = ("2.16", "2.21")
NO_PYTHON = 3


def try_core(core: str) -> bool | None:
    """Return whether all is well with this ansible-core; None when there is no Python for it."""
    status = subprocess.run(["sh", "tools/venv.sh", core], cwd=mirror.ROOT, check=False).returncode
    if status == NO_PYTHON:
        return None
    if status:
        return False
    folder = mirror.ROOT / f".venv-{core}" / "bin"
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    good = (
        subprocess.run(
            [str(folder / "python"), "-m", "pytest", "tests/unit", "tests/playbooks"],
            cwd=mirror.ROOT,
            env=environment,
            check=False,
        ).returncode
        == 0
    )
    inventory = mirror.ROOT / f".venv-{core}" / "smoke-inventory"
    inventory.write_text(package.INVENTORY, encoding="utf-8")
    for name in package.playbook_names():
        command = [str(folder / "ansible-playbook"), "--syntax-check", "-i", str(inventory), f"playbooks/{name}.yml"]
        good = subprocess.run(command, cwd=mirror.ROOT, env=environment, check=False).returncode == 0 and good
    return good


def main() -> int:
    """Try every supported ansible-core; return the exit status."""
    verdicts = {core: try_core(core) for core in CORES}
    words = {True: "passed", False: "FAILED", None: "left out: no Python for it on this machine"}
    print("make compat: " + "; ".join(f"ansible-core {core} {words[verdict]}" for core, verdict in verdicts.items()))
    return 1 if False in verdicts.values() else 0


if __name__ == "__main__":
    sys.exit(main())
