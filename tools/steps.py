# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the steps of ``make lint``, ``make check`` and ``make test`` and say at the end how it went.

A step that fails does not keep the others from running: one run shows all there is to mend. The last line is plain
and complete. Where the lab cannot run, ``make test`` does without it and says so loudly; with CI=true it fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mirror

PYTHON = sys.executable
BIN = Path(PYTHON).parent
LINK = "playbooks/collections/ansible_collections/mailops/triage"
LAB = "tests/lab/lab.py"

LINT = ["ruff", "format", "source", "python-3.6", "mypy", "yamllint", "shellcheck", "changelog", "ansible-lint", "docs"]
LABS = ["packages", "quiet", "end-to-end", "lab", "first-aid"]
"""What needs root: systems of their own, or real hosts."""
OWN_HOST = ["tests/lab/test_oob.py", "tests/lab/test_surge.py"]
FIRST_AID = ["tests/first_aid", "tests/night/test_troubles.py", *OWN_HOST]
SUITES = {
    "lint": LINT,
    "check": [*LINT, "sanity", "unit"],
    "test": [*LINT, "sanity", "unit", "package", "playbooks", "pylint", "tickets", "awx", "eda", *LABS],
}

BESIDE = (
    ("mypy", "ansible-lint", "docs", "sanity", "unit"),
    ("package", "playbooks", "packages", "quiet", "end-to-end"),
    ("pylint", "tickets", "awx", "eda", "lab"),
)
"""None of a group keeps two processors busy by itself, none writes where another reads, and one at most has the lab."""

RULE = "=" * 78
LAST_LINES = 60
"""So many lines of a step that failed beside others are said again at the end, where they are found."""


def shell_scripts() -> list[str]:
    """Return the shell scripts of the checkout: by suffix, or by their first line where they have none."""
    found = []
    for name in mirror.listed_files():
        path = mirror.ROOT / name
        if path.is_symlink() or path.suffix not in ("", ".sh"):
            continue
        with path.open("rb") as file:
            first = file.readline(80)
        shell = first.startswith(b"#!") and first.split()[-1].rsplit(b"/", 1)[-1] in (b"sh", b"bash")
        if path.suffix == ".sh" or shell:
            found.append(name)
    return found


def command_of(step: str) -> tuple[list[str], Path, dict[str, str]]:
    """Return the command of a step, the folder to run it in and what it needs in the environment."""
    python = [PYTHON, "-m"]
    copy = mirror.MIRROR
    copies = mirror.ROOT / ".ansible-root"
    in_copy = {"ANSIBLE_COLLECTIONS_PATH": str(copies), "HOME": str(copies / "home")}
    in_checkout = {"ANSIBLE_COLLECTIONS_PATH": str(mirror.ROOT / "playbooks" / "collections")}
    target_side = [name for name in ("plugins/modules", "plugins/module_utils") if (mirror.ROOT / name).is_dir()]
    antsibull_docs = "lint-collection-docs --plugin-docs --validate-collection-refs all --skip-rstcheck ."
    commands: dict[str, tuple[list[str], Path, dict[str, str]]] = {
        "ruff": ([*python, "ruff", "check", "--output-format", "concise", "."], mirror.ROOT, {}),
        "format": ([*python, "ruff", "format", "--check", "--output-format", "concise", "."], mirror.ROOT, {}),
        "source": ([PYTHON, "tools/check_source.py"], mirror.ROOT, {}),
        "python-3.6": (
            [str(BIN / "vermin"), "--quiet", "--no-tips", "-t=3.6-", "--violations", *target_side],
            mirror.ROOT,
            {},
        ),
        "mypy": ([*python, "mypy", f"{LINK}/plugins", "tools"], mirror.ROOT, {}),
        "yamllint": ([*python, "yamllint", "--strict", "."], copy, {}),
        "shellcheck": ([str(BIN / "shellcheck"), "--external-sources", *shell_scripts()], mirror.ROOT, {}),
        "changelog": ([str(BIN / "antsibull-changelog"), "lint"], mirror.ROOT, {}),
        "ansible-lint": ([str(BIN / "ansible-lint")], copy, in_copy),
        "docs": ([str(BIN / "antsibull-docs"), *antsibull_docs.split()], copy, in_copy),
        # It takes as long as all the other tests of ansible-test; `make check` does without it, ruff knows most of it.
        "sanity": ([PYTHON, "tools/sanity.py", "--skip-test", "pylint"], mirror.ROOT, {}),
        "pylint": ([PYTHON, "tools/sanity.py", "--test", "pylint"], mirror.ROOT, {}),
        # Most of their time is spent waiting for time-outs and children: more at once than there are processors.
        "unit": ([*python, "pytest", "-n", "4", "--dist", "loadgroup", "tests/unit"], mirror.ROOT, {}),
        "playbooks": ([*python, "pytest", "-n", "4", "--dist", "loadgroup", "tests/playbooks"], mirror.ROOT, {}),
        "tickets": ([*python, "pytest", "tests/tickets"], mirror.ROOT, {}),
        # What one file has AWX configured for, all its tests look at.
        "awx": ([*python, "pytest", "-n", "2", "--dist", "loadfile", "tests/awx"], mirror.ROOT, {}),
        "end-to-end": ([*python, "pytest", "tests/end_to_end"], mirror.ROOT, {}),
        "eda": ([*python, "pytest", "tests/eda"], mirror.ROOT, {}),
        "package": ([PYTHON, "tools/package.py"], mirror.ROOT, {}),
        "packages": ([*python, "pytest", "-n", "4", "tests/packages"], mirror.ROOT, {}),
        # They wait for sessions, for Monit's rounds and for a boot; each is in namespaces of its own.
        "quiet": ([*python, "pytest", "-n", "4", "tests/quiet"], mirror.ROOT, {}),
        "lab": (
            [
                *(*python, "pytest", "-p", "pytest_ansible.plugin", "--ansible-unit-inject-only", "tests/lab"),
                *(f"--ignore={name}" for name in OWN_HOST),
            ],
            mirror.ROOT,
            in_checkout,
        ),
        # All that waits for real hosts, in one lab: each file breaks hosts of its own.
        "first-aid": (
            [*python, "pytest", "-n", "6", "--dist", "loadfile", *FIRST_AID],
            mirror.ROOT,
            {},
        ),
    }
    return commands[step]


