# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules: made, changed, listed and cancelled, by a timer of systemd or by at.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json
import os
import pwd
import re
import shutil
import sys
import time

from ansible_collections.mailops.triage.plugins.module_utils import _text
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import expiry
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import (
    Cannot,
    Failed,
    Here,
    remove,
    replace,
)
from ansible_collections.mailops.triage.plugins.module_utils._schedule import begin, clocks, jobs, timers, windows

FOLDER = "/var/lib/mailops-triage-schedules"
WAYS = {"timer": timers, "at": jobs}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_PARTS = (_text, clocks, windows, begin)


class Scheduling(object):
    """One call.

    :param options: dict of the module's options
    :param check: true in check mode
    :param here: here.Here; folder is where the schedules are kept
    :param now: epoch seconds
    """

    def __init__(self, options, check=False, here=None, now=None):
        self.options, self.check = options, check
        self.here = here or Here(folder=FOLDER)
        self.now = time.time() if now is None else now
        self.diff = {"before": "", "after": ""}

    def run(self):
        """Do it; the result is the module's."""
        answer = {"changed": False, "state": "refused", "code": "", "why": "", "schedules": []}
        answer.update(rrule="", rules={})
        try:
            acts = {"scheduled": self._schedule, "cancelled": self._cancel, "listed": self._list}
            acts[self.options["state"]](answer)
        except Cannot as error:
            answer.update(code=error.code, why=error.why)
        except ValueError as error:
            answer.update(code="invalid", why=str(error))
        except (Failed, OSError) as error:
            answer.update(state="failed", code="failed", why=_text.clean(error, 300))
        return answer

    def _schedule(self, answer):
        kept = self._asked()
        old = self._kept(kept["name"])
        # A window that is open just now is not begun by being written down.
        same = old is not None and dict(old, since=0) == dict(kept, since=0)
        kept["since"] = old["since"] if same else int(self.now)
        following, left_out = windows.coming(kept, self.now)
        if same and not following:
            answer.update(state="nothing", why="its window is over", schedules=[self._told(kept, [], [])])
            return
        if not following:
            raise Cannot("invalid", "it would have begun already")
        zone = clocks.Zone(kept["timezone"])
        answer["why"] = "begins {0}".format(zone.spelled(following[0].begin))
        answer.update(schedules=[self._told(kept, following, left_out)], rules=windows.rules(kept))
        if kept["with"] == "awx":
            answer["rrule"] = windows.rule(kept)
            answer["state"] = "nothing"
            return
        way, start = WAYS[kept["with"]], self._start(kept)
        way.check(self.here, kept)
        other = WAYS[old["with"]] if old and old["with"] != kept["with"] else None
        if same and way.present(self.here, kept, start) and self._program_stands():
            answer.update(state="nothing", schedules=[self._told(kept, following, left_out, way.told(self.here, kept))])
            return
        before, after = way.diff(self.here, kept, start)
        self.diff = {"before": _shown(old) + before if old else before, "after": _shown(kept) + after}
        answer.update(changed=True, state="planned" if self.check else "done")
        if self.check:
            return
        self._keep(kept)
        if other is not None:
            other.cancel(self.here, old)
        way.apply(self.here, kept, start)
        answer["schedules"] = [self._told(kept, following, left_out, way.told(self.here, kept))]

    def _cancel(self, answer):
        name = self._name()
        kept = self._kept(name) or {"name": name, "once": None, "user": ""}
        found = [way for way in WAYS.values() if way.stands(self.here, kept)]
        if not found and not os.path.exists(self._file(name)):
            answer.update(state="nothing", why="there is no schedule {0}".format(name))
            return
        self.diff["before"] = _shown(kept)
        answer.update(changed=True, state="planned" if self.check else "done", why="cancelled: {0}".format(name))
        if self.check:
            return
        for way in found:
            way.cancel(self.here, kept)
        remove(self._file(name))
        # What is running keeps its lock: it is open.
        shutil.rmtree(os.path.dirname(begin.beside(self._file(name), "")), ignore_errors=True)

    def _list(self, answer):
        names = sorted(os.listdir(self.here.folder)) if os.path.isdir(self.here.folder) else []
        for name in names:
            stem, dot, rest = name.partition(".")
            kept = self._kept(stem) if dot and rest == "json" and _NAME.match(stem) else None
            if kept is not None:
                following, left_out = windows.coming(kept, self.now)
                way = WAYS[kept["with"]]
                answer["schedules"].append(self._told(kept, following, left_out, way.told(self.here, kept)))
        answer.update(state="nothing", why="{0} schedules".format(len(answer["schedules"])))

    def _asked(self):
        """The schedule that is asked for, as it is kept.

        :raises ValueError: when something in it cannot be understood
        """
        options = self.options
        kept = {"name": self._name(), "with": options["with"]}
        kept.update(windows.read(options))
        kept.update(
            command=[word.replace("@RULES@", json.dumps(windows.rules(kept))) for word in options["command"]],
            directory=options["directory"] or "",
            environment={str(name): str(value) for name, value in options["environment"].items()},
            user=options["user"] or "",
        )
        if not kept["command"] and kept["with"] != "awx":
            raise ValueError("there is no command to begin")
        if kept["user"]:
            if not _USER.match(kept["user"]):
                raise ValueError("this is no user: {0}".format(_text.clean(kept["user"], 40)))
            self._account(kept)
        for name in kept["environment"]:
            if not _VARIABLE.match(name):
                raise ValueError("this is no name of a variable: {0}".format(_text.clean(name, 40)))
        return kept

    def _name(self):
        name = self.options["name"] or ""
        if not _NAME.match(name):
            raise ValueError("a name is of small letters, digits and hyphens, not {0}".format(_text.clean(name, 60)))
        return name

    def _told(self, kept, following, left_out, more=None):
        """A schedule as the module returns it; not its environment, which may hold what is nobody's business."""
        zone = clocks.Zone(kept["timezone"])
        last = begin.state(self._file(kept["name"]))
        return dict(
            {"active": False, "job": ""},
            name=kept["name"],
            command=kept["command"],
            timezone=kept["timezone"],
            next=[
                {"begin": one.begin, "end": one.end, "latest": one.latest, "text": zone.spelled(one.begin)}
                for one in following
            ],
            left_out=left_out,
            last=last or None,
            **dict(more or {}, **{"with": kept["with"]}),
        )

    def _start(self, kept):
        return [
            sys.executable or "/usr/bin/python3",
            self.here.kept(begin.PROGRAM),
            self._file(kept["name"]),
        ]

    def _file(self, name):
        return self.here.kept(name + ".json")

    def _kept(self, name):
        try:
            with open(self._file(name), "r") as stream:
                return json.load(stream)
        except (OSError, ValueError):
            return None

    def _program_stands(self):
        try:
            with open(self.here.kept(begin.PROGRAM), "rb") as stream:
                return stream.read() == expiry.program(_PARTS, begin)
        except OSError:
            return False

    def _keep(self, kept):
        """Write the schedule and the program that reads it."""
        path = self._file(kept["name"])
        own = os.path.dirname(begin.beside(path, ""))
        os.makedirs(self.here.folder, mode=0o711, exist_ok=True)
        os.chmod(self.here.folder, 0o711)
        os.makedirs(own, mode=0o700, exist_ok=True)
        replace(self.here.kept(begin.PROGRAM), expiry.program(_PARTS, begin), 0o644)
        # The schedule is root's, and its user reads it; the directory is the user's.
        replace(path, _json(kept).encode("utf-8"), 0o640)
        account = self._account(kept) if kept["user"] else None
        os.chown(path, -1, account.pw_gid if account else os.getegid())
        os.chown(own, account.pw_uid if account else os.geteuid(), -1)

    def _account(self, kept):
        try:
            return pwd.getpwnam(kept["user"])
        except KeyError:
            raise ValueError("there is no user {0} here".format(kept["user"])) from None


def _shown(kept):
    """A schedule for a difference, without what its environment says."""
    return _json(dict(kept, environment=sorted(kept.get("environment", ()))))


def _json(kept):
    return json.dumps(kept, sort_keys=True, indent=2) + "\n"
