# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at work on a night: two runs on the same one would undo each other's steps.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import getpass
import os
import platform
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

Document = dict[str, t.Any]

SILENT_S = 900.0
"""A run on another machine that has not written for so long is taken for dead, and so are its looks from outside."""


def me(pid: int, now: float) -> Document:
    """What a run writes down of itself.

    :param pid: of its main process
    """
    return {"node": platform.node(), "pid": pid, "started": started(pid), "since": now, "seen": now}


def started(pid: int) -> str | None:
    """When a process began, in the kernel's own count; None where that cannot be known (no /proc, no process)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return stream.read(4096).rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def alive(pid: int, begun: str | None) -> bool:
    """Does this very process still run, and not another one that has got its number?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return begun is None or started(pid) == begun


def busy(runner: Document | None, mine: Document, looked: float = 0.0) -> str:
    """Why this night is somebody else's, or an empty text.

    :param looked: when a look from outside was written down last, in epoch seconds
    """
    if not runner or (runner["node"], runner["pid"]) == (mine["node"], mine["pid"]):
        return ""
    if runner["node"] == mine["node"]:
        if alive(runner["pid"], runner["started"]):
            return f"process {runner['pid']} is at work on it"
        return ""
    silent = mine["since"] - max(runner["seen"], looked)
    if silent < SILENT_S:
        wait = f"when it is silent for {SILENT_S:.0f} s, it is taken for dead"
        return f"a run on {runner['node']} is at work on it, and has written {max(0.0, silent):.0f} s ago; {wait}"
    return ""


def who() -> str:
    """Who started this run, and where, for people."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return clean(f"{user} at {platform.node()}", 120)
