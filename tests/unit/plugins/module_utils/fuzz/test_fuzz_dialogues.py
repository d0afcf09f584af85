# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every dialogue of the probe, with a server that says damaged things: it always ends in a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mailops.triage.plugins.module_utils._probe import mailbox, smtp, ssh
from ansible_collections.mailops.triage.plugins.module_utils._probe.errors import Failure
from ansible_collections.mailops.triage.plugins.module_utils._probe.job import Job, Setup
from ansible_collections.mailops.triage.plugins.module_utils._probe.options import check_options
from ansible_collections.mailops.triage.plugins.module_utils._probe.session import Session
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.fuzz.damage import QUICK, damaged

SMTP = b"""220 mail1.example.test ESMTP Postfix\r
250-mail1.example.test\r
250-STARTTLS\r
250-AUTH PLAIN LOGIN\r
250 CHUNKING\r
220 2.0.0 Ready to start TLS\r
250-mail1.example.test\r
250 AUTH PLAIN\r
235 2.7.0 Authentication successful\r
250 2.1.0 Ok\r
250 2.1.5 Ok\r
250 2.0.0 Ok\r
221 2.0.0 Bye\r
"""
IMAP = b"""* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] Dovecot ready.\r
* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r
a1 OK Pre-login capabilities listed.\r
a2 OK Begin TLS negotiation now.\r
* CAPABILITY IMAP4rev1 AUTH=PLAIN\r
a3 OK done\r
a4 OK Logged in\r
* 3 EXISTS\r
a5 OK [READ-WRITE] Select completed.\r
* BYE Logging out\r
"""
POP3 = b"""+OK Dovecot ready.\r
+OK\r
CAPA\r
STLS\r
SASL PLAIN\r
.\r
+OK Begin TLS negotiation now.\r
+OK\r
.\r
+OK\r
+OK Logged in.\r
+OK 3 1200\r
+OK Logging out.\r
"""
SIEVE = (
    b'"IMPLEMENTATION" "Dovecot Pigeonhole"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\nOK "Dovecot ready."\r\nOK "bye"\r\n'
)
SSH = b"notice\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\0\0\1\2rest"

DIALOGUES = {
    "smtp": (smtp.smtp, SMTP),
    "submission": (smtp.submission, SMTP),
    "submissions": (smtp.submissions, SMTP),
    "lmtp": (smtp.lmtp, SMTP),
    "imap": (mailbox.imap, IMAP),
    "imaps": (mailbox.imaps, IMAP),
    "pop3": (mailbox.pop3, POP3),
    "pop3s": (mailbox.pop3s, POP3),
    "sieve": (mailbox.sieve, SIEVE),
    "ssh": (ssh.ssh, SSH),
}
OPTIONS = check_options(
    {"account": {"user": "probe", "password": "a-long-secret"}, "recipient": "probe@example.test", "helo": "controller"}
)
SETUP = Setup(OPTIONS)
OUTCOMES = {"ok", "reset", "protocol_error", "auth_error", "tls_error", "temp_error", "perm_error"}


class Recorded(Session):
    """A session whose server has said all it will ever say before it is asked, in pieces; TLS is left out."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(Job("mail1", 0, "smtp", 25, "ipv4", "127.0.0.1", "mail1", False), SETUP)
        self.pieces = pieces

    def connect(self):
        self.connected = True
        yield from ()

    def _transmit(self, data):
        yield from ()

    def _receive(self):
        yield from ()
        if not self.pieces:
            raise Failure("reset", "closed by the peer")
        return self.pieces.pop(0)

    def secure(self):
        yield from ()
        return "TLSv1.3"


def climbed(session, dialogue):
    """Climb to the verdict, which is one of the known ones, and short."""
    assert list(session.climb(dialogue)) == []
    assert session.outcome in OUTCOMES
    assert len(str(session.rungs)) < 12_000 and len(session.text) <= 300


@pytest.mark.parametrize("name", DIALOGUES)
def test_damaged_replies(name):
    dialogue, replies = DIALOGUES[name]

    @QUICK
    @given(damaged(replies), st.integers(1, 400))
    def one(data, size):
        session = Recorded([data[at : at + size] for at in range(0, len(data), size)])
        climbed(session, dialogue)
        assert "a-long-secret" not in str((session.rungs, session.text, session.note))

    one()


@pytest.mark.parametrize("name", DIALOGUES)
def test_replies_without_end(name):
    dialogue, _replies = DIALOGUES[name]
    for endless in (b"220-x\r\n", b"* OK x\r\n", b"+OK x\r\n", b"x", b"\n", b'"A"\r\n'):
        session = Recorded([endless * 2000] * 100)
        climbed(session, dialogue)
        assert session.pieces
