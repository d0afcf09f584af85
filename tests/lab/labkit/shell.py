# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands, report progress, fail with one clear line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

STARTED = time.monotonic()
# A host is entered with this environment only: nothing of the machine may leak in.
CLEAN_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


class LabError(Exception):
    """Something in the lab cannot be done; the text is one line for a person."""


def say(text: str) -> None:
    """Write one line of progress to stderr."""
    print(f"lab {time.monotonic() - STARTED:6.1f}s  {text}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str], check: bool = True, timeout: float = 120, stdin: str | None = None, env: dict | None = None
) -> subprocess.CompletedProcess:
    """Run a command with captured text output.

    :raises LabError: it failed (only when check is set) or took longer than timeout seconds
    """
    feed = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=dict(os.environ, **env) if env else None,
            check=False,
            **feed,
        )
    except FileNotFoundError as missing:
        raise LabError(f"{command[0]} is not installed: run 'lab.py check --install'") from missing
    except subprocess.TimeoutExpired as late:
        raise LabError(f"no answer within {timeout:g} s: {' '.join(command)[:200]}") from late
    if check and done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        raise LabError(f"rc {done.returncode}: {' '.join(command)[:200]}: {lines[-1][:300]}")
    return done


def ip(arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run ip(8) with arguments given as one string."""
    return run(["ip", *arguments.split()], check=check, timeout=30)


def ip_batch(lines: Sequence[str], namespace: str | None = None) -> None:
    """Run many ip(8) commands in one process, inside a network namespace when one is named."""
    where = ["-n", namespace] if namespace else []
    run(["ip", *where, "-batch", "-"], stdin="\n".join(lines) + "\n", timeout=60)
