# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(log): which known lines stand in the journal and in the log files.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import stat
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    baseline,
    dovecot,
    flow,
    flowreport,
    journal,
    logfiles,
    logpass,
    logread,
    postfix,
    procfs,
    tally,
    units,
)
from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_HOUR = 3600.0
# A file whose newest line is this much older than the newest in the journal is not written to any more.
_LAG = 120.0
_FILES = [
    ("/var/log/mail.log", {"mta", "mda"}),
    ("/var/log/maillog", {"mta", "mda"}),
    ("/var/log/mail", {"mta", "mda"}),
    ("/var/log/kern.log", {"kernel"}),
    ("/var/log/fail2ban.log", {"bans"}),
    ("/var/log/syslog", {"mta", "mda", "kernel", "systemd", "other"}),
    ("/var/log/messages", {"mta", "mda", "kernel", "systemd", "other"}),
]


def collect(context):
    """The C(log) part of the document: sources, window_s, truncated, signatures, flow."""
    window = float(context.options["log_window"])
    since = context.now - window
    book = context.shared(journal.look)
    # The time limit is for the processor time of counting; waiting for journalctl had its own.
    reading = _Reading(context, since, time.monotonic() + float(context.options["log_seconds"]))
    sources = [journal.source(book)]
    newest = journal.newest_mail(book)
    files = [look_at(path, families, context.now, newest) for path, families in log_files(context)]
    sources += [one.record for one in files]
    current = set().union(*[one.families for one in files if one.current]) & {"mta", "mda"}
    reading.journal(book, {"mta", "mda"} - current)
    until = journal.reach(book, current)
    for one in files:
        reading.file(one, until)
    if book.reason:
        context.note("log", book.reason)
    reading.lines.finish()
    usual = reading.baseline(book)
    return {
        "sources": sources,
        "window_s": window,
        "truncated": book.truncated or reading.truncated,
        "signatures": reading.tally.finish(),
        "flow": flowreport.report(
            reading.flow, context.now, reading.since(), not reading.reason, reading.reason, usual
        ),
    }


class _File(object):
    """A log file, what it is read for, and whether it is written to."""

    def __init__(self, path, families, record, current):
        self.path, self.families, self.record, self.current = path, families, record, current


def look_at(path, families, now, newest):
    """A log file that was found, with whether it is still written to.

    :param newest: time of the newest line of a mail daemon in the journal, or None
    """
    record = {
        "kind": "file",
        "name": clean(path, 200),
        "readable": True,
        "newest": None,
        "oldest": None,
        "lines": 0,
        "reason": "",
    }
    try:
        record["newest"] = _newest(path, now)
    except OSError as error:
        record.update(readable=False, reason=clean(error.strerror or error, 120))
    moment = record["newest"]
    current = moment is not None and (newest is None or moment >= newest - _LAG)
    return _File(path, families, record, current)


