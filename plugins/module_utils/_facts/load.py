# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(load): how busy the processors are, and with what.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import host, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# Process times are counted in hundredths of a second: a busy host is looked at longer.
_QUIET_SAMPLE_S = 0.1
_BUSY_SAMPLE_S = 0.25
_TOP = 5

_LOADAVG = re.compile(r"([0-9]{1,9}\.[0-9]+) ([0-9]{1,9}\.[0-9]+) ([0-9]{1,9}\.[0-9]+) ")
_AVG10 = re.compile(r"avg10=([0-9]{1,9}(?:\.[0-9]+)?)$")


def parse_loadavg(text):
    """(load1, load5, load15) of /proc/loadavg, or None for each."""
    match = _LOADAVG.match(text)
    return tuple(float(word) for word in match.groups()) if match else (None, None, None)


def parse_pressure(text, kind):
    """avg10 of one line (C(some) or C(full)) of a /proc/pressure file in percent, or None."""
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == kind:
            for word in words[1:]:
                match = _AVG10.match(word)
                if match:
                    return float(match.group(1))
    return None


def top_cpu(before, after, seconds, ticks=procfs.CLOCK_TICKS, own=None, uptime=None):
    """The processes that used most processor time between two scans, greatest first; percent of one processor.

    :param own: pid of the process that looks, left out with its children
    :param uptime: seconds since the boot that process start times count from, or None
    """
    used = []
    for pid, process in after.items():
        old = before.get(pid)
        if own in (pid, process.ppid):
            # The collector and its commands are not what keeps this host busy.
            continue
        if old is not None and old.started == process.started and process.ticks > old.ticks:
            used.append((process.ticks - old.ticks, pid))
    used.sort(key=lambda pair: (-pair[0], pair[1]))
    return [
        {
            "pid": pid,
            "name": clean(after[pid].name, 40),
            "cpu_percent": round(100.0 * spent / ticks / seconds, 1),
            "cpu_seconds": round(after[pid].ticks / float(ticks), 1),
            "life_percent": _life_percent(after[pid], ticks, uptime),
        }
        for spent, pid in used[:_TOP]
    ]


def _life_percent(process, ticks, uptime):
    """Processor time over the whole life, in percent: a short sample on a busy host says little about a runaway."""
    age = uptime - process.started / float(ticks) if uptime is not None else 0
    return round(100.0 * process.ticks / ticks / age, 1) if age >= 1 else None


def collect(context):
    """The C(load) part of the document."""
    before = context.shared(shared.processes)
    loads = parse_loadavg(procfs.try_text(context.proc + "/loadavg", 256)) or (None, None, None)
    cpus = host.cpu_count()
    pressure = _pressure(context)
    busy = (loads[0] or 0.0) >= cpus or pressure is not None and (pressure["cpu_some_avg10"] or 0.0) >= 20.0
    time.sleep(min(_BUSY_SAMPLE_S if busy else _QUIET_SAMPLE_S, context.left()))
    after = procfs.scan(context.proc)
    return {
        "load1": loads[0],
        "load5": loads[1],
        "load15": loads[2],
        "cpus": cpus,
        "per_cpu": round(loads[0] / cpus, 2) if loads[0] is not None else None,
        "psi": pressure,
        "top": top_cpu(
            before, after, max(time.monotonic() - context.scanned_at, 0.01), own=os.getpid(), uptime=_uptime(context)
        ),
    }


def _uptime(context):
    boot = context.shared(shared.boot_time)
    return time.time() - boot if boot is not None else None


def _pressure(context):
    texts = {
        name: procfs.try_text("{0}/pressure/{1}".format(context.proc, name), 1024) for name in ("cpu", "memory", "io")
    }
    if not any(texts.values()):
        return None
    return {
        "cpu_some_avg10": parse_pressure(texts["cpu"], "some"),
        "memory_full_avg10": parse_pressure(texts["memory"], "full"),
        "io_full_avg10": parse_pressure(texts["io"], "full"),
    }
