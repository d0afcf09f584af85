# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a timer starts: it asks first whether the window is open, and begins what is to be done.

This module and what it imports is put beside the schedules as a program of its own: it must need nothing but the
standard library and its neighbours. A timer may fire late: after a boot, when a clock was set, when the controller was
off. A night that was missed is left out, not caught up in working hours.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import fcntl
import json
import os
import subprocess
import sys
import time

from ansible_collections.mailops.triage.plugins.module_utils._schedule import windows
from ansible_collections.mailops.triage.plugins.module_utils._schedule.clocks import Zone

PROGRAM = "begin.pyz"
_KEPT = ("window", "begun", "ended", "status")
_MOST = 4096


def main(argv):
    """C(begin.pyz SCHEDULE.json); the exit status of the command, or 0 when it is not the time for it."""
    path = argv[1]
    with open(path, "r") as stream:
        kept = json.load(stream)
    zone, now = Zone(kept["timezone"]), time.time()
    window = windows.current(kept, now)
    if window is None:
        following = windows.coming(kept, now, 1)[0]
        comes = "the next one begins {0}".format(zone.spelled(following[0].begin)) if following else "none will come"
        return _say(kept, "not begun: no window is open at {0}; {1}".format(zone.spelled(now), comes))
    # Held until this process ends, however it ends.
    lock = os.open(beside(path, "lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _say(kept, "not begun: it is running")
    known = state(path)
    if known.get("window") == window.begin and known.get("status") == 0:
        return _say(kept, "not begun: it was done in this window")
    again = known.get("window") == window.begin
    _keep(path, {"window": window.begin, "begun": int(now)})
    _say(kept, "{0}; the window is open until {1}".format("goes on" if again else "begins", zone.spelled(window.end)))
    status = _command(kept, window)
    _keep(path, {"window": window.begin, "begun": int(now), "ended": int(time.time()), "status": status})
    _say(kept, "ended with status {0}".format(status))
    return status


def state(path):
    """What is remembered of a schedule's last run: window, begun, ended (epoch), status; the last two when it ended."""
    try:
        # Root asks too, and the directory is the user's: nothing there may make it wait, or lead it elsewhere.
        number = os.open(beside(path, "state"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "r") as stream:
            found = json.loads(stream.read(_MOST))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: found.get(name) for name in _KEPT if isinstance(found.get(name), int)}


def beside(path, name):
    """A file in the directory that belongs to a schedule, and to the user whose it is."""
    return os.path.join(os.path.splitext(path)[0], name)


def _command(kept, window):
    """Run it to its end, its output going where ours goes."""
    told = {"@BEGIN@": str(window.begin), "@END@": str(window.end)}
    words = []
    for word in kept["command"]:
        for name, value in told.items():
            word = word.replace(name, value)
        words.append(word)
    env = dict(os.environ, **kept["environment"])
    try:
        return subprocess.call(words, cwd=kept["directory"] or "/", env=env, stdin=subprocess.DEVNULL)
    except OSError as error:
        _say(kept, "{0}: {1}".format(words[0], error.strerror or error))
        return 127


def _keep(path, found):
    draft = beside(path, "state.new")
    with open(draft, "w") as stream:
        json.dump(found, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, beside(path, "state"))


def _say(kept, text):
    sys.stdout.write("{0}: {1}\n".format(kept["name"], text))
    sys.stdout.flush()
    return 0
