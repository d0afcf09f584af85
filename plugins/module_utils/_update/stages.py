# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages that an update goes through, whatever its aim: wait for another, choose, plan, download, let it be done.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused
from ansible_collections.mailops.triage.plugins.module_utils._aid.record import Record
from ansible_collections.mailops.triage.plugins.module_utils._aid.state import FOLDER, StateError
from ansible_collections.mailops.triage.plugins.module_utils._update import choice, outcome, room
from ansible_collections.mailops.triage.plugins.module_utils._update.job import Job
from ansible_collections.mailops.triage.plugins.module_utils._update.memory import Memory
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import Trouble
from ansible_collections.mailops.triage.plugins.module_utils._update.store import Store
from ansible_collections.mailops.triage.plugins.module_utils._update.usage import Usage


class Running(Exception):
    """The work goes on, and the time to wait for it is over."""


class Stages(object):
    """One call of the module.

    :param asked: the module's options
    :param backend: Apt or Dnf
    :param guard: a Guard
    :param check: true to look only
    :param folder: the state directory of the host
    :param job: a Job
    """

    def __init__(self, asked, backend, guard, check=False, folder=FOLDER, job=None):
        self.asked, self.backend, self.guard, self.check = asked, backend, guard, check
        self.run_id = asked["guard"]["run"]
        self.memory, self.store, self.job = Memory(folder), Store(backend, folder), job or Job()
        self.record = Record("package_update", asked["state"])
        self.until = time.monotonic() + asked["time_limit"]
        self.began = self.usage = None
        self.heard = False
        self.answer = outcome.empty(backend.name)

    def attach(self, kind):
        """Wait for an update that is under way; the record of one whose end nobody was told of, or None.

        :raises Running: when it takes longer than this call may
        :raises Refused: when it is another run's
        """
        known = self.memory.read()
        mine = known is not None and known["run"] == self.run_id
        if self.job.runs():
            words = "an update of {0} is under way".format("run " + str(known["run"]) if known else "somebody")
            if self.check:
                raise Refused("locked", words)
            if not self.job.wait(self.left() if mine else min(self.left(), self.asked["guard"].get("wait") or 0.0)):
                if mine:
                    raise Running
                raise Refused("locked", words)
            self.record.step("wait for the update that was under way", "it has ended")
        self.heard = mine and not known["told"] and known["kind"] == kind
        return known if self.heard else None

    def refresh(self):
        if not self.asked["refresh"] or self.check:
            return
        why = self.backend.refresh(min(self.left(), 300.0))
        self.record.step("renew the package lists", why or "done")
        if why:
            self.record.note("the package lists could not be renewed: " + why)

    def choose(self):
        """What is to be done: (list of Pending, dict of Installed)."""
        installed = self.backend.installed()
        pending = self.backend.pending(installed)
        usage = self.usage = Usage()
        # What is frozen need not be pending any more: another version may be, or none.
        names = {one.package for one in pending}.union(name for name in self.asked["only"] or () if name in installed)
        files = self.backend.files(sorted(names))
        users = {name: usage.users_of(files.get(name, ())) for name in names}
        mail = {name for name in names if choice.on_mail_path(name, users[name])}
        chosen, notes = choice.choose(pending, self.asked, mail, installed)
        seen = choice.shown(pending, self.asked, mail, installed)
        for note in notes + outcome.pending(self.answer, seen, mail, users):
            self.record.note(note)
        return chosen, installed

    def plan(self, chosen, installed):
        wanted = {one.package: one.candidate for one in chosen}
        moves = self.backend.plan(wanted)
        for one in moves:
            frozen = (self.asked["only"] or {}).get(one.package, one.to)
            if frozen != one.to:
                words = "{0} {1} would come with the others, and {2} was asked for"
                raise Trouble("version_gone", words.format(one.package, one.to, frozen))
            if one.package not in wanted and not self.asked["only"]:
                self.record.note("{0} {1} comes with the others".format(one.package, one.to))
        sizes = self.backend.sizes(wanted, moves)
        places, unpack = room.needed(sizes, moves, installed, self.backend.archives, self.store.folder)
        self.answer["room"] = dict(room.judge(places), needed_download=sizes.download, needed_unpack=unpack)
        return wanted, moves, sizes

    def enough(self):
        found = self.answer["room"]
        if not found["enough"]:
            words = "{0} has {1} bytes free, and {2} more are needed to download and unpack; make room first"
            raise Refused("no_room", words.format(found["where"], found["available"], found["missing"]))

    def fetch(self, wanted, moves, sizes):
        """Download what is new, and keep what is there for the way back."""
        if sizes.download:
            why = self.backend.fetch(wanted, self.left())
            self.record.step("download {0} bytes".format(sizes.download), why or "done")
            if why:
                raise Trouble("download", why)
            self.record.changed = True
        old = [(one.package, one.before, one.arch) for one in moves if one.before is not None]
        had = [one for one in old if self.store.has(*one)]
        kept = self.store.keep(old, self.until)
        # What comes now is the way back of the next update, when the package manager has thrown it away.
        new = [(one.package, one.to, one.arch) for one in moves]
        self.store.keep([one for one in new if self.store.find(*one)], self.until)
        self.answer["kept_debs"] = kept
        lost = [one["package"] for one in kept if one["path"] is None]
        if len(had) < len(old) - len(lost):
            self.record.changed = True
            self.record.step("keep the packages that are there", "{0} kept".format(len(old) - len(lost)))
        if lost:
            words = "no archive has these versions any more, so there is no way back for: {0}"
            self.record.note(words.format(", ".join(lost)))

    def work(self, kind, before, commands, wanted):
        """Let the package manager do it, and wait for the end.

        :param before: dict of package to version, or None
        :param commands: (steps, last), see job.script
        :param wanted: dict of package to the version asked for
        :raises Running: when it takes longer than this call may
        """
        record = self.memory.begin(self.run_id, kind, self.backend.name, before, wanted)
        self.began = time.time()
        self.guard.began("{0} {1}".format(kind, ", ".join(sorted(before)[:10])))
        self.record.changed = True
        self.job.begin(*commands)
        if not self.job.wait(self.left()):
            raise Running
        status = self.job.result()
        self.record.step(kind, "interrupted" if status is None else "exit status {0}".format(status))
        return record

    def came_out(self, record, installed, late):
        """The verdict, when the work has ended."""
        self.tell()
        code, why = outcome.trouble(self.job, self.backend.unfinished(installed), late)
        if code:
            return verdict("failed", code, why)
        return verdict("done", "", self.sum(record, installed))

    def sum(self, record, installed):
        changed = outcome.changes(record, installed) if record is not None else []
        return "{0} changed".format(count(changed)) if changed else "every package is as it should be"

    def tell(self):
        """Remember that what was begun has been told of."""
        record = self.memory.read()
        if record is not None and not record["told"] and record["run"] == self.run_id and not self.check:
            try:
                self.memory.write(dict(record, told=True))
            except StateError as error:
                # On a full disk: what is told once more does no harm, and what was done must be told now.
                self.record.note("that this was told could not be remembered: {0}".format(error))

    def left(self):
        return max(0.0, self.until - time.monotonic())


def verdict(state, code, why):
    """How it came out, as the answer has it."""
    return {"state": state, "code": code, "why": why}


def count(things):
    """So many packages, in words."""
    return "1 package" if len(things) == 1 else "{0} packages".format(len(things))
