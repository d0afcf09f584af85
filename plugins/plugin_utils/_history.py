# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves to later ones, and what it finds of earlier ones: one small file for each run.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Such a file is C(trace.json) in the report directory, where the next report directory lies beside it, or
C(RUN-ID.trace.json) in the directory that C(triage_history_dir) names. A remediation leaves two: what it found first
and what it found last.
"""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils._recording import BEFORE, Recording

Document = dict[str, t.Any]

TRACE = "trace.json"
WINDOW_S = 7 * 86400
MOST_RUNS = 50
_MOST_BYTES = 4 << 20
_MOST_SAMPLES = 12


def trace(run: Document, report: Document, hosts: dict[str, Document]) -> Document:
    """What later runs want to know of this one: the root causes and the sizes of the daemons, by host."""
    left = {}
    for name, judged in report["hosts"].items():
        memory = (hosts[name].get("facts") or {}).get("memory") or {}
        if judged["verdict"] == "unknown" and not memory:
            # Nobody looked inside: that a fault is not named then does not say that it is gone.
            continue
        roots = {finding["id"] for finding in judged["findings"] if finding["kind"] == "root_cause"}
        left[name] = {"roots": sorted(roots), "memory": memory.get("mail") or []}
        if run.get("between", {}).get(name):
            left[name]["between"] = run["between"][name]
    return {"id": run["id"], "started": run["started"], "hosts": left}


def leave(folder: Path, left: Document, again: bool = False) -> None:
    """Put a trace into a directory of its own kind, and take away those that no run looks at any more.

    :param again: this is not the first diagnosis of the run
    :raises OSError: when the directory cannot be made or written
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.glob(f"*.{TRACE}"):
        if path.lstat().st_mtime < left["started"] - WINDOW_S:
            path.unlink()
    Recording(folder).write(f"{left['id']}{'-after' if again else ''}.{TRACE}", left)


def look(folder: Path, run: Document, hosts: dict[str, Document]) -> Document:
    """Gather what the runs of the last days left behind, for the hosts of this run.

    :returns: for each host C(runs), which is a list of C([time, root causes]), and C(memory), a list of
        C([time, processes]) with the processes that are still alive
    """
    found: Document = {}
    for left in sorted(_traces(folder, run), key=lambda one: (one["started"], str(one.get("id")))):
        for name, record in left["hosts"].items():
            if name not in hosts:
                continue
            mine = found.setdefault(name, {"runs": [], "memory": []})
            mine["runs"] += [*record.get("between", []), [left["started"], record["roots"]]]
            alive = {process["pid"] for process in _memory(hosts[name])}
            sampled = [process for process in record["memory"] if process["pid"] in alive]
            if sampled:
                mine["memory"].append([left["started"], sampled])
    for mine in found.values():
        # The first and the last ones say most about growth.
        if len(mine["memory"]) > _MOST_SAMPLES:
            mine["memory"] = mine["memory"][:2] + mine["memory"][2 - _MOST_SAMPLES :]
    return found


def of_this_run(first: Recording, proofs: Document) -> tuple[Document, Document]:
    """What the run itself knows of its hosts: what it found first, and since when a remedy was seen to work.

    :param first: the report directory of the run's first diagnosis
    :param proofs: for each host C(items) with C(state), C(healed_at) and C(findings)
    :returns: by host a list of C([time, root causes]) with the first diagnosis, and the same without it
    :raises RecordingError: when the trace of the first diagnosis cannot be used
    """
    nothing: Document = {"started": 0.0, "hosts": {}}
    left = first.read(TRACE) if (first.path / TRACE).exists() else nothing
    whole: Document = {}
    between: Document = {}
    for name, record in left["hosts"].items():
        well = [
            [item["healed_at"], sorted(set(record["roots"]) - set(item["findings"]))]
            for item in proofs.get(name, {}).get("items", {}).values()
            if item.get("healed_at")
        ]
        if well:
            between[name] = sorted(well)
        whole[name] = [[left["started"], record["roots"]], *sorted(well)]
    return whole, between


def _memory(record: Document) -> list[Document]:
    return t.cast("list[Document]", ((record.get("facts") or {}).get("memory") or {}).get("mail") or [])


def _traces(folder: Path, run: Document) -> t.Iterator[Document]:
    """The newest traces within the window; what is damaged or somebody else's is left out."""
    candidates = []
    for path in [*folder.glob(f"*/{TRACE}"), *folder.glob(f"*/{BEFORE}/{TRACE}"), *folder.glob(f"*.{TRACE}")]:
        try:
            info = path.lstat()
        except OSError:
            continue
        # In a directory like /tmp anybody can put something: only what this user wrote is believed.
        if path.is_file() and not path.is_symlink() and info.st_uid == os.geteuid() and info.st_size <= _MOST_BYTES:
            if info.st_mtime >= run["started"] - WINDOW_S:
                candidates.append((info.st_mtime, str(path), path))
    for path in [path for *dummy, path in sorted(candidates, reverse=True)][:MOST_RUNS]:
        try:
            left = json.loads(path.read_text(encoding="utf-8"))
            usable = run["started"] - WINDOW_S <= left["started"] < run["started"] and left["id"] != run["id"]
            for record in left["hosts"].values():
                usable = usable and isinstance(record["roots"], list) and isinstance(record["memory"], list)
                usable = usable and all({"pid", "started", "rss_bytes"} <= set(one) for one in record["memory"])
                for at, roots in record.get("between", []):
                    usable = usable and isinstance(at, (int, float)) and isinstance(roots, list)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if usable:
            yield left
