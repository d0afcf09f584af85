# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions made a report.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

import yaml

_ROOT = Path(__file__).resolve().parents[2]


def versions(ansible: str) -> dict[str, str]:
    """Versions of the collection, of ansible-core and of the controller's Python."""
    return {"collection": _collection(), "ansible": ansible, "python": platform.python_version()}


def _collection() -> str:
    """From MANIFEST.json where the collection is installed, from galaxy.yml in a checkout."""
    manifest = _ROOT / "MANIFEST.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load((_ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"])
