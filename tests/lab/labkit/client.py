# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own small mail client: it says in one short line what a user of a service would see.

It is the yardstick for injections (has the symptom come?) and shares no code with the collection's probe on purpose.

Answers: "ok", "refused", "unreachable", "timeout STEP", "closed STEP", "reset STEP", "tls STEP: why", or the
server's first reply that is not a good one ("452 4.3.1 Insufficient system storage").
"""

from __future__ import annotations

import base64
import errno
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable

PORTS = {"smtp": 25, "submission": 587, "imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "sieve": 4190, "ssh": 22}


class Bad(Exception):
    """The dialogue ended; the text is the answer."""


class Dialogue:
    """One connection with a deadline for each step."""

    def __init__(
        self, address: str, port: int, timeout: float, cafile: str | None = None, source: str | None = None
    ) -> None:
        self.timeout, self.cafile = timeout, cafile
        self.step, self.buffer = "connect", b""
        self.address = address
        origin = (source, 0) if source else None
        self.sock = self._guard(lambda: socket.create_connection((address, port), timeout, origin))

    def _guard(self, action: Callable):
        try:
            return action()
        except ssl.SSLError as wrong:
            raise Bad(f"tls {self.step}: {getattr(wrong, 'verify_message', '') or wrong.reason}") from wrong
        except TimeoutError as late:
            raise Bad(f"timeout {self.step}") from late
        except ConnectionRefusedError as refused:
            raise Bad("refused") from refused
        except ConnectionError as reset:
            raise Bad(f"reset {self.step}") from reset
        except OSError as wrong:
            if wrong.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
                raise Bad("unreachable") from wrong
            raise Bad(f"error {self.step}: {wrong}") from wrong

    def tls(self) -> None:
        self.step = "tls"
        context = ssl.create_default_context(cafile=self.cafile)
        if not self.cafile:  # most looks ask whether the service works, not whether it is trusted
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self.sock = self._guard(lambda: context.wrap_socket(self.sock, server_hostname=self.address))

    def line(self) -> str:
        end = time.monotonic() + self.timeout
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0:
                raise Bad(f"timeout {self.step}")
            self.sock.settimeout(left)
            data = self._guard(lambda: self.sock.recv(4096))
            if not data:
                raise Bad(f"closed {self.step}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode("utf-8", "replace").rstrip("\r")

    def send(self, step: str, text: str) -> None:
        self.step = step
        self._guard(lambda: self.sock.sendall(text.encode() + b"\r\n"))

    def smtp(self, step: str, text: str | None, good: str = "2") -> str:
        if text is not None:
            self.send(step, text)
        self.step = step
        line = self.line()
        while line[3:4] == "-":
            line = self.line()
        if not line.startswith(good):
            raise Bad(line)
        return line

    def imap(self, step: str, text: str) -> list[str]:
        self.send(step, f"a {text}")
        seen = []
        while True:
            line = self.line()
            if line.startswith("* BYE"):
                raise Bad(line)
            if line.startswith("a "):
                if not line.startswith("a OK"):
                    raise Bad(line[2:])
                return seen
            seen.append(line)

    def pop3(self, step: str, text: str | None) -> str:
        if text is not None:
            self.send(step, text)
        self.step = step
        line = self.line()
        if not line.startswith("+OK"):
            raise Bad(line)
        return line

    def greeting(self, good: str) -> None:
        self.step = "banner"
        line = self.line()
        if not line.startswith(good):
            raise Bad(line)


def _smtp(talk: Dialogue, user: str, password: str, recipient: str, body: str | None, auth: bool) -> None:
    talk.smtp("banner", None)
    talk.smtp("ehlo", "EHLO lab.example.test")
    if auth:
        talk.smtp("starttls", "STARTTLS")
        talk.tls()
        talk.smtp("ehlo", "EHLO lab.example.test")
        talk.smtp("auth", "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())
    talk.smtp("mail", f"MAIL FROM:<{user}@example.test>")
    talk.smtp("rcpt", f"RCPT TO:<{recipient}>")
    if body is None:
        talk.smtp("rset", "RSET")
    else:
        talk.smtp("data", "DATA", "3")
        talk.smtp("dot", body + "\r\n.")
    talk.smtp("quit", "QUIT")


def _imap(talk: Dialogue, user: str, password: str, needle: str | None, starttls: bool) -> bool:
    talk.greeting("* OK")
    if starttls:
        talk.imap("starttls", "STARTTLS")
        talk.tls()
    talk.imap("login", f"LOGIN {user} {password}")
    talk.imap("select", "SELECT INBOX")
    found = bool(needle) and talk.imap("search", f"SEARCH HEADER Subject {needle}")[0].split()[2:] != []
    talk.send("logout", "a LOGOUT")
    return found


def _pop3(talk: Dialogue, user: str, password: str, starttls: bool) -> int:
    talk.pop3("banner", None)
    if starttls:
        talk.pop3("stls", "STLS")
        talk.tls()
    talk.pop3("user", f"USER {user}")
    talk.pop3("pass", f"PASS {password}")
    count = int(talk.pop3("stat", "STAT").split()[1])
    talk.pop3("quit", "QUIT")
    return count


def banner(address: str, protocol: str, timeout: float = 3.0) -> str:
    """Say whether a service greets."""
    try:
        talk = Dialogue(address, PORTS[protocol], timeout)
        talk.greeting({"smtp": "2", "submission": "2", "imap": "* OK", "pop3": "+OK", "ssh": "SSH-"}[protocol])
        talk.sock.close()
    except Bad as answer:
        return str(answer)
    return "ok"


def ping(address: str, timeout: float = 2.0) -> str:
    """Say whether the address answers ICMP echo (call it inside the right namespace)."""
    done = subprocess.run(["ping", "-n", "-c", "1", "-W", str(timeout), address], capture_output=True, check=False)
    return "ok" if done.returncode == 0 else "timeout"


def loss(address: str) -> str:
    """Say how many percent of forty echo requests stay without an answer ("loss 48")."""
    command = ["ping", "-n", "-q", "-c", "40", "-i", "0.02", "-W", "1", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"([\d.]+)% packet loss", done.stdout)
    return f"loss {float(found.group(1)):.0f}" if found else "loss 100"


def probe(
    address: str,
    protocol: str,
    user: str,
    password: str,
    recipient: str,
    timeout: float = 4.0,
    cafile: str | None = None,
) -> str:
    """Walk one service as far as a user would without sending anything; return the short line."""
    if protocol == "ping":
        return ping(address, timeout)
    if protocol == "loss":
        return loss(address)
    if protocol == "ssh":
        return banner(address, "ssh", timeout)
    try:
        talk = Dialogue(address, PORTS[protocol], timeout, cafile)
        if protocol in ("imaps", "pop3s"):
            talk.tls()
        if protocol in ("smtp", "submission"):
            _smtp(talk, user, password, recipient, None, protocol == "submission")
        elif protocol.startswith("imap"):
            _imap(talk, user, password, None, protocol == "imap")
        else:
            _pop3(talk, user, password, protocol == "pop3")
        talk.sock.close()
    except Bad as answer:
        return str(answer)
    return "ok"


def send(
    address: str, protocol: str, user: str, password: str, recipient: str, subject: str, timeout: float = 10.0
) -> str:
    """Send one message over smtp or submission; return the short line."""
    body = f"From: {user}@example.test\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nLab message."
    try:
        talk = Dialogue(address, PORTS[protocol], timeout)
        _smtp(talk, user, password, recipient, body, protocol == "submission")
        talk.sock.close()
    except Bad as answer:
        return str(answer)
    return "ok"


def has_message(address: str, user: str, password: str, subject: str, timeout: float = 4.0) -> str:
    """Say "ok" when a message with that subject lies in the user's INBOX, "absent" when it does not."""
    try:
        talk = Dialogue(address, PORTS["imaps"], timeout)
        talk.tls()
        found = _imap(talk, user, password, subject, False)
        talk.sock.close()
    except Bad as answer:
        return str(answer)
    return "ok" if found else "absent"


def count_messages(address: str, user: str, password: str, timeout: float = 4.0) -> int:
    """Return how many messages POP3 offers to a user.

    :raises Bad: the dialogue failed
    """
    talk = Dialogue(address, PORTS["pop3"], timeout)
    count = _pop3(talk, user, password, True)
    talk.sock.close()
    return count
