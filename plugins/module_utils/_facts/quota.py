# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Dovecot's quota allows, and what it says is used.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import whole

_SETTING = re.compile(r"^\s*([\w/]+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_AMOUNT = re.compile(r"^(\d+)\s*([bkmgt]?)", re.IGNORECASE)
_UNITS = {"b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_MAILDIRSIZE_BYTES = 8192


def amount(text, default="b"):
    """Bytes of a size in Dovecot's writing, or None: C(1G), C(100M), C(5B)."""
    match = _AMOUNT.match(text)
    return int(match.group(1)) << _UNITS[(match.group(2) or default).lower()] if match else None


def parse_rule(text):
    """(bytes, messages) of the part of a quota rule that is for all mailboxes; None where it sets no limit."""
    mailbox, colon, limits = text.partition(":")
    size = count = None
    if mailbox.strip() not in ("*", "?"):
        return None, None
    for part in limits.split(":"):
        name, sign, value = part.partition("=")
        if name == "storage":
            size = amount(value, "k")
        elif name == "bytes":
            size = amount(value)
        elif name == "messages":
            count = int(value) if value.isdigit() else None
    # Nought means: no limit.
    return size or None, count or None


def settings(text):
    """The quota that doveconf's output sets for everybody.

    :returns: {enabled, backend, limit_bytes, limit_messages}
    """
    found: dict = {"enabled": False, "backend": None, "limit_bytes": None, "limit_messages": None}
    for name, value in _SETTING.findall(text):
        if name.rpartition("_")[2] == "plugins" and "quota" in value.strip('"').split():
            found["enabled"] = True
        elif name == "quota" and found["backend"] is None:
            found["backend"] = value.partition(":")[0] or None
        elif name == "quota_rule":
            found["limit_bytes"], found["limit_messages"] = parse_rule(value)
        elif name in ("quota_storage_size", "storage_size"):
            found["limit_bytes"] = amount(value) or None
    return found


def parse_maildirsize(text):
    """What a C(maildirsize) file says: {limit_bytes, limit_messages, bytes, messages}, or None when it says nothing."""
    lines = text.splitlines()
    if not lines:
        return None
    found: dict = {"limit_bytes": None, "limit_messages": None, "bytes": 0, "messages": 0}
    for part in lines[0].split(","):
        part = part.strip()
        if part[-1:] in ("S", "C"):
            found["limit_bytes" if part[-1] == "S" else "limit_messages"] = whole(part[:-1]) or None
    for line in lines[1:]:
        words = line.split()
        numbers = [whole(word[1:] if word.startswith("-") else word) for word in words]
        if len(words) == 2 and None not in numbers:
            found["bytes"] += -numbers[0] if words[0].startswith("-") else numbers[0]
            found["messages"] += -numbers[1] if words[1].startswith("-") else numbers[1]
    return found


def of_mailbox(context, record, common):
    """The quota of one mailbox.

    :param record: of maildir.measure
    :param common: of settings(), for everybody
    :returns: {limit_bytes, limit_messages, used_bytes, used_messages, percent}; limits are None when there is none
    """
    said = None
    if common["backend"] == "maildir":
        # It is the user's: a link in its place could have root open a device, such as the watchdog, which starts it.
        text = procfs.try_text(record["path"] + "/maildirsize", _MAILDIRSIZE_BYTES, os.O_NOFOLLOW)
        said = parse_maildirsize(text)
    found = {
        "limit_bytes": said["limit_bytes"] if said else common["limit_bytes"],
        "limit_messages": said["limit_messages"] if said else common["limit_messages"],
        "used_bytes": said["bytes"] if said else record["bytes"],
        "used_messages": said["messages"] if said else record["messages"],
        "percent": None,
    }
    return with_percent(found)


def with_percent(found):
    """Fill in the larger of the two shares that are used."""
    shares = [
        100.0 * found[used] / found[limit]
        for used, limit in (("used_bytes", "limit_bytes"), ("used_messages", "limit_messages"))
        if found[limit] and found[used] is not None
    ]
    found["percent"] = round(max(shares), 1) if shares else None
    return found


def parse_doveadm(text):
    """The quota that C(doveadm -f tab quota get) tells of one user, in the shape of of_mailbox(), or None."""
    found: dict = {"limit_bytes": None, "limit_messages": None, "used_bytes": None, "used_messages": None}
    for line in text.splitlines()[1:]:
        words = line.split("\t")
        if len(words) < 4 or words[1] not in ("STORAGE", "MESSAGE") or not words[2].isdigit():
            continue
        name, unit = ("bytes", 1024) if words[1] == "STORAGE" else ("messages", 1)
        if found["used_" + name] is None:
            found["used_" + name] = int(words[2]) * unit
            found["limit_" + name] = int(words[3]) * unit if words[3].isdigit() else None
    if found["used_bytes"] is None and found["used_messages"] is None:
        return None
    return with_percent(found)
