# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fact document of one mail host.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import threading
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    bans,
    config,
    disk,
    dns,
    dovecot,
    hardware,
    host,
    journal,
    listeners,
    load,
    log,
    loopback,
    mailboxes,
    memory,
    patches,
    postfix,
    processes,
    queue,
    services,
    spool,
    traffic,
    units,
)
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

SCHEMA = "mailops.triage/facts/1"

COLLECTORS = {
    "host": host.collect,
    "services": services.collect,
    "processes": processes.collect,
    "listeners": listeners.collect,
    "load": load.collect,
    "memory": memory.collect,
    "disk": disk.collect,
    "queue": queue.collect,
    "traffic": traffic.collect,
    "log": log.collect,
    "config": config.collect,
    "dns": dns.collect,
    "loopback": loopback.collect,
    "hardware": hardware.collect,
    "mailboxes": mailboxes.collect,
    "bans": bans.collect,
    "patches": patches.collect,
}
SUBSETS = tuple(COLLECTORS)

# Commands worth starting before the collector that needs them gets to the point; they run side by side.
_EARLY = {
    "services": (postfix.explicit, postfix.defaults, units.show, dovecot.doveconf, journal.look),
    "listeners": (listeners.packet_filter,),
    "disk": (postfix.explicit, postfix.defaults, dovecot.doveconf),
    "queue": (spool.postqueue, postfix.explicit, postfix.defaults),
    "traffic": (postfix.explicit, postfix.defaults, dovecot.doveconf),
    "log": (journal.look, journal.kernel_talk),
    "config": (postfix.explicit, postfix.defaults, dovecot.doveconf, spool.postqueue),
    "mailboxes": (dovecot.doveconf,),
    "bans": (listeners.packet_filter, bans.fail2ban),
}


def choose(subsets):
    """Names of the subsets to gather, in the manner of the setup module.

    :param subsets: list of names, C(all) and C(!name), or one such text with commas; nothing, or only exclusions, means
        everything first; C(!all) alone leaves nothing
    :returns: list of names in the document's order
    :raises ValueError: naming every unknown name and the valid ones
    """
    if isinstance(subsets, str):
        subsets = subsets.split(",")
    wanted = [str(name).strip() for name in subsets or [] if str(name).strip()]
    plain = [name[1:] if name.startswith("!") else name for name in wanted]
    unknown = sorted({name for name in plain if name not in COLLECTORS and name != "all"})
    if unknown:
        raise ValueError(
            "unknown gather_subset: {0}; valid are all, {1}, each also with ! before it".format(
                ", ".join(clean(name, 60) for name in unknown), ", ".join(SUBSETS)
            )
        )
    taken = {name for name in wanted if name in COLLECTORS}
    left_out = {name[1:] for name in wanted if name.startswith("!")}
    if "all" in wanted or not taken and "all" not in left_out:
        taken.update(SUBSETS)
    return [name for name in SUBSETS if name in taken and name not in left_out]


class _Job(object):
    """One collector in a thread of its own: one that hangs costs its own part of the document, and no more."""

    def __init__(self, name, context):
        self.name, self.context = name, context
        self.record = None
        self.value = None
        self.thread = threading.Thread(target=self._work, name="collect " + name)
        # The interpreter does not wait for a thread that the kernel holds.
        self.thread.daemon = True

    def start(self):
        """Begin; on a host that gives no more threads (out of process ids, at a limit) the part has failed at once."""
        try:
            self.thread.start()
        except RuntimeError as error:
            reason = clean("{0}: {1}".format(type(error).__name__, error), 400)
            self.record = {"status": "failed", "reason": reason, "seconds": 0.0}

    def _work(self):
        began = time.monotonic()
        value, status, reason = None, "ok", ""
        if self.context.left() <= 0:
            status, reason = "skipped", "the time budget was spent before it could start"
        else:
            try:
                value = COLLECTORS[self.name](self.context)
                notes = self.context.notes(self.name)
                if notes:
                    status, reason = "partial", "; ".join(notes)
            except Exception as error:
                status, reason = "failed", "{0}: {1}".format(type(error).__name__, error)
        record = {"status": status, "reason": clean(reason, 400), "seconds": round(time.monotonic() - began, 3)}
        # Value before record: whoever sees the record may take the value.
        self.value = value
        self.record = record


def collect(subsets=None, options=None):
    """Look at this host.

    :param subsets: see choose()
    :param options: dict; time_budget (seconds, 20), log_window (seconds, 86400), log_bytes (8 MiB per log source),
        log_seconds (2 per log source), services (list of protocols that loopback tries, listening or not; None means
        all that listen), users and addresses (reported by somebody: looked for by name)
    :returns: the fact document; a subset that was not asked for has no key, one that could not be gathered is None
    :raises ValueError: for an unknown subset
    """
    names = choose(subsets)
    context = Context(options)
    document: dict = {"schema": SCHEMA, "collected_at": round(context.now, 3), "seconds": 0.0, "collectors": {}}
    jobs = [_Job(name, context) for name in names]
    if context.left() > 0:
        _start_early(names, context)
    for job in jobs:
        job.start()
    for job in jobs:
        if job.record is None:
            job.thread.join(context.left() + 0.01)
        record = job.record
        document[job.name] = job.value if record is not None else None
        document["collectors"][job.name] = record or {
            "status": "failed",
            "seconds": round(time.monotonic() - context.started, 3),
            "reason": "not finished within the time budget of %g s" % float(context.options["time_budget"]),
        }
    document["seconds"] = round(time.monotonic() - context.started, 3)
    return document


def _start_early(names, context):
    started = []
    for name in names:
        for look in _EARLY.get(name, ()):
            if look not in started:
                started.append(look)
                thread = threading.Thread(target=_ignore_errors, args=(context, look))
                thread.daemon = True
                try:
                    thread.start()
                except RuntimeError:
                    return  # no more threads: whoever needs the value looks for it then


def _ignore_errors(context, look):
    try:
        context.shared(look)
    except Exception:
        # Remembered by the context, and told to whoever asks for the value.
        return
