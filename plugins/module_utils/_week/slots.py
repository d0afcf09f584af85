# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts of the mail log by the hour, over weeks, and where the log is silent though it should not be.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts import flow

HOUR = 3600
SLOT = 300
COUNTS = ("connections", "delivered", "logins")
_PLACES = [flow.COUNTERS.index(name) for name in COUNTS]
_LINES = len(flow.COUNTERS)
_WEEK = 168
# A silence so long is one of the log, whatever the host.
_LONG = 86400
# A shorter one is, when so many lines would have stood in it that chance cannot be why: each event has some lines.
_EXPECTED = 50
_SHORTEST = 900
# What is not counted here need not be looked at, and of these there are many lines.
_LEFT_OUT = ("cleanup", "pickup", "qmgr", "nqmgr")


class Slots(flow.Flow):
    """Counts of one source of lines, in stretches of five minutes: a few thousand small lists for a month.

    :param now: epoch
    """

    def __init__(self, now):
        super(Slots, self).__init__(now, names=False)
        self.slots = {}
        for name in _LEFT_OUT:
            del self.handlers[name]
        self.handlers = {name: self._counted(handler) for name, handler in self.handlers.items()}

    def _counted(self, handler):
        def handle(message):
            self._row[_LINES] += 1
            return handler(message)

        return handle

    def turn(self, minute):
        """The lines from now on are of this minute (epoch)."""
        self.minute = minute
        slot = minute // SLOT * SLOT
        self._row = self.slots.get(slot)
        if self._row is None:
            self._row = self.slots[slot] = [0] * (_LINES + 1)

    def absorb(self):
        """A piece of the log has ended."""
        self._open.clear()

    def hours(self):
        """By epoch of the hour's begin: [connections, delivered, logins]."""
        found = {}
        for slot, row in self.slots.items():
            hour = found.setdefault(slot // HOUR * HOUR, [0] * len(COUNTS))
            for place, column in enumerate(_PLACES):
                hour[place] += row[column]
        return found

    def gaps(self, since, until):
        """Where the log is silent though it should not be: pairs of epochs.

        :param since: from when on the log was read
        """
        lines = {}
        for slot, row in self.slots.items():
            lines[slot // HOUR] = lines.get(slot // HOUR, 0) + row[_LINES]
        usual = _Usual(lines, -(-int(since) // HOUR), int(until) // HOUR)
        return [run for run in self._silences(int(since), int(until)) if usual.missed(*run)]

    def _silences(self, since, until):
        """Stretches without a line, as pairs of epochs."""
        last = since
        for slot in sorted(slot for slot, row in self.slots.items() if row[_LINES] and since <= slot < until):
            if slot - last >= _SHORTEST:
                yield last, slot
            last = slot + SLOT
        if until - last >= _SHORTEST:
            yield last, until


class _Usual(object):
    """How many lines an hour usually has.

    :param lines: by hour (epoch / 3600)
    :param first: hour from which on the log was read
    :param last: hour before which it was
    """

    def __init__(self, lines, first, last):
        self._by_week, self._by_day = {}, {}
        for hour in range(first, last):
            self._by_week.setdefault(hour % _WEEK, []).append((hour, lines.get(hour, 0)))
            self._by_day.setdefault(hour % 24, []).append((hour, lines.get(hour, 0)))

    def missed(self, begin, end):
        """Is a silence too long for chance?"""
        if end - begin >= _LONG:
            return True
        own = range(begin // HOUR, -(-end // HOUR))
        expected = 0.0
        for hour in own:
            share = min(end, (hour + 1) * HOUR) - max(begin, hour * HOUR)
            expected += self._of(hour, own) * share / HOUR
            if expected >= _EXPECTED:
                return True
        return False

    def _of(self, hour, own):
        """What the same hour had in the better of the other weeks; when these are too few, on the other days.

        Not the median: when syslog stood still in two of four weeks, that is no habit. Data that is missing does less
        harm than a gap that is taken for a quiet hour.
        """
        samples = [count for other, count in self._by_week.get(hour % _WEEK, ()) if other != hour]
        if len(samples) < 2:
            samples = [count for other, count in self._by_day.get(hour % 24, ()) if other not in own]
        samples.sort()
        return samples[len(samples) * 3 // 4] if samples else 0
