# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(mailboxes): the largest mailboxes, quotas, filters and accounts, and the users somebody reported.

Names and sizes only. On a large store not every mailbox can be counted in time: those with the largest directories come
first, and the rest is said to be left out.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    accounts,
    dovecot,
    filesystems,
    filters,
    logins,
    maildir,
    procfs,
    quota,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_SECONDS, _ENTRIES, _MOST_COUNTED = 2.0, 200000, 200
_NO_STORE = "the mail store does not answer"
_NO_DATABASE = "Dovecot's user database does not answer"
_TOP, _MOST_BARRED, _MOST_BROKEN, _MOST_ASKED = 10, 50, 20, 20
_MOST_SERVERS = 50


def collect(context):
    """The C(mailboxes) part of the document; without Dovecot there are no accounts."""
    here = context.shared(dovecot.installed)
    text = dovecot.text(context) if here else ""
    if here and not text:
        context.note("mailboxes", "doveconf does not tell where the mail is")
    where = accounts.location(dovecot.parse_settings(text))
    common = quota.settings(text)
    document = {
        "location": clean(":".join(part for part in where if part), 200) or None,
        "format": where.driver or None,
        "passdb": accounts.drivers(text, "passdb"),
        "quota": common,
    }
    known = _known(context) if text else None if here else []
    barred = context.shared(accounts.barred) if text else None if here else {}
    asked = [str(name) for name in context.options["users"] or []][:_MOST_ASKED]
    budget = maildir.Budget(_ENTRIES, time.monotonic() + _SECONDS)
    named = {name: _find(name, known) for name in asked}
    counted = _count(context, known or [], where.driver, common, budget, [one for one in named.values() if one])
    broken = _broken(text, known or [])
    document.update(_summary(known, counted, budget))
    document["over_quota"] = _over_quota(context, known or [], counted, common)
    document["broken_filters"] = broken[:_MOST_BROKEN]
    document["barred"] = None if barred is None else _barred(barred, known or [])
    document["affected"] = affected = [
        _affected(context, name, named[name], counted, common, barred, broken, text) for name in asked
    ]
    seen = logins.of_users(context, sorted({record["user"] or record["given"] for record in affected}))
    for record in affected:
        record["logins"] = None if seen is None else seen[record["user"] or record["given"]]
    return document


def _known(context):
    """The accounts, or None when the mail store does not answer; nothing is listed before it has."""
    servers = _servers(context)
    bases = context.shared(accounts.bases)
    folders = tuple(base + "/" for base in bases)
    inside = [place for place in sorted(servers) if folders and place.startswith(folders)]
    if not _within_reach(context, bases + inside[:_MOST_SERVERS]):
        return None
    known = context.shared(accounts.known)
    paths = [known[0].path, known[-1].path] if known else []
    used = {place for account in known if servers for place in _above(account.path) if place in servers}
    if not _within_reach(context, paths + sorted(used.difference(inside))[:_MOST_SERVERS]):
        return None
    return known


def _servers(context):
    """Mount points whose files somebody else has to give, as a set."""
    mounts = filesystems.parse_mountinfo(procfs.try_text(context.proc + "/self/mountinfo", 4 << 20))
    return {mount.mount for mount in mounts if filesystems.far(mount)}