def run(step: str, last: deque[str] | None = None) -> bool:
    """Run one step, its output going where ours goes; say whether it succeeded.

    :param last: other steps run at the same time: each line says which one it is of, and the last ones are kept here
    """
    print(f"== {step}", flush=True)
    command, folder, extra = command_of(step)
    environment = {**os.environ, **extra}
    # antsibull-docs logs to it, and does not make it.
    Path(environment["HOME"]).mkdir(parents=True, exist_ok=True)
    if last is not None or not sys.stdout.isatty():
        environment.update(NO_COLOR="1", ANSIBLE_NOCOLOR="1")
        environment.pop("FORCE_COLOR", None)
    began = time.monotonic()
    try:
        if last is not None:
            status = relay(step, command, folder, environment, last)
        else:
            status = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    except OSError as error:
        print(f"{command[0]}: {error}")
        status = 127
    seconds = time.monotonic() - began
    print(f"== {step}: {'ok' if status == 0 else f'FAILED (exit status {status})'}, {seconds:.1f} s", flush=True)
    return status == 0


def relay(step: str, command: list[str], folder: Path, environment: dict[str, str], last: deque[str]) -> int:
    """Run a command and pass its lines on, each with the step's name before it; return its exit status."""
    width = max(len(name) for group in BESIDE if step in group for name in group)
    margin = f"{step:<{width}} | "
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
    ) as child:
        for line in child.stdout or ():
            last.append(margin + line.rstrip())
            print(last[-1], flush=True)
        return child.wait()


def run_all(steps: list[str], last_words: dict[str, deque[str]]) -> dict[str, bool]:
    """Run steps in their order, those of a group of BESIDE at the same time; return which of them succeeded.

    :param last_words: gets the last lines of each step that failed beside others
    """
    done: dict[str, bool] = {}
    for step in steps:
        if step in done:
            continue
        together = next(([name for name in steps if name in group] for group in BESIDE if step in group), [step])
        if len(together) == 1:
            done[step] = run(step)
            continue
        said = {name: deque[str](maxlen=LAST_LINES) for name in together}
        with ThreadPoolExecutor(max_workers=len(together)) as pool:
            done.update(zip(together, pool.map(run, said, said.values())))
        last_words.update({name: lines for name, lines in said.items() if not done[name]})
    return done


def why_no_lab() -> str:
    """Return nothing when the lab can run here (installing what it needs, when root), else the reasons."""
    command = [PYTHON, LAB, "check", *(["--install"] if os.geteuid() == 0 else [])]
    result = subprocess.run(
        command, cwd=mirror.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode == 0:
        return ""
    return result.stdout.strip() or f"'{' '.join(command)}' ended with {result.returncode}"


def duration(seconds: float) -> str:
    """Return seconds as a person writes them."""
    return f"{int(seconds) // 60} min {int(seconds) % 60} s" if seconds >= 60 else f"{seconds:.0f} s"


def main(suite: str, steps: list[str]) -> int:
    """Run the steps of a suite (or only the named ones) and return the exit status."""
    began = time.monotonic()
    left_out = ""
    mirror.synchronise()
    wanted = steps or SUITES[suite]
    if not set(LABS).isdisjoint(wanted):
        left_out = why_no_lab()
    last_words: dict[str, deque[str]] = {}
    done = run_all([step for step in wanted if step not in LABS or not left_out], last_words)
    passed = [step for step, good in done.items() if good]
    failed = [step for step, good in done.items() if not good]
    if left_out and os.environ.get("CI", "").lower() in ("true", "1", "yes"):
        failed.append("lab (it cannot run here)")
    if left_out:
        print(f"{RULE}\nNOT TESTED: the lab tests were LEFT OUT - no fault was tried on a real mail host - because:\n")
        print("\n".join(f"    {line}" for line in left_out.splitlines()))
        print(f"{RULE}")
    for lines in last_words.values():
        print("\n".join([RULE, *lines, RULE]))
    took = duration(time.monotonic() - began)
    if failed:
        print(f"make {suite}: FAILED after {took}: {', '.join(failed)}; passed: {', '.join(passed) or 'nothing'}")
        return 1
    if not passed:
        print(f"make {suite}: NOTHING WAS RUN")
        return 1
    without = " WITHOUT THE LAB" if left_out else ""
    print(f"make {suite}: passed{without} in {took}: {', '.join(passed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
