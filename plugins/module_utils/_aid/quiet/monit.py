# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Monit, paused: what it watched it does not watch for a while, and then it watches just that again.

Monit remembers over its own restart what it does not watch: somebody has to tell it. Where nobody can talk to it,
because its configuration has no C(set httpd) (as Debian ships it), its unit is stopped, which stops nothing that it
watches. After a reboot it watches again by itself, unless its configuration says C(onreboot laststate).

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

KIND = "monit"
ACTION = "maintenance"
UNIT = "monit.service"
_HEAD = re.compile(r"^[A-Z][A-Za-z ]* '(.+)'$")
_FIELD = re.compile(r"^  (status|monitoring status) +(\S.*?) *$")
_PENDING = re.compile(r" - (\w+) pending$")
_MOST = 500
_PATIENCE_S, _POLL_S = 20.0, 0.5
_CALM = 6
"""Looks in a row after which it is believed: a reload comes when its round is over, and may forget what it was told."""


def data(here):
    """The data of the measure, or None when it watches nothing anyway."""
    watched = watching(here)
    if watched is None:
        return {"way": "unit", "names": []}
    names = sorted(name for name in watched if watched[name])[:_MOST]
    return {"way": "unmonitor", "names": names} if names else None


def check(here, data):
    """Can it be done here?

    :raises Cannot: when not
    """
    if data["way"] == "unit" and _unit(here) != "active":
        raise Cannot("watcher", "Monit has no 'set httpd' to be told by, and does not run as " + UNIT)


def present(here, data) -> bool:
    """Does it watch nothing?"""
    if data["way"] == "unit":
        return _unit(here) not in ("active", "activating", "reloading")
    watched = watching(here)
    return watched is not None and not any(watched.values())


def apply(here, data):
    """Pause it."""
    if data["way"] == "unit":
        here.must(["systemctl", "stop", UNIT], timeout=60.0)
        return ["Monit is stopped (it has no 'set httpd' to be told by); what it watches runs on"]
    here.must(["monit", "unmonitor", "all"])
    until = time.monotonic() + _PATIENCE_S
    while any((watching(here) or {}).values()):
        if time.monotonic() >= until:
            raise Failed("Monit still watches, {0:.0f} s after it was told not to".format(_PATIENCE_S))
        time.sleep(_POLL_S)
    return ["Monit watches none of {0} services".format(len(data["names"]))]


def undo(here, data):
    """Let it watch again what it watched before, and nothing else.

    :raises Failed: when it cannot be told now; then it has to be tried again
    """
    if not here.has("monit"):
        return ["Monit is gone"]
    if data["way"] == "unit":
        here.must(["systemctl", "start", UNIT], timeout=60.0)
        return ["Monit is started again"]
    if watching(here) is not None:
        # It takes what is there now for right: of a program that was patched it would give up watching at once.
        here.must(["monit", "reload"])
    until, calm = time.monotonic() + _PATIENCE_S, 0
    while calm < _CALM:
        watched = watching(here)
        again = None if watched is None else [name for name in data["names"] if watched.get(name) is False]
        calm = calm + 1 if again == [] else 0
        if again and set(again) == set(watched):
            here.must(["monit", "monitor", "all"])
        else:
            for name in again or []:
                here.must(["monit", "monitor", name])
        if time.monotonic() >= until:
            raise Failed("Monit does not answer, or does not obey: it may watch nothing when it is back")
        time.sleep(_POLL_S)
    return ["Monit was reloaded, and watches {0} services again".format(len(data["names"]))]


def diff(here, data):
    """(before, after) as lines."""
    return ["Monit watches"], ["Monit is paused"]


def watching(here):
    """Whether Monit watches each of its services, by name; None when it cannot be asked."""
    result = here.run(["monit", "-B", "status"])
    if result.status != "ok" or result.rc:
        return None
    found, name, told = {}, "", set()
    for line in result.out.decode("utf-8", "replace").splitlines():
        head, field = _HEAD.match(line), _FIELD.match(line)
        if head:
            name = head.group(1)
            found[name] = True
        elif field and name and field.group(1) == "status":
            # What it has been told to do and has not done yet counts as done.
            order = _PENDING.search(field.group(2))
            if order:
                told.add(name)
                found[name] = order.group(1) not in ("unmonitor", "stop")
        elif field and name and name not in told:
            found[name] = field.group(2) != "Not monitored"
    return found


def _unit(here):
    """ActiveState of Monit's unit, or an empty text."""
    result = here.run(["systemctl", "show", "--property=ActiveState", "--value", UNIT])
    return clean(result.out, 40) if result.status == "ok" and not result.rc else ""
