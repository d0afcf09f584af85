# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows in which a night may begin: once, or on some days of the week; and how timers are told of them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._schedule.clocks import DAY_S, DAYS, Zone, moment
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# begin, end: epoch seconds; latest: until when it may begin
Window = namedtuple("Window", "begin end latest")

_KEYS = ("days", "start", "duration", "cutoff")
_GROUPS = {"daily": range(7), "weekdays": range(5), "weekend": (5, 6)}
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")
_LONG = re.compile(r"(?:(\d{1,3}) *h)? *(?:(\d{1,5}) *(?:m(?:in)?)?)?\Z")
_ANCHOR = (2026, 1, 1)
"""The first day of rules for AWX: one that moved with the day would make the same schedule a new one each time."""
_LONGEST_S = 7 * DAY_S


def read(options):
    """The windows of a schedule as they are kept: C(timezone), C(once) or C(weekly).

    :param options: dict with timezone, begin, length_minutes, cutoff_minutes, windows
    :raises ValueError: telling what cannot be understood
    """
    zone = Zone(options["timezone"])
    if bool(options["begin"]) == bool(options["windows"]):
        raise ValueError("give either begin, for once, or windows, for every week")
    if options["windows"]:
        return {"timezone": zone.name, "once": None, "weekly": [_weekly(one) for one in options["windows"]]}
    length, cutoff = options["length_minutes"] * 60, options["cutoff_minutes"] * 60
    _check(length, cutoff)
    # at knows minutes alone, and must not come before the window.
    begin = int(-(-moment(options["begin"], zone) // 60) * 60)
    once = {"begin": begin, "duration": length, "cutoff": cutoff}
    return {"timezone": zone.name, "once": once, "weekly": []}


def between(kept, since, until):
    """Windows that are open at some time between two moments, in order; and the nights that are left out.

    :param kept: see read(); of windows that had begun when the schedule was made, at C(since), none counts
    :returns: (list of Window, list of texts)
    """
    zone, made = Zone(kept["timezone"]), kept.get("since", 0)
    if kept["once"]:
        one = kept["once"]
        begin, end = one["begin"], one["begin"] + one["duration"]
        fits = made <= begin < until and since < end
        return ([Window(begin, end, end - one["cutoff"])] if fits else []), []
    found, left_out = set(), []
    longest = max(one["duration"] for one in kept["weekly"])
    # Noon by UTC names every day of every zone once.
    noon = int(since - longest - DAY_S) // DAY_S * DAY_S + DAY_S // 2
    while noon <= until + 2 * DAY_S:
        year, month, day, weekday = (time.gmtime(noon)[place] for place in (0, 1, 2, 6))
        noon += DAY_S
        for one in kept["weekly"]:
            if weekday not in one["days"]:
                continue
            shown = zone.at(year, month, day, one["start"])
            end = min(shown.epoch + one["duration"], zone.at(year, month, day, one["start"] + one["duration"]).epoch)
            if not made <= shown.epoch < until or since >= end:
                continue
            if shown.skipped:
                # As systemd has it: what the clock never shows does not come.
                left_out.append("{0}-{1:02}-{2:02} has no {3}".format(year, month, day, clock(one["start"])))
                continue
            found.add(Window(shown.epoch, end, max(shown.epoch, end - one["cutoff"])))
    return sorted(found), left_out


def current(kept, now):
    """The window in which it may begin now, or None."""
    found = [one for one in between(kept, now - 1, now + 1)[0] if one.begin <= now <= one.latest]
    return found[0] if found else None


def coming(kept, now, count=3):
    """The next windows, those that are open included; and what is left out within a year."""
    if kept["once"]:
        return [one for one in between(kept, now, kept["once"]["begin"] + 1)[0] if one.latest >= now], []
    found = between(kept, now, now + (count + 1) * 7 * DAY_S)[0]
    return [one for one in found if one.latest >= now][:count], between(kept, now, now + 366 * DAY_S)[1]


def calendars(kept):
    """C(OnCalendar) expressions for systemd."""
    if kept["once"]:
        return [time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(kept["once"]["begin"]))]
    return [
        "{0} *-*-* {1}:00 {2}".format(",".join(DAYS[day] for day in one["days"]), clock(one["start"]), kept["timezone"])
        for one in kept["weekly"]
    ]


def rule(kept):
    """C(DTSTART) and C(RRULE) for AWX.

    :raises ValueError: when one AWX schedule cannot hold it
    """
    if kept["once"]:
        start = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(kept["once"]["begin"]))
        return "DTSTART:{0} RRULE:FREQ=DAILY;INTERVAL=1;COUNT=1".format(start)
    if len(kept["weekly"]) != 1:
        raise ValueError("a schedule of AWX begins at one time of the day: give each window a schedule of its own")
    one = kept["weekly"][0]
    days = ",".join(DAYS[day][:2].upper() for day in one["days"])
    date = next(
        day
        for day in range(_ANCHOR[2], _ANCHOR[2] + 7)
        if time.strptime("2026-1-%d" % day, "%Y-%m-%d")[6] in one["days"]
    )
    start = "DTSTART;TZID={0}:202601{1:02}T{2}00".format(kept["timezone"], date, clock(one["start"]).replace(":", ""))
    return "{0} RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY={1}".format(start, days)


