# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IMAP, POP3, ManageSieve and SSH against stub servers."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.probe.stubs import names, probe, stub

ACCOUNT = {"user": "probe", "password": 'pass"word\\'}


def imap_script(greeting=b"* OK stub ready\r\n", certificate=None, capability=b"IMAP4rev1", implicit=False, **answers):
    def tagged(text, untagged=b""):
        return lambda talk: talk.say(untagged + talk.stub.heard[-1].split()[0] + b" " + text + b"\r\n")

    def upgrade(talk):
        tagged(b"OK begin")(talk)
        talk.secure(certificate)
        talk.answer(inside)

    inside = {
        b"CAPABILITY": tagged(b"OK done", b"* CAPABILITY " + capability + b"\r\n"),
        b"LOGIN": tagged(b"OK [CAPABILITY IMAP4rev1] Logged in"),
        b"SELECT": tagged(b"OK [READ-WRITE] done", b"* 3 EXISTS\r\n* 0 RECENT\r\n"),
        b"LOGOUT": tagged(b"OK done", b"* BYE see you\r\n"),
    }
    inside.update((verb.encode(), tagged(reply)) for verb, reply in answers.items())
    outside = dict(inside)
    if certificate and not implicit:
        outside[b"CAPABILITY"] = tagged(b"OK done", b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n")
        outside[b"STARTTLS"] = upgrade

    def script(talk):
        if implicit:
            talk.secure(certificate)
        talk.say(greeting)
        talk.answer(outside)

    return script


def test_imap():
    with stub(imap_script()) as server:
        record = probe("imap", server.port)
    assert record["outcome"] == "ok"
    assert record["text"] == "stub ready"
    assert names(record) == ["connect", "banner", "capability", "quit"]
    assert record["rungs"][2]["text"] == "IMAP4rev1"
    assert server.heard == [b"t1 CAPABILITY", b"t9 LOGOUT"]


def test_imap_starttls_login_select():
    with stub(imap_script(certificate="expired")) as server:
        record = probe("imap", server.port, account=ACCOUNT)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "banner", "capability", "starttls", "capability", "login", "select", "quit"]
    assert record["certificate"]["subject"] == "CN=old.example.org"
    assert b't4 LOGIN "probe" "pass\\"word\\\\"' in server.heard
    assert server.heard[-1] == b"t9 LOGOUT"


def test_imaps():
    with stub(imap_script(certificate="good", implicit=True)) as server:
        record = probe("imaps", server.port, account=ACCOUNT)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "tls", "banner", "capability", "login", "select", "quit"]


@pytest.mark.parametrize(
    "text", [b"NO [AUTHENTICATIONFAILED] Authentication failed.", b"NO [UNAVAILABLE] Temporary authentication failure."]
)
def test_imap_login_refused(text):
    with stub(imap_script(LOGIN=text)) as server:
        record = probe("imap", server.port, account=ACCOUNT)
    assert (record["outcome"], record["rung"], record["code"]) == ("auth_error", "login", "NO")
    assert record["text"] == text[3:].decode()
    assert "SELECT" not in repr(server.heard)
    assert server.heard[-1] == b"t9 LOGOUT"


def test_imap_mailbox_damaged():
    with stub(imap_script(SELECT=b"NO [SERVERBUG] Internal error occurred")) as server:
        record = probe("imap", server.port, account=ACCOUNT)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "select", "NO")


def test_imap_login_disabled_is_not_a_failure():
    with stub(imap_script(capability=b"IMAP4rev1 LOGINDISABLED")) as server:
        record = probe("imap", server.port, account=ACCOUNT)
    assert record["outcome"] == "ok"
    assert "login not tried" in record["text"]
    assert not any(b"LOGIN " in line for line in server.heard)


def test_imap_greeting_that_says_bye():
    with stub(imap_script(b"* BYE too many connections\r\n")) as server:
        record = probe("imap", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "banner", "BYE")
    assert record["text"] == "too many connections"


def test_imap_bye_in_the_middle():
    def script(talk):
        talk.say(b"* OK stub\r\n")
        talk.hear()
        talk.say(b"* BYE shutting down\r\n")

    with stub(script) as server:
        record = probe("imap", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "capability", "BYE")
    assert record["text"] == "shutting down"


