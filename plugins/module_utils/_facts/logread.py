# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the lines of the journal and of log files, and finding a moment in them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import json
import os
import re
import struct
import time
from collections import namedtuple

# One line of a log. when: epoch or None; identifier without pid; unit: systemd unit a line of PID 1 speaks of, or None;
# trusted: false for a line that claims to be the kernel's or PID 1's and is not
Line = namedtuple("Line", "when identifier message unit trusted")

# A line longer than this is cut: nothing that matters stands so far to the right.
LONGEST_LINE = 2000
# How much of a file one step of a bisection looks at: a few lines.
_PROBE = 4096
_MONTHS = {name: place + 1 for place, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?")
_CLASSIC = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d+)?")
# Those who watch the hardware and the journal itself, and what systemd-coredump's messages are marked with.
_WATCHERS = ("smartd", "mdadm", "systemd-journald")
_COREDUMP = "fc2e22bc6ee647b6b90729ab34a250b1"
_JOURNAL_FIELDS = "MESSAGE,SYSLOG_IDENTIFIER,_PID,_UID,_TRANSPORT,UNIT,_COMM"


def parse_moment(text, now):
    """Time stamp at the start of a line.

    :param text: the line
    :param now: epoch, for the year that the classic form leaves out
    :returns: (epoch, rest of the line) or (None, text)
    """
    match = _RFC3339.match(text)
    if match:
        fields = [int(part) for part in match.groups()[:6]]
        fraction = float("0." + match.group(7)) if match.group(7) else 0.0
        return _from_fields(fields, match.group(8), fraction), text[match.end() :]
    match = _CLASSIC.match(text)
    if match and match.group(1) in _MONTHS:
        year = time.localtime(now).tm_year
        clock = [_MONTHS[match.group(1)], int(match.group(2))] + [int(part) for part in match.groups()[2:5]]
        moment = _from_fields([year] + clock, None, 0.0)
        if moment is not None and moment > now + 86400:
            # December's lines read in January.
            moment = _from_fields([year - 1] + clock, None, 0.0)
        return moment, text[match.end() :]
    return None, text


def _from_fields(fields, zone, fraction):
    try:
        if zone is None:
            return time.mktime(tuple(fields) + (0, 0, -1)) + fraction
        moment = calendar.timegm(tuple(fields) + (0, 0, 0)) + fraction
    except (ValueError, OverflowError):
        return None
    if zone != "Z":
        shift = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        moment += shift if zone[0] == "-" else -shift
    return moment


def parse_journal_line(text, now=None):
    """One line of C(journalctl -o json) as a Line, or None.

    Anybody on the host may log under any identifier; a line that says C(kernel) or C(systemd) is only trusted when
    the kernel, PID 1 or another process of root wrote it.
    """
    try:
        entry = json.loads(text)
        moment = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    message, identifier = entry.get("MESSAGE"), entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM")
    if isinstance(message, list):
        # journald gives a text with control characters as a list of byte values.
        message = bytes(bytearray(part & 255 for part in message[:LONGEST_LINE] if isinstance(part, int)))
        message = message.decode("utf-8", "replace")
    if not isinstance(message, str) or not isinstance(identifier, str):
        return None
    trusted = True
    if identifier == "kernel":
        trusted = entry.get("_TRANSPORT") == "kernel" or entry.get("_UID") == "0"
    elif identifier in _WATCHERS:
        trusted = entry.get("_UID") == "0"
    elif identifier == "systemd":
        trusted = entry.get("_PID") == "1"
    unit = entry.get("UNIT") if entry.get("_PID") == "1" else None
    return Line(moment, identifier, message[:LONGEST_LINE], unit if isinstance(unit, str) else None, trusted)


