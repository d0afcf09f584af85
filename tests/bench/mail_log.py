# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail log as a busy host writes it, of any size: the same seed gives the same lines."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

HOST = "mx1"
QUEUE = "0123456789ABCDEF"


class Writer:
    """Invents the life of one message or login after the other."""

    def __init__(self, seed: int, classic: bool) -> None:
        self.random = random.Random(seed)
        self.classic = classic
        self.now = 0.0
        self.clients = [self._client() for dummy in range(20000)]
        self.people = [f"user{number}@dom{number % 40}.example" for number in range(5000)]
        self.remote = [f"name{number}@site{number % 3000}.test" for number in range(60000)]

    def _client(self) -> str:
        address = ".".join(str(self.random.randrange(1, 255)) for dummy in range(4))
        return (
            f"mail.host{self.random.randrange(9999)}.test[{address}]"
            if self.random.random() < 0.7
            else f"unknown[{address}]"
        )

    def line(self, tag: str, message: str) -> str:
        """One line now."""
        whole = time.gmtime(self.now)
        if self.classic:
            stamp = time.strftime("%b %e %H:%M:%S", whole)
        else:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", whole) + f".{int(self.now % 1 * 1e6):06d}+00:00"
        return f"{stamp} {HOST} {tag}: {message}\n"

    def event(self) -> Iterator[str]:
        """Lines of one event: a message in, a message out, a login, a refusal."""
        draw = self.random.random()
        if draw < 0.40:
            yield from self._inbound()
        elif draw < 0.58:
            yield from self._outbound()
        elif draw < 0.82:
            yield from self._login()
        elif draw < 0.97:
            yield from self._refused()
        else:
            yield self.line(
                f"postfix/anvil[{self._pid()}]", f"statistics: max connection rate 9/60s for (smtp:{self._client()})"
            )

    def _pid(self) -> int:
        return self.random.randrange(1000, 1400)

    def _queue_id(self) -> str:
        return "".join(self.random.choices(QUEUE, k=11))

    def _inbound(self) -> Iterator[str]:
        choose, queue = self.random.choice, self._queue_id()
        client, smtpd = choose(self.clients), f"postfix/smtpd[{self._pid()}]"
        sender, recipient = choose(self.remote), choose(self.people)
        yield self.line(smtpd, f"connect from {client}")
        if self.random.random() < 0.8:
            yield self.line(
                smtpd,
                f"Anonymous TLS connection established from {client}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
                "(256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256",
            )
        yield self.line(smtpd, f"{queue}: client={client}")
        yield self.line(
            f"postfix/cleanup[{self._pid()}]",
            f"{queue}: message-id=<{self.random.getrandbits(60):x}@{sender.split('@')[1]}>",
        )
        yield self.line(
            "postfix/qmgr[911]",
            f"{queue}: from=<{sender}>, size={self.random.randrange(900, 90000)}, nrcpt=1 (queue active)",
        )
        yield self.line(smtpd, f"disconnect from {client} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7")
        user = recipient.split("@")[0]
        yield self.line(
            "dovecot",
            f"lmtp({user})<{self._pid()}><{queue}AAA>: msgid=<{self.random.getrandbits(60):x}@x>: saved mail to INBOX",
        )
        yield self.line(
            f"postfix/lmtp[{self._pid()}]",
            f"{queue}: to=<{recipient}>, relay=mx1.example[private/dovecot-lmtp], delay=0.14, "
            f"delays=0.1/0.01/0.02/0.02, dsn=2.0.0, status=sent (250 2.0.0 <{recipient}> {queue}AAA Saved)",
        )
        yield self.line("postfix/qmgr[911]", f"{queue}: removed")

    def _outbound(self) -> Iterator[str]:
        choose, queue = self.random.choice, self._queue_id()
        client, smtpd = choose(self.clients), f"postfix/submission/smtpd[{self._pid()}]"
        sender, count = choose(self.people), self.random.choice((1, 1, 1, 1, 2, 3, 8))
        yield self.line(smtpd, f"connect from {client}")
        yield self.line(smtpd, f"{queue}: client={client}, sasl_method=PLAIN, sasl_username={sender}")
        yield self.line(
            f"postfix/cleanup[{self._pid()}]", f"{queue}: message-id=<{self.random.getrandbits(60):x}@mx1.example>"
        )
        yield self.line(
            "postfix/qmgr[911]",
            f"{queue}: from=<{sender}>, size={self.random.randrange(900, 900000)}, nrcpt={count} (queue active)",
        )
        yield self.line(
            smtpd, f"disconnect from {client} ehlo=2 starttls=1 auth=1 mail=1 rcpt={count} data=1 quit=1 commands=8"
        )
        for dummy in range(count):
            recipient = choose(self.remote)
            mx = f"mx.{recipient.split('@')[1]}"
            if self.random.random() < 0.15:
                yield self.line(
                    f"postfix/smtp[{self._pid()}]",
                    f"connect to {mx}[192.0.2.{self._pid() % 250}]:25: Connection timed out",
                )
                dsn, ending = "4.4.1", f"deferred (connect to {mx}[192.0.2.77]:25: Connection timed out)"
            elif self.random.random() < 0.04:
                said = f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"
                dsn, ending = "5.1.1", f"bounced (host {mx}[192.0.2.77] said: {said} (in reply to RCPT TO command))"
            else:
                dsn, ending = "2.0.0", f"sent (250 2.0.0 Ok: queued as {queue[::-1]})"
            yield self.line(
                f"postfix/smtp[{self._pid()}]",
                f"{queue}: to=<{recipient}>, relay={mx}[192.0.2.77]:25, delay=1.4, delays=0.1/0.01/0.9/0.4, dsn={dsn}, "
                f"status={ending}",
            )
        yield self.line("postfix/qmgr[911]", f"{queue}: removed")

    def _login(self) -> Iterator[str]:
        user, address = self.random.choice(self.people), self.random.choice(self.clients).split("[")[1][:-1]
        session, process = f"{self.random.getrandbits(90):x}", self._pid()
        if self.random.random() < 0.1:
            yield self.line(
                "dovecot",
                f"imap-login: Disconnected: Connection closed (auth failed, 2 attempts in 4 secs): user=<{user}>, "
                f"method=PLAIN, rip={address}, lip=192.0.2.21, TLS, session=<{session}>",
            )
            return
        yield self.line(
            "dovecot",
            f"imap-login: Login: user=<{user}>, method=PLAIN, rip={address}, lip=192.0.2.21, mpid={process}, "
            f"TLS, session=<{session}>",
        )
        yield self.line(
            "dovecot",
            f"imap({user})<{process}><{session}>: Disconnected: Logged out in=94 out=829 deleted=0 expunged=0 "
            "trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0",
        )

    def _refused(self) -> Iterator[str]:
        client, smtpd = self.random.choice(self.clients), f"postfix/smtpd[{self._pid()}]"
        sender, recipient = self.random.choice(self.remote), self.random.choice(self.people)
        yield self.line(smtpd, f"connect from {client}")
        draw = self.random.random()
        if draw < 0.4:
            address = client.split("[")[1][:-1]
            why = f"554 5.7.1 Service unavailable; Client host [{address}] blocked using dnsbl.example"
        elif draw < 0.7:
            why = f"450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted, see http://grey.example/"
        elif draw < 0.9:
            why = f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table"
        else:
            yield self.line(smtpd, f"warning: {client}: SASL LOGIN authentication failed: UGFzc3dvcmQ6")
            yield self.line(smtpd, f"lost connection after AUTH from {client}")
            yield self.line(smtpd, f"disconnect from {client} ehlo=1 auth=0/1 commands=1/2")
            return
        yield self.line(
            smtpd,
            f"NOQUEUE: reject: RCPT from {client}: {why}; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<h.test>",
        )
        yield self.line(smtpd, f"disconnect from {client} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4")


def write(path: Path, size: int, until: float, seconds: float, seed: int = 1, classic: bool = False) -> int:
    """Write a log that ends at a moment and covers so many seconds; answer with the number of its lines."""
    writer = Writer(seed, classic)
    lines = written = 0
    with path.open("w", encoding="utf-8") as log:
        while written < size:
            writer.now = until - seconds + seconds * written / size
            for line in writer.event():
                log.write(line)
                written += len(line)
                lines += 1
    return lines
