# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a log: accounts that submit, and addresses that fail to log in.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.sketch import block
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# Accounts and addresses remembered, and names remembered of each: the least active are forgotten first.
_KEPT = 500
_NAMES = 64
_SHOWN = 10


class Account(object):
    """What one account did."""

    def __init__(self):
        self.messages = self.recipients = self.failed = 0
        self.sources, self.blocks, self.failed_sources = set(), set(), set()
        self.first = self.last = None

    def weight(self):
        """What decides who is forgotten."""
        return (self.messages + self.failed, self.recipients)


class Source(object):
    """What one address did that failed to log in."""

    def __init__(self):
        self.failed = 0
        self.accounts = set()
        self.succeeded = False

    def weight(self):
        """What decides who is forgotten."""
        return (self.succeeded, self.failed)


class People(object):
    """Bounded maps of accounts, of failing sources, and of successes after failures."""

    def __init__(self):
        self._accounts, self._sources, self._after = {}, {}, {}
        self.messages = 0

    def submitted(self, account, source, recipients, moment):
        """An account's message entered the queue."""
        self.messages += 1
        record = self._account(account)
        record.messages += 1
        record.recipients += recipients
        record.first = moment if record.first is None else min(moment, record.first)
        record.last = moment if record.last is None else max(moment, record.last)
        _note(record.sources, source)
        _note(record.blocks, block(source))
        self.succeeded(account, source)

    def failed(self, account, source, attempts):
        """Logins failed; the account may be unknown (empty)."""
        record = self._sources.get(source)
        if record is None:
            record = self._sources[source] = Source()
            if len(self._sources) > 2 * _KEPT:
                self._sources = _busiest(self._sources)
        record.failed += attempts
        if account:
            _note(record.accounts, account)
            owner = self._account(account)
            owner.failed += attempts
            _note(owner.failed_sources, source)

    def succeeded(self, account, source):
        """A login succeeded."""
        record = self._sources.get(source)
        if record is not None and record.failed:
            record.succeeded = True
            if (account, source) in self._after or len(self._after) < 2 * _KEPT:
                self._after.setdefault((account, source), record.failed)

    def _account(self, name):
        record = self._accounts.get(name)
        if record is None:
            record = self._accounts[name] = Account()
            if len(self._accounts) > 2 * _KEPT:
                self._accounts = _busiest(self._accounts)
        return record

    def accounts(self):
        """The contract's C(accounts): the busiest first, then those that failed most."""
        order = sorted(
            self._accounts.items(),
            key=lambda entry: (-entry[1].recipients, -entry[1].messages, -entry[1].failed, entry[0]),
        )
        return [
            {
                "name": clean(name, 120),
                "messages": record.messages,
                "recipients": record.recipients,
                "sources": len(record.sources),
                "blocks": len(record.blocks),
                "share": round(record.messages / float(self.messages), 3) if self.messages else 0.0,
                "failed": record.failed,
                "failed_sources": len(record.failed_sources),
                "first": record.first,
                "last": record.last,
            }
            for name, record in order[:_SHOWN]
        ]

    def sources(self):
        """The contract's C(sources): the addresses that failed most."""
        order = sorted(self._sources.items(), key=lambda entry: (-entry[1].failed, entry[0]))
        return [
            {
                "address": clean(name, 60),
                "block": clean(block(name), 60),
                "failed": record.failed,
                "accounts": len(record.accounts),
                "succeeded": record.succeeded,
            }
            for name, record in order[:_SHOWN]
        ]

    def after_failures(self):
        """The contract's C(successes_after_failures): the most failures first."""
        order = sorted(self._after.items(), key=lambda entry: (-entry[1], entry[0]))
        return [
            {"account": clean(account, 120), "source": clean(source, 60), "failed_before": failed}
            for (account, source), failed in order[:_SHOWN]
        ]


def _note(names, name):
    if name and len(names) < _NAMES:
        names.add(name)


def _busiest(records):
    order = sorted(records.items(), key=lambda entry: entry[1].weight(), reverse=True)
    return dict(order[:_KEPT])
