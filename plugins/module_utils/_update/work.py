# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the packages of a host up to date, or back, one careful step after the other.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused
from ansible_collections.mailops.triage.plugins.module_utils._aid.record import Record
from ansible_collections.mailops.triage.plugins.module_utils._aid.state import FOLDER, StateError
from ansible_collections.mailops.triage.plugins.module_utils._update import choice, outcome, room
from ansible_collections.mailops.triage.plugins.module_utils._update.job import Job, JobError
from ansible_collections.mailops.triage.plugins.module_utils._update.memory import Memory
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import Trouble
from ansible_collections.mailops.triage.plugins.module_utils._update.store import Store
from ansible_collections.mailops.triage.plugins.module_utils._update.usage import Usage

STATES = ("listed", "downloaded", "applied", "rolled_back")


class Running(Exception):
    """The work goes on, and the time to wait for it is over."""


class Update(object):
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
        self.answer = outcome.empty(backend.name)

    def run(self):
        """The module's answer."""
        verdict = {"state": "failed", "code": "", "why": ""}
        try:
            verdict = getattr(self, "_" + self.asked["state"])()
        except Refused as refused:
            verdict = _verdict("refused", refused.code, str(refused))
            self.answer["retry_at"] = refused.retry_at
        except Trouble as trouble:
            verdict = _verdict("failed", trouble.code, str(trouble))
        except Running:
            words = "it is at work for longer than was to be waited for, and goes on; ask again to learn how it ended"
            verdict = _verdict("running", "time_limit", words)
        except StateError as error:
            words = "what is done could not be remembered, so nothing is done: {0}"
            verdict = _verdict("refused", "state", words.format(error))
        except JobError as error:
            verdict = _verdict("failed", "job", str(error))
        except OSError as error:
            verdict = _verdict("failed", "io", str(error))
        finally:
            self.guard.leave()
        if verdict["state"] == "running":
            self.answer["log"] = self.job.log()
        else:
            self._look(verdict)
        self.answer.update(verdict, changed=self.record.changed or verdict["state"] == "planned")
        self.answer.update(steps=self.record.steps, notes=self.guard.notes + self.record.notes)
        if self.began is not None:
            self.guard.ended("{0}: {1}".format(verdict["state"], verdict["why"]))
        return self.answer

    def _listed(self):
        if self.job.runs():
            self.record.note("an update is under way at this moment")
        self._refresh()
        chosen, installed = self._choose()
        if chosen:
            self._plan(chosen, installed)
        return _verdict("done", "", "{0} to be updated".format(_count(chosen)))

    def _downloaded(self):
        self._attach("downloaded")
        self.guard.enter()
        if self.backend.unfinished(self.backend.installed()) or self.backend.interrupted():
            words = "packages are half done: applied finishes them first, and downloads the rest then"
            return _verdict("nothing", "half_configured", words)
        self._refresh()
        chosen, installed = self._choose()
        if not chosen:
            return _verdict("nothing", "", "nothing is pending")
        wanted, moves, sizes = self._plan(chosen, installed)
        self._enough()
        if self.check:
            if sizes.download:
                return _verdict("planned", "", "{0} would be downloaded".format(_count(moves)))
            return _verdict("nothing", "", "everything is there")
        self._fetch(wanted, moves, sizes)
        if not self.record.changed:
            return _verdict("nothing", "", "everything is there")
        return _verdict("done", "", "{0} downloaded".format(_count(moves)))

    def _applied(self):
        resumed = self._attach("applied")
        self.guard.enter()
        broken = self._mend()
        if broken is not None:
            return broken
        self._refresh()
        chosen, installed = self._choose()
        if resumed is not None:
            self.record.note("what an earlier call began, and did not see the end of, is told here")
            self.record.changed = bool(outcome.changes(resumed, installed))
        if not chosen:
            self._tell()
            verdict = "done" if self.record.changed else "nothing"
            return _verdict(verdict, "", self._sum(self.memory.read(), installed))
        wanted, moves, sizes = self._plan(chosen, installed)
        self._enough()
        if self.check:
            return _verdict("planned", "", "{0} would be updated".format(_count(moves)))
        self._fetch(wanted, moves, sizes)
        record = self._work("applied", {one.package: one.before for one in moves}, self.backend.forward(wanted, moves))
        installed = self.backend.installed()
        self._prune(record, installed)
        late = sorted(name for name in wanted if name not in installed or installed[name].version != wanted[name])
        return self._came_out(record, installed, late)

    def _mend(self):
        """Finish what an earlier update left half done; a verdict where that is the end of it, or None."""
        installed = self.backend.installed()
        unfinished = self.backend.unfinished(installed)
        if not unfinished and not self.backend.interrupted():
            return None
        if self.check:
            return _verdict(
                "planned", "", "{0} would be finished, and the rest planned then".format(_count(unfinished))
            )
        before = {one["package"]: installed[one["package"]].version for one in unfinished}
        self._work("applied", before, self.backend.finish(list(before)))
        code, why = outcome.trouble(self.job, self.backend.unfinished(self.backend.installed()), [])
        if not code:
            return None
        self._tell()
        return _verdict("failed", code, why)

    def _rolled_back(self):
        resumed = self._attach("rolled_back")
        self.guard.enter()
        known, installed = self.memory.read(), self.backend.installed()
        targets = dict(self.asked["only"] or {})
        if not targets and known is not None:
            targets = {name: version for name, version in known["before"].items() if version is not None}
            for name in sorted(set(known["before"]) - set(targets)):
                if name in installed:
                    self.record.note("{0} came anew with the update and stays".format(name))
        if not targets and known is None:
            raise Refused("no_record", "no update is on record here: name the versions to go back to in only")
        gone = sorted(name for name in targets if name not in installed)
        if gone:
            raise Refused("no_way_back", "not installed any more: " + ", ".join(gone))
        sick = [one["package"] for one in self.backend.unfinished(installed)]
        targets = {name: targets[name] for name in targets if installed[name].version != targets[name] or name in sick}
        if resumed is not None:
            self.record.changed = True
        if not targets:
            self._tell()
            words = "every package is at the version that it had before"
            return _verdict("done" if self.record.changed else "nothing", "", words)
        paths = self._ways_back(targets, installed)
        if self.check:
            return _verdict("planned", "", "{0} would go back".format(_count(targets)))
        before = {name: installed[name].version for name in targets}
        record = self._work("rolled_back", before, self.backend.back(paths, targets))
        installed = self.backend.installed()
        late = sorted(name for name in targets if name not in installed or installed[name].version != targets[name])
        return self._came_out(record, installed, late)

    def _attach(self, kind):
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
            if not self.job.wait(self._left() if mine else min(self._left(), self.asked["guard"].get("wait") or 0.0)):
                if mine:
                    raise Running
                raise Refused("locked", words)
            self.record.step("wait for the update that was under way", "it has ended")
        return known if mine and not known["told"] and known["kind"] == kind else None

    def _refresh(self):
        if not self.asked["refresh"] or self.check:
            return
        why = self.backend.refresh(min(self._left(), 300.0))
        self.record.step("renew the package lists", why or "done")
        if why:
            self.record.note("the package lists could not be renewed: " + why)

    def _choose(self):
        """What is to be done: (list of Pending, dict of Installed)."""
        installed = self.backend.installed()
        pending = self.backend.pending(installed)
        usage = self.usage = Usage()
        files = self.backend.files([one.package for one in pending])
        users = {one.package: usage.users_of(files.get(one.package, ())) for one in pending}
        mail = {one.package for one in pending if choice.on_mail_path(one.package, users[one.package])}
        chosen, notes = choice.choose(pending, self.asked, mail, installed)
        for note in notes:
            self.record.note(note)
        seen = choice.shown(pending, self.asked, mail, installed)
        self.answer["pending"] = outcome.pending(seen, mail, users)
        return chosen, installed

    def _plan(self, chosen, installed):
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

    def _enough(self):
        found = self.answer["room"]
        if not found["enough"]:
            words = "{0} has {1} bytes free, and {2} more are needed to download and unpack; make room first"
            raise Refused("no_room", words.format(found["where"], found["available"], found["missing"]))

    def _fetch(self, wanted, moves, sizes):
        """Download what is new, and keep what is there for the way back."""
        if sizes.download:
            why = self.backend.fetch(wanted, self._left())
            self.record.step("download {0} bytes".format(sizes.download), why or "done")
            if why:
                raise Trouble("download", why)
            self.record.changed = True
        old = [(one.package, one.before, one.arch) for one in moves if one.before is not None]
        had = [one for one in old if self.store.find(*one) is not None]
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

    def _work(self, kind, before, commands):
        """Let the package manager do it, and wait for the end.

        :raises Running: when it takes longer than this call may
        """
        record = self.memory.begin(self.run_id, kind, self.backend.name, before)
        self.began = time.time()
        self.guard.began("{0} {1}".format(kind, ", ".join(sorted(before)[:10])))
        self.record.changed = True
        self.job.begin(*commands)
        if not self.job.wait(self._left()):
            raise Running
        status = self.job.result()
        self.record.step(kind, "interrupted" if status is None else "exit status {0}".format(status))
        return record

    def _came_out(self, record, installed, late):
        """The verdict, when the work has ended."""
        self._tell()
        code, why = outcome.trouble(self.job, self.backend.unfinished(installed), late)
        if code:
            return _verdict("failed", code, why)
        return _verdict("done", "", self._sum(record, installed))

    def _sum(self, record, installed):
        changed = outcome.changes(record, installed) if record is not None else []
        return "{0} changed".format(_count(changed)) if changed else "every package is as it should be"

    def _ways_back(self, targets, installed):
        """Paths of the package files to go back to.

        :raises Refused: C(no_way_back) when one is nowhere to be had; nothing is done by halves
        """
        wanted = [(name, targets[name], installed[name].arch) for name in sorted(targets)]
        if self.check:
            kept = [{"package": one[0], "version": one[1], "path": self.store.find(*one)} for one in wanted]
        else:
            kept = self.store.keep(wanted, self.until)
        self.answer["kept_debs"] = kept
        lost = ["{package} {version}".format(**one) for one in kept if one["path"] is None]
        if lost and not self.check:
            words = "neither this host nor an archive has {0} any more; get the files and install them by hand, or go "
            words += "back to a snapshot"
            raise Refused("no_way_back", words.format(", ".join(lost)))
        return [one["path"] for one in kept]

    def _prune(self, record, installed):
        """Keep the packages of the versions before and of those now, and no others."""
        now = [(name, installed[name].version, installed[name].arch) for name in record["before"] if name in installed]
        before = record["before"]
        old = [(name, before[name], installed[name].arch) for name in before if before[name] and name in installed]
        self.store.prune(now + old)

    def _tell(self):
        """Remember that what was begun has been told of."""
        record = self.memory.read()
        if record is not None and not record["told"] and record["run"] == self.run_id and not self.check:
            self.memory.write(dict(record, told=True))

    def _look(self, verdict):
        """What is true now, whatever was done."""
        if self.began is not None:
            self.usage = None
            self.answer["log"] = self.job.log()
            try:
                self._choose()
            except Trouble as trouble:
                self.answer["pending"] = []
                self.record.note("what is pending cannot be told: {0}".format(trouble))
        try:
            usage = self.usage or Usage()
            for note in outcome.look(self.answer, self.backend, self.memory.read(), self.run_id, usage):
                self.record.note(note)
        except (Trouble, OSError) as error:
            self.record.note("how the packages are now could not be seen: {0}".format(error))

    def _left(self):
        return max(0.0, self.until - time.monotonic())


def _verdict(state, code, why):
    return {"state": state, "code": code, "why": why}


def _count(things):
    return "1 package" if len(things) == 1 else "{0} packages".format(len(things))
