# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that come again, with the help of python-dateutil where that is installed.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import datetime
import importlib
import re
import typing as t
import zoneinfo

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._window import zones

_OFTEN = re.compile(r"FREQ=(?:SECONDLY|MINUTELY|HOURLY)\b", re.IGNORECASE)
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.IGNORECASE)
_FORM = "%Y%m%dT%H%M%S"


class RecurrenceError(ValueError):
    """A rule that cannot be followed."""


def clocks(
    rules: list[str],
    first: datetime.datetime,
    zone: zoneinfo.ZoneInfo,
    since: datetime.datetime,
    until: datetime.datetime,
) -> list[datetime.datetime]:
    """When, by the clock on the wall of the event's zone, an event that comes again begins.

    :param rules: values of RRULE, of which there has to be one
    :param first: of the first occurrence
    :raises RecurrenceError: when the rule is not understood, or dateutil is not there
    """
    try:
        library: t.Any = importlib.import_module("dateutil.rrule")
    except ImportError:
        raise RecurrenceError(
            "it comes again by a rule (RRULE), which needs the Python library python-dateutil on the controller: "
            "install it there (pip install python-dateutil), or write the days as events of their own"
        ) from None
    if len(rules) != 1:
        raise RecurrenceError("it has more than one RRULE")
    if _OFTEN.search(rules[0]):
        raise RecurrenceError("it comes again more often than daily")
    try:
        # The end of a rule is in UTC, its occurrences are by the clock of the zone.
        rule = library.rrulestr(_UNTIL.sub(lambda found: _local(found.group(1), zone), rules[0].strip()), dtstart=first)
        found: list[datetime.datetime] = rule.between(since, until, inc=True)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecurrenceError(f"its rule '{clean(rules[0], 80)}' is not understood: {clean(error, 80)}") from error
    return found


def _local(text: str, zone: zoneinfo.ZoneInfo) -> str:
    moment = datetime.datetime.strptime(text, _FORM).replace(tzinfo=datetime.timezone.utc)
    return "UNTIL=" + zones.local(moment.timestamp(), zone).strftime(_FORM)
