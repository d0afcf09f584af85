# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon looked like before anything was touched: once it is restarted, nobody can see it any more.

Every look has a child of its own, so that one which hangs costs itself and not the others.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid import aside
from ansible_collections.mailops.triage.plugins.module_utils._aid.members import HUNG
from ansible_collections.mailops.triage.plugins.module_utils._facts import cores, postfix, processes, procfs, spool
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

SECONDS = 5.0
"""What all looks together may take."""
PART_BYTES = 48 << 10
"""Most of one part; there are ten, so the whole stays far below 512 KiB."""
# Less than SECONDS: whoever is killed at the end of those would leave its command behind.
_COMMAND_S = 4.0
_POSTQUEUE_S, _SCAN_S = 2.0, 1.5
_MOST_LISTED, _MOST_FILES, _MOST_LINE = 200, 100, 1000
_LOG_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/mail.err")
_CORES_S = 7 * 86400.0
_LIMIT = re.compile(r"^Max (?:open files|processes|address space|core file size) .*", re.MULTILINE)


def collect(context, unit, group, sockets):
    """All there is to keep of a daemon.

    :param context: a _facts.context.Context
    :param unit: unit.Unit
    :param group: members.Members of it
    :param sockets: list of its listening sockets, in words
    :returns: dict of name to text; a look that gave nothing says why
    """
    looks = {
        "unit": lambda: _command(["systemctl", "show", "--no-pager", "--", unit.name]),
        "status": lambda: _command(["systemctl", "status", "--no-pager", "--full", "--lines=0", "--", unit.name]),
        "journal": lambda: _command(
            ["journalctl", "-q", "--no-pager", "-o", "short-iso", "-n", "300", "-u", unit.name]
        ),
        "kernel": lambda: _command(["journalctl", "-q", "--no-pager", "-o", "short-iso", "-n", "60", "-k", "-p", "4"]),
        "log": _log_tail,
        "processes": lambda: _tree(context, group),
        "open_files": lambda: _open_files(context, group, sockets),
        "core_dumps": lambda: _cores(context, unit.name),
        "host": lambda: _host(context),
    }
    if unit.product == "postfix":
        looks["queue"] = lambda: _queue(context, group)
    answers = aside.gather(looks, SECONDS, 4 * PART_BYTES)
    found = {}
    for name in sorted(answers):
        status, text = answers[name]
        words = {"timeout": "no answer within {0:.0f} s".format(SECONDS), "failed": "could not look: " + text}
        found[name] = tidy(words.get(status, text))
    return found


def tidy(text, limit=PART_BYTES):
    """Lines of a text that an attacker may have written; of a longer one the end, which is the newest."""
    kept, size = [], 0
    for line in reversed(text.split("\n")):
        line = clean(line.rstrip(), _MOST_LINE) if line.strip() else ""
        size += len(line.encode("utf-8")) + 1
        if size > limit:
            kept.append("...")
            break
        kept.append(line)
    return "\n".join(reversed(kept)).strip("\n")


def _command(argv):
    result = _run.run(argv, _COMMAND_S, 4 * PART_BYTES)
    if result.status != "ok":
        return "{0}: {1}".format(argv[0], result.status)
    return (result.out or result.err).decode("utf-8", "replace")


def _log_tail():
    for path in _LOG_FILES:
        try:
            number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            continue
        with os.fdopen(number, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - PART_BYTES))
            return stream.read(PART_BYTES).decode("utf-8", "replace")
    return "none of {0} can be read".format(", ".join(_LOG_FILES))


