# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's state file: which processes and mounts are ours, and which fault lies on which host."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from typing import Any

from . import plan


def _path():
    return plan.STATE_DIR / "state.json"


def load() -> dict[str, Any]:
    """Return the state; an empty one ({"hosts": {}}) when there is none."""
    try:
        return json.loads(_path().read_text())
    except FileNotFoundError:
        return {"hosts": {}}


@contextlib.contextmanager
def change() -> Iterator[dict[str, Any]]:
    """Give the state for changing and save it atomically; two processes cannot lose each other's changes."""
    plan.STATE_DIR.mkdir(parents=True, exist_ok=True)
    with open(plan.STATE_DIR / "state.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = load()
        yield state
        new = _path().with_suffix(".new")
        new.write_text(json.dumps(state, indent=1, sort_keys=True))
        os.replace(new, _path())


@contextlib.contextmanager
def hold(host: str) -> Iterator[None]:
    """Keep everybody else, in this process or another, from booting, breaking or removing one host meanwhile."""
    locks = plan.STATE_DIR / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / host, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_host(host: str, **values: Any) -> None:
    """Change some fields of one host's record; a value of None removes the field."""
    with change() as state:
        record = state["hosts"].setdefault(host, {})
        record.update(values)
        for key in [key for key, value in record.items() if value is None]:
            del record[key]


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when it is gone (a pid alone may be reused)."""
    try:
        with open(f"/proc/{pid}/stat") as handle:
            return int(handle.read().rsplit(")", 1)[1].split()[19])
    except (OSError, IndexError):
        return None


def alive(record: dict[str, Any], which: str) -> bool:
    """Tell whether the process recorded under which ("leader", "nspawn") still is that same process."""
    pid = record.get(which)
    return bool(pid) and start_time(pid) == record.get(which + "_start")
