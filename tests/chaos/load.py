# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered mail by SMTP and submission, and readers over IMAP, while a host breaks and heals."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Sequence

from labkit import client, crowd, plan
from ledger import Ledger

WIDTH = 4
READERS = 1
PATIENCE = 8.0
"""Seconds that a client waits for an answer."""
GAP = 0.05
"""Seconds between two messages of a client; a refusal makes it wait longer."""


USERS = ("alice", "bob")


class Load:
    """What one host gets, from the first message to stop().

    :param recipients: of USERS, who the mail is for
    """

    def __init__(self, host: str, prefix: str, seed: int, recipients: Sequence[str] = USERS) -> None:
        self.host, self.prefix, self.seed, self._recipients = host, prefix, seed, recipients
        self.ledger = Ledger()
        self.fetched = 0
        self._numbers = itertools.count(1)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; call it inside crowd.at_home(), whose threads may use any address."""
        for work in [self._send] * WIDTH + [self._read] * READERS:
            rng = random.Random(f"{self.seed} {self.host} {len(self._threads)}")
            thread = threading.Thread(target=work, args=(rng,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End, after the answers that are still to come."""
        self._over.set()
        for thread in self._threads:
            thread.join(3 * PATIENCE)

    def _send(self, rng: random.Random) -> None:
        source = crowd.addresses(rng, 1)[0]
        while not self._over.is_set():
            login = rng.choice((None, None, *USERS))
            good = self._dialogue(source, login, rng.randrange(1, 6), rng)
            self._over.wait(GAP if good else 0.3 + rng.random())

    def _dialogue(self, source: str, login: str | None, count: int, rng: random.Random) -> bool:
        """Some messages over one connection; whether all were taken."""
        service = "submission" if login else "smtp"
        try:
            talk = client.Dialogue(plan.address(self.host), client.PORTS[service], PATIENCE, source=source)
            with talk.sock:
                crowd.greet(talk, login)
                for _number in range(count):
                    self._message(talk, login, rng)
                    if self._over.is_set():
                        break
                talk.smtp("quit", "QUIT")
        except (client.Bad, OSError):
            return False
        return True

    def _message(self, talk: client.Dialogue, login: str | None, rng: random.Random) -> None:
        ident = f"{self.prefix}{next(self._numbers)}"
        sender = f"{login or f'person{rng.randrange(50)}'}@{plan.DOMAIN if login else 'partner.example'}"
        to = f"{rng.choice(self._recipients)}@{self.host}.{plan.DOMAIN}"
        sent = False
        try:
            talk.smtp("mail", f"MAIL FROM:<{sender}>")
            talk.smtp("rcpt", f"RCPT TO:<{to}>")
            talk.smtp("data", "DATA", "3")
            self.ledger.doubt(ident)
            sent = True
            talk.smtp("dot", crowd.Message(sender, [to], f"{ident}@ledger.example").text() + "\r\n.")
            self.ledger.accept(ident)
        except client.Bad as bad:
            if not sent or str(bad)[:1] in "45":
                self.ledger.refuse(ident)
            raise

    def _read(self, rng: random.Random) -> None:
        source = crowd.addresses(rng, 1)[0]
        while not self._over.is_set():
            try:
                user = rng.choice(USERS)
                talk = client.Dialogue(plan.address(self.host), client.PORTS["imaps"], PATIENCE, source=source)
                with talk.sock:
                    talk.tls()
                    with talk.sock:
                        talk.greeting("* OK")
                        talk.imap("login", f"LOGIN {user} {plan.ACCOUNTS[user]}")
                        talk.imap("select", "SELECT INBOX")
                        self.fetched += len(talk.imap("fetch", "FETCH 1:* FLAGS"))
                        talk.send("logout", "a LOGOUT")
            except (client.Bad, OSError):
                time.sleep(0.5)
            self._over.wait(1.0 + rng.random())
