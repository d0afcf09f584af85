# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule as a timer of systemd: persistent, in the clock of its zone, and asked again after each boot.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed, remove, replace
from ansible_collections.mailops.triage.plugins.module_utils._schedule import windows
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

PREFIX = "mailops-triage-schedule-"
_SERVICE = """\
# Written by mailops.triage, and taken away again by it.
[Unit]
Description=Schedule {name} of mailops.triage
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
{user}ExecStart={start}
"""
# OnBootSec: what was missed or cut off by a reboot begins after it, as long as its window is open.
_TIMER = """\
# Written by mailops.triage, and taken away again by it.
[Unit]
Description=Schedule {name} of mailops.triage

[Timer]
{calendars}Persistent=true
OnBootSec=2min
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def check(here, kept):
    """Can it be had here? systemd is asked for its own view of each expression.

    :raises Cannot: when not
    """
    if not here.has("systemctl") or not os.path.isdir("/run/systemd/system"):
        raise Cannot("tool", "there is no systemd here: schedule it with at")
    for text in windows.calendars(kept) if here.has("systemd-analyze") else []:
        result = here.run(["systemd-analyze", "calendar", text])
        if result.status != "ok" or result.rc:
            raise Cannot("tool", "systemd does not understand {0}: {1}".format(text, clean(result.err, 200)))


def present(here, kept, start) -> bool:
    """Do its units stand there as they are meant to, and is the timer at work?"""
    if any(_content(_path(here, kept, kind)) != text for kind, text in _units(kept, start).items()):
        return False
    return _is(here, "is-enabled", kept) and _is(here, "is-active", kept)


def apply(here, kept, start):
    """Write the units, and start the timer."""
    for kind, text in sorted(_units(kept, start).items()):
        path = _path(here, kept, kind)
        try:
            replace(path, text.encode("utf-8"), 0o644)
        except OSError as error:
            raise Failed("{0}: {1}".format(path, error.strerror or error)) from error
    here.must(["systemctl", "daemon-reload"])
    here.must(["systemctl", "enable", "--quiet", _unit(kept)])
    # A timer that runs keeps its old calendar until it is started anew; the service that it has started runs on.
    here.must(["systemctl", "restart", _unit(kept)])


def cancel(here, kept):
    """Take it away; what has begun runs on."""
    here.run(["systemctl", "disable", "--now", "--quiet", _unit(kept)])
    for kind in ("timer", "service"):
        remove(_path(here, kept, kind))
    here.must(["systemctl", "daemon-reload"])


def stands(here, kept) -> bool:
    """Is there something to cancel?"""
    return any(os.path.exists(_path(here, kept, kind)) for kind in ("timer", "service"))


def told(here, kept):
    """What systemd says of it, as a small dict."""
    return {"active": _is(here, "is-active", kept), "job": _unit(kept)}


def diff(here, kept, start):
    """(before, after) as texts."""
    new = _units(kept, start)
    old = [_content(_path(here, kept, kind)) or "" for kind in sorted(new)]
    return "".join(old), "".join(new[kind] for kind in sorted(new))


def _units(kept, start):
    calendars = "".join("OnCalendar={0}\n".format(text) for text in windows.calendars(kept))
    user = "User={0}\n".format(kept["user"]) if kept["user"] else ""
    words = " ".join(start)
    return {
        "service": _SERVICE.format(name=kept["name"], user=user, start=words),
        "timer": _TIMER.format(name=kept["name"], calendars=calendars),
    }


def _unit(kept):
    return "{0}{1}.timer".format(PREFIX, kept["name"])


def _path(here, kept, kind):
    return "{0}/systemd/system/{1}{2}.{3}".format(here.etc, PREFIX, kept["name"], kind)


def _is(here, what, kept):
    result = here.run(["systemctl", what, "--quiet", _unit(kept)])
    return result.status == "ok" and result.rc == 0


def _content(path):
    try:
        with open(path, "r") as stream:
            return stream.read()
    except OSError:
        return None
