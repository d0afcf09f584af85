# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weeks of hosts with known quiet hours, as the module mail_week answers them."""

from __future__ import annotations

import datetime
import json
import zoneinfo
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jsonschema

from ansible_collections.mailops.triage.plugins.plugin_utils._window import proposal

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "window.schema.json").read_text(encoding="utf-8"))
HOUR, DAY = 3600, 86400
Shape = Callable[[datetime.datetime], int]


def epoch(text: str, zone: zoneinfo.ZoneInfo = BERLIN, fold: int = 0) -> int:
    """A moment by the clock of a zone."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp())


def office(local: datetime.datetime) -> int:
    """Messages in an hour of a company: people by day, quietest from 02:00 to 05:00, weekends as weekdays."""
    return 20 if 2 <= local.hour < 5 else 60 if local.hour < 7 or local.hour >= 20 else 900


def week(
    shape: Shape,
    now: int,
    zone: zoneinfo.ZoneInfo = BERLIN,
    days: int = 28,
    gaps: Iterable[tuple[int, int]] = (),
    **changes: Any,
) -> dict[str, Any]:
    """One host's answer.

    :param shape: messages in an hour, by the local time at its begin; a third as many logins, and twice the connections
    :param gaps: hours of them are not in the log
    """
    gaps = list(gaps)
    hours = []
    for begin in range((now - days * DAY) // HOUR * HOUR, now // HOUR * HOUR, HOUR):
        if any(start < begin + HOUR and begin < end for start, end in gaps):
            continue
        count = shape(datetime.datetime.fromtimestamp(begin, zone))
        hours.append({"at": begin, "connections": 2 * count, "delivered": count, "logins": count // 3})
    return {
        "hours": hours,
        "timezone": zone.key,
        "utc_offset_s": 3600,
        "oldest": float(now - days * DAY),
        "gaps": [list(gap) for gap in gaps],
        "sources": [],
        "notes": [],
        **changes,
    }


def propose(weeks: dict[str, Any], now: int, **asked: Any) -> dict[str, Any]:
    """The proposal for some weeks; each one is held against its schema, as plain JSON."""
    request: dict[str, Any] = {
        "weeks": weeks,
        "groups": {},
        "backup_mx": [],
        "timezone": None,
        "length_minutes": 60,
        "not_before": None,
        "not_after": None,
        "holidays": [],
        "on_holidays": "sunday",
        "blackouts": [],
        "freezes": [],
        "rules": {},
    }
    found = proposal.propose(proposal.Request(**{**request, **asked}), now)
    jsonschema.validate(json.loads(json.dumps(found, allow_nan=False)), SCHEMA)
    return found


def texts(found: dict[str, Any]) -> list[str]:
    """The proposed windows, the best first."""
    return [window["text"] for window in found["windows"]]
