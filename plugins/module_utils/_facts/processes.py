# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(processes): the mail system's processes, and who is stopped or stuck.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import cores, postfix, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# A host with thousands of sessions: the counts are complete, the records are a sample of this length.
_MOST_RECORDS = 200


def record(process, role, daemon, boot, proc="/proc"):
    """The contract's record of one process.

    :param boot: epoch second that start times count from
    """
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "name": clean(process.name, 40),
        "daemon": daemon,
        "role": clean(role, 40),
        "state": process.state,
        "wchan": wait_channel(process.pid, proc),
        "started": round(boot + process.started / float(procfs.CLOCK_TICKS), 2),
    }


def wait_channel(pid, proc="/proc"):
    """Kernel function a process sleeps in, or None (running, or not allowed to see)."""
    text = procfs.try_text("{0}/{1}/wchan".format(proc, pid), 128).strip()
    return clean(text, 60) if text not in ("", "0") else None


def collect(context):
    """The C(processes) part of the document."""
    everything = context.shared(shared.processes)
    mail = context.shared(postfix.mail)
    boot = context.shared(shared.boot_time)
    counts, chosen = {}, []
    for pid in sorted(mail.members):
        daemon, role = mail.members[pid]
        if daemon != "other":
            name = clean(role, 40)
            counts[name] = counts.get(name, 0) + 1
        chosen.append(pid)
    if len(chosen) > _MOST_RECORDS:
        # Those that stand still say more than the many that wait for their next client.
        chosen.sort(key=lambda pid: (everything[pid].state == "S", counts.get(mail.members[pid][1], 0), pid))
        context.note("processes", "%d mail processes, %d of them listed" % (len(chosen), _MOST_RECORDS))
        chosen = sorted(chosen[:_MOST_RECORDS])

    def listed(pid):
        daemon, role = mail.members.get(pid, ("other", everything[pid].name))
        return record(everything[pid], role, daemon, boot, context.proc)

    standing = [
        pid
        for pid in sorted(everything)
        if everything[pid].state in "TtD" and procfs.same_pid_namespace(pid, context.proc)
    ]
    return {
        "mail": [listed(pid) for pid in chosen],
        "stopped": [listed(pid) for pid in standing if everything[pid].state in "Tt"][:_MOST_RECORDS],
        "blocked": [listed(pid) for pid in standing if everything[pid].state == "D"][:_MOST_RECORDS],
        "zombies": sum(1 for process in everything.values() if process.state == "Z"),
        "total": len(everything),
        "counts": counts,
        "cores": cores.listing(context, _queue_directory(context), context.now - float(context.options["log_window"])),
    }


def _queue_directory(context):
    return postfix.value(context, "queue_directory") if context.shared(postfix.installed) else None
