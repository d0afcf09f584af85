# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures that are in force on a host, as its state remembers them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import undo
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST = 100
_NAMED = ("account", "sender", "domain", "block", "client", "service")


def known(memory):
    """Every measure that is remembered and could be ended."""
    return [one for one in memory.read()["measures"] if undo.sound(one)]


def find(memory, number):
    """The measure of an id, or None."""
    for one in known(memory):
        if one["id"] == number:
            return one
    return None


def full(memory) -> bool:
    """Are there so many that one more would be no measure any more?"""
    return len(known(memory)) >= _MOST


def put(memory, measure):
    """Remember a measure, in place of the one that has its id.

    :raises state.StateError: when that cannot be done
    """
    state = memory.read()
    state["measures"] = [one for one in state["measures"] if one.get("id") != measure["id"]] + [measure]
    memory.write(state)


def dated(measure, asked, guard, expires):
    """A new measure with its time, and who asked for it."""
    now = round(time.time(), 3)
    measure.update(
        since=now,
        until=round(now + expires, 3),
        applied=False,
        run=clean(guard["run"], 120),
        ticket=clean(guard.get("ticket") or "", 120),
        finding=clean(guard.get("finding") or "", 120),
        asked={name: str(asked[name]) for name in _NAMED if name in asked},
    )
    measure["data"]["until"] = measure["until"]
    return measure


def chosen(memory, asked, of_run):
    """The measures against a surge that were asked for, all of a run, or all there are."""
    found = [one for one in known(memory) if one["kind"] in undo.OF_SURGES]
    if of_run:
        return [one for one in found if one.get("run") == of_run]
    wanted = {name: str(asked[name]) for name in _NAMED if name in asked}
    return [one for one in found if not wanted or one.get("asked") == wanted]


def told(measure):
    """A measure as the module returns it."""
    return {
        "id": measure["id"],
        "kind": measure["kind"],
        "what": clean(measure["what"], 300),
        "since": measure.get("since"),
        "until": measure.get("until"),
        "run": measure.get("run"),
        "ticket": measure.get("ticket"),
    }
