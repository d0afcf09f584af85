# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(log): which known lines stand in the journal and in the log files.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import stat
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    dovecot,
    journal,
    logread,
    postfix,
    procfs,
    signatures,
    units,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_HOUR = 3600.0
_FILES = [
    ("/var/log/mail.log", {"mta", "mda"}),
    ("/var/log/maillog", {"mta", "mda"}),
    ("/var/log/mail", {"mta", "mda"}),
    ("/var/log/kern.log", {"kernel"}),
    ("/var/log/syslog", {"mta", "mda", "kernel", "systemd", "other"}),
    ("/var/log/messages", {"mta", "mda", "kernel", "systemd", "other"}),
]


class Counter(object):
    """Counts signatures over any number of texts.

    :param since: epoch; older lines do not count
    :param starts: dict of owner to the epoch from which hits are current
    :param deadline: time.monotonic() after which the rest is left uncounted
    """

    def __init__(self, since, now, starts, deadline):
        self.found = {name: signatures.empty() for name in signatures.IDS}
        self.since, self.now, self.starts, self.deadline = since, now, starts, deadline
        self.truncated = False

    def add(self, text, parse, source, until=None):
        """Count the signatures of one text.

        :param parse: logread.parse_journal_line or parse_file_line
        :param source: name that the record gives as its source
        :param until: dict of family to epoch; lines of the family from then on are known from elsewhere
        """
        seen, parsed, rounds = set(), {}, 0
        for signature in signatures.CATALOGUE:
            for needle in signature.needles:
                place = text.find(needle)
                while place >= 0:
                    rounds += 1
                    if not rounds % 256 and time.monotonic() >= self.deadline:
                        self.truncated = True
                        return
                    start = text.rfind("\n", 0, place) + 1
                    end = text.find("\n", place)
                    end = len(text) if end < 0 else end
                    if (start, signature.id) not in seen:
                        seen.add((start, signature.id))
                        if start not in parsed:
                            parsed[start] = self._parse(text, start, end, parse)
                        self._count(signature, parsed[start], source, until)
                    place = text.find(needle, end)

    def _parse(self, text, start, end, parse):
        # A journal line is JSON and only whole; a line of a file may be cut.
        longest = 65536 if parse is logread.parse_journal_line else logread.LONGEST_LINE
        return parse(text[start : min(end, start + longest)], self.now)

    def _count(self, signature, line, source, until):
        if line is None or not line.trusted or line.when is None or not self.since <= line.when <= self.now + _HOUR:
            return
        if until is not None and line.when >= until[family(line.identifier)]:
            return
        if not signatures.matches(signature, line.identifier, line.message):
            return
        record = self.found[signature.id]
        record["count"] += 1
        start = self.starts.get(signature.owner)
        if start is None or line.when >= start:
            record["current"] += 1
        if record["first"] is None or line.when < record["first"]:
            record["first"] = round(line.when, 3)
        if record["last"] is None or line.when >= record["last"]:
            record["last"] = round(line.when, 3)
            record["sample"], record["source"] = clean(line.message), source


def family(identifier):
    """Which log stream an identifier belongs to: mta, mda, kernel, systemd or other."""
    if identifier in ("dovecot", "doveconf", "doveadm"):
        return "mda"
    if identifier in ("kernel", "systemd"):
        return identifier
    return "mta" if "/" in identifier or identifier in ("sendmail", "sm-mta", "exim", "exim4") else "other"


def collect(context):
    """The C(log) part of the document: sources, window_s, truncated, signatures."""
    window = float(context.options["log_window"])
    since = context.now - window
    book = context.shared(journal.look)
    # The time limit is for the processor time of counting; waiting for journalctl had its own.
    counter = Counter(since, context.now, _starts(context), time.monotonic() + float(context.options["log_seconds"]))
    sources = [journal.source(book)]
    for text in book.texts:
        counter.add(text, logread.parse_journal_line, "journal")
    until = journal.reach(book)
    for path, families in _log_files(context):
        sources.append(_read_source(context, path, families, counter, since, until))
    if book.reason:
        context.note("log", book.reason)
    return {
        "sources": sources,
        "window_s": window,
        "truncated": book.truncated or counter.truncated,
        "signatures": counter.found,
    }


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


def _log_files(context):
    """Log files of this host with the families that each is read for: a line that stands in two files counts once."""
    own = []
    if context.shared(postfix.installed):
        own.append((postfix.value(context, "maillog_file"), {"mta"}))
    if context.shared(dovecot.installed):
        values = dovecot.parse_settings(dovecot.text(context))
        own += [(values.get(name, ""), {"mda"}) for name in ("log_path", "info_log_path")]
    seen, found, rest = set(), [], {"mta", "mda", "kernel", "systemd", "other"}
    for name, families in own + _FILES:
        path = context.path(name)
        try:
            info = os.stat(path)
        except OSError:
            continue
        if name.startswith("/") and stat.S_ISREG(info.st_mode) and (info.st_dev, info.st_ino) not in seen:
            seen.add((info.st_dev, info.st_ino))
            shared_file = (name, families) in _FILES
            found.append((path, families & rest if shared_file else families))
            if shared_file:
                rest = rest - families
    return found


def _read_source(context, path, families, counter, since, until):
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
        record["newest"] = _newest(path, context.now)
    except OSError as error:
        record.update(readable=False, reason=clean(error.strerror or error, 120))
        return record
    # Lines of a family from this moment on are known from the journal; of other families no line counts here.
    limits = {name: until[name] if name in families else 0.0 for name in until}
    if max(limits.values()) <= since or time.monotonic() >= counter.deadline:
        record["reason"] = "not read: the journal holds the window" if max(limits.values()) <= since else "no time left"
        return record
    left, stop = int(context.options["log_bytes"]), counter.deadline
    for place in logread.rotated(path, since):
        try:
            text, cut = logread.read_back(place, since, context.now, left, stop, max(limits.values()))
        except OSError as error:
            record["reason"] = clean("{0}: {1}".format(os.path.basename(place), error.strerror or error), 120)
            continue
        left -= len(text)
        counter.truncated = counter.truncated or cut
        counter.add(text, logread.parse_file_line, path, limits)
        record["lines"] += text.count("\n")
        first = logread.parse_moment(text[:80], context.now)[0]
        if first is not None:
            record["oldest"] = first if record["oldest"] is None else min(first, record["oldest"])
        if left <= 0 or time.monotonic() >= stop or first is not None and first < since:
            break
    return record


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
