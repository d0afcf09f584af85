# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a plan: one kind after the other, until the goal is reached.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import journal, opened, remove, units
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MEASURE_EVERY = 32
_SETTLE_S = 3.0
"""Some file systems give room back a moment after a removal."""
_TELLING = 8 << 20
_GAIN = 0.1
"""When this much was removed, and less than this part of it came free, removing more is no help."""
_UNCOPIED = ("package_cache",)


class NoGain(Exception):
    """What is removed does not become free."""


class Execution(object):
    """What was removed so far, and what was left.

    :param place: a Place
    :param goal: a goal.Goal
    :param pace: a walk.Pace
    :param planner: the plan.Planner, which is told what could not be removed
    :param guard: the Guard: every act is remembered before it is done
    :param store: a quarantine.Store, or None
    """

    def __init__(self, place, goal, pace, planner, guard, store=None):
        self.place, self.goal, self.pace, self.planner, self.guard, self.store = (
            place,
            goal,
            pace,
            planner,
            guard,
            store,
        )
        self.start = place.room()
        self.size, self.files = 0, 0
        self.removed, self.left, self.steps = {}, {}, []

    def reached(self) -> bool:
        """Is the goal reached, by measure?"""
        return self.goal.need(self.place.room()).met()

    def carry_out(self, plan):
        """Remove what is planned, up to the goal.

        :raises NoGain: when it does not help
        :raises guard.Refused: when an act could not be remembered
        """
        for group in plan.groups:
            if self.pace.over() or self.reached():
                return
            before = self.size
            began = time.time()
            if group.vacuum:
                what = "shrink the journal to {0}".format(units.spell(group.vacuum.target))
                self.guard.began(what)
                wrong = self._vacuum(group.vacuum)
            else:
                what = "remove {0} of {1} ({2})".format(len(group.items), group.kind.name, units.spell(group.size))
                self.guard.began(what)
                wrong = self._remove(group)
            self._settle()
            result = wrong or "{0} removed, {1} are free".format(
                units.spell(self.size - before), units.spell(self.place.room().available)
            )
            self.steps.append({"at": round(began, 3), "what": what, "result": result})
            self.guard.catch_up()
            self._helps()

    def _vacuum(self, vacuum):
        self.planner.journal_keep = None
        before = self.place.room().available
        wrong = journal.shrink(vacuum)
        freed = max(0, self.place.room().available - before)
        if not wrong:
            self._count("journal", freed, 0)
        return wrong

    def _remove(self, group):
        remover = remove.Remover(self.place, self.planner.opened, self.store)
        copies = group.kind.name not in _UNCOPIED
        folders = {}
        try:
            with opened.quiet():
                for number, item in enumerate(group.items, 1):
                    if self.pace.over() or (not number % _MEASURE_EVERY or self._by_arithmetic()) and self.reached():
                        break
                    self._one(remover, group.kind, item.seen, copies, folders)
                    self.pace.removal()
                if group.kind.tidy:
                    self._tidy(remover, group.kind, folders)
        finally:
            remover.close()
        return ""

    def _one(self, remover, kind, seen, copies, folders):
        try:
            remover.remove(seen, copies)
        except remove.Left as left:
            self.planner.forget(seen)
            record = self.left.setdefault(str(left), {"files": 0, "example": None})
            record["files"] += 1
            record["example"] = record["example"] or clean(seen.folder.path + "/" + seen.name, 300)
            return
        self._count(kind.name, seen.bytes, 1)
        folders[(seen.folder.dev, seen.folder.ino)] = seen.folder

    def _tidy(self, remover, kind, folders):
        """Directories that were old before anything was taken out of them, the deepest first."""
        oldest = self.planner.clock() - self.planner.ages[kind.age]
        waiting = sorted(folders.values(), key=lambda folder: -folder.depth)
        for folder in waiting:
            while folder is not None and folder.parent is not None and folder.touched <= oldest:
                if not remover.tidy(folder):
                    break
                self._count(kind.name, 0, 1)
                folder = folder.parent

    def _count(self, name, size, files):
        self.size += size
        self.files += files
        record = self.removed.setdefault(name, {"kind": name, "files": 0, "bytes": 0})
        record["files"] += files
        record["bytes"] += size

    def _by_arithmetic(self):
        """Should the goal be reached by what was removed?"""
        need = self.goal.need(self.start)
        return self.size >= need.size and self.files >= need.files

    def _settle(self):
        """Wait until what was removed is free, but not long."""
        until = time.monotonic() + _SETTLE_S
        try:
            os.fsync(self.place.number)
        except OSError:
            return
        while self._by_arithmetic() and not self.reached() and time.monotonic() < until:
            time.sleep(0.1)

    def _helps(self):
        gained = self.place.room().available - self.start.available
        if self.size >= _TELLING and gained < self.size * _GAIN:
            raise NoGain(
                "{0} were removed, and only {1} came free: a snapshot keeps what was removed, or something fills the "
                "disk as fast".format(units.spell(self.size), units.spell(max(0, gained)))
            )
