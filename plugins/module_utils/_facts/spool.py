# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Postfix queue as files: counting, ages, and C(postqueue -j).

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json
import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import filesystems, postfix
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

QUEUES = ("incoming", "active", "deferred", "hold", "corrupt", "maildrop")
# Reading the arrival time out of a queue file is dearer than counting it.
MOST_FILES, MOST_OPENED = 200000, 1500
_POSTQUEUE_TIMEOUT_S = 5.0
_POSTQUEUE_BYTES = 4 << 20
_TOP = 5
# Record of type T: one byte of length, then seconds and microseconds since the epoch as text.
_ARRIVAL = re.compile(rb"T[\x05-\x20](\d{9,11})(?: |\.)\d{1,6}")
# What the SMTP client says of a server that answers nothing at all; the name may be a literal address.
_CONNECT_TIMEOUT = re.compile(r"connect to \S+\[[0-9A-Fa-f.:]+\]:\d+: Connection timed out$")
_NORMAL = (
    (re.compile(r"\[\d{4}-\d\d-\d\d[^\]]*\]"), "[TIME]"),
    (re.compile(r"\S*\[[0-9A-Fa-f.:/\w-]*\](?::\d+)?"), "HOST"),
    (re.compile(r"name=\S+"), "name=NAME"),
    (re.compile(r"<[^<>]*>"), "<>"),
    (re.compile(r"\b[\w.+-]+@[\w.-]+"), "ADDRESS"),
    (re.compile(r"\bhost \S+"), "host HOST"),
    (re.compile(r"\b(?=\w*\d)[0-9A-Za-z]{10,}\b"), "ID"),
)


def postqueue(context):
    """Shared look: C(postqueue -j) as a _run.Result, or None when Postfix is not installed.

    It talks to showq, which the master starts: a hung master, or a spool without inodes, keeps it for ever.
    """
    if not context.shared(postfix.installed):
        return None
    return context.run(["postqueue", "-j"], _POSTQUEUE_TIMEOUT_S, _POSTQUEUE_BYTES)


def arrival_time(path, limit: int = 512):
    """When a message was queued, by the time record at the head of its queue file; None when there is none yet."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        match = _ARRIVAL.search(os.read(number, limit))
    except OSError:
        return None
    finally:
        os.close(number)
    return int(match.group(1)) if match else None


class Scan(object):
    """Counts, bytes and ages of the queue directories, bounded in entries and time."""

    def __init__(self, folder, now, deadline):
        self.folder, self.now, self.deadline = folder, now, deadline
        self.counts, self.bytes, self.oldest = {}, {}, {}
        # Ages of the messages whose arrival was read, by queue.
        self.ages = {}
        self.truncated = False
        self.errors = []
        self._seen = 0
        self._opened = 0

    def run(self):
        """Look at every queue; the small ones that say most come first."""
        for name in ("hold", "corrupt", "maildrop", "incoming", "active", "deferred"):
            self.counts[name], self.bytes[name], self.oldest[name] = 0, 0, None
            self._walk(name, os.path.join(self.folder, name), 0)
        return self

    def _walk(self, name, folder, depth):
        try:
            entries = os.scandir(folder)
        except OSError as error:
            if depth == 0:
                self.errors.append("{0}: {1}".format(name, error.strerror or error))
            return
        sick = []
        for entry in filesystems.readable(entries, sick):
            self._seen += 1
            if self._seen > MOST_FILES or not self._seen % 256 and time.monotonic() >= self.deadline:
                self.truncated = True
                return
            try:
                if entry.is_dir(follow_symlinks=False):
                    if depth < 4:
                        self._walk(name, entry.path, depth + 1)
                    continue
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            self.counts[name] += 1
            self.bytes[name] += info.st_size
            self._age(name, entry.path, info)
        # What lies behind a damage was not counted. Told once a queue: as many errors as queues mean none was read.
        if sick and not any(error.startswith(name + ": ") for error in self.errors):
            self.errors.append("{0}: {1}".format(name, sick[0].strerror or sick[0]))

    def _age(self, name, path, info):
        moment = None
        if self._opened < MOST_OPENED:
            self._opened += 1
            moment = arrival_time(path)
            if moment is not None:
                self.ages.setdefault(name, []).append(max(0.0, self.now - moment))
        if moment is None:
            # Postfix sets the modification time of a deferred file to its next attempt, which may lie ahead.
            moment = min(info.st_mtime, info.st_ctime)
        age = max(0.0, self.now - moment)
        if self.oldest[name] is None or age > self.oldest[name]:
            self.oldest[name] = round(age, 1)


def median(numbers):
    """The middle one, or None of none."""
    ordered = sorted(numbers)
    return round(ordered[len(ordered) // 2], 1) if ordered else None


def normal_reason(text):
    """A delay reason without what differs from message to message, so that equal reasons count together."""
    for pattern, word in _NORMAL:
        text = pattern.sub(word, text)
    return clean(text, 160)


def parse_postqueue(data):
    """What C(postqueue -j) says, one JSON object per line.

    :param data: bytes; a last line without its end is left out
    :returns: dict of counts, oldest (epoch per queue), destinations, senders, reasons (dicts of name to recipients),
        connect_timeouts (see below), recipients, messages
    """
    counts, oldest = {}, {}
    destinations, senders, reasons = {}, {}, {}
    messages, recipients, delayed, silent = 0, 0, 0, {}
    for line in data.split(b"\n")[:-1]:
        try:
            entry = json.loads(line.decode("utf-8", "replace"))
            queue, arrived = entry.get("queue_name"), entry.get("arrival_time")
            people = entry.get("recipients") or []
        except (ValueError, AttributeError, RecursionError):
            continue
        messages += 1
        queue = queue if queue in QUEUES else "other"
        counts[queue] = counts.get(queue, 0) + 1
        if isinstance(arrived, int) and arrived > 0:
            oldest[queue] = min(arrived, oldest.get(queue, arrived))
        sender = clean(entry.get("sender") or "<>", 120)
        senders[sender] = senders.get(sender, 0) + 1
        for person in people if isinstance(people, list) else []:
            if not isinstance(person, dict):
                continue
            recipients += 1
            domain = clean(str(person.get("address", "")).rpartition("@")[2].lower(), 120)
            destinations[domain] = destinations.get(domain, 0) + 1
            if person.get("delay_reason"):
                raw = str(person["delay_reason"])[:1000]
                reason = normal_reason(raw)
                reasons[reason] = reasons.get(reason, 0) + 1
                delayed += 1
                if _CONNECT_TIMEOUT.match(raw):
                    silent[domain] = silent.get(domain, 0) + 1
    return {
        "counts": counts,
        "oldest": oldest,
        "destinations": destinations,
        "senders": senders,
        "reasons": reasons,
        "connect_timeouts": connect_timeouts(silent, delayed),
        "recipients": recipients,
        "messages": messages,
    }


def connect_timeouts(silent, delayed):
    """How much of the delayed mail waits because no server of its domain took the connection.

    :param silent: dict of such a domain to its recipients
    :param delayed: recipients with any reason
    """
    count = sum(silent.values())
    return {
        "destinations": len(silent),
        "recipients": count,
        "share": round(count / float(delayed), 3) if delayed else 0.0,
        "names": sorted(silent, key=lambda name: (-silent[name], name))[:_TOP],
    }


def top(table, total):
    """The most frequent names of a table as the contract's {name, count, share}."""
    ordered = sorted(table.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP]
    return [
        {"name": name, "count": count, "share": round(count / float(total), 3) if total else 0.0}
        for name, count in ordered
    ]
