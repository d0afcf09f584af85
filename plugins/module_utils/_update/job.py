# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A piece of work that goes on whatever becomes of the one who began it.

A package manager that is killed half-way leaves packages half unpacked. So it is not a child of the connection: systemd
starts it as a transient unit; where there is no systemd it gets a session of its own. Who comes later waits for it and
reads how it ended.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import shlex
import shutil
import time

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import dpkg, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole

FOLDER = "/run/mailops-triage/update"
"""On a tmpfs: what is full is the disk, and how the work ended must be told all the same."""
UNIT = "mailops-triage-update"
LOG_LINES = 150
_LOG_BYTES = 64 << 10
_BEGIN_S, _POLL_S = 20.0, 0.5
# Who shuts the host down waits for it, and a signal to the shell alone ends nothing.
_PROPERTIES = ("KillMode=process", "TimeoutStopSec=900", "OOMScoreAdjust=-500")
_SCRIPT = """#!/bin/sh
# Written by mailops.triage: changes packages, told by nobody how to go on.
cd {folder} || exit 1
exec </dev/null >>log 2>&1
trap : HUP INT TERM
export LC_ALL=C PATH={path} HOME=/root TERM=dumb DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
export APT_LISTCHANGES_FRONTEND=none APT_LISTBUGS_FRONTEND=none UCF_FORCE_CONFFOLD=1
read -r stat < /proc/$$/stat
set -- ${{stat##*) }}
echo "$$ ${{20}}" > pid.new && mv pid.new pid
did() {{ printf '+ %s\n' "$*"; "$@"; }}
{steps}
status=$?
{last}
echo "$status" > result.new && mv result.new result
"""


class JobError(Exception):
    """The work could not be begun; the text says why."""


def script(steps, last, folder):
    """The shell script that does the work.

    :param steps: list of steps; each is a list of commands of which the next is tried where one fails; the first step
        that fails altogether ends the work
    :param last: list of commands that are run in any case at the end
    """
    lines = [" || ".join("did " + _quoted(argv) for argv in step) for step in steps]
    return _SCRIPT.format(
        folder=shlex.quote(folder),
        path=_run.SEARCH_PATH,
        steps=" &&\n".join("{{ {0}; }}".format(line) for line in lines) or "true",
        last="\n".join("did " + _quoted(argv) for argv in last),
    )


def _quoted(argv):
    return " ".join(shlex.quote(word) for word in argv)


class Job(object):
    """The one piece of such work that a host can have.

    :param folder: where its script, its log and its result lie
    :param systemd: a directory that is there where systemd is
    """

    def __init__(self, folder=FOLDER, systemd="/run/systemd/system"):
        self.folder, self._systemd = folder, systemd

    def begin(self, steps, last=()):
        """Start it, and come back when it runs.

        :raises JobError: when that cannot be
        """
        try:
            if os.path.isdir(self.folder):
                shutil.rmtree(self.folder)
            os.makedirs(self.folder, mode=0o700)
            path = self._file("job")
            with open(path, "w") as stream:
                stream.write(script(steps, last, self.folder))
        except OSError as error:
            raise JobError("{0}: {1}".format(self.folder, error.strerror or error)) from error
        why = self._by_systemd(path) if os.path.isdir(self._systemd) else self._by_itself(path)
        until = time.monotonic() + _BEGIN_S
        while not why and not os.path.exists(self._file("pid")):
            if time.monotonic() >= until:
                why = "it did not begin within {0:.0f} seconds".format(_BEGIN_S)
            time.sleep(0.05)
        if why:
            raise JobError(why)

    def _by_systemd(self, path):
        argv = ["systemd-run", "--quiet", "--collect", "--no-ask-password", "--unit=" + UNIT]
        argv += ["--description=Package update of mailops.triage"]
        argv += ["--property=" + one for one in _PROPERTIES]
        result = _run.run(argv + ["/bin/sh", path], _BEGIN_S)
        return "" if result.status == "ok" and result.rc == 0 else clean(result.err, 300) or result.status

    def _by_itself(self, path):
        first = os.fork()
        if first:
            os.waitpid(first, 0)
            return ""
        try:
            os.setsid()
            if not os.fork():
                number = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(number, stream)
                os.closerange(3, 4096)
                os.execv("/bin/sh", ["/bin/sh", path])
        finally:
            os._exit(0)

    def runs(self):
        """True while it is at work."""
        pid, dummy, started = procfs.try_text(self._file("pid"), 100).strip().partition(" ")
        record = procfs.parse_stat(procfs.try_text("/proc/{0}/stat".format(pid))) if pid.isdigit() else None
        return record is not None and str(record.started) == started and record.state not in "ZX"

    def wait(self, seconds):
        """Wait until it has ended, that long at most; false when it has not."""
        until = time.monotonic() + seconds
        while self.runs():
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_S)
        return True

    def result(self):
        """Exit status of the step that ended it, or None: it still runs, or was killed, or there was none."""
        return whole(procfs.try_text(self._file("result"), 20).strip())

    def log(self):
        """The last lines of what it said, cleaned."""
        # Progress is drawn over itself: what counts is what stands last.
        lines = [line.rpartition("\r")[2] for line in dpkg.tail(self._file("log"), _LOG_BYTES).split("\n")]
        return "\n".join(clean(line, 300) for line in lines[-LOG_LINES:] if line.strip())

    def _file(self, name):
        return os.path.join(self.folder, name)