class _Reading(object):
    """One look at the journal and the files, within limits.

    :param deadline: time.monotonic() after which the rest is left unread
    """

    def __init__(self, context, since, deadline):
        self.context, self.window, self.deadline = context, since, deadline
        self.flow = flow.Flow(context.now)
        self.tally = tally.Tally(since, context.now, _starts(context))
        self.lines = logpass.Pass(self.flow, self.tally, since, context.now)
        self.truncated, self.reason = False, ""
        self._since, self._counted, self._from_journal = [], [], set()

    def since(self):
        """Epoch from which on the flow was covered."""
        return max([self.window] + self._since) if self.reason else min(self._since or [self.context.now])

    def _cut(self, reason):
        self.truncated, self.reason = True, reason

    def _late(self):
        return time.monotonic() >= self.deadline

    def journal(self, book, flowing):
        """Count what journalctl gave.

        :param flowing: families whose flow no file tells
        """
        self._from_journal = flowing
        more = book.truncated and bool(flowing)
        rest = set(logpass.FAMILIES) - ({"mta", "mda"} - flowing)
        for place, text in enumerate(book.texts):
            self.lines.source(flowing if not more and place == 0 else ())
            for number, line in enumerate(text.split("\n")):
                if not number % 256 and self._late():
                    self._cut("no time left")
                    return
                parsed = logread.parse_journal_line(line)
                # Beyond its newest lines the journal was only asked for warnings: a file has more.
                if parsed is not None and (place == 0 or logpass.family(parsed.identifier) in rest):
                    self.lines.line(parsed, "journal")
        for line in self.context.shared(journal.kernel_talk).split("\n"):
            self.lines.line(logread.parse_journal_line(line), "journal")
        if flowing and not more and book.readable and book.oldest is not None:
            self._since.append(max(self.window, book.oldest))
        if more:
            text, whole, reason = journal.flow_text(self.context, self.context.now - _HOUR - 60)
            lines = text.split(b"\n")
            first = logread.moment_of(lines[-2], self.context.now) if len(lines) > 1 else None
            self._since.append(self.context.now if first is None else first)
            self.lines.source(flowing)
            self.lines.feed(b"\n".join(reversed(lines)), "journal", until=dict.fromkeys(logpass.FAMILIES, 0.0))
            if not reason and (book.oldest is None or book.oldest < self.context.now - _HOUR - 60):
                reason = "from the journal: the last hour only"
            self.reason = self.reason or reason

    def file(self, one, until):
        """Count what a file and its predecessors hold of the window."""
        record = one.record
        if not record["readable"]:
            return
        flowing = one.families & {"mta", "mda"} if one.current else set()
        # Signatures of a family from this moment on are known from the journal; of other families none count here.
        limits = {name: until[name] if name in one.families else 0.0 for name in until}
        if not flowing and max(limits.values()) <= self.window:
            record["reason"] = "not read: the journal holds the window"
            return
        self.lines.source(flowing)
        try:
            hosts = logfiles.hosts(one.path, logfiles.own_names(self.context))
            if hosts is not None and not hosts:
                record["reason"] = "its lines are of other hosts"
                return
            if flowing:
                self._counted.append((one.path, flowing, hosts))
            self._segments(one, hosts, limits)
        except OSError as error:
            record["reason"] = clean(error.strerror or error, 120)
            # What was counted before the damage counts from its first line on, with a hole behind it.
            self._reached(record)
            self._cut(record["reason"])
        if flowing and record["oldest"] is not None:
            self._since.append(max(self.window, record["oldest"]))

    def baseline(self, book):
        """See baseline.look.

        Today is worth more than earlier days: they get half of the time that today has left over.
        """
        now = time.monotonic()
        deadline = now + min(self.deadline - now, self.context.left()) / 2
        if deadline <= now or not self._counted and not self._from_journal:
            return None
        return baseline.look(self.context, self._counted, (self._from_journal, book.oldest), deadline)

    def _reached(self, record):
        if self.lines.oldest is not None:
            record["oldest"] = min(self.lines.oldest, record["oldest"] or self.lines.oldest)

    def _segments(self, one, hosts, limits):
        record, now, left = one.record, self.context.now, int(self.context.options["log_bytes"])
        for path in logread.rotated(one.path, self.window):
            parts, cut = logfiles.segments(path, self.window, now, left)
            for part in parts:
                self.lines.oldest = None
                for piece in part:
                    if self._late():
                        self._cut("no time left")
                        return
                    self.lines.feed(piece, record["name"], hosts, limits)
                    record["lines"] += piece.count(b"\n")
                left -= part.read
                self._reached(record)
            if cut or left <= 0:
                self._cut("more than may be read")
                return


def _starts(context):
    """From when on hits are current, by owner; an owner without an entry has all its hits current."""
    boot = context.shared(shared.boot_time)
    starts = {"kernel": context.now - _HOUR, "system": context.now - _HOUR}
    masters = context.shared(postfix.mail).masters
    for owner, daemon, names in (("mta", "postfix", units.MTA_UNITS), ("mda", "dovecot", units.MDA_UNITS)):
        if masters[daemon] is not None:
            # Process start times are counted in hundredths of a second: do not lose the daemon's first words.
            starts[owner] = boot + masters[daemon].started / float(procfs.CLOCK_TICKS) - 0.05
            continue
        try:
            shown = context.shared(units.show)
        except Exception:
            continue
        attempts = [units.start_attempt(shown[name], units.monotonic_zero()) for name in names if name in shown]
        attempts = [moment for moment in attempts if moment is not None]
        if attempts:
            starts[owner] = max(attempts) - 1.0
    return starts


def log_files(context):
    """Log files of this host with the families that each is read for: a line that stands in two files counts once."""
    own = []
    if context.shared(postfix.installed):
        own.append((postfix.value(context, "maillog_file"), {"mta"}))
    if context.shared(dovecot.installed):
        values = dovecot.parse_settings(dovecot.text(context))
        own += [(values.get(name, ""), {"mda"}) for name in ("log_path", "info_log_path")]
    seen, found, rest = set(), [], set(logpass.FAMILIES)
    for name, families in own + _FILES:
        path = context.path(name)
        try:
            info = os.stat(path)
        except OSError:
            continue
        if (
            name.startswith("/")
            and stat.S_ISREG(info.st_mode)
            and info.st_size
            and (info.st_dev, info.st_ino) not in seen
        ):
            seen.add((info.st_dev, info.st_ino))
            shared_file = (name, families) in _FILES
            found.append((path, families & rest if shared_file else families))
            if shared_file:
                rest = rest - families
    return found


def _newest(path, now):
    """Time of the last line of a file that has one, else None."""
    with open(path, "rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(0, size - 4096))
        tail = handle.read(4096).decode("utf-8", "replace")
    for line in reversed(tail.splitlines()):
        moment = logread.parse_moment(line, now)[0]
        if moment is not None:
            return moment
    return None
