# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make processes end that do not: continued and asked first, killed when that does not help.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import signal
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import members

TERM_S, KILL_S = 4.0, 3.0
"""Seconds that processes get after each of the signals."""
_POLL_S = 0.1


def wake(unit, processes):
    """Continue those that are stopped: they obey nothing before. Those that a debugger holds are left alone.

    :param unit: members.Members
    :returns: number of processes that were continued
    """
    return sum(1 for one in unit.left(processes) if one.state == members.STOPPED and unit.signal(one, signal.SIGCONT))


def end(unit, processes, tell, term_s=TERM_S, kill_s=KILL_S):
    """End some processes of a unit.

    :param unit: members.Members
    :param processes: list of procfs.Process
    :param tell: function that takes (what was done, how it came out) for the record
    :returns: those that are still there: the kernel holds them
    """
    left = unit.left(processes)
    for name, number, patience in (("TERM", signal.SIGTERM, term_s), ("KILL", signal.SIGKILL, kill_s)):
        if not left:
            break
        before = left
        for one in left:
            unit.signal(one, number)
        if number == signal.SIGTERM:
            # A stopped process takes it only when it goes on.
            wake(unit, left)
        left = gone(unit, left, patience)
        tell("{0} to {1}".format(name, spell(before)), "{0} of {1} left".format(len(left), len(before)))
    return left


def gone(unit, processes, patience):
    """Wait until some processes have ended; those that have not."""
    until = time.monotonic() + patience
    left = unit.left(processes)
    while left and time.monotonic() < until:
        time.sleep(_POLL_S)
        left = unit.left(left)
    return left


def spell(processes):
    """Some processes in a few words."""
    words = ["{0} ({1})".format(one.name, one.pid) for one in processes[:5]]
    more = len(processes) - len(words)
    return ", ".join(words) + (" and {0} more".format(more) if more > 0 else "")
