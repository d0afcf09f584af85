# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(mail_week) answered, read with care: it came from hosts.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

HOUR = 3600
COUNTS = ("connections", "delivered", "logins")
_MOST_HOURS = 24 * 400
_MOST_GAPS = 5000
_MOST_COUNTED = 10**9


class WeekError(ValueError):
    """An answer that is none of C(mail_week)'s."""


class Load(t.NamedTuple):
    """What was, or is expected to be, in some stretch of time."""

    connections: float
    delivered: float
    logins: float

    @property
    def weight(self) -> float:
        """How much people would miss mail then: messages and logins; connections, which may be bots, for a tenth."""
        return self.delivered + self.logins + 0.1 * self.connections


class Week(t.NamedTuple):
    """The hours of one host of which its log tells everything.

    hours: by epoch of the hour's begin; dropped: how many hours gaps took away
    """

    host: str
    hours: dict[int, Load]
    gaps: list[tuple[int, int]]
    dropped: int
    timezone: str
    utc_offset_s: int
    notes: list[str]


def read(host: str, answer: object) -> Week:
    """Read one answer.

    :raises WeekError: with what is wrong with it
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("hours"), list):
        reason = clean(answer["msg"], 200) if isinstance(answer, dict) and answer.get("msg") else "it has no 'hours'"
        raise WeekError(f"{clean(host, 80)}: no answer of mail_week: {reason}")
    gaps = sorted(_gap(host, gap) for gap in _list(answer.get("gaps"))[:_MOST_GAPS])
    hours = dict(_hour(host, hour) for hour in answer["hours"][:_MOST_HOURS])
    whole = _outside(hours, gaps)
    offset = answer.get("utc_offset_s")
    return Week(
        host=host,
        hours=whole,
        gaps=gaps,
        dropped=len(hours) - len(whole),
        timezone=clean(answer.get("timezone") or "", 60),
        utc_offset_s=offset if isinstance(offset, int) and abs(offset) <= 86400 else 0,
        notes=[clean(note, 200) for note in _list(answer.get("notes"))[:20]],
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _hour(host: str, hour: object) -> tuple[int, Load]:
    if not isinstance(hour, dict):
        raise WeekError(f"{clean(host, 80)}: an hour of mail_week is no mapping")
    begin = _whole(host, hour.get("at"), "at", 10**11)
    if begin % HOUR:
        raise WeekError(f"{clean(host, 80)}: {begin} is not the begin of an hour")
    return begin, Load(*(float(_whole(host, hour.get(name), name, _MOST_COUNTED)) for name in COUNTS))


def _gap(host: str, gap: object) -> tuple[int, int]:
    if not isinstance(gap, (list, tuple)) or len(gap) != 2:
        raise WeekError(f"{clean(host, 80)}: a gap of mail_week is not a pair")
    begin, end = (_whole(host, edge, "gaps", 10**11) for edge in gap)
    return begin, end


def _whole(host: str, value: object, name: str, limit: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= limit:
        raise WeekError(f"{clean(host, 80)}: '{name}' of mail_week is '{clean(value, 40)}'")
    return int(value)


def _outside(hours: dict[int, Load], gaps: list[tuple[int, int]]) -> dict[int, Load]:
    """The hours that no gap touches: of the others only a part is known."""
    touched: set[int] = set()
    for begin, end in gaps:
        first = begin // HOUR * HOUR
        touched.update(range(first, min(end, first + _MOST_HOURS * HOUR), HOUR))
    return {begin: load for begin, load in hours.items() if begin not in touched}
