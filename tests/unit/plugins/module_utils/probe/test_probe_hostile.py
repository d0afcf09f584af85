# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are dead, slow, mad or malicious."""

from __future__ import annotations

import os
import socket
import struct
import threading

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._probe import loop
from ansible_collections.mailops.triage.plugins.module_utils._probe.options import PORTS
from ansible_collections.mailops.triage.plugins.module_utils._probe.sweep import LADDERS
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.probe.stubs import (
    HOSTILE,
    SMTP,
    black_hole,
    closed_port,
    names,
    probe,
    probe_all,
    silent,
    smtp_script,
    stub,
)

# Long enough for a stub thread on a busy machine to say its piece.
SHORT = 0.7
PLAIN = ["smtp", "submission", "imap", "pop3", "lmtp", "sieve", "ssh"]
WRAPPED = ["submissions", "imaps", "pop3s"]


@pytest.fixture(params=["epoll", "selectors"])
def poller(request, monkeypatch):
    """Both ways to wait must end in the same facts."""
    if request.param == "selectors":
        monkeypatch.setattr(loop, "_Epoll", loop._Selector)


def test_every_protocol_has_a_port_and_a_ladder():
    assert set(PORTS) == set(LADDERS) == set(PLAIN + WRAPPED)


@pytest.mark.usefixtures("poller")
def test_refused():
    record = probe("smtp", closed_port())
    assert (record["outcome"], record["rung"]) == ("refused", "connect")


@pytest.mark.usefixtures("poller")
def test_black_hole():
    with black_hole() as port:
        record = probe("smtp", port, timeout=SHORT)
    assert (record["outcome"], record["rung"]) == ("timeout", "connect")
    assert "no answer" in record["text"]


@pytest.mark.usefixtures("poller")
def test_silence():
    with stub(silent) as server:
        records = probe_all([(protocol, server.port) for protocol in PLAIN + WRAPPED], timeout=SHORT)
    for record in records[: len(PLAIN)]:
        assert (record["outcome"], record["rung"]) == ("no_banner", "banner")
    for record in records[len(PLAIN) :]:
        assert (record["outcome"], record["rung"]) == ("timeout", "tls")
    # Nobody who has not been greeted yet says anything: postscreen would call it spam.
    assert server.heard == []


@pytest.mark.parametrize("protocol", WRAPPED)
def test_plain_text_where_tls_belongs(protocol):
    with stub(smtp_script()) as server:
        record = probe(protocol, server.port, timeout=SHORT)
    assert (record["outcome"], record["rung"]) == ("tls_error", "tls")
    assert record["certificate"] is None


@pytest.mark.parametrize("protocol", PLAIN + WRAPPED)
def test_closed_at_once(protocol):
    with stub(lambda talk: None) as server:
        record = probe(protocol, server.port)
    assert record["outcome"] == "reset"
    assert record["rung"] in ("banner", "tls")
    assert record["rung"] in record["text"]


@pytest.mark.parametrize("protocol", PLAIN)
def test_reset_at_once(protocol):
    def script(talk):
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with stub(script) as server:
        record = probe(protocol, server.port)
    assert record["outcome"] == "reset"
    assert record["rung"] in ("connect", "banner")


@pytest.mark.usefixtures("poller")
def test_closed_in_the_middle():
    def leave(talk):
        talk.say(b"250 o")
        talk.sock.shutdown(socket.SHUT_RDWR)

    with stub(smtp_script(MAIL=leave)) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"]) == ("reset", "mail")
    assert "250 o" in record["text"]


@pytest.mark.usefixtures("poller")
def test_silence_in_the_middle():
    with stub(smtp_script(RCPT=silent)) as server:
        record = probe("smtp", server.port, timeout=SHORT)
    assert (record["outcome"], record["rung"]) == ("timeout", "rcpt")
    assert names(record)[-1] == "rcpt"


@pytest.mark.usefixtures("poller")
def test_drip_cannot_stretch_a_rung():
    stopped = threading.Event()
    drops = []

    def script(talk):
        try:
            for number in range(1000):
                talk.say(b"220 a long greeting"[number % 19 :][:1])
                drops.append(number)
                stopped.wait(SHORT / 5)
        finally:
            stopped.set()

    with stub(script) as server:
        record = probe("smtp", server.port, timeout=SHORT)
        assert stopped.wait(10)
    assert (record["outcome"], record["rung"]) == ("timeout", "banner")
    assert record["text"].startswith("incomplete after")
    # A clock that each byte starts again would have run to the end of the thousand.
    assert len(drops) < 100


@pytest.mark.usefixtures("poller")
def test_megabyte_without_a_line():
    with stub(lambda talk: (talk.say(b"220 " + b"x" * 1000000), talk.wait())) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"]) == ("protocol_error", "banner")
    assert record["text"].startswith("line too long")


@pytest.mark.parametrize(
    "protocol, line", [("smtp", b"220-x\r\n"), ("ssh", b"hello\r\n"), ("sieve", b'"X" "y"\r\n'), ("lmtp", b"220-x\r\n")]
)
def test_greeting_without_end(protocol, line):
    with stub(lambda talk: (talk.say(line * 200000), talk.wait())) as server:
        record = probe(protocol, server.port)
    assert (record["outcome"], record["rung"]) == ("protocol_error", "banner")
    assert record["text"].startswith("reply too long")


