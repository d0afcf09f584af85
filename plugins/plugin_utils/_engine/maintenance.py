# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's C(mail_maintenance): is an operator at work on the host?

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_KEYS = ("from", "until", "by", "reason")


class MaintenanceError(ValueError):
    """A C(mail_maintenance) that cannot be understood."""


def maintenance(value: t.Any, now: float) -> dict[str, t.Any]:
    """Read the marker.

    :param value: false or null; true; or a mapping with C(from) and C(until) (ISO 8601, without a zone: UTC),
        C(by) and C(reason), each of them optional
    :param now: epoch seconds
    :returns: C(active), C(until) as given, C(by) and C(reason)
    :raises MaintenanceError: with what is wrong; a marker that is not understood must not be taken for none
    """
    if value in (None, False, "", {}):
        return {"active": False, "until": None, "by": None, "reason": None}
    if value is True:
        return {"active": True, "until": None, "by": None, "reason": None}
    if not isinstance(value, dict):
        raise MaintenanceError(f"mail_maintenance must be true, false or a mapping, not '{clean(value, 60)}'")
    unknown = sorted(set(value) - set(_KEYS))
    if unknown:
        raise MaintenanceError(f"mail_maintenance has the unknown key '{clean(unknown[0], 60)}'; there are: {_KEYS}")
    begins = _time(value.get("from"), "from")
    ends = _time(value.get("until"), "until")
    return {
        "active": (begins is None or begins <= now) and (ends is None or now < ends),
        "until": clean(value["until"], 60) if value.get("until") is not None else None,
        "by": clean(value["by"], 100) if value.get("by") else None,
        "reason": clean(value["reason"], 300) if value.get("reason") else None,
    }


def _time(value: t.Any, key: str) -> float | None:
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(_plain(str(value)))
    except ValueError:
        raise MaintenanceError(
            f"mail_maintenance: '{key}' is '{clean(value, 60)}', which is no ISO 8601 time"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp()


def _plain(text: str) -> str:
    # Python 3.10's fromisoformat does not take the Z.
    return text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text
