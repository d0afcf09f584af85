# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait, for a bounded time, until a daemon is really there, or certainly is not.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._aid import daemon as daemons

HOLD_S = 2.0
"""How long a daemon must have been up without a change: what falls over again at once has not come up."""
_POLL_S = 0.25
_DOWN_S = 1.0


def up(daemon, systemd, patience, wanted):
    """Wait until a daemon is up.

    :param daemon: daemon.Daemon, as it was looked at last
    :param systemd: unit.Systemd
    :param patience: seconds
    :param wanted: tuple of texts (C(ADDRESS:PORT)) and numbers (ports) that must be listened on; empty when not known
    :returns: (daemon as it is now, code, why); code is empty when it is up
    """
    until = time.monotonic() + patience
    good_since, same, down_since = None, None, None
    while True:
        daemon = daemon.again(systemd)
        now = time.monotonic()
        identity = (daemon.main.pid, daemon.main.started) if daemon.main is not None else None
        missing = missing_sockets(daemon, wanted) if daemon.runs and not daemon.hangs else []
        if daemon.runs and not daemon.hangs and not daemon.unit.on_its_way and not missing:
            if good_since is None or identity != same:
                good_since, same = now, identity
            if now - good_since >= HOLD_S:
                return daemon, "", ""
        else:
            good_since = None
        down_since = (down_since or now) if daemon.unit.down else None
        if down_since is not None and now - down_since >= _DOWN_S:
            return daemon, "start_failed", "it does not come up: {0}".format(_ending(daemon.unit))
        if now >= until:
            if missing:
                return daemon, "not_listening", "it runs, but does not listen on {0}".format(", ".join(missing))
            why = "it is not up after {0:.0f} s: {1}".format(patience, daemon.unit.spell())
            return daemon, "not_up", why
        time.sleep(_POLL_S)


def moved(daemon, systemd, patience):
    """Wait until no job works at a unit any more; the daemon as it is then."""
    until = time.monotonic() + patience
    daemon = daemon.again(systemd)
    while daemon.unit.on_its_way and time.monotonic() < until:
        time.sleep(_POLL_S)
        daemon = daemon.again(systemd)
    return daemon


def answers(daemon, systemd, patience):
    """After it was told to go on: does its main process run, and does it take the clients that wait?

    :returns: (daemon as it is now, whether it does)
    """
    until, waiting = time.monotonic() + patience, daemon.queued()
    good = 0
    while time.monotonic() < until:
        time.sleep(_POLL_S)
        daemon = daemon.again(systemd)
        queued = daemon.queued()
        well = daemon.runs and not daemon.hangs and (queued == 0 or queued < waiting)
        good = good + 1 if well else 0
        if good * _POLL_S >= HOLD_S / 2:
            return daemon, True
    return daemon, False


def missing_sockets(daemon, wanted):
    """Those of the wanted sockets that nobody of this daemon listens on, as sorted texts."""
    if not wanted:
        return []
    listening = daemon.listening()
    there = set(daemons.spelled(listening)) | {one.port for one in listening}
    return sorted(str(one) for one in wanted if one not in there)


def _ending(unit):
    words = unit.spell()
    code, status = unit.get("ExecMainCode"), unit.get("ExecMainStatus")
    if unit.get("ConditionResult") == "no":
        return words + ", a condition of its unit does not hold"
    return words + (", exit status {0}".format(status) if code == "1" and status not in ("", "0") else "")
