# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep a copy of the working tree at the path some tools insist on.

``ansible-test``, ``ansible-lint`` and ``antsibull-docs`` want a collection to lie in
``.../ansible_collections/<namespace>/<name>`` and follow symbolic links out of it again, so they get a real copy of
what git tracks or would add: ``.ansible-root/ansible_collections/mailops/triage``. Left out is the link that makes a
plain checkout its own collection: it is no part of the artifact, and ``ansible-test`` allows no links to folders.

Prints the path of the copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIRROR = ROOT / ".ansible-root" / "ansible_collections" / "mailops" / "triage"
LEFT_OUT = "playbooks/collections/"


def listed_files(root: Path = ROOT) -> list[str]:
    """Return the files git tracks or would add, as paths relative to ``root``; deleted ones are not among them."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"tools/mirror.py: this needs git and a git checkout: {error}") from error
    names = sorted(set(filter(None, output.split("\0"))))
    return [name for name in names if not name.startswith(LEFT_OUT) and os.path.lexists(root / name)]


def copy(source: Path, target: Path) -> None:
    """Copy one file with its time and mode, unless the copy is the same already."""
    info = source.stat(follow_symlinks=False)
    if target.is_file() and not target.is_symlink():
        have = target.stat()
        if (have.st_size, have.st_mtime_ns, have.st_mode) == (info.st_size, info.st_mtime_ns, info.st_mode):
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        target.unlink()
    shutil.copy2(source, target, follow_symlinks=False)


def prune(wanted: set[str]) -> None:
    """Remove from the copy what is no longer in the checkout, keeping git's folder and the output of ansible-test."""
    for folder, folders, files in os.walk(MIRROR, topdown=True):
        here = Path(folder)
        if here == MIRROR:
            folders[:] = [name for name in folders if name not in (".git", ".ansible")]
        if here == MIRROR / "tests":
            folders[:] = [name for name in folders if name != "output"]
        for name in files:
            if (here / name).relative_to(MIRROR).as_posix() not in wanted:
                (here / name).unlink()
    for folder, folders, files in os.walk(MIRROR, topdown=False):
        if not folders and not files and Path(folder) != MIRROR and ".git" not in Path(folder).parts:
            Path(folder).rmdir()


def synchronise() -> Path:
    """Bring the copy up to date and return its path."""
    names = listed_files()
    MIRROR.mkdir(parents=True, exist_ok=True)
    if not (MIRROR / ".git").exists():
        subprocess.run(["git", "init", "--quiet", str(MIRROR)], check=True)
    for name in names:
        copy(ROOT / name, MIRROR / name)
    prune(set(names))
    return MIRROR


if __name__ == "__main__":
    sys.stdout.write(f"{synchronise()}\n")
