# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the packages of a host up to date, or back, one careful step after the other.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._aid import busy
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused
from ansible_collections.mailops.triage.plugins.module_utils._aid.state import StateError
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._update import outcome
from ansible_collections.mailops.triage.plugins.module_utils._update.job import JobError
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import Trouble
from ansible_collections.mailops.triage.plugins.module_utils._update.stages import Running, Stages, count, verdict
from ansible_collections.mailops.triage.plugins.module_utils._update.usage import Usage

STATES = ("listed", "downloaded", "applied", "rolled_back")


def not_backups(folder="/proc"):
    """Command names of all processes except backups: the way back is help, and no backup is worth to keep it away."""
    names = {process.name for process in procfs.scan(folder).values()}
    return {name for name in names if not busy.backup({name})}


class Update(Stages):
    """One call of the module, see Stages."""

    def run(self):
        """The module's answer."""
        try:
            found = getattr(self, "_" + self.asked["state"])()
        except Refused as refused:
            found = verdict("refused", refused.code, str(refused))
            self.answer["retry_at"] = refused.retry_at
        except Trouble as trouble:
            found = verdict("failed", trouble.code, str(trouble))
        except Running:
            words = "it is at work for longer than was to be waited for, and goes on; ask again to learn how it ended"
            found = verdict("running", "time_limit", words)
        except StateError as error:
            words = "what is done could not be remembered, so nothing is done: {0}"
            found = verdict("refused", "state", words.format(error))
        except JobError as error:
            found = verdict("failed", "job", str(error))
        except OSError as error:
            found = verdict("failed", "io", str(error))
        finally:
            self.guard.leave()
        if self.began is not None or self.heard or found["state"] == "running":
            self.answer["log"] = self.job.log()
        if found["state"] != "running":
            self._look()
        self.answer.update(found, changed=self.record.changed or found["state"] == "planned")
        self.answer.update(steps=self.record.steps, notes=self.guard.notes + self.record.notes)
        if self.began is not None:
            self.guard.ended("{0}: {1}".format(found["state"], found["why"]))
        return self.answer

    def _listed(self):
        if self.job.runs():
            self.record.note("an update is under way at this moment")
        self.refresh()
        chosen, installed = self.choose()
        if chosen:
            self.plan(chosen, installed)
        return verdict("done", "", "{0} to be updated".format(count(chosen)))

    def _downloaded(self):
        self.attach("downloaded")
        self.guard.enter()
        if self.backend.unfinished(self.backend.installed()) or self.backend.interrupted():
            words = "packages are half done: applied finishes them first, and downloads the rest then"
            return verdict("nothing", "half_configured", words)
        self.refresh()
        chosen, installed = self.choose()
        if not chosen:
            return verdict("nothing", "", "nothing is pending")
        wanted, moves, sizes = self.plan(chosen, installed)
        self.enough()
        if self.check:
            if sizes.download or not all(
                self.store.has(one.package, one.before, one.arch) for one in moves if one.before
            ):
                return verdict("planned", "", "{0} would be downloaded".format(count(moves)))
            return verdict("nothing", "", "everything is there")
        self.fetch(wanted, moves, sizes)
        if not self.record.changed:
            return verdict("nothing", "", "everything is there")
        return verdict("done", "", "{0} downloaded".format(count(moves)))

    def _applied(self):
        resumed = self.attach("applied")
        self.guard.enter()
        broken = self._mend()
        if broken is not None:
            return broken
        self.refresh()
        chosen, installed = self.choose()
        if resumed is not None:
            self.record.note("what an earlier call began, and did not see the end of, is told here")
            self.record.changed = bool(outcome.changes(resumed, installed))
        if not chosen:
            self.tell()
            state = "done" if self.record.changed else "nothing"
            return verdict(state, "", self.sum(self.memory.read(), installed))
        wanted, moves, sizes = self.plan(chosen, installed)
        self.enough()
        if self.check:
            return verdict("planned", "", "{0} would be updated".format(count(moves)))
        self.fetch(wanted, moves, sizes)
        before = {one.package: one.before for one in moves}
        record = self.work("applied", before, self.backend.forward(wanted, moves), wanted)
        installed = self.backend.installed()
        self._prune(record, installed)
        late = sorted(name for name in wanted if name not in installed or installed[name].version != wanted[name])
        return self.came_out(record, installed, late)

    def _mend(self):
        """Finish what an earlier update left half done; a verdict where that is the end of it, or None."""
        installed = self.backend.installed()
        unfinished = self.backend.unfinished(installed)
        if not unfinished and not self.backend.interrupted():
            return None
        if self.check:
            return verdict("planned", "", "{0} would be finished, and the rest planned then".format(count(unfinished)))
        known = self.memory.read()
        # What broke off goes on to where it was going: others may want what is half done in one and the same version.
        aims = known["wanted"] if known is not None and known["kind"] == "applied" else {}
        wanted = {name: aims[name] for name in aims if name in installed}
        names = set(wanted).union(one["package"] for one in unfinished)
        self.work("applied", {name: installed[name].version for name in names}, self.backend.finish(wanted), wanted)
        code, why = outcome.trouble(self.job, self.backend.unfinished(self.backend.installed()), [])
        if not code:
            return None
        self.tell()
        return verdict("failed", code, why)

    def _rolled_back(self):
        resumed = self.attach("rolled_back")
        self.guard.enter()
        installed = self.backend.installed()
        targets = self._targets(installed)
        sick = [one["package"] for one in self.backend.unfinished(installed)]
        targets = {name: targets[name] for name in targets if installed[name].version != targets[name] or name in sick}
        if resumed is not None:
            self.record.changed = True
        if not targets:
            self.tell()
            words = "every package is at the version that it had before"
            return verdict("done" if self.record.changed else "nothing", "", words)
        paths = self._ways_back(targets, installed)
        if self.check:
            return verdict("planned", "", "{0} would go back".format(count(targets)))
        commands = self.backend.back(paths, targets, bool(sick))
        record = self.work("rolled_back", {name: installed[name].version for name in targets}, commands, targets)
        installed = self.backend.installed()
        late = sorted(name for name in targets if name not in installed or installed[name].version != targets[name])
        return self.came_out(record, installed, late)

    def _targets(self, installed):
        """Where the way back leads: dict of package to version.

        :raises Refused: C(no_record) when nobody knows, C(no_way_back) when a package is not there any more
        """
        targets, known = dict(self.asked["only"] or {}), self.memory.read()
        if not targets and known is None:
            raise Refused("no_record", "no update is on record here: name the versions to go back to in only")
        before = known["before"] if known is not None else {}
        if not targets:
            targets = {name: before[name] for name in before if before[name]}
            for name in sorted(name for name in before if not before[name] and name in installed):
                self.record.note("{0} came anew with the update and stays".format(name))
        elif known is not None and known["run"] == self.run_id:
            # What came because others need it goes with them: they may want each other in one and the same version.
            wanted = known["wanted"]
            along = [name for name in before if (name in wanted) == (known["kind"] == "rolled_back")]
            targets = dict({name: before[name] for name in along if before[name] and name in installed}, **targets)
        for name in sorted(name for name in targets if self.backend.stays(name)):
            # Its file was never kept: nothing replaced it. Asking for it would keep all the others from going back.
            self.record.note("{0} {1} is still there beside the newer one, which stays".format(name, targets.pop(name)))
        gone = sorted(name for name in targets if name not in installed)
        if gone:
            raise Refused("no_way_back", "not installed any more: " + ", ".join(gone))
        return targets

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

    def _look(self):
        """What is true now, whatever was done."""
        if self.began is not None:
            self.usage = None
            try:
                self.choose()
            except Trouble as trouble:
                self.answer.update(pending=[], pending_more=0)
                self.record.note("what is pending cannot be told: {0}".format(trouble))
        try:
            usage = self.usage or Usage()
            for note in outcome.look(self.answer, self.backend, self.memory.read(), self.run_id, usage):
                self.record.note(note)
        except (Trouble, OSError) as error:
            self.record.note("how the packages are now could not be seen: {0}".format(error))
