# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a BMC's answer, whichever way it came.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What a BMC says is text from outside: bounded and cleaned here, never looked at again.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

Document = dict[str, t.Any]

MOST_PARTS = 64
MOST_LINES = 40


class NoAnswer(Exception):
    """The BMC could not be asked; the message says why."""


def nothing(reason: str) -> Document:
    """The record of a BMC that was not asked, or did not answer."""
    return {
        "asked": False,
        "via": None,
        "power": "unknown",
        "health": "unknown",
        "psus": [],
        "fans": [],
        "drives": [],
        "memory": [],
        "links": [],
        "log": [],
        "reason": clean(reason, 300),
        "seconds": None,
    }


def part(name: t.Any, state: str, detail: t.Any = "", serial: t.Any = None) -> Document:
    """One supply, fan, drive, module or link; C(state) is C(ok), C(warning), C(failed), C(down) or C(unknown)."""
    return {
        "name": clean(name or "?", 80),
        "state": state,
        "detail": clean(detail or "", 160),
        "serial": clean(serial, 80) if serial else None,
    }


def line(when: float | None, severity: t.Any, text: t.Any) -> Document:
    """One entry of the event log."""
    return {"when": when, "severity": clean(severity or "unknown", 20).lower(), "text": clean(text, 240)}


def moment(text: t.Any, form: str | None = None) -> float | None:
    """Epoch seconds of a time in a log; a time without a zone is taken for UTC, one that is not understood is None."""
    try:
        if form is not None:
            found = datetime.datetime.strptime(str(text), form)
        else:
            found = datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.timezone.utc)
    return found.timestamp()


def newest(lines: list[Document]) -> list[Document]:
    """The newest entries, newest first; those without a time, which a BMC writes before it knows it, come last."""
    return sorted(lines, key=lambda entry: -(entry["when"] or 0.0))[:MOST_LINES]
