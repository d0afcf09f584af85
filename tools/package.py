# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the collection as it would be released, install it elsewhere and see whether it works there.

1. ``ansible-galaxy collection build`` in this very working tree, with all that running and testing have left in it,
   must give an artifact of exactly the files that belong to it: nothing from outside git, nothing of the tools,
   and every file of plugins/, roles/, rules/, playbooks/, docs/ and so on.
2. The installed artifact must verify, its documentation must be readable, and each playbook must be found by its
   full name (``ansible-playbook mailops.triage.diagnose``).
3. Each playbook must also be found complete in the plain checkout, from another working directory.
"""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import mirror
import yaml

WORK = mirror.ROOT / ".package"
BIN = Path(sys.executable).parent
INVENTORY = "[mailservers]\nmail1.example.com ansible_connection=local\n"
PLUGIN_TYPES = {"modules": "module", "filter": "filter", "callback": "callback", "lookup": "lookup", "test": "test"}
# Files of the checkout that say how to build, and become something else in the artifact.
REPLACED = {"galaxy.yml"}


class Failure(Exception):
    """Something about the package is wrong; the text says what."""


def run(*command: str, **environment: str) -> str:
    """Run a command of the tool chain in the work folder and return what it printed."""
    result = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=WORK,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Failure(f"'{' '.join(command)}' ended with {result.returncode}:\n{result.stdout.strip()}")
    return result.stdout


def is_ignored(name: str, patterns: list[str]) -> bool:
    """Say whether build_ignore leaves a file out: itself, or a folder it lies in."""
    parts = name.split("/")
    prefixes = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    return any(fnmatch.fnmatch(prefix, pattern) for prefix in prefixes for pattern in patterns)


def build(galaxy: dict[str, Any]) -> Path:
    """Build the artifact, compare its contents with the checkout and return its path."""
    run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(WORK / "dist"), str(mirror.ROOT))
    artifact = WORK / "dist" / f"{galaxy['namespace']}-{galaxy['name']}-{galaxy['version']}.tar.gz"
    with tarfile.open(artifact) as archive:
        found = {member.name for member in archive.getmembers() if not member.isdir()}
    patterns: list[str] = galaxy["build_ignore"]
    wanted = {name for name in mirror.listed_files() if not is_ignored(name, patterns)} - REPLACED
    wanted |= {"MANIFEST.json", "FILES.json"}
    for names, what in (
        (found - wanted, "files in the artifact that are not part of the collection"),
        (wanted - found, "files of the collection that the artifact lacks"),
    ):
        if names:
            raise Failure(f"{what}:\n  " + "\n  ".join(sorted(names)))
    print(f"built {artifact.name}: {len(found)} files, {artifact.stat().st_size // 1024} KiB")
    return artifact


def playbook_names() -> list[str]:
    """Return the names of the playbooks, without folder and suffix."""
    found = []
    for path in sorted((mirror.ROOT / "playbooks").glob("*.yml")):
        if isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), list):
            found.append(path.stem)
    return found


def check_installed(artifact: Path, full_name: str) -> None:
    """Install the artifact and look at it through ansible's own commands."""
    place = str(WORK / "installed")
    here = {"ANSIBLE_COLLECTIONS_PATH": place}
    run("ansible-galaxy", "collection", "install", "--offline", "-p", place, str(artifact), **here)
    run("ansible-galaxy", "collection", "verify", "--offline", "-p", place, full_name, **here)
    print(f"installed and verified {full_name}")
    for folder, kind in PLUGIN_TYPES.items():
        if (mirror.ROOT / "plugins" / folder).is_dir():
            listed = run("ansible-doc", "-t", kind, "--list", "--json", full_name, **here)
            names = sorted(json.loads(listed[listed.index("{") :]))
            if names:
                run("ansible-doc", "-t", kind, *names, **here)
            print(f"documentation of {kind}: {', '.join(names) or 'none'}")
    for name in playbook_names():
        play = f"{full_name}.{name}"
        run("ansible-playbook", play, "--syntax-check", "-i", "inventory", **here)
        print(f"ansible-playbook {play}: found, syntax right")


def check_checkout() -> None:
    """See that every playbook of the plain checkout finds the collection, run from another folder."""
    for name in playbook_names():
        path = mirror.ROOT / "playbooks" / f"{name}.yml"
        nowhere = {"ANSIBLE_COLLECTIONS_PATH": str(WORK / "empty")}
        run("ansible-playbook", str(path), "--syntax-check", "-i", "inventory", **nowhere)
        print(f"ansible-playbook playbooks/{name}.yml: found from the checkout, syntax right")


def main() -> int:
    """Run the three parts and return the exit status."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    (WORK / "inventory").write_text(INVENTORY, encoding="utf-8")
    galaxy = yaml.safe_load((mirror.ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    try:
        artifact = build(galaxy)
        check_installed(artifact, f"{galaxy['namespace']}.{galaxy['name']}")
        check_checkout()
    except Failure as failure:
        print(f"tools/package.py: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
