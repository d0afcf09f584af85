# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the fact collectors share: texts recorded on real hosts, and a context that runs nothing."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context
from ansible_collections.mailops.triage.plugins.module_utils._run import Result

RECORDED = Path(__file__).parent / "recorded"
# A template, a script, an escape sequence, a bidirectional override and a bell.
HOSTILE = "{{ 7*7 }} <script>alert(1)</script> \x1b[31mred\x1b[0m \u202etxt.exe \x07"


def text(name: str) -> str:
    """A recorded text."""
    return (RECORDED / name).read_text(encoding="utf-8")


def table(name: str) -> list[list[str]]:
    """Rows of a recorded table: fields between tabs."""
    return [line.split("\t") for line in text(name).splitlines() if not line.startswith("#")]


def data(name: str) -> bytes:
    """A recorded file as bytes."""
    return (RECORDED / name).read_bytes()


def result(out: str | bytes = b"", err: str | bytes = b"", rc: int | None = 0, status: str = "ok") -> Result:
    """What a command gave."""
    out, err = (part.encode() if isinstance(part, str) else part for part in (out, err))
    return Result(rc, out, err, status, 0.01, False)


class Quiet(Context):
    """A context whose commands are answered from a table of program name to Result; others are missing."""

    def __init__(self, answers: dict | None = None, looks: dict | None = None, **arguments):
        super().__init__(**arguments)
        self.answers = answers or {}
        self.looks = looks or {}
        self.asked: list[list[str]] = []

    def run(self, argv, timeout=5.0, limit_bytes=1 << 20, input=None):
        self.asked.append(list(argv))
        key = " ".join(argv[:2])
        return self.answers.get(key) or self.answers.get(argv[0]) or result(rc=None, status="missing")

    def shared(self, look):
        if look in self.looks:
            return self.looks[look]
        return super().shared(look)
