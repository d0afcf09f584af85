# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same hour on earlier days: what is usual at this time, as far as the log reaches back.

Only that hour is read of each day, found by bisection; of packed files, whatever stands before it too. All days
together may cost as many bytes as one source of the log.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import flow, journal, logfiles, logpass, logread

_DAYS = 7
_DAY = 86400.0
# Too short for a call of journalctl, in seconds.
_TOO_SHORT = 0.1


class _Budget(object):
    """What may still be spent.

    :ivar deadline: time.monotonic() after which nothing more is read
    :ivar left: bytes that may still be read
    """

    def __init__(self, deadline, left):
        self.deadline, self.left = deadline, left

    def seconds(self):
        """Seconds until the deadline; none are left when the bytes are spent."""
        return self.deadline - time.monotonic() if self.left > 0 else 0.0


def look(context, files, from_journal, deadline):
    """The contract's C(log.flow.baseline): medians of the hour that ends now, on up to seven earlier days.

    :param files: list of (path, families, hosts) that the flow is counted from
    :param from_journal: families whose flow the journal tells, and epoch from which on it does
    :param deadline: time.monotonic() after which nothing more is read; a day that was begun does not count then
    :returns: dict, or None when the log does not reach back, or when there was no time for a single day
    """
    families, oldest = from_journal
    budget = _Budget(deadline, int(context.options["log_bytes"]))
    hours, days = [], 0
    for day in range(1, _DAYS + 1):
        end = context.now - day * _DAY
        begin = end - flow.HOUR
        if budget.seconds() <= 0:
            break
        counts = flow.Flow(end, names=False)
        whole = [_of_file(context, path, named, hosts, begin, end, counts, budget) for path, named, hosts in files]
        if families and None not in whole:
            reached = oldest is not None and oldest <= begin
            whole.append(reached and _of_journal(context, families, begin, end, counts, budget))
        if not whole or None in whole:
            break
        days = day
        if all(whole):
            hours.append([sum(column) for column in zip(counts.totals, *counts.minutes.values())])
    if not hours:
        return None
    medians = [_median(column) for column in zip(*hours)]
    return dict(zip(("days", "hours") + flow.COUNTERS, [days, len(hours)] + medians))


def _median(numbers):
    numbers = sorted(numbers)
    half = len(numbers) // 2
    return float(numbers[half]) if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2.0


def _pass(counts, begin, end, families):
    reading = logpass.Pass(counts, None, begin, end, until=end)
    reading.source(families)
    return reading


def _of_file(context, path, families, hosts, begin, end, counts, budget):
    """Count an hour of a log file and its predecessors.

    :returns: whether the whole hour was counted; None when the log does not reach back to it, or the time was over
    """
    reading = _pass(counts, begin, end, families)
    try:
        for place in logread.rotated(path, begin):
            if budget.seconds() <= 0:
                return None
            if logfiles.first_moment(place, context.now) >= end:
                continue
            parts, cut = logfiles.segments(place, begin, context.now, budget.left, end)
            if cut:
                return False
            for part in parts:
                for piece in part:
                    budget.left -= len(piece)
                    if time.monotonic() >= budget.deadline:
                        return None
                    reading.feed(piece, path, hosts)
            if logfiles.first_moment(place, context.now) <= begin:
                return True
    except OSError:
        return False
    return None


def _of_journal(context, families, begin, end, counts, budget):
    """Count an hour of the journal.

    :returns: as of _of_file
    """
    seconds = budget.seconds()
    if seconds < _TOO_SHORT:
        return None
    try:
        text, whole, dummy = journal.flow_text(context, begin, end, limit=budget.left, seconds=seconds)
    except shared.OutOfTime:
        return None
    budget.left -= len(text)
    _pass(counts, begin, end, families).feed(b"\n".join(reversed(text.split(b"\n"))), "journal")
    return whole
