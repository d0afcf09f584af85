# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weeks of one host: what the module C(mail_week) answers.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._week import sources
from ansible_collections.mailops.triage.plugins.module_utils._week.slots import COUNTS, HOUR

_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}$")


def look(context):
    """Count the hours.

    :param context: facts.context.Context; its option C(log_window) says how far back
    :returns: dict, see the documentation of the module
    """
    read, notes = sources.read(context)
    # One for which there was no time at all tells of nothing: without it no hour is known.
    told = [source for source in read if source.oldest is not None or not source.whole]
    # What is known of an hour is known when all who tell of it were read that far back.
    oldest = max([context.now if source.oldest is None else source.oldest for source in told]) if told else None
    if not told:
        notes.append("no log of the mail system was found that is written to")
    hours, gaps = _merged(told, oldest, context.now) if told else ([], [])
    return {
        "hours": hours,
        "timezone": timezone(context),
        "utc_offset_s": time.localtime(context.now).tm_gmtoff,
        "oldest": oldest,
        "gaps": gaps,
        "sources": [
            {"name": source.name, "families": sorted(source.families), "oldest": source.oldest, "whole": source.whole}
            for source in read
        ],
        "notes": notes,
    }


def _merged(told, oldest, now):
    """(hours, gaps) of all sources together; an hour is one only when all of it is known."""
    gaps = _joined([gap for source in told for gap in source.slots.gaps(oldest, now)])
    counts = [source.slots.hours() for source in told]
    hours, nothing = [], [0] * len(COUNTS)
    for begin in range(-(-int(oldest) // HOUR) * HOUR, int(now) // HOUR * HOUR, HOUR):
        if any(start < begin + HOUR and begin < end for start, end in gaps):
            continue
        row = [sum(column) for column in zip(*[one.get(begin, nothing) for one in counts])]
        hours.append(dict(zip(("at",) + COUNTS, [begin] + row)))
    return hours, gaps


def _joined(gaps):
    """Gaps that meet made one, in order of time."""
    found = []
    for begin, end in sorted(gaps):
        if found and begin <= found[-1][1]:
            found[-1][1] = max(end, found[-1][1])
        else:
            found.append([begin, end])
    return found


def timezone(context):
    """IANA name of the host's time zone, or empty when it is not known."""
    try:
        path = os.path.realpath(context.path("/etc/localtime"))
    except OSError:
        path = ""
    name = path.partition("/zoneinfo/")[2]
    for prefix in ("posix/", "right/"):
        name = name[len(prefix) :] if name.startswith(prefix) else name
    if not name:
        # A copy of the zone's file does not tell its name. Debian wrote it here.
        try:
            with open(context.path("/etc/timezone"), "rb") as handle:
                name = handle.read(200).decode("ascii", "replace").strip()
        except OSError:
            pass
    return name if _ZONE.match(name) else ""