def rules(kept):
    """The same windows as the rules that a night asks again before each batch: C(tz) and C(windows)."""
    if kept["once"]:
        one = kept["once"]
        # Not by the clock: it may show that time twice, and shows it again in a week.
        once = {"begin": one["begin"], "end": one["begin"] + one["duration"], "cutoff": one["cutoff"] // 60}
        return {"tz": kept["timezone"], "windows": [once]}
    return {
        "tz": kept["timezone"],
        "windows": [
            {
                "days": [DAYS[day].lower() for day in one["days"]],
                "start": clock(one["start"]),
                "duration": one["duration"] // 60,
                "cutoff": one["cutoff"] // 60,
            }
            for one in kept["weekly"]
        ],
    }


def clock(seconds):
    """Seconds of a day as the clock shows them."""
    return "{0:02}:{1:02}".format(seconds // 3600, seconds // 60 % 60)


def _weekly(window):
    unknown = sorted(str(key) for key in set(window) - set(_KEYS))
    if unknown or "start" not in window or "duration" not in window:
        raise ValueError(
            "a window has days, start, duration and perhaps cutoff; this one has {0}".format(
                clean(", ".join(sorted(str(key) for key in window)), 120)
            )
        )
    shown = _CLOCK.match(str(window["start"]).strip())
    if not shown:
        raise ValueError(
            'start is {0}, which is no time such as "22:00" (in quotes)'.format(clean(window["start"], 40))
        )
    duration, cutoff = _seconds(window["duration"], "duration"), _seconds(window.get("cutoff", 0), "cutoff")
    _check(duration, cutoff)
    start = int(shown.group(1)) * 3600 + int(shown.group(2)) * 60
    return {"days": _days(window.get("days", "daily")), "start": start, "duration": duration, "cutoff": cutoff}


def _check(duration, cutoff):
    if not 0 < duration <= _LONGEST_S or not 0 <= cutoff < duration:
        raise ValueError("a window is longer than its cutoff, and a week at most")


def _days(value):
    names = value if isinstance(value, list) else re.split(r"[,\s]+", str(value).strip())
    short, days = [name.lower() for name in DAYS], set()
    for name in names:
        text = str(name).strip().lower()
        first, dummy, last = text.partition("-")
        if text in _GROUPS:
            days.update(_GROUPS[text])
        elif first[:3] in short and (not last or last[:3] in short):
            begin = short.index(first[:3])
            span = (short.index(last[:3]) - begin) % 7 if last else 0
            days.update((begin + step) % 7 for step in range(span + 1))
        else:
            raise ValueError("{0} is no day; write mon, mon-fri, daily, weekdays or weekend".format(clean(name, 40)))
    return sorted(days)


def _seconds(value, name):
    """Minutes as a number, or a text such as 4h, 90m or 1h30m; as seconds."""
    text = str(value).strip().lower()
    found = _LONG.match(text) if text and not isinstance(value, bool) else None
    if not found:
        raise ValueError("{0} is {1}: give minutes, or a text such as 4h or 1h30m".format(name, clean(value, 40)))
    return int(found.group(1) or 0) * 3600 + int(found.group(2) or 0) * 60
