# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much room is wanted, how much is the least, and how much is missing.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import shortlist, units
from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix

# Of the whole: with less than this a host is in trouble again within the hour.
_LEAST = 0.02
_LEAST_INODES = 0.02
_FEW_INODES = 1000
_NEAR = 0.75
_SCARCE_PERCENT = 20.0


class Goal(object):
    """What is wanted on one file system.

    :param room: a place.Room: how it is at the beginning
    :param percent: percent of the file system that is to be free
    :param size: bytes that are to be free, or None; the larger of the two counts
    :param floor: bytes below which the mail server refuses mail; they come on top
    :param inodes_percent: percent of the inodes that is to be free
    """

    def __init__(self, room, percent=15.0, size=None, floor=0, inodes_percent=10.0):
        self.bytes = min(int(max(room.total * percent / 100.0, size or 0)) + floor, room.total)
        self.floor = floor
        # A percentage of few is too few to work with.
        self.inodes = max(int(room.inodes * inodes_percent / 100.0), min(_FEW_INODES, room.inodes // 4))
        self.least_bytes = int(room.total * _LEAST) + floor
        self.least_inodes = int(room.inodes * _LEAST_INODES)

    def need(self, room):
        """What is missing to the goal, as a shortlist.Need."""
        return shortlist.Need(self.bytes - room.available, self.inodes - room.inodes_free)

    def near(self, room) -> bool:
        """Is so much free that nothing need be done? A host that has just been relieved writes its logs, too."""
        wanted = self.bytes - self.floor
        return room.available >= self.floor + wanted * _NEAR and room.inodes_free >= self.inodes * _NEAR

    def enough(self, room) -> bool:
        """Can mail flow, though the goal may not be reached?"""
        return room.available >= self.least_bytes and room.inodes_free >= self.least_inodes

    def missing(self, room) -> str:
        """What is wanted still, in words."""
        need = self.need(room)
        words = ["{0} more".format(units.spell(need.size))] if need.size else []
        words += ["{0} inodes more".format(need.files)] if need.files else []
        return " and ".join(words)


def floor(context):
    """Bytes below which Postfix refuses mail; 0 without Postfix."""
    if not context.shared(postfix.installed):
        return 0
    largest = postfix.number(context, "message_size_limit", 10240000)
    return max(int(1.5 * largest), postfix.number(context, "queue_minfree", 0))


def spell(room) -> str:
    """What is free, in words."""
    text = "{0} ({1:.0f} %)".format(units.spell(room.available), percent(room.available, room.total))
    scarce = room.inodes and percent(room.inodes_free, room.inodes) < _SCARCE_PERCENT
    return text + " and {0} inodes".format(room.inodes_free) if scarce else text


def percent(part, whole) -> float:
    """Part of a whole, in percent."""
    return round(100.0 * part / whole, 1) if whole else 0.0


def measured(room):
    """A Room as modules return it."""
    return {
        "total_bytes": room.total,
        "available_bytes": room.available,
        "free_percent": percent(room.available, room.total),
        "inodes_total": room.inodes or None,
        "inodes_free": room.inodes_free if room.inodes else None,
    }
