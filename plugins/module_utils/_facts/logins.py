# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When single users last logged in, and from where they failed to: read from the log for those who were asked for.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import log, logfiles, logread
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# Where Dovecot is often told to write; it counts even when its configuration cannot be asked.
_OWN_FILE = "/var/log/dovecot.log"
_LINES, _BYTES, _SECONDS, _SHOWN = 4000, 8 << 20, 1.5, 5
# Before 2.4 a good one is "Login: user=<", from 2.4 on "Logged in: user=<"; a bad one is
# "(auth failed, 3 attempts in 12 secs): user=<alice>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.17, TLS"
_LOGIN = re.compile(
    r"\b(imap|pop3|managesieve|submission)-login: (?:Info: )?"
    r"(?:(?P<good>Login|Logged in)|[^<>]*\((?:auth failed|password expired|user disabled)[^<>]*\)"
    r"|[^<>]*Maximum number[^<>]*)"
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
    """Lines about logins at the end of every log file that Dovecot may write to, oldest first.

    :returns: list of lines, or None when no file could be read
    """
    paths = [path for path, families in log.log_files(context) if "mda" in families]
    if context.path(_OWN_FILE) not in paths:
        paths.append(context.path(_OWN_FILE))
    found, opened, start = [], False, time.monotonic()
    for place, path in enumerate(paths):
        # A long file leaves the others their share of the time.
        stop = start + _SECONDS * (place + 1) / len(paths)
        try:
            found += _of_file(context, path, stop)
            opened = True
        except OSError:
            continue
    # Files overlap in time, and the last login is the last of all of them.
    return [line for dummy, line in sorted(found, key=lambda one: one[0])] if opened else None


def _of_file(context, path, stop):
    """Lines about logins at the end of a log file, as a list of (epoch, line).

    :param stop: time.monotonic() after which the rest is left unread
    :raises OSError: when it cannot be read
    """
    since, found = context.now - float(context.options["log_window"]), []
    for segment in reversed(list(logfiles.segments(path, since, context.now, _BYTES)[0])):
        for piece in segment:
            for line in piece.split(b"\n"):
                if b"-login: " in line:
                    text = line.decode("utf-8", "replace")
                    moment = logread.parse_moment(text, context.now)[0]
                    if moment is not None:
                        found.append((moment, text))
            if time.monotonic() >= stop:
                return found
    return found
