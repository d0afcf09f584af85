# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: one call of journalctl, and how far it reaches.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils._facts import logpass, logread, postfix, units
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# Lines of one journalctl call: on a busy host minutes, on a quiet one the whole window. Older trouble is then looked
# for among the warnings alone.
_NEWEST_LINES = 500
_WARNING_LINES = 500
_KERNEL_LINES = 300
_TOLD = re.compile("[Ll]ink (?:is )?(?:[Uu]p|[Dd]own)|carrier|SYN flooding")
# Lines of the hour for the flow, where no log file tells it.
_FLOW_LINES = 20000
_HEAD = 65536
_JOURNAL_FOLDERS = ("/var/log/journal", "/run/log/journal")
_MTA_IN_JOURNAL = re.compile(r'"SYSLOG_IDENTIFIER":"[\w.-]+/')
_MDA_IN_JOURNAL = re.compile(r'"SYSLOG_IDENTIFIER":"dovecot"')


class Journal(object):
    """What one journalctl call gave: text of JSON lines (newest first) and how far it reaches."""

    def __init__(self, texts=(), reason="", oldest=None, newest=None, truncated=False, readable=False):
        self.texts = list(texts)
        self.reason = reason
        self.oldest = oldest
        self.newest = newest
        self.truncated = truncated
        self.readable = readable


def kernel_talk(context):
    """Shared look: the newest of what the kernel says without alarm, as text of JSON lines."""
    since = context.now - float(context.options["log_window"])
    result = context.run(logread.kernel_command(since, _KERNEL_LINES), float(context.options["log_seconds"]))
    if result.status != "ok":
        return ""
    return "\n".join(line for line in result.out.decode("utf-8", "replace").split("\n") if _TOLD.search(line))


def look(context):
    """Shared look: the journal's lines of the mail system, PID 1 and the kernel, as a Journal."""
    span = logread.journal_span([context.path(folder) for folder in _JOURNAL_FOLDERS])
    since = context.now - float(context.options["log_window"])
    own, about = _journal_units(context)
    limit, seconds = int(context.options["log_bytes"]), float(context.options["log_seconds"])
    result = context.run(logread.journal_command(since, _NEWEST_LINES, own, about), seconds, limit)
    if result.status == "ok" and result.rc and b"unrecognized option" in result.err:
        result = context.run(logread.journal_command(since, _NEWEST_LINES, own, about, fields=False), seconds, limit)
    if result.status in ("missing", "failed"):
        return Journal(reason="journalctl " + result.status, oldest=span[0], newest=span[1])
    text = result.out.decode("utf-8", "replace")
    reason = clean(result.err, 200)
    if result.status == "timeout":
        reason = "journalctl did not end within %.1f s" % result.seconds
    found = Journal([text], reason, span[0], span[1], readable=result.rc == 0 or bool(text))
    cut = result.truncated or result.status == "timeout" or text.count("\n") >= _NEWEST_LINES
    if cut:
        found.truncated = True
        seen = _last_moment(text)
        if seen is not None and result.status != "timeout":
            # A syslog daemon on a full disk complains for every line it cannot write: not here.
            daemons = [name for name in own if name != "rsyslog.service"]
            older = context.run(
                logread.journal_command(since, _WARNING_LINES, daemons, about, priority=4, until=seen), seconds, limit
            )
            if older.status in ("ok", "timeout"):
                found.texts.append(older.out.decode("utf-8", "replace"))
    return found


def _journal_units(context):
    present = context.shared(units.unit_files)
    own = [
        name
        for name in units.MTA_UNITS + units.MDA_UNITS + ("rsyslog.service",)
        if name in present or name == "postfix@-.service" and "postfix@.service" in present
    ]
    for master in context.shared(postfix.mail).masters.values():
        name = units.owning_unit(context, master.pid) if master is not None else None
        if name is not None and name not in own:
            own.append(name)
    neighbours = set(context.shared(units.companions).values())
    neighbours.update(name for names in units.RESOLVER_UNITS.values() for name in names if name in present)
    return own, own + sorted(neighbours)


def _last_moment(text):
    """Time of the oldest complete line of a text that begins with the newest, or None."""
    end = text.rfind("\n")
    line = logread.parse_journal_line(text[text.rfind("\n", 0, end) + 1 : end]) if end > 0 else None
    return line.when if line else None


def newest_mail(book):
    """Time of the newest line of a mail daemon among those that journalctl gave, or None."""
    for text in book.texts[:1]:
        for line in text[:_HEAD].split("\n"):
            if _MTA_IN_JOURNAL.search(line) or _MDA_IN_JOURNAL.search(line):
                parsed = logread.parse_journal_line(line)
                return parsed.when if parsed else None
    return None


def flow_text(context, since, until=None, lines=_FLOW_LINES, limit=None, seconds=None):
    """Lines of the mail system, newest first, in the form of a log file: for hosts without files.

    :param lines: most lines
    :param limit: most bytes; the option C(log_bytes) without it
    :param seconds: most seconds; the option C(log_seconds) without it
    :returns: (bytes, whether all were given, reason why not)
    """
    own = _journal_units(context)[0]
    argv = ["journalctl", "-q", "--no-pager", "-r", "-o", "short-iso", "--since=@%d" % since]
    argv += [] if until is None else ["--until=@%d" % until]
    argv += ["-n", str(lines), "SYSLOG_FACILITY=2"]
    for name in own:
        argv += ["+", "_SYSTEMD_UNIT=" + name]
    seconds = float(context.options["log_seconds"] if seconds is None else seconds)
    result = context.run(argv, seconds, int(limit or context.options["log_bytes"]))
    if result.status == "timeout":
        return result.out, False, "journalctl did not end within %.1f s" % result.seconds
    if result.status != "ok":
        return result.out, False, "journalctl " + result.status
    whole = not result.truncated and result.out.count(b"\n") < lines
    return result.out, whole, "" if whole else "more lines than the journal is read for"


def reach(book, told=frozenset()):
    """From when on each family's lines are known from the journal; infinity when it does not have them.

    The kernel and PID 1 always speak to journald. The mail system may write files of its own (C(maillog_file),
    C(log_path)) or speak to a syslog daemon directly, so it must have been seen in the journal.
    """
    never = float("inf")
    if not book.readable or book.oldest is None:
        return dict.fromkeys(logpass.FAMILIES, never)
    known = dict.fromkeys(("kernel", "systemd", "other"), book.oldest)
    # Fail2ban writes a file of its own.
    known["bans"] = never
    for name, pattern in (("mta", _MTA_IN_JOURNAL), ("mda", _MDA_IN_JOURNAL)):
        known[name] = book.oldest if any(pattern.search(text) for text in book.texts) else never
        if book.truncated and name in told and known[name] != never:
            edge = _last_moment(book.texts[0])
            known[name] = never if edge is None else edge
    return known


def source(book):
    """The contract's record of the journal as a source."""
    return {
        "kind": "journal",
        "name": "journal",
        "readable": book.readable,
        "newest": book.newest,
        "oldest": book.oldest,
        "lines": sum(text.count("\n") for text in book.texts),
        "reason": book.reason,
    }
