# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who takes the room of a mail store: the largest mailboxes, how they grew, and who leaves all mail on the server.

Nothing in a mailbox is opened, and nothing is removed there: its owner is asked.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json
import os

from ansible_collections.mailops.triage.plugins.module_utils._aid import state
from ansible_collections.mailops.triage.plugins.module_utils._facts import mailboxes, postfix

FILE = "mailboxes.json"
_MOST_BYTES, _MOST_REMEMBERED = 1 << 18, 500
_LEFT_MESSAGES = 1000
"""With fewer old messages in the INBOX nobody is said to leave them there."""
_DAY = 86400.0
# A look a moment later says nothing about how fast a mailbox grows.
_APART_S = 0.5 * _DAY


def look(context, folder=state.FOLDER, remember=True):
    """The owners of the largest and of the fullest mailboxes.

    :param context: a _facts.context.Context
    :param folder: where sizes are remembered from one look to the next
    :param remember: false to leave what is remembered as it is
    :returns: (list of records, the largest first; list of notes)
    """
    facts = mailboxes.collect(context)
    found = {}
    for one in facts["largest"] + facts["crowded"]:
        found.setdefault(one["user"], one)
    before = _read(folder)
    domain = postfix.value(context, "myorigin") if context.shared(postfix.installed) else ""
    records = [_record(one, domain, before.get(user), context.now) for user, one in found.items()]
    records.sort(key=lambda one: (-one["bytes"], one["user"]))
    notes = context.notes("mailboxes")
    if not facts["complete"]:
        notes.append("not every mailbox was counted: {0} of {1}".format(facts["counted"], facts["accounts"]))
    if remember and records:
        problem = _write(folder, _merged(before, records, context.now))
        if problem:
            notes.append("the sizes could not be remembered for the next look: {0}".format(problem))
    return records, notes


def _record(one, domain, before, now):
    user, size = one["user"], one["bytes"] or 0
    inbox, old = one["inbox_messages"] or 0, one["inbox_old"] or 0
    grown = days = None
    if before and now - before["at"] >= _APART_S:
        grown, days = size - before["bytes"], round((now - before["at"]) / _DAY, 1)
    return {
        "user": user,
        "address": user if "@" in user else user + "@" + domain if domain and not domain.startswith("/") else None,
        "bytes": size,
        "messages": one["messages"],
        "inbox_messages": inbox,
        "inbox_old": old,
        # Read long ago, and still there: what a program does that fetches and never deletes.
        "leaves_on_server": old >= _LEFT_MESSAGES and 2 * old >= inbox and 10 * (one["inbox_unseen"] or 0) <= inbox,
        "grown_bytes": grown,
        "grown_days": days,
    }


def _merged(before, records, now):
    """What is to be remembered: a size stays until it is old enough to be compared with."""
    kept = dict(before)
    for one in records:
        known = kept.get(one["user"])
        if known is None or now - known["at"] >= _APART_S:
            kept[one["user"]] = {"at": round(now, 1), "bytes": one["bytes"]}
    latest = sorted(kept.items(), key=lambda pair: -pair[1]["at"])[:_MOST_REMEMBERED]
    return dict(latest)


def _read(folder):
    """Sizes by user as they were remembered; a file that cannot be understood is none."""
    try:
        number = os.open(os.path.join(folder, FILE), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as stream:
            found = json.loads(stream.read(_MOST_BYTES).decode("utf-8"))
        return {
            str(user): {"at": float(one["at"]), "bytes": int(one["bytes"])} for user, one in found["mailboxes"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write(folder, sizes):
    """Remember sizes, whole or not at all; returns what went wrong, or an empty text."""
    path = os.path.join(folder, FILE)
    try:
        state.State(folder).prepare()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        number = os.open(path + ".new", flags, 0o600)
        with os.fdopen(number, "wb") as stream:
            stream.write(json.dumps({"mailboxes": sizes}, sort_keys=True).encode())
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(path + ".new", path)
    except (OSError, state.StateError) as error:
        return str(error)
    return ""
