# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports for the tests of the faces."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
RECORDED = tuple(sorted(path.stem for path in (_HERE / "recorded").glob("*.json")))
SCHEMA = _HERE.parents[4] / "docs" / "report.schema.json"


def load(name: str) -> dict[str, Any]:
    """A recorded report, fresh for every caller."""
    report: dict[str, Any] = json.loads((_HERE / "recorded" / f"{name}.json").read_text(encoding="utf-8"))
    return report


def crowd(size: int, sick_every: int = 20) -> dict[str, Any]:
    """The fleet report with `size` hosts, every `sick_every`th of them sick in one of four ways."""
    report = load("fleet")
    models = report["hosts"]
    report["hosts"] = {
        f"mx{index}.example.net": copy.deepcopy(
            models["mail1"] if index % sick_every else models[f"mail{2 + index // sick_every % 4}"]
        )
        for index in range(size)
    }
    counts = dict.fromkeys(report["fleet"]["counts"], 0)
    for host in report["hosts"].values():
        counts[host["verdict"]] += 1
    report["fleet"]["counts"] = counts
    return report


def everywhere(value: Any, text: str) -> Any:
    """The same document with every text in it replaced, but for the words that the contract fixes."""
    fixed = {"verdict", "kind", "severity", "category", "scope", "schema", "id", "state", "outcome", "status", "where"}
    if isinstance(value, dict):
        kept = {key for key, item in value.items() if key in fixed and isinstance(item, str)}
        return {key: item if key in kept else everywhere(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [everywhere(item, text) for item in value]
    return text if isinstance(value, str) else value
