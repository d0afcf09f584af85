# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts of signatures: how many, since when, about whom, and whether the trouble is still current.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import heapq
from collections import Counter

from ansible_collections.mailops.triage.plugins.module_utils._facts import sketch
from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures import catalogue
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# The newest hits of a signature whose times are kept, to be compared with the last good event.
_TIMES = 500
_KEYS = 5
# Keys that wait to be counted together.
_FRESH = 1000


def empty():
    """The record of a signature that was not seen."""
    return {
        "count": 0,
        "current": 0,
        "first": None,
        "last": None,
        "sample": "",
        "source": None,
        "keys": [],
        "distinct_keys": 0,
    }


class Tally(object):
    """Counts signatures.

    :param since: epoch; older lines do not count
    :param starts: dict of owner to the epoch from which hits are current
    """

    def __init__(self, since, now, starts):
        self.since, self.now, self.starts = since, now, starts
        self.found = {}
        self._hits, self._keys, self._fresh, self._good = {}, {}, {}, {}

    def hit(self, signature, found, when, message, source):
        """Count one line.

        :param found: the match of the signature's pattern
        """
        if not self.since <= when <= self.now + 3600:
            return
        key = catalogue.key(found)
        if signature.id in catalogue.GOOD_IDS:
            self.good(signature.id, when, key)
            return
        record = self.found.get(signature.id)
        if record is None:
            record = self.found[signature.id] = empty()
            self._hits[signature.id], self._keys[signature.id] = [], (sketch.Top(), sketch.Distinct())
        record["count"] += 1
        times = self._hits[signature.id]
        (heapq.heappush if len(times) < _TIMES else heapq.heappushpop)(times, (when, key or ""))
        start = self.starts.get(signature.owner)
        record["current"] += start is None or when >= start
        if key:
            fresh = self._fresh.setdefault(signature.id, [])
            fresh.append(key)
            if len(fresh) >= _FRESH:
                self._absorb(signature.id)
        if record["first"] is None or when < record["first"]:
            record["first"] = round(when, 3)
        if record["last"] is None or when >= record["last"]:
            record["last"] = round(when, 3)
            record["sample"], record["source"] = clean(message), source

    def good(self, event, when, key=None):
        """Take note of an event that proves a trouble over; with a key, only that of the same key."""
        for name in (event, (event, key)):
            self._good[name] = max(when, self._good.get(name, when))

    def finish(self):
        """The records of all known signatures; what came before the last good event is not current."""
        records = {name: self.found.get(name) or empty() for name in catalogue.IDS}
        for signature in catalogue.CATALOGUE:
            record = self.found.get(signature.id)
            if record is None:
                continue
            self._absorb(signature.id)
            top, distinct = self._keys[signature.id]
            record["keys"] = [{"key": clean(key, 120), "count": number} for key, number in top.best(_KEYS)]
            record["distinct_keys"] = distinct.number()
            events = [name for name in signature.good.split() if name in self._good]
            if events and record["current"]:
                later = sum(when > self._over(signature, events, key) for when, key in self._hits[signature.id])
                record["current"] = min(record["current"], later) if later < _TIMES else record["current"]
        return records

    def _absorb(self, name):
        fresh = Counter(self._fresh.pop(name, ()))
        top, distinct = self._keys[name]
        top.absorb(fresh)
        distinct.absorb([key.encode("utf-8", "replace") for key in fresh])

    def _over(self, signature, events, key):
        keyed = [name for name in events if name in catalogue.GOOD_IDS and key]
        moments = [self._good.get((name, key), 0.0) if name in keyed else self._good[name] for name in events]
        return max(moments)
