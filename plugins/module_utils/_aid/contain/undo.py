# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending measures, by the same code for a person who asks and for the timer on the host.

This module and what it imports is also put on the host as a program of its own, see expiry.py: it must need nothing
but the standard library and its neighbours.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import journal, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import dovecot, holds, jail, nft, settings
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed, Here, remove
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet import drain, mark, monit
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

KINDS = {kind.KIND: kind for kind in (holds, settings, dovecot, nft, jail, drain, mark, monit)}
OF_SURGES = tuple(kind.KIND for kind in (holds, settings, dovecot, nft, jail))
"""Those of them that contain a surge; the others make a host quiet."""

PROGRAM = "undo.pyz"
"""The program that ends measures on the host, beside the state."""
UNIT = "mailops-triage-undo"
_LOCK_S = 60.0


def due(measure, now) -> bool:
    """Is its time over? One that seems to begin in the future was written under a wrong clock, and is over too."""
    return now >= measure["until"] or measure["since"] > now + 300


def end(here, memory, measure):
    """Undo one measure and forget it, unless it has an end that comes later.

    :returns: what was done, as a list of texts
    :raises Failed: when it could not be undone; it stays remembered, and is tried again
    """
    said = KINDS[measure["kind"]].undo(here, measure["data"])
    settle(memory, measure)
    return said


def lingers(measure) -> bool:
    """Did it end but for what sessions bring that began before? The timer looks after that."""
    return bool(measure["data"].get("late"))


def settle(memory, measure):
    """No longer remember a measure that was undone, or remember that it only lingers.

    :raises state.StateError: when that cannot be written
    """
    known = memory.read()
    known["measures"] = [one for one in known["measures"] if one.get("id") != measure["id"]]
    if lingers(measure):
        measure["until"] = measure["data"]["until"] = min(measure["until"], round(time.time(), 3))
        known["measures"].append(measure)
    memory.write(known)


def sound(measure) -> bool:
    """Is this a measure that can be ended?"""
    return (
        isinstance(measure, dict)
        and measure.get("kind") in KINDS
        and isinstance(measure.get("id"), str)
        and isinstance(measure.get("data"), dict)
        and all(isinstance(measure.get(name), (int, float)) for name in ("since", "until"))
    )


def end_due(here, memory):
    """End every measure whose time is over, and take the timer away with the last.

    :returns: true when nothing is left that should have ended
    """
    well = True
    for measure in [one for one in memory.read()["measures"] if sound(one)]:
        if not due(measure, time.time()):
            continue
        try:
            said, trouble = "; ".join(end(here, memory, measure)), False
        except (Cannot, Failed, OSError, ValueError, KeyError, TypeError, state.StateError) as error:
            said, trouble, well = "could not be ended, and will be tried again: {0}".format(error), True, False
        # It is tried every half minute, and the same trouble is told once.
        if _is_new(memory, measure, said) if trouble else said:
            who = getattr(KINDS[measure["kind"]], "ACTION", "contain_surge")
            journal.tell("{0}: {1}: its time is over: {2}".format(who, measure.get("what"), clean(said, 500)))
    if not [one for one in memory.read()["measures"] if sound(one)]:
        dismiss(here)
    return well


def _is_new(memory, measure, said):
    """Remember what keeps a measure from ending; false when it was the same before."""
    said = clean(said, 300)
    known = memory.read()
    kept = [one for one in known["measures"] if one.get("id") == measure["id"] and one.get("trouble") != said]
    if not kept:
        return False
    for one in kept:
        one["trouble"] = said
    try:
        memory.write(known)
    except state.StateError as error:
        journal.tell("{0}".format(error))
    return True


def dismiss(here):
    """Take the timer and the program away; there is nothing left to end."""
    if not os.path.exists(here.kept(PROGRAM)):
        return
    here.run(["systemctl", "disable", "--quiet", UNIT + ".timer"])
    for kind in ("timer", "service"):
        remove("{0}/systemd/system/{1}.{2}".format(here.etc, UNIT, kind))
    here.run(["systemctl", "stop", "--no-block", UNIT + ".timer"])
    here.run(["systemctl", "daemon-reload"])
    # Last, because its absence says that all is done.
    remove(here.kept(PROGRAM))


def main(argv):
    """The program on the host: C(undo.pyz FOLDER); ends what is due."""
    folder = argv[1] if len(argv) > 1 else state.FOLDER
    memory, here = state.State(folder), Here(folder=folder)
    try:
        if not memory.lock(_LOCK_S):
            return 0
        return 0 if end_due(here, memory) else 1
    except state.StateError as error:
        journal.tell("measures could not be ended: {0}".format(error))
        return 1
    finally:
        memory.unlock()
