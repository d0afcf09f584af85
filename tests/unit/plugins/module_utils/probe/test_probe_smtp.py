# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP, submission and LMTP against stub servers."""

from __future__ import annotations

import base64
import threading

import pytest

from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.probe.stubs import (
    SMTP,
    names,
    probe,
    smtp_script,
    starttls_script,
    stub,
)

ACCOUNT = {"user": "probe@example.org", "password": "s3cret word"}


def test_good_server_to_the_end():
    with stub(smtp_script()) as server:
        record = probe("smtp", server.port, helo="probe.example.org")
    assert record["outcome"] == "ok"
    assert record["code"] is None
    assert record["text"] == "stub ESMTP"
    assert names(record) == ["connect", "banner", "ehlo", "mail", "rcpt", "rset", "quit"]
    assert [rung["code"] for rung in record["rungs"]] == [None, "220", "250", "250", "250", "250", "221"]
    assert server.heard == [b"EHLO probe.example.org", b"MAIL FROM:<>", b"RCPT TO:<postmaster>", b"RSET", b"QUIT"]


def test_sender_and_recipient_of_the_caller():
    with stub(smtp_script()) as server:
        probe("smtp", server.port, sender="a@example.org", recipient="b@example.org")
    assert b"MAIL FROM:<a@example.org>" in server.heard
    assert b"RCPT TO:<b@example.org>" in server.heard


def test_address_literal_without_a_full_name(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "laptop")
    with stub(smtp_script()) as server:
        probe("smtp", server.port)
    assert server.heard[0] == b"EHLO [127.0.0.1]"


@pytest.mark.parametrize(
    "verb, rung, code",
    [
        ("EHLO", "ehlo", "421"),
        ("MAIL", "mail", "452"),
        ("MAIL", "mail", "451"),
        ("RCPT", "rcpt", "550"),
        ("RCPT", "rcpt", "450"),
        ("RSET", "rset", "503"),
    ],
)
def test_stops_at_the_first_reply_that_is_not_2xx(verb, rung, code):
    text = b"4.3.1 Insufficient system storage"
    with stub(smtp_script(**{verb: code.encode() + b" " + text + b"\r\n"})) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", rung, code)
    assert record["text"] == text.decode()
    # Nothing but the good-bye follows: the next command would only draw a 503.
    assert server.heard[-2].startswith(verb.encode())
    assert server.heard[-1] == b"QUIT"
    assert names(record)[-2:] == [rung, "quit"]


def test_greeting_that_refuses():
    with stub(smtp_script(b"554 5.3.2 no service here\r\n")) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "banner", "554")
    assert server.heard == [b"QUIT"]


def test_replies_of_many_lines_and_packets():
    def script(talk):
        for part in (b"2", b"20-first\r", b"\n220-second\r\n220", b" third\r\n"):
            talk.say(part)
            threading.Event().wait(0.02)
        talk.answer(SMTP)

    with stub(script) as server:
        record = probe("smtp", server.port)
    assert record["outcome"] == "ok"
    assert record["rungs"][1]["text"] == "first second third"


def test_several_replies_in_one_packet_are_not_lost():
    def script(talk):
        talk.say(b"220 stub\r\n250 too early\r\n")
        talk.answer(SMTP)

    with stub(script) as server:
        record = probe("smtp", server.port)
    assert record["outcome"] == "ok"
    assert record["rungs"][2]["text"] == "too early"


def test_greeting_that_takes_longer_after_its_first_line():
    first_line_seen = threading.Event()

    def script(talk):
        talk.say(b"220-stub\r\n")
        first_line_seen.wait(0.6)
        talk.say(b"220 stub ESMTP\r\n")
        talk.answer(SMTP)

    with stub(script) as server:
        record = probe("smtp", server.port, timeout=0.2)
    assert record["outcome"] == "ok"


def test_old_server_without_ehlo():
    with stub(smtp_script(EHLO=b"502 5.5.2 unknown\r\n", HELO=b"250 stub\r\n")) as server:
        record = probe("smtp", server.port)
    assert record["outcome"] == "ok"
    assert names(record)[2:4] == ["ehlo", "helo"]


def test_starttls_reads_the_certificate_and_greets_again():
    with stub(starttls_script("expired")) as server:
        record = probe("smtp", server.port)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "banner", "ehlo", "starttls", "ehlo", "mail", "rcpt", "rset", "quit"]
    assert record["certificate"]["not_after"] == 1559390400
    assert record["certificate"]["self_signed"] is True
    assert record["rungs"][3]["text"].startswith("TLSv1")


def test_starttls_refused():
    offer = b"250-stub\r\n250 STARTTLS\r\n"
    with stub(smtp_script(EHLO=offer, STARTTLS=b"454 4.7.0 TLS not available\r\n")) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "starttls", "454")
    assert server.heard[-1] == b"QUIT"


