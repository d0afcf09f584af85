# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: every message that a server has accepted is in a mailbox or in the queue, once.

The server's word is the 250 after the final dot. Whoever hears nothing after the dot does not know (RFC 5321, 4.5.4.2:
it may have been accepted): such a message may be there or not. All others were refused, and nobody counts on them.

Between Postfix and the mailbox server it is the same (RFC 1047): a Dovecot that is stopped in the right millisecond has
saved a message and answers "421 Shutting down", a Postfix that is stopped has not yet noted that it was saved. Postfix
keeps the message, as it must, and delivers it again. Such a message counts as delivered again where the host's own mail
log shows that Postfix has it once and heard of one success at most, and as doubled where it does not.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from labkit import host

SEARCH = Path(__file__).with_name("search.py")
MAIL_LOG = "/var/log/mail.log"
_TAKEN = re.compile(r"postfix/cleanup\[\d+\]: (\w+): message-id=<([^@>]+)@")
_SENT = re.compile(r"postfix/lmtp\[\d+\]: (\w+): to=<.* status=sent ")
_SAVED = re.compile(r"dovecot: lmtp\(.*msgid=<([^@>]+)@[^>]*>: saved mail to ")


@dataclasses.dataclass(frozen=True)
class Balance:
    """What became of the messages of one host."""

    accepted: int
    delivered: int
    queued: int
    doubtful: int
    """Without an answer after the dot; those of them that are there are among delivered and queued."""
    lost: tuple[str, ...]
    """Accepted, and nowhere."""
    doubled: tuple[str, ...]
    """In the same mailbox more than once, or in a mailbox and still in the queue."""
    again: tuple[str, ...]
    """There twice, too, for Postfix did not hear, or had no time to note, that they were saved."""
    strange: tuple[str, ...]
    """There, although it was refused."""

    @property
    def even(self) -> bool:
        """Is nothing missing, and nothing there twice?"""
        return not (self.lost or self.doubled or self.strange)

    def __str__(self) -> str:
        text = f"{self.accepted} accepted, {self.delivered} delivered, {self.queued} in the queue"
        text += f", {self.doubtful} without an answer" if self.doubtful else ""
        text += f", {len(self.again)} delivered again" if self.again else ""
        for word in ("lost", "doubled", "strange"):
            names = getattr(self, word)
            text += f", {len(names)} {word.upper()}: {' '.join(names[:5])}" if names else ""
        return text


class Ledger:
    """Who writes down what the server said; shared by the threads of the load."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.accepted: set[str] = set()
        self.doubtful: set[str] = set()
        self.refused = 0

    def accept(self, ident: str) -> None:
        """The server said 250 after the dot."""
        with self._lock:
            self.doubtful.discard(ident)
            self.accepted.add(ident)

    def doubt(self, ident: str) -> None:
        """The dot is on its way, and the server has not answered yet."""
        with self._lock:
            self.doubtful.add(ident)

    def refuse(self, ident: str) -> None:
        """The server said no, or the dot was never sent."""
        with self._lock:
            self.doubtful.discard(ident)
            self.refused += 1

    def balance(self, found: Mapping[str, list[str]], log: str = "") -> Balance:
        """Hold what was accepted against what is there.

        :param found: ident -> places: "queue", or a mailbox's name, once for each copy
        :param log: the host's mail log, for what is there twice
        """
        with self._lock:
            accepted, doubtful = set(self.accepted), set(self.doubtful)
        places = {ident: collections.Counter(where) for ident, where in found.items()}
        twice = {ident for ident, where in found.items() if len(where) > 1}
        again = {ident for ident in twice if delivered_again(ident, places[ident], log)}
        return Balance(
            accepted=len(accepted),
            delivered=sum(1 for where in places.values() if set(where) - {"queue"}),
            queued=sum(1 for where in places.values() if set(where) == {"queue"}),
            doubtful=len(doubtful),
            lost=tuple(sorted(accepted - set(places))),
            doubled=tuple(sorted(twice - again)),
            again=tuple(sorted(again)),
            strange=tuple(sorted(set(places) - accepted - doubtful)),
        )


def search(name: str, prefix: str) -> dict[str, list[str]]:
    """Find all messages of a load on a host, in mailboxes and in every part of the queue.

    :param prefix: what their idents begin with
    """
    done = host.enter(name, ["python3", "-", prefix], check=True, timeout=120, stdin=SEARCH.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def delivered_again(ident: str, where: Mapping[str, int], log: str) -> bool:
    """Does the log show that Postfix had this message once, and did not know of all its copies?

    :param where: place -> how many copies
    """
    queue_ids = {queue_id for queue_id, taken in _TAKEN.findall(log) if taken == ident}
    known = sum(queue_id in queue_ids for queue_id in _SENT.findall(log))
    saved = _SAVED.findall(log).count(ident)
    still = where.get("queue", 0)
    return len(queue_ids) == 1 and still <= 1 and known + still <= 1 and saved == sum(where.values()) - still


def settle(ledger: Ledger, name: str, prefix: str) -> Balance:
    """Balance the ledger of a load with what is on its host; only what is there twice needs the host's log."""
    found = search(name, prefix)
    balance = ledger.balance(found)
    if not balance.doubled:
        return balance
    return ledger.balance(found, host.enter(name, ["cat", MAIL_LOG], check=True).stdout)
