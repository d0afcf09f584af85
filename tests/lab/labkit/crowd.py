# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A crowd of mail clients in one process: any number of source addresses, real dialogues, all counted.

The addresses are those of 198.18.0.0/15 (kept free for such use, RFC 2544). One route at the router and one in the
namespace of dept-b make all of them exist there, so that a client binds to whichever it likes.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import dataclasses
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from . import client, net, plan
from .shell import ip

NETWORK = "198.18.0.0/15"
HOME = "dept-b"
GONE = ("refused", "unreachable", "timeout connect", "error connect")
"""Answers after which there is nobody to talk to: the host is being reset, or was never there."""


def route() -> None:
    """Let the addresses of the crowd exist; harmless when they do."""
    ip(f"-n {plan.namespace(plan.ROUTER)} route replace {NETWORK} via {plan.address(HOME)}")
    ip(f"-n {plan.namespace(HOME)} route replace local {NETWORK} dev lo")


@contextlib.contextmanager
def at_home() -> Iterator[None]:
    """Live where the addresses of the crowd are; threads that are started meanwhile do so too."""
    route()
    with net.inside(plan.namespace(HOME)):
        yield


def addresses(rng: random.Random, count: int, block: str | None = None) -> list[str]:
    """Distinct source addresses: all of one /24 ("198.18.7"), or each of a block of its own."""
    if block:
        return [f"{block}.{last}" for last in rng.sample(range(1, 255), count)]
    # The blocks below 198.19 are left to those that a caller names.
    return [f"198.19.{third}.{rng.randrange(1, 255)}" for third in rng.sample(range(256), count)]


@dataclasses.dataclass
class Message:
    """What one transaction carries."""

    sender: str
    recipients: list[str]
    ident: str
    subject: str = "Lab message"

    def text(self) -> str:
        """Header and body, without the closing dot."""
        head = f"From: <{self.sender or 'mailer-daemon@example.test'}>\r\nTo: {self.recipients[0]}\r\n"
        return f"{head}Message-ID: <{self.ident}>\r\nSubject: {self.subject}\r\n\r\nLab message."


class Tally:
    """What a crowd met with, counted by word; shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.counts: collections.Counter[str] = collections.Counter()
        self.in_vain = 0

    def add(self, word: str, number: int = 1) -> None:
        """Count something that happened."""
        with self._lock:
            self.counts[word] += number

    def ended(self, answer: str) -> None:
        """Count how a dialogue ended; many in a row that did not even connect mean that the host has gone."""
        with self._lock:
            self.counts[answer if answer == "ok" else f"ended: {answer[:40]}"] += 1
            self.in_vain = self.in_vain + 1 if answer.startswith(GONE) else 0


def smtp(
    address: str, source: str, messages: Iterable[Message], tally: Tally, login: str | None = None, stay: float = 0.0
) -> None:
    """Send messages over one connection: port 25, or submission when somebody logs in; stay for some seconds."""
    service = "submission" if login else "smtp"
    answer = "ok"
    try:
        talk = client.Dialogue(address, client.PORTS[service], 20.0, source=source)
        with talk.sock:
            greet(talk, login)
            for message in messages:
                _transaction(talk, message, tally)
            time.sleep(stay)
            talk.smtp("quit", "QUIT")
    except client.Bad as bad:
        answer = str(bad)
    tally.ended(answer)


def greet(talk: client.Dialogue, login: str | None) -> None:
    """Begin an SMTP dialogue; over submission with TLS and a login."""
    talk.smtp("banner", None)
    talk.smtp("ehlo", "EHLO client.example.test")
    if login:
        talk.smtp("starttls", "STARTTLS")
        talk.tls()
        talk.smtp("ehlo", "EHLO client.example.test")
        token = base64.b64encode(f"\0{login}\0{plan.ACCOUNTS[login]}".encode()).decode()
        talk.smtp("auth", f"AUTH PLAIN {token}")


def _transaction(talk: client.Dialogue, message: Message, tally: Tally) -> None:
    talk.smtp("mail", f"MAIL FROM:<{message.sender}>")
    taken = 0
    for recipient in message.recipients:
        talk.send("rcpt", f"RCPT TO:<{recipient}>")
        answer = talk.line()
        if answer.startswith("2"):
            taken += 1
        else:
            tally.add("rejected")
            if answer.startswith("421"):
                raise client.Bad(answer)
    if taken:
        talk.smtp("data", "DATA", "3")
        talk.smtp("dot", message.text() + "\r\n.")
        tally.add("accepted")
    else:
        talk.smtp("rset", "RSET")


def imap_login(address: str, source: str, user: str, password: str, tally: Tally, stay: float = 0.0) -> None:
    """Log in over IMAP with TLS, stay for some seconds, log out."""
    answer = "ok"
    try:
        talk = client.Dialogue(address, client.PORTS["imaps"], 20.0, source=source)
        with talk.sock:
            talk.tls()
            with talk.sock:
                talk.greeting("* OK")
                talk.imap("login", f"LOGIN {user} {password}")
                tally.add("logins")
                time.sleep(stay)
                talk.send("logout", "a LOGOUT")
    except client.Bad as bad:
        answer = str(bad)
        if "AUTHENTICATIONFAILED" in answer:
            tally.add("failed logins")
    tally.ended(answer)


def sasl_login(address: str, source: str, user: str, password: str, tally: Tally) -> None:
    """Log in over submission, and leave."""
    answer = "ok"
    try:
        talk = client.Dialogue(address, client.PORTS["submission"], 20.0, source=source)
        with talk.sock:
            talk.smtp("banner", None)
            talk.smtp("ehlo", "EHLO client.example.test")
            talk.smtp("starttls", "STARTTLS")
            talk.tls()
            talk.smtp("ehlo", "EHLO client.example.test")
            talk.smtp("auth", "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())
            talk.smtp("quit", "QUIT")
            tally.add("logins")
    except client.Bad as bad:
        answer = str(bad)
        if answer.startswith("535"):
            tally.add("failed logins")
    tally.ended(answer)


def idle(address: str, source: str, service: str, seconds: float, tally: Tally) -> None:
    """Connect, take what the server says, and say nothing until the server or the time ends it."""
    answer = "ok"
    try:
        talk = client.Dialogue(address, client.PORTS[service], seconds, source=source)
        with talk.sock:
            while True:
                talk.line()
    except client.Bad as bad:
        answer = str(bad)
    tally.ended(answer)


def together(
    width: int,
    jobs: Iterable[Callable[[], None]],
    tally: Tally,
    seconds: float,
    rate: float = 0.0,
    alive: Callable[[], bool] = lambda: True,
) -> None:
    """Run jobs on so many threads until they, or the time, or the host has ended.

    :param rate: most jobs begun in a second; 0: as many as go
    :param alive: false when the host that all this is meant for is no more; another one may have its address
    """
    begun = time.monotonic()
    lock, waiting = threading.Lock(), enumerate(jobs)

    def worker() -> None:
        while time.monotonic() < begun + seconds and tally.in_vain < 4 * width and alive():
            with lock:
                number, job = next(waiting, (0, None))
            if job is None:
                return
            if rate:
                time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            job()

    with ThreadPoolExecutor(max_workers=width) as pool:
        for running in [pool.submit(worker) for _number in range(width)]:
            running.result()
