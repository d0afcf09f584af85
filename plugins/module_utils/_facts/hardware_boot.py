# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last boot: when it was, and whether the system before it had ended in order.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json
import os
import struct

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs, sysfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_RECENT = 86400.0
_LAST_LINES = 40
_WTMP_TAIL = 1 << 20
# struct utmp of glibc: type, pid, line, id, user, host, exit status, session, seconds, microseconds, address, spare.
# Session and time have 32 bits where programs of 32 bits may share the file, and 64 bits elsewhere (aarch64, s390x).
_UTMP = struct.Struct("=hxxi32s4s32s256shhiii4i20x")
_UTMP_LONG = struct.Struct("=hxxi32s4s32s256shhqqq4i20x4x")
_LAYOUTS = (_UTMP, _UTMP_LONG)
# Kinds of records that there are, and the years in which one may have been written (2000 to 2100), in seconds.
_KINDS, _EARLIEST, _LATEST = range(1, 10), 946684800, 4102444800
_RUN_LEVEL, _BOOT = 1, 2
_JOURNAL_STOPPED = "d93fb3c9c24d451a97cea615ce59c00b"
_ORDERLY = ("Journal stopped", "Reached target Shutdown", "Reached target shutdown", "Shutting down.", "Powering off.")
_ORDERLY_TARGETS = ("Reached target Reboot", "Reached target System Reboot", "Reached target Power-Off")


def collect(context):
    """The C(boot) part of the hardware facts.

    C(previous) tells how the system before this one ended: C(clean), C(unclean), C(none) (there was none, or nothing of
    it is kept), C(unknown), or C(not_asked) when the boot is longer ago than a day.
    """
    first = context.shared(shared.processes).get(1)
    started = None
    if first is not None:
        started = context.shared(shared.boot_time) + first.started / float(procfs.CLOCK_TICKS)
    found = {
        "boot_id": clean(procfs.try_text(context.proc + "/sys/kernel/random/boot_id", 64).strip(), 40) or None,
        "started": round(started, 1) if started is not None else None,
        "uptime_s": round(max(0.0, context.now - started), 1) if started is not None else None,
        "previous": "unknown",
        "previous_last": None,
        "gap_s": None,
        "told_by": None,
    }
    if started is None:
        return sysfs.source(sysfs.UNSEEN, "process 1 cannot be seen", **found)
    if context.now - started > _RECENT:
        found["previous"] = "not_asked"
        return sysfs.source(sysfs.PRESENT, **found)
    for look in (_by_journal, _by_wtmp):
        ended, last, by = look(context)
        if ended != "unknown":
            found.update(previous=ended, previous_last=last, told_by=by)
            if last is not None:
                found["gap_s"] = round(max(0.0, started - last), 1)
            break
    return sysfs.source(sysfs.PRESENT, **found)


def _by_journal(context):
    command = ["journalctl", "-b", "-1", "-n", str(_LAST_LINES), "-r", "-o", "json", "--no-pager"]
    result = context.run(command, 3.0, 1 << 19)
    if result.status != "ok":
        return "unknown", None, None
    if result.rc:
        kept = any(os.path.isdir(context.path("/var/log/journal/" + name)) for name in _journals(context))
        # A journal that outlives a boot and holds none but this one: the host is new.
        return ("none" if kept and b"No such boot" in result.err else "unknown"), None, "journal"
    ended, last = parse_last_lines(result.out.decode("utf-8", "replace"))
    return ended, last, "journal"


def _journals(context):
    try:
        return sysfs.listing(context.path("/var/log/journal"), 16) or []
    except OSError:
        return []


def parse_last_lines(text):
    """How a boot ended, by its last lines in the journal, newest first: (C(clean) or C(unclean), when)."""
    last = None
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict):
            continue
        if last is None:
            stamp = str(entry.get("__REALTIME_TIMESTAMP", ""))
            last = int(stamp) / 1e6 if stamp.isdigit() else None
        message = entry.get("MESSAGE")
        said = message if isinstance(message, str) else ""
        journal = entry.get("MESSAGE_ID") == _JOURNAL_STOPPED
        first = entry.get("_PID") == "1" and said.startswith(_ORDERLY + _ORDERLY_TARGETS)
        if journal or first:
            return "clean", last
    return ("unclean", last) if last is not None else ("unknown", None)


def _by_wtmp(context):
    path = context.path("/var/log/wtmp")
    fitting = []
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            for layout in _LAYOUTS:
                stream.seek(max(0, size - _WTMP_TAIL) // layout.size * layout.size)
                data = stream.read(_WTMP_TAIL + layout.size)
                if _fits(data, layout):
                    fitting.append((data, layout))
    except OSError:
        return "unknown", None, None
    if len(fitting) != 1:
        # Read in the wrong layout, an end in order looks like none.
        return "unknown", None, None
    ended, last = parse_wtmp(*fitting[0])
    return ended, last, "wtmp"


def _fits(data, layout):
    """Whether all records have a known kind and a time that can be, and are empty where they say so."""
    for place in range(0, len(data) - layout.size + 1, layout.size):
        fields = layout.unpack_from(data, place)
        if not any(data[place : place + layout.size]):
            continue
        if fields[0] not in _KINDS or not _EARLIEST <= fields[9] < _LATEST or not 0 <= fields[10] < 1000000:
            return False
    return True


def parse_wtmp(data, layout=_UTMP):
    """How the boot before the last one ended, by the records of a wtmp file: (word, when or None).

    :param layout: the struct of a record
    """
    boots, shutdown, last = 0, False, None
    ended, when = "unknown", None
    for place in range(0, len(data) - layout.size + 1, layout.size):
        fields = layout.unpack_from(data, place)
        kind, user = fields[0], fields[4].split(b"\0", 1)[0]
        if kind == _BOOT:
            boots += 1
            # Of what was before the first record of a boot nothing is known, unless it was shut down.
            ended = "clean" if shutdown else "unclean" if boots > 1 else "none"
            when, shutdown = (last if ended != "none" else None), False
        elif kind == _RUN_LEVEL and user == b"shutdown":
            shutdown = True
        last = float(fields[9])
    return ended, when