POP3 = {
    b"CAPA": b"+OK\r\nTOP\r\nUIDL\r\n.\r\n",
    b"USER": b"+OK\r\n",
    b"PASS": b"+OK Logged in.\r\n",
    b"STAT": b"+OK 2 320\r\n",
    b"QUIT": b"+OK bye\r\n",
}


def pop3_script(certificate=None, implicit=False, **answers):
    replies = {**POP3, **{verb.encode(): reply for verb, reply in answers.items()}}

    def upgrade(talk):
        talk.say(b"+OK begin\r\n")
        talk.secure(certificate)
        talk.answer(replies)

    def script(talk):
        if implicit:
            talk.secure(certificate)
        talk.say(b"+OK stub\r\n")
        if certificate and not implicit:
            talk.answer({**replies, b"CAPA": b"+OK\r\nSTLS\r\n.\r\n", b"STLS": upgrade})
        else:
            talk.answer(replies)

    return script


def test_pop3():
    with stub(pop3_script()) as server:
        record = probe("pop3", server.port)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "banner", "capability", "quit"]
    assert server.heard == [b"CAPA", b"QUIT"]


def test_pop3_stls_and_login():
    with stub(pop3_script("good")) as server:
        record = probe("pop3", server.port, account={"user": "probe", "password": "secret"})
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "banner", "capability", "starttls", "login", "stat", "quit"]
    assert server.heard[-4:] == [b"USER probe", b"PASS secret", b"STAT", b"QUIT"]
    assert record["rungs"][-2]["text"] == "2 320"


def test_pop3s_login_refused():
    with stub(pop3_script("good", True, PASS=b"-ERR [AUTH] Authentication failed.\r\n")) as server:
        record = probe("pop3s", server.port, account={"user": "probe", "password": "secret"})
    assert (record["outcome"], record["rung"], record["code"]) == ("auth_error", "login", "-ERR")
    assert server.heard[-1] == b"QUIT"


def test_pop3_without_capa():
    with stub(pop3_script(CAPA=b"-ERR unknown command\r\n")) as server:
        record = probe("pop3", server.port)
    assert record["outcome"] == "ok"


def test_pop3_greeting_that_refuses():
    def script(talk):
        talk.say(b"-ERR [SYS/TEMP] disk full\r\n")
        talk.answer(POP3)

    with stub(script) as server:
        record = probe("pop3", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "banner", "-ERR")


CAPABILITIES = b'"IMPLEMENTATION" "Stub Sieve"\r\n"SASL" "PLAIN"\r\n'


def test_sieve():
    def script(talk):
        talk.say(CAPABILITIES + b'OK "ready"\r\n')
        talk.answer({b"LOGOUT": b'OK "bye"\r\n'})

    with stub(script) as server:
        record = probe("sieve", server.port)
    assert record["outcome"] == "ok"
    assert record["text"] == "Stub Sieve"
    assert names(record) == ["connect", "banner", "quit"]


def test_sieve_starttls():
    def upgrade(talk):
        talk.say(b"OK\r\n")
        talk.secure("expired")
        talk.say(CAPABILITIES + b"OK\r\n")
        talk.answer({b"LOGOUT": b"OK\r\n"})

    def script(talk):
        talk.say(CAPABILITIES + b'"STARTTLS"\r\nOK "ready"\r\n')
        talk.answer({b"STARTTLS": upgrade})

    with stub(script) as server:
        record = probe("sieve", server.port)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "banner", "starttls", "capability", "quit"]
    assert record["certificate"]["subject"] == "CN=old.example.org"


def test_sieve_bye():
    with stub(lambda talk: talk.say(b'BYE "too busy"\r\n')) as server:
        record = probe("sieve", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "banner", "BYE")


def test_ssh_reads_the_banner_and_says_good_bye():
    def script(talk):
        talk.say(b"welcome\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
        talk.hear()

    with stub(script) as server:
        record = probe("ssh", server.port)
    assert record["outcome"] == "ok"
    assert record["text"] == "SSH-2.0-OpenSSH_9.2p1 Debian-2"
    assert names(record) == ["connect", "banner", "quit"]
    assert server.heard == [b"SSH-2.0-mailops.triage"]


def test_ssh_that_is_full():
    with stub(lambda talk: talk.say(b"Exceeded MaxStartups\r\n")) as server:
        record = probe("ssh", server.port)
    assert (record["outcome"], record["rung"]) == ("protocol_error", "banner")
    assert "Exceeded MaxStartups" in record["text"]
