# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make room on one file system: look, plan, remove up to the goal, and say how it came out.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import (
    bars,
    execute,
    goal,
    kinds,
    opened,
    patterns,
    plan,
    quarantine,
    result,
    units,
    walk,
)
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import Place
from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import disk, filesystems, procfs

_LOOK_S = 30.0
"""Seconds for what the mail servers are asked before anything is looked for."""
_HUNG_S = 5.0
_MOST_ROUNDS = 20


class Purge(object):
    """One call of the remedy.

    :param asked: the module's options
    :param guard: a Guard
    :param check: true to plan only
    :param context: a _facts.context.Context
    :param listed: function of (queue directories, Maildirs) that gives the kinds
    :raises ValueError: when an age or a size cannot be understood
    """

    def __init__(self, asked, guard, check=False, context=None, listed=kinds.build):
        self.asked, self.guard, self.check, self.listed = asked, guard, check, listed
        self._context = context
        self.ages = {name: units.age(asked.get(name) or default) for name, default in kinds.DEFAULT_AGES.items()}
        self.budget = units.size(asked["max_bytes"]) if asked.get("max_bytes") else None
        self.wanted = units.size(asked["goal_bytes"]) if asked.get("goal_bytes") else None
        self.journal_keep = units.size(asked.get("journal_keep") or "128M")
        self.answer = result.empty(guard.subject)
        self._place = self._store = None

    def run(self):
        """The module's answer."""
        try:
            self.guard.enter()
            # Only now: the time for looking must not run while another run is waited for.
            self._work(self._context or shared.Context({"time_budget": _LOOK_S}))
        except Refused as refused:
            result.refused(self.answer, refused)
        except OSError as error:
            # A disk that fails while it is worked at: what was done until then stands in the answer.
            self.answer.update(state="failed", code="io", why="{0}: {1}".format(self.guard.subject, error))
        finally:
            self.guard.leave()
            for thing in (self._store, self._place):
                if thing is not None:
                    thing.close()
        self.answer["notes"] = self.guard.notes + self.answer["notes"]
        if not self.check and self.answer["state"] in ("done", "failed"):
            self.guard.ended("{0}: {1}".format(self.answer["state"], self.answer["why"]))
        return self.answer

    def _work(self, context):
        place = self._place = self._open(self.asked["mount"])
        holds = dict(context.shared(disk.holders)).get(place.path, [])
        floor = goal.floor(context) if "queue" in holds else 0
        room = place.room()
        target = goal.Goal(room, self.asked["goal_percent"], self.wanted, floor, self.asked["goal_inodes_percent"])
        answer = self.answer
        answer.update(holds=holds, goal={"bytes": target.bytes, "inodes": target.inodes, "floor_bytes": floor})
        answer["before"] = answer["after"] = goal.measured(room)
        if target.near(room):
            answer["why"] = "{0} has {1} free, which is enough".format(place.path, goal.spell(room))
            return
        pace = walk.Pace(time.monotonic() + self.asked["time_limit"], self.asked["io"] == "small")
        planner = self._planner(context, place, pace)
        answer["deleted_open"] = planner.opened.deleted
        first = planner.plan(target.need(room))
        result.planned(answer, first, self.journal_keep)
        if self.check:
            result.predict(answer, first, place, target, room)
        elif first.groups:
            self._remove(place, target, pace, planner, first)
        result.judge(answer, place.path, target, place.room(), self.check)
        self._explain(place, target, planner)

    def _open(self, path):
        """The file system, if it is one that may be worked at.

        :raises Refused: otherwise
        """
        mounts = filesystems.parse_mountinfo(procfs.read_text("/proc/self/mountinfo", 4 << 20))
        mount = filesystems.mount_of(path, mounts)
        if not path.startswith("/") or mount is None or mount.mount != path:
            raise Refused("no_mount", "{0} is no mount point".format(self.guard.subject))
        if mount.fstype in filesystems.REMOTE:
            raise Refused("remote", "{0} is shared with other hosts, which may have its files open".format(path))
        if mount.readonly:
            raise Refused("spool_readonly", "{0} is mounted read-only: nothing can be removed there".format(path))
        # What is frozen, or whose disk is gone, keeps whoever writes to it for ever; a child can be left behind.
        if _run.run(["touch", "-c", "-a", "--", path], timeout=_HUNG_S).status == "timeout":
            raise Refused("storage_hung", "{0} does not answer: nothing can be removed there".format(path))
        try:
            place = Place(path)
        except OSError as error:
            raise Refused("no_mount", "{0}: {1}".format(path, error.strerror or error)) from error
        if not place.room().total:
            place.close()
            raise Refused("no_mount", "{0} holds no files on a disk".format(path))
        return place

    def _planner(self, context, place, pace):
        barred = bars.paths(context)
        mailboxes = bars.mailboxes(context) if self._wants("maildir_tmp") else []
        listed = [kind for kind in self.listed(bars.queue_directories(context), mailboxes) if self._wants(kind.name)]
        own, ages, refused = patterns.read(self.asked.get("patterns") or [], barred)
        self.answer["refused_patterns"] = refused
        self.answer["notes"] += ["the pattern {path} was refused: {why}".format(**one) for one in refused]
        keep = self.journal_keep
        if self.asked.get("quarantine"):
            try:
                self._store = quarantine.Store(self.asked["quarantine"], self.guard.asked["run"], place.device)
            except quarantine.StoreError as error:
                raise Refused("quarantine", "the quarantine cannot be used: {0}".format(error)) from error
            keep = None
            self.answer["notes"].append("the journal is left as it is, since it cannot be put into quarantine")
        return plan.Planner(
            place,
            pace,
            listed + own,
            dict(self.ages, **ages),
            barred,
            opened.scan(place),
            self.budget,
            keep,
        )

    def _wants(self, name):
        return not self.asked.get("kinds") or name in self.asked["kinds"]

    def _remove(self, place, target, pace, planner, first):
        work = execute.Execution(place, target, pace, planner, self.guard, self._store)
        todo, budget = first, self.budget
        try:
            for dummy in range(_MOST_ROUNDS):
                before = work.size, work.files, len(planner.passed)
                work.carry_out(todo)
                if work.reached() or pace.over() or before == (work.size, work.files, len(planner.passed)):
                    break
                planner.budget = None if budget is None else budget - work.size
                todo = planner.plan(target.need(place.room()))
                if not todo.groups:
                    break
        except execute.NoGain as error:
            self.answer["notes"].append(str(error))
        finally:
            result.removed(self.answer, work)

    def _explain(self, place, target, planner):
        """What a person wants to know when the goal was not reached."""
        answer, room = self.answer, place.room()
        for path in planner.open_files[:3]:
            answer["notes"].append("left alone, since it is open: {0}".format(path))
        for one in answer["deleted_open"][:3]:
            answer["notes"].append(
                "{0} belong to {1}, which is deleted and still held open by {2} (pid {3}{4}); only that program can "
                "let it go, by a reload".format(
                    units.spell(one["bytes"]),
                    one["path"],
                    one["name"] or "a process",
                    one["pid"],
                    ", " + one["unit"] if one["unit"] else "",
                )
            )
        if self.check and answer["state"] == "planned" or target.need(room).met():
            return
        if self.asked["io"] == "small":
            answer["notes"].append("the disk was not searched for what is largest, to spare it")
            return
        answer["largest"], dummy = filesystems.consumers(place.path, by_entries=not target.need(room).size)
        if answer["largest"]:
            answer["notes"].append(
                "most of it is taken by {0}".format(
                    ", ".join(
                        "{0} ({1})".format(one["path"], units.spell(one["bytes"])) for one in answer["largest"][:3]
                    )
                )
            )