def test_endless_reply_inside_the_dialogue():
    with stub(smtp_script(EHLO=b"250-" + b"y" * 200 + b"\r\n" * 1 + b"250-MORE\r\n" * 20000)) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"]) == ("protocol_error", "ehlo")


@pytest.mark.parametrize(
    "junk",
    [
        b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>",
        bytes(range(256)) * 8,
        b"\x00" * 100,
        b"\xff\xfe\xff\xfa\r\n\r\n",
        b"J\x00\x00\x00\n5.5.5-10.11.6-MariaDB\x00\x08",
        b"\r\n\r\n\r\n",
    ],
    ids=["http", "all-bytes", "zeros", "telnet", "mysql", "empty-lines"],
)
def test_wrong_protocol(junk):
    with stub(lambda talk: (talk.say(junk), talk.wait())) as server:
        records = probe_all([(protocol, server.port) for protocol in PLAIN + WRAPPED], timeout=SHORT)
    for record in records:
        wrapped = record["protocol"] in WRAPPED
        assert record["outcome"] == ("tls_error" if wrapped else "protocol_error"), record
        assert record["rung"] == ("tls" if wrapped else "banner")
    # Whoever speaks another language is told nothing, not even good-bye.
    assert server.heard == []


@pytest.mark.parametrize(
    "spoken, greeting",
    [
        ("smtp", b"220 x\r\n"),
        ("imap", b"* OK x\r\n"),
        ("pop3", b"+OK x\r\n"),
        ("sieve", b'"A" "b"\r\nOK\r\n'),
        ("ssh", b"SSH-2.0-x\r\n"),
    ],
)
def test_one_mail_protocol_in_place_of_another(spoken, greeting):
    others = {"smtp", "imap", "pop3", "sieve", "ssh"} - {spoken}
    with stub(lambda talk: (talk.say(greeting), talk.wait())) as server:
        records = probe_all([(protocol, server.port) for protocol in others], timeout=SHORT)
    for record in records:
        assert (record["outcome"], record["rung"]) == ("protocol_error", "banner")


@pytest.mark.parametrize("seed", range(5))
def test_random_junk_after_a_good_greeting(seed):
    junk = os.urandom(2000 + seed) + b"\r\n"
    with stub(smtp_script(EHLO=junk)) as server:
        record = probe("smtp", server.port, timeout=SHORT)
    assert (record["outcome"], record["rung"]) == ("protocol_error", "ehlo")


@pytest.mark.parametrize(
    "protocol, template",
    [
        ("smtp", "220 %s\r\n"),
        ("smtp", "554 %s\r\n"),
        ("smtp", "%s\r\n"),
        ("imap", "* OK %s\r\n"),
        ("imap", "* BYE %s\r\n"),
        ("pop3", "+OK %s\r\n"),
        ("pop3", "-ERR %s\r\n"),
        ("sieve", 'NO "%s"\r\n'),
        ("ssh", "SSH-2.0-%s\r\n"),
    ],
)
def test_hostile_text_stays_text(protocol, template):
    with stub(lambda talk: (talk.say((template % HOSTILE).encode()), talk.wait())) as server:
        record = probe(protocol, server.port, timeout=SHORT)
    shown = " ".join([record["text"]] + [rung["text"] for rung in record["rungs"]])
    # Kept word for word, for people to read, but without what a terminal would obey.
    assert "{{ lookup('pipe','id') }}" in shown
    assert not set(shown) & set("\x1b\x07\x00\u202e")


def test_certificate_with_a_hostile_name():
    def script(talk):
        talk.secure("hostile")
        talk.say(b"* OK x\r\n")
        talk.wait()

    with stub(script) as server:
        record = probe("imaps", server.port, timeout=SHORT)
    assert record["certificate"]["subject"].isprintable()
    assert "{{ lookup('pipe','id') }}" in record["certificate"]["subject"]


@pytest.mark.usefixtures("poller")
def test_whole_call_ends_at_its_deadline():
    def slow(talk):
        # Each rung in time, all together never.
        talk.say(b"220 x\r\n")
        while talk.hear():
            threading.Event().wait(0.3)
            talk.say(b"250-a\r\n250 b\r\n")

    with stub(slow) as server:
        record = probe("smtp", server.port, timeout=0.5, deadline=0.9)
    assert record["outcome"] == "timeout"
    assert "whole call" in record["text"]


@pytest.mark.usefixtures("poller")
def test_no_verdict_on_a_server_that_had_no_time():
    with stub(silent) as server:
        record = probe("smtp", server.port, timeout=5, deadline=0.2)
    assert record["outcome"] == "skipped"
    assert "whole call" in record["text"]


@pytest.mark.usefixtures("poller")
def test_server_that_talks_before_it_is_asked_does_not_confuse():
    def script(talk):
        talk.say(b"220 x\r\n" + b"250 a\r\n" * 5 + b"221 b\r\n")
        talk.answer(SMTP)

    with stub(script) as server:
        assert probe("smtp", server.port)["outcome"] == "ok"
