# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moments and the clocks of time zones, with nothing but what a Python 3.6 has: the zones of the C library.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import os
import re
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_S = 86400
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)? *(Z|([+-])(\d\d):?(\d\d))?\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}\Z")
_FOLDERS = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo")

# epoch: seconds; skipped: true when the clock never shows that time on that day: then it is the moment of the jump
Shown = namedtuple("Shown", "epoch skipped")


class Zone(object):
    """A time zone; the process's own for as long as it is used in a C(with).

    :param name: IANA name such as C(Europe/Berlin)
    :raises ValueError: when it is not known here: the C library would take it for UTC without a word
    """

    def __init__(self, name):
        known = _NAME.match(name) and any(os.path.isfile(os.path.join(folder, name)) for folder in _FOLDERS)
        if not known and name != "UTC":
            raise ValueError(
                "there is no time zone {0} here: give an IANA name such as Europe/Berlin, and see that the package "
                "tzdata is installed".format(clean(name, 60))
            )
        self.name, self._former = name, None

    def __enter__(self):
        self._former = os.environ.get("TZ")
        self._set(self.name if self.name != "UTC" else "UTC0")
        return self

    def __exit__(self, *dummy):
        self._set(self._former)

    def _set(self, value):
        os.environ.pop("TZ", None)
        if value is not None:
            os.environ["TZ"] = value
        time.tzset()

    def at(self, year, month, day, seconds):
        """When the clock shows a time on a day.

        :param seconds: since the day's beginning by the clock; may go beyond the day
        :returns: Shown; of a time that comes twice the first
        """
        wanted = calendar.timegm((year, month, day, 0, 0, 0, 0, 0, 0)) + seconds
        with self:
            offsets = {_offset(wanted - DAY_S), _offset(wanted + DAY_S)}
            for epoch in sorted(wanted - offset for offset in offsets):
                if epoch + _offset(epoch) == wanted:
                    return Shown(epoch, False)
            early, late = wanted - max(offsets), wanted - min(offsets)
            before = _offset(early)
            while late - early > 1:
                middle = (early + late) // 2
                early, late = (middle, late) if _offset(middle) == before else (early, middle)
            return Shown(late, True)

    def local(self, epoch):
        """struct_time of what the clock shows."""
        with self:
            return time.localtime(epoch)

    def spelled(self, epoch):
        """A moment as people write it: C(Sun 2026-11-29 03:00 CET)."""
        with self:
            shown = time.localtime(epoch)
            return DAYS[shown.tm_wday] + time.strftime(" %Y-%m-%d %H:%M %Z", shown)


def moment(text, zone=None):
    """Epoch second of a text: C(2026-11-29T04:00Z), with an offset instead of the Z, or the number itself.

    :param zone: Zone of a time that names none; without it such a time is refused
    :raises ValueError: when it is none, or one that the clock of the zone never shows
    """
    try:
        return float(text)
    except ValueError:
        pass
    found = _MOMENT.match(text.strip())
    if found is None or (zone is None and not found.group(7)):
        raise _no_moment(text)
    parts = [int(part or 0) for part in found.groups()[:6]]
    try:
        time.strptime("{0}-{1}-{2} {3}:{4}:{5}".format(*parts), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise _no_moment(text) from None
    if not found.group(7):
        shown = zone.at(parts[0], parts[1], parts[2], parts[3] * 3600 + parts[4] * 60 + parts[5])
        if shown.skipped:
            why = "there is no {0} in {1}: that hour is skipped, on the way to summer time"
            raise ValueError(why.format(clean(text, 60), zone.name))
        return float(shown.epoch)
    sign, hours, minutes = found.group(8), int(found.group(9) or 0), int(found.group(10) or 0)
    offset = (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)
    return float(calendar.timegm(tuple(parts) + (0, 0, 0)) - offset)


def _no_moment(text):
    why = "this is no moment with a time zone, such as 2026-11-29T04:00Z: {0}"
    return ValueError(why.format(clean(text, 60)))


def _offset(epoch):
    """Seconds that the clock is ahead of UTC."""
    return time.localtime(epoch).tm_gmtoff