def _above(path):
    """A path, and every directory above it."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(2, len(parts) + 1)]


def _within_reach(context, paths) -> bool:
    """Does everything that was asked so far answer? A thread that waits for a dead disk never ends, but a child can."""
    if not paths:
        return True
    if _NO_STORE in context.notes("mailboxes"):
        return False
    result = context.run(["stat", "-c", "%i", "--"] + paths, timeout=3.0, limit_bytes=65536)
    if result.status == "timeout":
        context.note("mailboxes", _NO_STORE)
        return False
    return True


def _find(name, known):
    """The account that a person names: by its full name, else by the part before the "@"."""
    for wanted in (name, name.lower(), name.lower().partition("@")[0]):
        for account in known or []:
            if account.user.lower() == wanted:
                return account
    return None


def _count(context, known, driver, common, budget, first):
    """Records of mailboxes by user: those asked for, then those whose directories are largest."""
    sized = []
    for account in known:
        if time.monotonic() >= budget.deadline:
            break
        sized.append((maildir.bulk(account.path), account))
    sized.sort(key=lambda pair: (-pair[0], pair[1].user))
    order = first + [account for dummy, account in sized if account not in first]
    counted = {}
    for account in order[:_MOST_COUNTED]:
        if budget.spent():
            break
        if account.user in counted:
            continue
        record = maildir.measure(account.path, driver, budget, context.now)
        record["user"] = account.user
        record["owner_matches"] = None if None in (record["owner"], account.uid) else record["owner"] == account.uid
        record["quota"] = quota.of_mailbox(context, record, common)
        counted[account.user] = record
    return counted


def _summary(known, counted, budget):
    present = [record for record in counted.values() if record["exists"]]
    by_bytes = sorted(present, key=lambda record: (-(record["bytes"] or 0), record["user"]))
    by_count = sorted(present, key=lambda record: (-(record["inbox_messages"] or 0), record["user"]))
    return {
        "accounts": None if known is None else len(known),
        "counted": len(counted),
        "entries": budget.seen,
        "complete": known is not None
        and len(counted) == len({account.user for account in known})
        and all(record["complete"] or record["exists"] is False for record in counted.values()),
        "largest": [_shown(record) for record in by_bytes[:_TOP]],
        "crowded": [_shown(record) for record in by_count[:_TOP] if record["inbox_messages"]],
    }


def _over_quota(context, known, counted, common):
    """Mailboxes with nothing left; where Dovecot keeps the sums itself, also those that were not counted here."""
    full = [record for record in counted.values() if record["exists"] and (record["quota"]["percent"] or 0) >= 100]
    stop = time.monotonic() + _SECONDS / 2
    for account in known if common["backend"] == "maildir" else []:
        if time.monotonic() >= stop:
            break
        if account.user not in counted:
            record = maildir.empty(account.path)
            record.update(user=account.user, owner_matches=None, quota=quota.of_mailbox(context, record, common))
            if (record["quota"]["percent"] or 0) >= 100:
                full.append(record)
    return [_shown(record) for record in sorted(full, key=lambda one: (-one["quota"]["percent"], one["user"]))[:_TOP]]


def _shown(record):
    return dict(
        record,
        user=clean(record["user"], 120),
        path=clean(record["path"], 300),
        reason=clean(record["reason"], 120),
    )


def _broken(text, known):
    script, log = filters.places(text)
    found = []
    for account in known:
        record = filters.broken(account, script, log)
        if record is not None:
            found.append(record)
    return sorted(found, key=lambda record: -record["since"])


def _barred(barred, known):
    """Mail users that the password file keeps out; the system's own locked accounts are no news."""
    users = {account.user for account in known}
    return [
        {"user": clean(user, 120), "why": why, "since": since}
        for user, (why, since) in sorted(barred.items())
        if user in users
    ][:_MOST_BARRED]


def _affected(context, name, account, counted, common, barred, broken, text):
    """What is known of one user that somebody reported."""
    looked = _lookup(context, name)
    if account is None and looked["home"]:
        account = _from_lookup(name, looked, text)
    user = account.user if account else None
    mailbox = counted.get(user) if user else None
    if mailbox is None and account is not None and _within_reach(context, [account.path]):
        budget = maildir.Budget(_ENTRIES // 4, time.monotonic() + _SECONDS / 4)
        driver = accounts.location(dovecot.parse_settings(text)).driver
        mailbox = maildir.measure(account.path, driver, budget, context.now)
        mailbox.update(user=user, owner_matches=None)
        mailbox["quota"] = quota.of_mailbox(context, mailbox, common)
    if mailbox is not None and common["enabled"] and common["backend"] != "maildir":
        # A user's own limit may stand in a database that only Dovecot can ask. (Of a Maildir it might count anew, and
        # write down what it counted.)
        mailbox = dict(mailbox, quota=_quota_of(context, user) or mailbox["quota"])
    why, since = (barred or {}).get(user, (None, None))
    return {
        "given": clean(name, 120),
        "user": clean(user, 120) if user else None,
        "known": looked["known"] if looked["known"] is not None else (True if account else None),
        "barred": None if barred is None else (why or ""),
        "barred_since": since,
        "mailbox": _shown(mailbox) if mailbox is not None else None,
        "broken_filter": next((record for record in broken if record["user"] == user), None),
    }


def _lookup(context, name):
    """What Dovecot's user database says of a name; C(known) is None when it could not be asked."""
    found: dict = {"known": None, "user": None, "home": None, "uid": None}
    if not name or name.startswith("-") or any(sign in name for sign in "*?\n"):
        return found
    if any(reason == _NO_DATABASE for reason in context.notes("mailboxes")):
        return found  # asking again would only wait again
    result = context.run(["doveadm", "user", name], timeout=3.0, limit_bytes=65536)
    if result.status == "timeout":
        context.note("mailboxes", _NO_DATABASE)
    if result.status == "ok" and result.rc == 67:
        found["known"] = False
    if result.status != "ok" or result.rc:
        return found
    found["known"] = True
    for line in result.out.decode("utf-8", "replace").splitlines():
        key, tab, value = line.partition("\t")
        if tab and key in found and value:
            found[key] = value.strip()
    return found


def _from_lookup(name, looked, text):
    user = looked["user"] or name
    where = accounts.location(dovecot.parse_settings(text))
    path = accounts.fill(where.template or "~/Maildir", user, looked["home"])
    uid = looked["uid"]
    return accounts.Account(user, looked["home"], int(uid) if uid and uid.isdigit() else None, path) if path else None


def _quota_of(context, user):
    if user.startswith("-"):
        return None
    result = context.run(["doveadm", "-f", "tab", "quota", "get", "-u", user], timeout=3.0, limit_bytes=65536)
    if result.status != "ok" or result.rc:
        return None
    return quota.parse_doveadm(result.out.decode("utf-8", "replace"))