def _tree(context, group):
    """Every process of the unit below its parent, with state, place in the kernel, age and size."""
    found = group.all()
    known = {one.pid: one for one in found}
    boot = procfs.boot_time(context.proc)
    lines = ["{0} processes".format(len(found))]

    def add(process, depth):
        if len(lines) > _MOST_LISTED:
            return
        record = processes.record(process, "", "", boot, context.proc)
        words = "{0}{1} {2} state {3} in {4}, {5:.0f} s old, {6} KiB"
        age = time.time() - record["started"]
        indent = "- " * depth
        lines.append(
            words.format(
                indent, process.pid, record["name"], process.state, record["wchan"] or "-", age, process.rss_bytes >> 10
            )
        )
        if process.state in HUNG:
            stack = procfs.try_text("{0}/{1}/stack".format(context.proc, process.pid), 4096)
            lines.extend("{0}    {1}".format(indent, line) for line in stack.splitlines()[:20])
        for child in found:
            if child.ppid == process.pid:
                add(child, depth + 1)

    for process in found:
        if process.ppid not in known:
            add(process, 0)
    return "\n".join(lines)


def _open_files(context, group, sockets):
    """How many files each process has open, by its limit, and which the first of them and the hung ones have."""
    lines = ["listens on " + (", ".join(sockets) or "nothing")]
    for place, process in enumerate(group.all()[:_MOST_LISTED]):
        folder = "{0}/{1}".format(context.proc, process.pid)
        try:
            names = os.listdir(folder + "/fd")
        except OSError:
            continue
        limits = "; ".join(_LIMIT.findall(procfs.try_text(folder + "/limits"))) if place == 0 else ""
        lines.append("{0} {1}: {2} open. {3}".format(process.pid, clean(process.name, 40), len(names), limits))
        if place == 0 or process.state in HUNG:
            for name in sorted(names, key=lambda one: one.zfill(8))[:_MOST_FILES]:
                lines.append("  {0} -> {1}".format(name, procfs.try_link(folder + "/fd/" + name)))
    return "\n".join(lines)


def _cores(context, name):
    folder = postfix.value(context, "queue_directory") if context.shared(postfix.installed) else None
    found = cores.listing(context, folder, time.time() - _CORES_S)
    lines = [
        "{0} {1} {2} bytes".format(
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one["at"])), one["path"], one["bytes"]
        )
        for one in found
    ]
    if _run.find_program("coredumpctl"):
        lines.append(_command(["coredumpctl", "--no-pager", "-1", "info", "COREDUMP_UNIT=" + name]))
    return "\n".join(lines) or "none in the last seven days"


def _queue(context, group):
    scan = spool.Scan(
        context.path(postfix.value(context, "queue_directory")), time.time(), time.monotonic() + _SCAN_S
    ).run()
    lines = [
        "{0}: {1} messages, {2} bytes, oldest {3} s".format(
            name, scan.counts[name], scan.bytes[name], scan.oldest[name]
        )
        for name in spool.QUEUES
    ]
    lines += scan.errors + (["not counted to the end"] if scan.truncated else [])
    master = [one for one in group.all() if one.name == "master"]
    if not master or master[0].state in HUNG:
        # It is the master that starts what postqueue talks to.
        return "\n".join(lines + ["postqueue was not asked: no master would answer it"])
    result = _run.run(["postqueue", "-j"], _POSTQUEUE_S, 4 << 20)
    if result.status != "ok" or result.rc:
        return "\n".join(lines + ["postqueue: {0} {1}".format(result.status, clean(result.err, 200))])
    told = spool.parse_postqueue(result.out)
    for title, key, total in (("reasons", "reasons", "recipients"), ("destinations", "destinations", "recipients")):
        for entry in spool.top(told[key], told[total]):
            lines.append("{0}: {1}".format(title, ", ".join(str(entry[word]) for word in sorted(entry))))
    return "\n".join(lines)


def _host(context):
    lines = ["load " + procfs.try_text(context.proc + "/loadavg", 256).strip()]
    lines += procfs.try_text(context.proc + "/meminfo", 4096).splitlines()[:6]
    for name in ("cpu", "io", "memory"):
        pressure = procfs.try_text("{0}/pressure/{1}".format(context.proc, name), 512)
        lines += ["pressure {0}: {1}".format(name, line) for line in pressure.splitlines()]
    return "\n".join(lines)
