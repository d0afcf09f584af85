# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much lies in a mailbox: names and sizes only, never a byte of a message.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._text import whole

OLD_DAYS = 90
_DAY = 86400
# Dovecot and most delivery agents write the size into the name: no need to ask the file system.
_SIZE = re.compile(r",S=([0-9]{1,18})(?![0-9])")


class Budget(object):
    """What may still be spent on looking into mailboxes.

    :param entries: most directory entries
    :param deadline: time.monotonic()
    """

    def __init__(self, entries, deadline):
        self.entries, self.deadline = entries, deadline
        self.seen = 0

    def spend(self) -> bool:
        """Count one entry; false when nothing is left."""
        self.seen += 1
        if self.seen > self.entries:
            return False
        return bool(self.seen % 256) or time.monotonic() < self.deadline

    def spent(self) -> bool:
        """Is nothing left?"""
        return self.seen >= self.entries or time.monotonic() >= self.deadline


def bulk(path):
    """A cheap guess at how many messages an INBOX holds: the size of its directories, which grow with their entries."""
    total = 0
    for name in ("cur", "new", "mailboxes", "storage"):
        try:
            total += os.stat(path + "/" + name).st_size
        except OSError:
            continue
    return total


def empty(path):
    """The record of a mailbox nobody has looked into."""
    return {
        "path": path,
        "exists": None,
        "owner": None,
        "bytes": None,
        "messages": None,
        "inbox_messages": None,
        "inbox_old": None,
        "inbox_unseen": None,
        "oldest": None,
        "complete": False,
        "reason": "",
    }


def measure(path, driver, budget, now):
    """Count one mailbox.

    :param driver: C(maildir), or another format, of which only the bytes are counted
    :param budget: a Budget, which is charged
    :returns: see empty(); C(complete) is false when the budget ended before the mailbox did
    """
    record = empty(path)
    try:
        record["owner"] = os.stat(path).st_uid
    except OSError as error:
        # Nothing was delivered yet, or nobody may look: two different answers.
        record["exists"] = False if isinstance(error, FileNotFoundError) else None
        record["reason"] = error.strerror or str(error)
        return record
    record.update(exists=True, bytes=0, complete=True)
    try:
        if driver in ("", "maildir"):
            record.update(messages=0, inbox_messages=0, inbox_old=0, inbox_unseen=0)
            _maildir(path, record, budget, now)
        else:
            _files(path, record, budget)
    except OSError as error:
        record.update(complete=False, reason=error.strerror or str(error))
    return record


def _maildir(path, record, budget, now):
    folders = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
    for number, folder in enumerate([path] + sorted(folders)):
        for name in ("cur", "new"):
            try:
                _messages(folder + "/" + name, record, budget, now, not number)
            except FileNotFoundError:
                continue
            if not record["complete"]:
                return


def _messages(folder, record, budget, now, inbox):
    old = now - OLD_DAYS * _DAY
    with os.scandir(folder) as entries:
        for entry in entries:
            if not budget.spend():
                record["complete"] = False
                return
            name = entry.name
            match = _SIZE.search(name)
            record["bytes"] += int(match.group(1)) if match else _size(entry)
            record["messages"] += 1
            if not inbox:
                continue
            record["inbox_messages"] += 1
            head = name.partition(".")[0]
            when = whole(head) if len(head) < 12 else None
            if when is not None and 0 < when <= now:
                record["inbox_old"] += when < old
                if record["oldest"] is None or when < record["oldest"]:
                    record["oldest"] = when
            flags = name.partition(":2,")[2]
            record["inbox_unseen"] += "S" not in flags


def _size(entry):
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0  # taken away by its owner meanwhile


def _files(path, record, budget):
    """Bytes of a mailbox of another format: a file, or a tree of files."""
    if not os.path.isdir(path):
        record["bytes"] = os.stat(path).st_size
        return
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if not budget.spend():
                    record["complete"] = False
                    return
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    record["bytes"] += _size(entry)
