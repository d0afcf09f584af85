# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When single users last logged in, and from where they failed to: read from the log for those who were asked for.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import logfiles, logread
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/dovecot.log", "/var/log/syslog", "/var/log/messages")
_LINES, _BYTES, _SECONDS, _SHOWN = 4000, 8 << 20, 1.5, 5
# "(auth failed, 3 attempts in 12 secs): user=<alice>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.17, TLS"
_LOGIN = re.compile(
    r"\b(imap|pop3|managesieve|submission)-login: (?:Info: )?"
    r"(?:(?P<good>Login)|[^<>]*\((?:auth failed|password expired|user disabled)[^<>]*\)|[^<>]*Maximum number[^<>]*)"
    r": user=<(?P<user>.{1,200}?)>, (?:method=[^,]*, )?rip=(?P<rip>[0-9A-Fa-f.:]{2,45}), "
)
_UNIX = re.compile(r"^(\d{9,11}\.\d+) ")


def empty():
    """The record of a user of whom the log says nothing."""
    return {"last": None, "count": 0, "from": [], "failed": 0, "last_failed": None, "failed_from": [], "protocols": []}


def of_users(context, users):
    """Logins of some users within the log's window.

    :param users: names as Dovecot logs them
    :returns: dict of user to a record, see empty(); None when no log could be read
    """
    if not users:
        return {}
    found = {user: empty() for user in users}
    text = _from_journal(context, users)
    if text:
        count(text.splitlines(), found, _unix_moment)
        return found
    lines = _from_files(context)
    if lines is None:
        return None if text is None else found
    count(lines, found, lambda line: logread.parse_moment(line, context.now)[0])
    return found


def count(lines, found, moment):
    """Add lines, oldest first, to the records of users.

    :param found: dict of user to record
    :param moment: function that gives the epoch of a line, or None
    """
    for line in lines:
        match = _LOGIN.search(line[:2000])
        record = found.get(match.group("user")) if match else None
        when = moment(line) if record is not None else None
        if record is None or when is None:
            continue
        if match.group("good"):
            record["last"], place = round(when, 3), record["from"]
            record["count"] += 1
            _note(record["protocols"], match.group(1))
        else:
            record["last_failed"], place = round(when, 3), record["failed_from"]
            record["failed"] += 1
        _note(place, clean(match.group("rip"), 45))


def _note(names, name):
    """Keep the latest few, the last one first."""
    if name in names:
        names.remove(name)
    names.insert(0, name)
    del names[_SHOWN:]


def _unix_moment(line):
    match = _UNIX.match(line)
    return float(match.group(1)) if match else None


def _from_journal(context, users):
    """Lines of the journal, oldest first; None when it cannot be read."""
    since = context.now - float(context.options["log_window"])
    names = "|".join(re.escape(user) for user in users)
    command = ["journalctl", "-q", "--no-pager", "-o", "short-unix", "-t", "dovecot", "--since", "@%d" % since]
    command += ["-n", str(_LINES), "-g", "-login: .*user=<({0})>".format(names)]
    result = context.run(command, timeout=3.0, limit_bytes=_BYTES)
    # It ends with 1 when nothing matches.
    return result.out.decode("utf-8", "replace") if result.status == "ok" and result.rc in (0, 1) else None


def _from_files(context):
    """Lines about logins at the end of the first log file that is there, oldest first; None when there is none."""
    since, stop = context.now - float(context.options["log_window"]), time.monotonic() + _SECONDS
    for name in _FILES:
        found = []
        try:
            for segment in reversed(list(logfiles.segments(context.path(name), since, context.now, _BYTES)[0])):
                for piece in segment:
                    found += [line.decode("utf-8", "replace") for line in piece.split(b"\n") if b"-login: " in line]
                    if time.monotonic() >= stop:
                        return found
        except OSError:
            continue
        return found
    return None
