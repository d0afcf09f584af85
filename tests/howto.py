# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that docs/how-to-add-a-fault.md shows, for the tests that hold the page to its word."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to-add-a-fault.md"
FAULT = "H01"
CAUSE = "operator.outgoing_mail_switched_off"
_FILE = re.compile(r"^`(?P<name>[\w./-]+\.yml)`:\n\n```yaml\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Name and text of each file on the page, in order."""
    return {found["name"]: found["text"] for found in _FILE.finditer(PAGE.read_text(encoding="utf-8"))}


def write(folder: Path) -> tuple[Path, Path]:
    """Put the files where a reader would; returns the directory of rules and that of lab files."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "site-rules", folder / "lab-faults"
