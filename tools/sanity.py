# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``ansible-test sanity`` without containers and without leaving anything outside this checkout.

Three things stand in the way of running it directly, and each is dealt with here:

* it wants the collection at ``.../ansible_collections/mailops/triage`` -> tools/mirror.py;
* its own environments are made without pip, which it then fetches from a server of its own -> a stand-in in its
  cache calls ``ensurepip``; the cache lies in a HOME inside the tree;
* it drops most environment variables, so that pyenv's shims no longer know what they stand for -> the folders of the
  shims are taken off PATH.

Arguments are passed on, for example ``--test pylint`` or a path. Without ``--python`` among them only the Python of
``.venv/`` is tested; ``--all-pythons`` tests every Python that can be found.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import mirror

HOME = mirror.ROOT / ".ansible-root" / "home"

# The versions of pip that ansible-core 2.16 to 2.21 ask for.
PIP_VERSIONS = ("21.3.1", "23.1.2", "24.2", "25.2")

STAND_IN = '''\
"""Stand-in for get-pip.py: called inside an environment without pip, with arguments such as pip==25.2 --no-wheel.

Each sanity test has an environment of its own, and making pip takes longer than all that pip then does in it. So it is
made once, kept, and copied.
"""
import os
import shutil
import subprocess
import sys
import sysconfig

arguments = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
named = [word for word in arguments if not word.startswith("-")]
place = sysconfig.get_paths()["purelib"]
kept = os.path.join(
    os.path.expanduser("~"), ".ansible", "test", "cache", "-".join(["made", "%d.%d" % sys.version_info[:2]] + named)
)
empty = os.path.isdir(place) and not os.listdir(place)
if empty and os.path.isdir(kept):
    for name in os.listdir(kept):
        source, target = os.path.join(kept, name), os.path.join(place, name)
        shutil.copytree(source, target) if os.path.isdir(source) else shutil.copy2(source, target)
    sys.exit(0)
subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade", "--default-pip"], stdout=subprocess.DEVNULL)
environment = {name: value for name, value in os.environ.items() if name != "GET_PIP"}
status = subprocess.call([sys.executable, "-m", "pip", "install", "--quiet"] + arguments, env=environment)
if empty and status == 0 and not os.path.isdir(kept):
    draft = "%s.%d" % (kept, os.getpid())
    shutil.copytree(place, draft)
    try:
        os.rename(draft, kept)
    except OSError:
        # Another test was quicker.
        shutil.rmtree(draft)
sys.exit(status)
'''


def prepare_home() -> None:
    """Make the HOME of ansible-test: the stand-in for get-pip.py, and the user's own settings of pip."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in PIP_VERSIONS:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(STAND_IN, encoding="utf-8")
    for name in (".pip", ".config/pip"):
        theirs = Path.home() / name
        link = HOME / name
        if theirs.is_dir() and not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            # Another step may be at the same.
            with contextlib.suppress(FileExistsError):
                link.symlink_to(theirs)


def search_path(all_pythons: bool) -> str:
    """Return PATH with this environment first and no shims; with every Python pyenv has, when all are asked for."""
    folders = [str(Path(sys.executable).parent)]
    if all_pythons:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
        folders += [str(folder) for folder in sorted(pyenv.glob("versions/3.*/bin"))]
    folders += [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if "shims" not in folder]
    return os.pathsep.join(dict.fromkeys(folders))


def main(arguments: list[str]) -> int:
    """Run the sanity tests and return the exit status of ansible-test."""
    all_pythons = "--all-pythons" in arguments
    arguments = [word for word in arguments if word != "--all-pythons"]
    if not all_pythons and "--python" not in arguments:
        arguments = ["--python", f"{sys.version_info[0]}.{sys.version_info[1]}", *arguments]
    prepare_home()
    environment = dict(os.environ, HOME=str(HOME), PATH=search_path(all_pythons))
    command = [str(Path(sys.executable).parent / "ansible-test"), "sanity", "--color", "no", *arguments]
    return subprocess.run(command, check=False, cwd=mirror.synchronise(), env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
