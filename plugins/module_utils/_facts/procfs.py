# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes as /proc shows them, in one pass, without ps.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._text import whole

# ticks and jiffies are in clock ticks; rss_bytes in bytes; started is ticks since boot
Process = namedtuple("Process", "pid ppid name state ticks started rss_bytes")

try:
    _PAGE = os.sysconf("SC_PAGE_SIZE")
    CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
except (ValueError, OSError):
    _PAGE, CLOCK_TICKS = 4096, 100

# A fork bomb must not make the collector part of the overload.
_MOST_PROCESSES = 20000
# Every process waits for a disk, or for the kernel, for moments; one that hangs does so all the time.
WAITING = "D"
_WAITING_S, _LOOK_S, _MOST_LOOKED_AT = 1.0, 0.1, 200
_KTHREADD = 2


def read_text(path, limit: int = 65536, flags: int = 0) -> str:
    """The first bytes of a small file as text; wrong UTF-8 is replaced.

    :param flags: more of os.open; O_NOFOLLOW where a user may have put a link in a file's place
    :raises OSError: when it cannot be read
    """
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | flags)
    try:
        pieces, left = [], limit
        while left > 0:
            piece = os.read(number, left)
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(number)
    return b"".join(pieces).decode("utf-8", "replace")


def try_text(path, limit: int = 65536, flags: int = 0) -> str:
    """As read_text; an empty text when the file cannot be read."""
    try:
        return read_text(path, limit, flags)
    except OSError:
        return ""


def try_link(path) -> str:
    """Target of a symbolic link of /proc, or an empty text."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def parse_stat(text):
    """One /proc/PID/stat as a Process, or None when it is no such line.

    The name stands in brackets and may itself hold spaces and brackets, so the last closing one counts.
    """
    head, bracket, tail = text.rpartition(")")
    pid, opening, name = head.partition("(")
    fields = tail.split()
    if not bracket or not opening or len(fields) < 22:
        return None
    try:
        return Process(
            int(pid),
            int(fields[1]),
            name,
            fields[0],
            int(fields[11]) + int(fields[12]),
            int(fields[19]),
            int(fields[21]) * _PAGE,
        )
    except ValueError:
        return None


def scan(proc="/proc"):
    """Every process this host shows.

    :param proc: where the proc file system is mounted
    :returns: dict of pid to Process; processes that end meanwhile are left out
    """
    found = {}
    for entry in os.listdir(proc):
        if not entry.isdigit():
            continue
        try:
            record = parse_stat(read_text(proc + "/" + entry + "/stat", 4096))
        except OSError:
            continue
        if record is not None:
            found[record.pid] = record
            if len(found) >= _MOST_PROCESSES:
                break
    return found


def settle(found, proc="/proc", patience=_WAITING_S):
    """Look again at processes in state D, and let only those keep it that are in it all the time.

    The kernel's own threads are taken as they are: some of them wait like that for ever.

    :param found: dict of pid to Process, see scan; changed in place
    :param patience: seconds
    """
    waiting = [one for one in found.values() if one.state == WAITING and one.ppid != _KTHREADD][:_MOST_LOOKED_AT]
    until = time.monotonic() + patience
    while waiting and time.monotonic() < until:
        time.sleep(_LOOK_S)
        still = []
        for one in waiting:
            now = parse_stat(try_text("{0}/{1}/stat".format(proc, one.pid), 4096))
            if now is None or now.started != one.started:
                del found[one.pid]
            elif now.state != WAITING:
                found[one.pid] = one._replace(state=now.state)
            else:
                still.append(one)
        waiting = still


def parse_boot_time(text):
    """Epoch second of the boot from /proc/stat, or None."""
    for line in text.splitlines():
        if line.startswith("btime "):
            return whole(line[6:].strip())
    return None


def boot_time(proc="/proc") -> float:
    """Epoch second at which this host's clock of process start times began.

    Inside a container with its own uptime, start times still count from the machine's boot, and so does this.
    """
    # CLOCK_BOOTTIME is what start times count in; its constant is missing from Python 3.6.
    try:
        return time.time() - time.clock_gettime(7)
    except OSError:
        return float(parse_boot_time(try_text(proc + "/stat", 1 << 20)) or 0)


def parse_unit(text):
    """The systemd unit a /proc/PID/cgroup belongs to.

    Understands cgroup v2 (C(0::/path)) and the named systemd hierarchy of v1, also with a container's prefix.

    :returns: name of the innermost C(.service) or C(.scope), or None
    """
    path = None
    for line in text.splitlines():
        number, colon, rest = line.partition(":")
        controllers, colon, place = rest.partition(":")
        if controllers == "name=systemd":
            path = place
        elif not controllers and number == "0" and (path is None or path == "/"):
            path = place
    for part in reversed((path or "").split("/")):
        if part.endswith((".service", ".scope")):
            # systemd escapes a name that looks like a controller's file with an underscore.
            return part[1:] if part.startswith("_") else part
    return None


def same_pid_namespace(pid, proc="/proc") -> bool:
    """False when a process lives in another PID namespace: a container's daemon is not this host's."""
    own, other = try_link(proc + "/self/ns/pid"), try_link("{0}/{1}/ns/pid".format(proc, pid))
    return not own or not other or own == other
