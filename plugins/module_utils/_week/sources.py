# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading weeks of the mail log, newest first, in bounded time and memory.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    journal,
    log,
    logfiles,
    logpass,
    logread,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.module_utils._week.slots import Slots

_MAIL = ("mta", "mda")
# Daily rotation, and some to spare.
_PREDECESSORS = 100
# The time limit ends the reading, not the size.
_NO_LIMIT = 1 << 50
# One call of journalctl: a few seconds and at most so much memory.
_JOURNAL_LINES, _JOURNAL_BYTES = 50000, 8 << 20


class Source(object):
    """What one source of lines told.

    :ivar oldest: epoch from which on it was read, or None
    :ivar whole: it was read as far back as was asked for, or as it reaches
    """

    def __init__(self, name, families, now):
        self.name, self.families = name, families
        self.slots = Slots(now)
        self.oldest, self.whole, self.notes = None, True, []

    def note(self, text):
        """Something a person should know."""
        note = "%s: %s" % (clean(self.name, 200), text)
        if note not in self.notes:
            self.notes.append(note)


def read(context):
    """All sources that together tell of the mail system.

    :returns: (list of Source, list of notes on others)
    """
    book = context.shared(journal.look)
    newest = journal.newest_mail(book)
    files = [log.look_at(path, families, context.now, newest) for path, families in log.log_files(context)]
    notes = ["%s: %s" % (one.record["name"], one.record["reason"]) for one in files if not one.record["readable"]]
    files = [one for one in files if one.current and one.families & set(_MAIL)]
    known = journal.reach(book)
    rest = set(_MAIL) - set().union(*[one.families for one in files])
    rest = {name for name in rest if known[name] != float("inf")}
    left = len(files) + bool(rest)
    sources = []
    for one in files:
        source = Source(one.record["name"], one.families & set(_MAIL), context.now)
        # Each gets its share of the time, and what others have left over.
        _file(context, one.path, source, time.monotonic() + context.left() / left)
        sources.append(source)
        left -= 1
    if rest:
        source = Source("journal", rest, context.now)
        _journal(context, source, book.oldest)
        sources.append(source)
    if not sources and book.reason:
        notes.append("journal: " + book.reason)
    return sources, notes + [note for source in sources for note in source.notes]


def _since(context):
    return context.now - float(context.options["log_window"])


def _pass(context, source, until=None):
    lines = logpass.Pass(source.slots, None, _since(context), context.now, until)
    lines.source(source.families)
    return lines


def _file(context, name, source, deadline):
    """Count a log file and its predecessors."""
    lines, since = _pass(context, source), _since(context)
    try:
        hosts = logfiles.hosts(name, logfiles.own_names(context))
    except OSError as error:
        source.note(clean(error.strerror or error, 120))
        return
    if hosts is not None and not hosts:
        source.note("its lines are of other hosts")
        return
    for path in logread.rotated(name, since, _PREDECESSORS):
        try:
            # Damage in a file leaves a hole in the log, which is found like any other.
            if not _segments(context, path, source, lines, hosts, deadline):
                source.whole = False
                source.note("no time was left to read further back")
                return
        except OSError as error:
            source.note("%s: %s" % (clean(path, 200), clean(error.strerror or error, 120)))


def _segments(context, path, source, lines, hosts, deadline):
    """Count one file.

    :returns: false when the time was over before its end: then what was read of its last part does not count
    """
    for part in logfiles.segments(path, _since(context), context.now, _NO_LIMIT)[0]:
        lines.oldest = None
        for piece in part:
            if time.monotonic() >= deadline:
                return False
            lines.feed(piece, path, hosts)
        if lines.oldest is not None:
            source.oldest = lines.oldest if source.oldest is None else min(source.oldest, lines.oldest)
    return True


def _journal(context, source, oldest):
    """Count the journal, backwards, one call of journalctl after the other."""
    begin = _since(context)
    begin = int(begin if oldest is None else max(begin, oldest))
    until = int(context.now) + 1
    while until > begin and context.left() > 0:
        text, whole, dummy = journal.flow_text(context, begin, until, _JOURNAL_LINES, _JOURNAL_BYTES)
        lines, edge = text.split(b"\n"), begin
        if not whole:
            lines, edge = _whole_seconds(lines, context.now)
            if edge is None:
                source.note("journalctl gave nothing in time")
                break
            # Always further back, even where one second has more lines than are read at once.
            edge = min(edge, until - 1)
        _pass(context, source, until).feed(b"\n".join(reversed(lines)), "journal")
        source.oldest = until = edge
    source.whole = until <= begin
    if not source.whole:
        source.note("no time was left to read further back")


def _whole_seconds(lines, now):
    """Lines that were cut off, the newest first, without those of the last second, of which some are missing.

    :returns: (lines, epoch from which on they are all there); (lines, None) when they bear no time
    """
    # The last one may be torn.
    lines = lines[:-1]
    edge = logread.moment_of(lines[-1], now) if lines else None
    if edge is None:
        return lines, None
    second = lines[-1][:19]
    kept = [line for line in lines if not line.startswith(second)]
    return kept or lines, int(edge) + 1
