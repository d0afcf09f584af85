# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to go, kind by kind in the order of safety, up to the goal and no further.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import stat
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._aid import busy
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import bars, journal, shortlist, walk
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.opened import Opened
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import open_folder

# One thing that may go. kind: a Kind; age: seconds
Item = namedtuple("Item", "kind seen age")
# What goes of one kind: items, a list of Item, the best first; or vacuum, a journal.Vacuum. size: bytes
Group = namedtuple("Group", "kind items vacuum size")
# groups: list of Group in the order in which they go; size: bytes; files: how many; notes: list of sentences
Plan = namedtuple("Plan", "groups size files notes")

_MOST_ITEMS = 50000


class Planner(object):
    """Looks for what may go.

    :param place: the Place that needs room
    :param pace: a walk.Pace
    :param kinds: list of Kind, the safest first
    :param ages: dict of age option to seconds
    :param barred: what is never touched, see bars.paths
    :param opened: an Opened
    :param budget: most bytes to remove, or None
    :param journal_keep: bytes of the journal that stay, or None to leave it as it is
    :param clock: gives the time that ages are counted to
    """

    def __init__(
        self, place, pace, kinds, ages, barred=(), opened=None, budget=None, journal_keep=None, clock=time.time
    ):
        self.place, self.pace, self.kinds, self.ages = place, pace, kinds, ages
        self.barred, self.identities = barred, bars.identities(barred)
        self.opened = opened or Opened(set(), set(), [], False)
        self.budget, self.journal_keep = budget, journal_keep
        self.clock = clock
        self.passed, self._taken = set(), set()
        self.open_files = []

    def plan(self, need):
        """A Plan that meets a Need, or comes as near to it as may be.

        Things that were passed over before (see forget) do not come again.
        """
        groups, notes, size, files = [], [], 0, 0
        self._taken = set()
        for kind in self.kinds:
            left = need.less(size, files)
            if left.met() or self.pace.over() or files >= _MOST_ITEMS:
                break
            held = self._held(kind)
            if held:
                notes.append(held)
                continue
            budget = None if self.budget is None else self.budget - size
            group = (
                self._journal(kind, left, budget) if kind.name == "journal" else self._group(kind, left, budget, files)
            )
            if group is not None:
                groups.append(group)
                size += group.size
                files += len(group.items) or group.vacuum.files
        if self.pace.over():
            notes.append("not everything was looked at: the time was up")
        return Plan(groups, size, files, notes)

    def _group(self, kind, need, budget, files):
        items, size = [], 0
        for one in self._of_kind(kind, need, _MOST_ITEMS - files):
            if budget is None or size + one.seen.bytes <= budget:
                items.append(one)
                size += one.seen.bytes
                # What is of two kinds counts once.
                self._taken.add((one.seen.dev, one.seen.ino))
        return Group(kind, items, None, size) if items else None

    def _journal(self, kind, need, budget):
        wanted = need.size if budget is None else min(need.size, budget)
        vacuum = journal.plan(self.place, wanted, self.journal_keep) if self.journal_keep is not None else None
        return Group(kind, [], vacuum, vacuum.size) if vacuum else None

    def forget(self, one):
        """Never offer a thing again: it could not be removed."""
        self.passed.add((one.dev, one.ino))

    def _held(self, kind):
        for path in kind.locks:
            holder = busy.lock_holder(path)
            if holder:
                return "{0} was left alone: process {1} holds {2}".format(kind.name, holder, path)
        return ""

    def _of_kind(self, kind, need, most):
        """The best Items of one kind, the best first."""
        best, newest = shortlist.Shortlist(need, kind.order, most), shortlist.Newest()
        match, now = re.compile(kind.match), self.clock()
        for root in kind.roots:
            start = self.place.start(root)
            exempt = _exempt(kind)
            if start is None or not exempt and bars.holds(start, self.barred):
                continue
            steps = walk.Walk(
                self.place,
                self.pace,
                depth=kind.depth,
                enters=kind.enters,
                barred=self.identities - _own(start) if exempt else self.identities,
                empty=kind.tidy and bool(need.files),
                locks=kind.basis == "touched",
            )
            prefix = start[len(root.rstrip("/")) + 1 :] + "/" if start != root else ""
            for path, one in steps.below(start):
                path = prefix + path
                known = (one.dev, one.ino)
                if not match.fullmatch(path) or known in self.passed or known in self._taken:
                    continue
                group = None
                if kind.check is not None:
                    group = _look_into(one, kind.check)
                    if group is None:
                        continue
                if kind.keep is not None:
                    one = newest.passes(start + ":" + kind.keep(path, group), one)
                if one is not None and self._may_go(kind, one, now):
                    best.offer(one)
        return [Item(kind, one, _age(kind, one, now)) for one in best.best_first()]

    def _may_go(self, kind, one, now):
        if stat.S_ISDIR(one.mode):
            return kind.tidy and self._old(kind, one, now)
        # A second name keeps the space; a set sticky bit is an old way to say "not this one".
        if not stat.S_ISREG(one.mode) or one.nlink != 1 or one.mode & stat.S_ISVTX:
            return False
        if not self._old(kind, one, now):
            return False
        path = one.folder.path + "/" + one.name
        if (one.dev, one.ino) in self.opened.files or path in self.opened.paths:
            if len(self.open_files) < 20:
                self.open_files.append(path)
            return False
        return True

    def _old(self, kind, one, now):
        return kind.age is None or _age(kind, one, now) >= self.ages[kind.age]


def _exempt(kind):
    """Does a kind look into directories that are barred for all others: the top of a queue, the tmp of a Maildir?"""
    return kind.name == "maildir_tmp" or kind.name == "core_dumps" and not kind.depth


def _own(root):
    """The identity of a root itself."""
    try:
        info = os.lstat(root)
    except OSError:
        return set()
    return {(info.st_dev, info.st_ino)}


def _age(kind, one, now):
    """Seconds since a file was written or touched; for a directory, since something came or went."""
    if stat.S_ISDIR(one.mode):
        return now - max(one.mtime_ns, one.ctime_ns) / 1e9
    if kind.basis == "touched":
        return now - max(one.mtime_ns, one.ctime_ns, one.atime_ns) / 1e9
    return now - one.mtime_ns / 1e9


def _look_into(one, check):
    """What a file's content says, see Kind.check; None also when it is not that file any more."""
    if not stat.S_ISREG(one.mode):
        return None
    try:
        folder = open_folder(one.folder.path)
    except OSError:
        return None
    try:
        number = os.open(
            one.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder
        )
    except OSError:
        return None
    finally:
        os.close(folder)
    try:
        return check(number) if walk.unchanged(one, os.fstat(number)) else None
    except OSError:
        return None
    finally:
        os.close(number)