def test_starttls_with_rubbish_instead_of_a_handshake():
    def rubbish(talk):
        talk.say(b"220 go ahead\r\n")
        talk.hear()
        talk.say(b"this is not TLS at all\r\n")
        talk.wait()

    with stub(smtp_script(EHLO=b"250-stub\r\n250 STARTTLS\r\n", STARTTLS=rubbish)) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"]) == ("tls_error", "starttls")
    assert record["certificate"] is None


def test_reply_injected_before_the_handshake_is_dropped():
    def inject(talk):
        talk.say(b"220 go ahead\r\n250 injected\r\n")
        talk.secure()
        talk.answer(SMTP)

    with stub(smtp_script(EHLO=b"250-stub\r\n250 STARTTLS\r\n", STARTTLS=inject)) as server:
        record = probe("smtp", server.port)
    assert record["outcome"] == "ok"
    assert not any("injected" in rung["text"] for rung in record["rungs"])


def test_submission_without_account_is_done_where_auth_is_offered():
    with stub(starttls_script(inside=b"250-stub\r\n250 AUTH PLAIN LOGIN\r\n")) as server:
        record = probe("submission", server.port)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "banner", "ehlo", "starttls", "ehlo", "quit"]


def test_submission_that_wants_a_login_first():
    with stub(smtp_script(MAIL=b"530 5.7.0 Authentication required\r\n")) as server:
        record = probe("submission", server.port)
    assert record["outcome"] == "ok"
    assert names(record)[-2:] == ["mail", "quit"]
    assert record["rungs"][-2]["code"] == "530"


def test_530_is_a_failure_where_everybody_may_send():
    with stub(smtp_script(MAIL=b"530 5.7.0 Must issue a STARTTLS command first\r\n")) as server:
        record = probe("smtp", server.port)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "mail", "530")


def test_submission_with_account():
    inside = b"250-stub\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE\r\n"
    with stub(starttls_script(inside=inside, AUTH=b"235 2.7.0 Authentication successful\r\n")) as server:
        record = probe("submission", server.port, account=ACCOUNT)
    assert record["outcome"] == "ok"
    assert names(record)[4:] == ["ehlo", "login", "mail", "rcpt", "rset", "quit"]
    sent = next(line for line in server.heard if line.startswith(b"AUTH PLAIN "))
    assert base64.b64decode(sent.split()[-1]) == b"\0probe@example.org\0s3cret word"


def test_submission_with_refused_account_keeps_its_secrets():
    def mock(talk):
        talk.say(b"535 5.7.8 no: probe@example.org s3cret word " + talk.stub.heard[-1] + b"\r\n")

    inside = b"250-stub\r\n250 AUTH PLAIN\r\n"
    with stub(starttls_script(inside=inside, AUTH=mock)) as server:
        record = probe("submission", server.port, account=ACCOUNT)
    assert (record["outcome"], record["rung"], record["code"]) == ("auth_error", "login", "535")
    assert server.heard[-1] == b"QUIT"
    shown = repr(record)
    assert "s3cret" not in shown and "probe@" not in shown
    assert base64.b64encode(b"\0probe@example.org\0s3cret word").decode() not in shown


def test_submissions_begins_with_tls():
    def script(talk):
        talk.secure()
        smtp_script(EHLO=b"250-stub\r\n250 AUTH PLAIN\r\n")(talk)

    with stub(script) as server:
        record = probe("submissions", server.port)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "tls", "banner", "ehlo", "quit"]
    assert record["certificate"]["names"][0] == "mail1.example.org"


def test_lmtp_delivers_nothing():
    with stub(smtp_script()) as server:
        record = probe("lmtp", server.port)
    assert record["outcome"] == "ok"
    assert names(record) == ["connect", "banner", "lhlo", "mail", "rset", "quit"]
    assert not any(line.startswith((b"RCPT", b"DATA")) for line in server.heard)


def test_lmtp_asks_for_the_mailbox_of_the_account():
    with stub(smtp_script(RCPT=b"452 4.2.2 Quota exceeded\r\n")) as server:
        record = probe("lmtp", server.port, account=ACCOUNT)
    assert (record["outcome"], record["rung"], record["code"]) == ("protocol_error", "rcpt", "452")
    assert b"RCPT TO:<probe@example.org>" in server.heard
    assert server.heard[-1] == b"QUIT"


def test_server_that_leaves_at_the_good_bye_was_well():
    with stub(smtp_script(QUIT=b"")) as server:
        record = probe("smtp", server.port)
    assert record["outcome"] == "ok"
    assert record["rungs"][-1] == {**record["rungs"][-1], "rung": "quit", "ok": True, "code": None}
