# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One record for each user that anything is known of: what the log, the mailbox, the account and a report say.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Nothing is judged here, and most users of a host have no record at all.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]

HITS = {
    "quota": "quota",
    "filter": "sieve_fail",
    "limit": "user_ip_limit",
    "expired": "account_expired",
    "failed": "auth_failed",
    "gave_up": "pop3_gave_up",
    "permission": "mailbox_eacces",
}
"""What a record counts, and the signature whose keys are users."""


def users(document: Document) -> list[Document]:
    """The users of one host, those that were reported first, then by name.

    :param document: of a host, with C(reported)
    """
    found: dict[str, Document] = {}
    mailboxes = document["mailboxes"] or {}
    for user in mailboxes.get("affected", []):
        _reported(_record(found, user["user"] or user["given"]), user)
    for mailbox in [mailbox for name in ("over_quota", "crowded", "largest") for mailbox in mailboxes.get(name, [])]:
        record = _record(found, mailbox["user"])
        record["mailbox"] = record["mailbox"] or mailbox
    for broken in mailboxes.get("broken_filters", []):
        _record(found, broken["user"])["broken_filter"] = broken
    for barred in mailboxes.get("barred") or []:
        _record(found, barred["user"]).update(barred=barred["why"], barred_since=barred["since"])
    log = document["log"] or {}
    for name, signature in HITS.items():
        seen = log.get("signatures", {}).get(signature) or {}
        # Hits from before the daemon's last start, or from before all was well again, are history.
        for key in seen.get("keys", []) if seen.get("current") else []:
            _record(found, key["key"])["hits"][name] = key["count"]
    flow = log.get("flow") or {}
    for account in flow.get("accounts", []):
        if account["name"].lower() in found:
            found[account["name"].lower()]["failed_sources"] = account["failed_sources"]
    sources = [source["address"] for source in flow.get("sources", [])]
    vantages = {view["source"] for view in document["reach"]["vantages"]}
    alone = flow.get("distinct", {}).get("failing_accounts") == 1
    for record in found.values():
        # With one failing account in all the log there is no question whose failures these are.
        if record["hits"]["failed"] and not record["failed_from"] and alone:
            record["failed_from"] = sources
        record["failed_at_vantages"] = bool(record["failed_from"]) and vantages >= set(record["failed_from"])
    return sorted(found.values(), key=lambda record: (not record["reported"], record["user"]))


def _record(found: dict[str, Document], name: str) -> Document:
    """The record of a user, made when there is none yet; Dovecot's names differ in case only by accident."""
    empty: Document = {
        "user": name,
        "reported": False,
        "known": None,
        "mailbox": None,
        "broken_filter": None,
        "barred": None,
        "barred_since": None,
        "banned": None,
        "last_login": None,
        "failed": None,
        "last_failed": None,
        "failed_from": [],
        "failed_sources": None,
        "failed_at_vantages": False,
        "hits": dict.fromkeys(HITS, 0),
    }
    return found.setdefault(name.lower(), empty)


def _reported(record: Document, user: Document) -> None:
    logins = user["logins"] or {}
    record.update(
        reported=True,
        known=user["known"],
        mailbox=user["mailbox"],
        broken_filter=user["broken_filter"],
        barred=user["barred"],
        barred_since=user["barred_since"],
        banned=user["banned"],
        last_login=logins.get("last"),
        failed=logins.get("failed"),
        last_failed=logins.get("last_failed"),
        failed_from=logins.get("failed_from", []),
    )
