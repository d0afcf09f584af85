# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send an answer: first what an earlier run could not deliver, then our own; what fails is kept.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import time

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import client
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import Address, AddressError
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.answers import Answer
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.exchange import Trouble
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import Letter
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.outbox import Kept, Outbox, OutboxError

_OTHERS_S = 60.0
"""Seconds that the answers of earlier runs may take."""


@dataclasses.dataclass
class Sent:
    """What came of an answer.

    :ivar outcome: C(created), C(updated), C(added), C(unchanged), C(kept), C(refused), or C(lost) when it could neither
        be delivered nor kept
    :ivar why: why it was not delivered
    :ivar before: the comment that was there, "" where there was none
    :ivar state: was the ticket's state changed?
    :ivar delivered_before: how many answers of earlier runs were delivered now
    :ivar kept: how many answers wait for this ticket system, this one included
    """

    outcome: str = "unchanged"
    why: str = ""
    before: str = ""
    state: bool = False
    delivered_before: int = 0
    kept: int = 0
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Is there anything new, in a ticket or in the outbox?"""
        return self.outcome not in ("unchanged", "refused", "lost") or self.state or bool(self.delivered_before)


class Post:
    """The way to one ticket system.

    :param answer: how it takes answers
    :param where: its address and our login
    :param outbox: where to keep what it does not take now
    """

    def __init__(self, answer: Answer, where: Address, outbox: Outbox, patience: client.Patience) -> None:
        self._answer = answer
        self._where = where
        self._outbox = outbox
        self._patience = patience

    def send(self, letter: Letter, check: bool = False) -> Sent:
        """Send, and never raise for what a ticket system or a disk does.

        :param check: only look what would be sent
        """
        sent = Sent()
        if not check:
            try:
                self._earlier(letter, sent)
            except OutboxError as exc:
                sent.warnings.append(str(exc))
        try:
            done = client.deliver(self._answer, self._where, letter, self._patience, check=check)
        except (Trouble, AddressError) as exc:
            self._failed(letter, exc, check, sent)
        else:
            sent.outcome, sent.before, sent.state = done.comment, done.before, done.state
            if not check:
                self._forget(letter, sent)
        return sent

    def _earlier(self, letter: Letter, sent: Sent) -> None:
        """Deliver what waits, the oldest first, until it is plain that the system takes nothing now."""
        with self._outbox.alone() as alone:
            if not alone:
                return
            waiting, notes = self._outbox.waiting(self._where.url, letter.system, time.time())
            sent.warnings += notes
            end = time.monotonic() + _OTHERS_S
            for number, kept in enumerate(waiting):
                if kept.letter.key == letter.key:
                    # We bring a newer version of the same.
                    continue
                left = end - time.monotonic()
                if left <= 0 or not self._deliver(kept, left, sent):
                    sent.kept = len(waiting) - number
                    return

    def _deliver(self, kept: Kept, seconds: float, sent: Sent) -> bool:
        """Deliver one; false when the system takes nothing now."""
        patience = dataclasses.replace(self._patience, retries=0, seconds=seconds)
        try:
            client.deliver(self._answer, self._where, kept.letter, patience)
        except AddressError:
            return False
        except Trouble as exc:
            if exc.keep:
                sent.kept += 1
                return not exc.again
            sent.warnings.append(f"an answer of run {kept.letter.run} is given up: {exc}")
        else:
            sent.delivered_before += 1
        self._outbox.forget(kept.url, kept.letter)
        return True

    def _failed(self, letter: Letter, exc: Exception, check: bool, sent: Sent) -> None:
        sent.why = str(exc)
        if check:
            sent.outcome = "created"
            sent.warnings.append(f"whether the ticket has this answer already is not known: {exc}")
            return
        if isinstance(exc, Trouble) and not exc.keep:
            sent.outcome = "refused"
            sent.warnings.append(f"the answer to ticket {letter.ticket} is refused: {exc}")
            return
        try:
            sent.warnings += self._outbox.keep(self._where.url, letter, sent.why)
        except OutboxError as problem:
            sent.outcome = "lost"
            sent.warnings.append(
                f"the answer to ticket {letter.ticket} could not be delivered ({exc}) nor kept ({problem})"
            )
            return
        sent.outcome = "kept"
        sent.kept += 1
        sent.warnings.append(f"the answer to ticket {letter.ticket} is kept until a later run delivers it: {exc}")

    def _forget(self, letter: Letter, sent: Sent) -> None:
        """An earlier version of what was delivered must not be delivered after it."""
        try:
            self._outbox.forget(self._where.url, letter)
            self._outbox.forget(self._where.url, letter, earlier=True)
        except OutboxError as exc:
            sent.warnings.append(str(exc))