def journal_command(since, lines, units, about, priority=None, until=None, fields=True):
    """argv of the one journalctl call, newest line first.

    :param since: epoch
    :param lines: most lines
    :param units: unit names whose own output is wanted (their standard error does not have the mail facility)
    :param about: unit names that PID 1's words are wanted about
    :param priority: with a number, only lines of this syslog priority or worse of the mail facility
    """
    argv = ["journalctl", "-q", "--no-pager", "-r", "-o", "json", "--since=@%d" % since, "-n", str(lines)]
    if fields:
        argv.append("--output-fields=" + _JOURNAL_FIELDS)
    if until is not None:
        argv.append("--until=@%d" % until)
    levels = [] if priority is None else ["PRIORITY=%d" % level for level in range(priority + 1)]
    argv += ["SYSLOG_FACILITY=2"] + levels
    if units:
        argv += ["+"] + ["_SYSTEMD_UNIT=" + name for name in units] + levels
    if about:
        argv += ["+", "_PID=1"] + ["UNIT=" + name for name in about]
    argv += ["+", "_TRANSPORT=kernel"] + ["PRIORITY=%d" % level for level in range(6)]
    # Kernel lines that reach journald another way: inside containers, by the kernel log reader of a syslog daemon.
    argv += ["+", "SYSLOG_IDENTIFIER=kernel", "_UID=0"]
    for name in _WATCHERS:
        argv += ["+", "SYSLOG_IDENTIFIER=" + name, "_UID=0"]
    argv += ["+", "MESSAGE_ID=" + _COREDUMP]
    return argv


def kernel_command(since, lines):
    """argv of the journalctl call for what the kernel says without alarm: links that go down, floods of SYN packets.

    They stand among the many lines of a boot, so they are not asked for together with the rest.
    """
    argv = ["journalctl", "-q", "--no-pager", "-r", "-o", "json", "--since=@%d" % since, "-n", str(lines)]
    return argv + ["--output-fields=" + _JOURNAL_FIELDS, "_TRANSPORT=kernel", "PRIORITY=6"]


def journal_span(folders):
    """(oldest, newest) epoch of what the journal files hold, from their headers; (None, None) without a journal.

    The header's layout is published and stable: https://systemd.io/JOURNAL_FILE_FORMAT
    """
    oldest, newest = None, None
    for folder in folders:
        try:
            machines = os.listdir(folder)
        except OSError:
            continue
        for machine in machines[:8]:
            try:
                names = os.listdir(os.path.join(folder, machine))
            except OSError:
                continue
            for name in names[:400]:
                if not name.startswith("system") or ".journal" not in name:
                    continue
                head, tail = _journal_header(os.path.join(folder, machine, name))
                if head:
                    oldest = head if oldest is None else min(oldest, head)
                if tail:
                    newest = tail if newest is None else max(newest, tail)
    return oldest, newest


def _journal_header(path):
    try:
        with open(path, "rb") as handle:
            header = handle.read(200)
    except OSError:
        return None, None
    if len(header) < 200 or header[:8] != b"LPKSHHRH":
        return None, None
    head, tail = struct.unpack("<QQ", header[184:200])
    return head / 1e6, tail / 1e6


def rotated(path, since, most=10):
    """A log file and its rotated predecessors that reach into the window, newest first.

    :param most: predecessors
    """
    folder, name = os.path.split(path)
    older = []
    try:
        entries = os.listdir(folder)
    except OSError:
        entries = []
    for entry in entries:
        rest = entry[len(name) :]
        if not entry.startswith(name) or not re.match(r"[.-][\d.]+(?:\.(?:gz|xz|bz2))?$", rest):
            continue
        try:
            changed = os.stat(os.path.join(folder, entry)).st_mtime
        except OSError:
            continue
        if changed >= since:
            older.append((changed, os.path.join(folder, entry)))
    return [path] + [place for changed, place in sorted(older, reverse=True)[:most]]


def offset_before(handle, size, moment, now):
    """Where to begin reading a log file to see every line from a moment on: there or a little before it.

    :returns: 0 when its lines bear no time
    """
    low, high = 0, size
    while high - low > 2 * _PROBE:
        middle = (low + high) // 2
        found = moment_near(handle, middle, now)
        if found is None:
            return 0
        if found < moment:
            low = middle
        else:
            high = middle
    return low


def moment_near(handle, place, now):
    """Time of the first line that begins at or after a place of a file, or None when there is none near."""
    handle.seek(max(0, place - 1))
    lines = handle.read(_PROBE).split(b"\n")
    for line in lines[1 if place else 0 :]:
        found = parse_moment(line[:80].decode("utf-8", "replace"), now)[0]
        if found is not None:
            return found
    return None


def moment_of(line, now):
    """Time of one line (bytes), or None."""
    return parse_moment(line[:40].decode("ascii", "replace"), now)[0]


def last_moment(piece, now, default):
    """Time of the last line of a piece (bytes) that bears one."""
    for line in reversed(piece[-_PROBE:].split(b"\n")[1:]):
        found = parse_moment(line[:80].decode("utf-8", "replace"), now)[0]
        if found is not None:
            return found
    return default
