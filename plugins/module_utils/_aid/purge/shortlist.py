# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The best candidates out of any number of files, in bounded memory.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import heapq


class Need(object):
    """How much has to become free.

    :param size: bytes
    :param files: inodes
    """

    def __init__(self, size=0, files=0):
        self.size, self.files = max(0, size), max(0, files)

    def met(self) -> bool:
        """Is nothing needed?"""
        return not self.size and not self.files

    def less(self, size, files):
        """What is needed still when so much was found."""
        return Need(self.size - size, self.files - files)


class Shortlist(object):
    """Keeps no more than what the need asks for, and the better of what was offered.

    :param need: a Need
    :param order: C(oldest) or C(largest) first
    :param most: longest list
    """

    def __init__(self, need, order, most):
        self.need, self.order, self.most = need, order, most
        self.size = 0
        self._heap, self._number = [], 0

    def offer(self, one):
        """Take a Seen in, or not; the worst of the list makes room for it."""
        useful = one.bytes > 0 if self.need.size else True
        if not useful and not self.need.files:
            return
        better = -one.mtime_ns if self.order == "oldest" else one.bytes
        self._number += 1
        heapq.heappush(self._heap, (better, -self._number, one))
        self.size += one.bytes
        while len(self._heap) > self.most or self._enough_without_worst():
            self.size -= heapq.heappop(self._heap)[2].bytes

    def _enough_without_worst(self):
        worst = self._heap[0][2]
        return self.size - worst.bytes >= self.need.size and len(self._heap) - 1 >= self.need.files

    def best_first(self):
        """The list, the best first."""
        return [one for dummy, dummy2, one in sorted(self._heap, reverse=True)]


class Newest(object):
    """Holds the newest of each group back.

    :param most: most groups; of one that does not fit in any more, everything is held back
    """

    def __init__(self, most=5000):
        self.most, self._kept = most, {}

    def passes(self, group, one):
        """What may go now that this one is known: the older of it and the newest so far, or None."""
        kept = self._kept.get(group)
        if kept is None:
            if len(self._kept) < self.most:
                self._kept[group] = one
            return None
        if one.mtime_ns > kept.mtime_ns:
            self._kept[group] = one
            return kept
        return one
