# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(memory): how much is left, and who holds it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole

_TOP, _TOP_MAIL = 5, 8


def parse_meminfo(text):
    """/proc/meminfo as a dict of name to bytes."""
    found = {}
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        words = rest.split()
        number = whole(words[0]) if colon and words else None
        if number is not None:
            found[name] = number * (1024 if words[1:] == ["kB"] else 1)
    return found


def summary(values):
    """The contract's numbers from a parsed /proc/meminfo; None where the kernel does not say."""
    total, available = values.get("MemTotal"), values.get("MemAvailable")
    if available is None and "MemFree" in values:
        # Before Linux 3.14.
        available = values["MemFree"] + values.get("Cached", 0)
    swap, free = values.get("SwapTotal"), values.get("SwapFree", 0)
    return {
        "total_bytes": total,
        "available_bytes": available,
        "available_percent": round(100.0 * available / total, 1) if total and available is not None else None,
        "swap_total_bytes": swap,
        "swap_used_percent": round(100.0 * (swap - free) / swap, 1) if swap else (0.0 if swap == 0 else None),
    }


def collect(context):
    """The C(memory) part of the document."""
    found = summary(parse_meminfo(procfs.read_text(context.proc + "/meminfo")))
    largest = sorted(context.shared(shared.processes).values(), key=lambda process: (-process.rss_bytes, process.pid))
    found["top"] = [
        {"pid": process.pid, "name": clean(process.name, 40), "rss_bytes": process.rss_bytes}
        for process in largest[:_TOP]
        if process.rss_bytes > 0
    ]
    members, boot = context.shared(postfix.mail).members, context.shared(shared.boot_time)
    found["mail"] = [
        {
            "pid": process.pid,
            "name": clean(process.name, 40),
            "started": round(boot + process.started / float(procfs.CLOCK_TICKS), 2),
            "rss_bytes": process.rss_bytes,
        }
        for process in [process for process in largest if process.pid in members][:_TOP_MAIL]
    ]
    return found
