# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words and numbers of reports, as users, mail programs and servers write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.schema import ROOT
from ansible_collections.mailops.triage.plugins.plugin_utils._intake import knowledge, text
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.understand import understand

KNOWN = knowledge.load([ROOT / "rules"])


def first(said: str) -> dict[str, Any]:
    statements: list[dict[str, Any]] = understand(said, KNOWN)["statements"]
    return statements[0]


@pytest.mark.parametrize(
    ("said", "identity", "protocols", "direction", "phase"),
    [
        ("POPサーバが応答しません", "client.timeout", ["pop3"], "receive", "connect"),
        ("ＰＯＰサーバーが応答しません。", "client.timeout", ["pop3"], "receive", "connect"),
        ("The POP server does not respond", "client.timeout", ["pop3"], "receive", "connect"),
        ("the pop3 server is not responding!!", "client.timeout", ["pop3"], "receive", "connect"),
        ("サーバーに接続できません", "client.cannot_connect", [], "both", "connect"),
        ("受信メールサーバーに接続できません", "client.cannot_connect", ["pop3", "imap"], "receive", "connect"),
        ("送信できない", "user.cannot_send", ["submission", "smtp"], "send", None),
        ("メールが受信できません", "user.cannot_receive", ["pop3", "imap"], "receive", None),
        ("IMAPで受信できません", "user.cannot_receive", ["imap"], "receive", None),
        ("メールの送受信ができなくなりました", "user.cannot_send_or_receive", [], "both", None),
        ("Mail hasn't arrived since 9am", "user.does_not_arrive", ["smtp"], "receive", "delivery"),
        ("大量の迷惑メールが届く", "user.spam_received", ["smtp"], "receive", "delivery"),
        ("All my mail disappeared", "user.disappeared", ["pop3", "imap"], "receive", "delivery"),
        ("メールボックスがいっぱいです", "user.mailbox_full", [], "both", "delivery"),
        ("メールが届かない", "user.does_not_arrive", ["smtp"], "receive", "delivery"),
        ("Der IMAP-Server antwortet nicht", "client.timeout", ["imap"], "receive", "connect"),
        ("Ich kann keine Mails senden, senden geht nicht", "user.cannot_send", ["submission", "smtp"], "send", None),
        ("Outlook Express 0x800CCC0E", "outlook.cannot_connect", [], "both", "connect"),
        ("０ｘ８００ＣＣＣ０Ｅ ポート: 110", "outlook.cannot_connect", ["pop3"], "receive", "connect"),
        (
            "error 800ccc0f, Protocol: SMTP, Port: 25",
            "outlook.connection_dropped",
            ["submission", "smtp"],
            "send",
            None,
        ),
        ("0x800CCC19", "outlook.timeout", [], "both", "connect"),
        ("0x800CCC78", "outlook.smtp_refused", ["submission", "smtp"], "send", "transfer"),
        ("0x800CCC0B", "outlook.busy", [], "both", "transfer"),
        ("0x800CCC13", "outlook.socket_error", [], "both", "connect"),
        ("0x800CCC18", "outlook.login_failed", [], "both", "login"),
        ("0x800CCC1A", "outlook.tls_failed", [], "both", "tls"),
        ("0x800CCC79", "outlook.smtp_refused", ["submission", "smtp"], "send", "transfer"),
        ("0x800CCC7D", "outlook.tls_failed", [], "both", "tls"),
        ("0x800CCC90", "outlook.pop3_error", ["pop3"], "receive", "login"),
        ("0x800CCC92", "outlook.pop3_login", ["pop3"], "receive", "login"),
        ("Task 'x - Receiving' reported error (0x8004210A)", "outlook.pop3_timeout", ["pop3"], "receive", "connect"),
        ("0x80042108", "outlook.pop3_connect", ["pop3"], "receive", "connect"),
        ("0x80042109", "outlook.smtp_connect", ["submission", "smtp"], "send", "connect"),
        ("0x8004210B", "outlook.smtp_timeout", ["submission", "smtp"], "send", "connect"),
        ("0x80040115", "outlook.network_problem", [], "both", "connect"),
        ("0x8004011D", "outlook.network_problem", [], "both", "connect"),
        ("0x80190194", "outlook.address_book", [], "both", "transfer"),
        (
            "Login to server mail.example.test failed: authentication failed",
            "client.login_refused",
            [],
            "both",
            "login",
        ),
        (
            "Cannot Get Mail. The connection to the server failed.",
            "client.cannot_get_mail",
            ["pop3", "imap"],
            "receive",
            None,
        ),
        ("Cannot Verify Server Identity", "client.certificate", [], "both", "tls"),
        (
            "Server denied POP3 access for the given username and password",
            "client.login_refused",
            ["pop3"],
            "receive",
            "login",
        ),
        ("-ERR [IN-USE] Couldn't open INBOX", "client.mailbox_locked", ["pop3"], "receive", "login"),
        ("Sending of the message failed.", "client.cannot_send_mail", ["submission", "smtp"], "send", None),
        ("Too many simultaneous connections", "client.too_many_connections", [], "both", "login"),
        (
            "550 5.1.1 <x@y.test>: Recipient address rejected",
            "smtp.no_such_user",
            ["submission", "smtp"],
            "send",
            "delivery",
        ),
        ("552 5.2.2 mailbox full", "smtp.mailbox_full", ["submission", "smtp"], "send", "delivery"),
        (
            "the server said: 452 4.3.1 Insufficient system storage",
            "smtp.no_space",
            ["submission", "smtp"],
            "send",
            "transfer",
        ),
        ("5.7.1", "smtp.not_allowed", ["submission", "smtp"], "send", "transfer"),
        ("SMTP error 535", "smtp.login", ["submission", "smtp"], "send", "login"),
        ("4.4.1", "smtp.no_answer", ["smtp"], "send", "delivery"),
    ],
)
def test_what_is_said_is_understood(
    said: str, identity: str, protocols: list[str], direction: str, phase: str | None
) -> None:
    statements = [one for one in understand(said, KNOWN)["statements"] if one["id"] == identity]
    assert statements, understand(said, KNOWN)["statements"]
    found = statements[0]
    assert (found["protocols"], found["direction"], found["phase"]) == (protocols, direction, phase)
    assert found["says"]


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        ("nobody can send mail", "everyone"),
        ("IMAP is down for the whole department", "department"),
        ("all of us: IMAP is down", "department"),
        ("全員: 送信できない", "everyone"),
        ("部署の全員です。POPサーバが応答しません", "department"),
        ("自分だけ受信できません", "one"),
        ("Only me, not everyone: cannot send", "one"),
        ("IMAP is down", None),
    ],
)
def test_whom_it_hits_is_taken_from_the_words(said: str, scope: str | None) -> None:
    assert understand(said, KNOWN)["scope"] == scope


@pytest.mark.parametrize(
    "said",
    [
        "",
        "   ",
        "my horse is ill",
        "The popular restaurant at 15.1.1.2, room 1550",
        "こんにちは",
        "0x800CCC0EE",
        "452 sheep",
    ],
)
def test_what_is_not_understood_is_not_guessed(said: str) -> None:
    found = understand(said, KNOWN)
    assert (found["statements"], found["scope"], found["works"]) == ([], None, [])


def test_several_statements_keep_their_own_protocols() -> None:
    found = understand("POP3 times out. SMTP: relay access denied; and IMAP asks for the password", KNOWN)["statements"]
    assert [(one["id"], one["protocols"]) for one in found] == [
        ("client.timeout", ["pop3"]),
        ("client.relay_refused", ["submission", "smtp"]),
        ("client.login_refused", ["imap"]),
    ]


def test_what_works_is_no_complaint() -> None:
    found = understand("SMTP works, but POP3 times out", KNOWN)
    assert [one["protocols"] for one in found["statements"]] == [["pop3"]]
    assert found["works"] == ["smtp", "submission"]
    assert [one["id"] for one in understand("I can send but cannot receive", KNOWN)["statements"]] == [
        "user.cannot_receive"
    ]


def test_a_number_and_its_own_words_are_one_statement() -> None:
    said = "Error 0x800CCC0E: could not connect to the server, POP3"
    assert [one["id"] for one in understand(said, KNOWN)["statements"]][0] == "outlook.cannot_connect"
    together = "Error 0x800CCC0E: could not connect to the POP3 server"
    assert [one["id"] for one in understand(together, KNOWN)["statements"]] == ["outlook.cannot_connect"]


def test_hostile_text_stays_text_and_bounded() -> None:
    hostile = "{{ lookup('pipe','id') }}\x1b[31m\u202e<script>alert(1)</script> POP3 times out " + "pop " * 200_000
    found = understand(hostile, KNOWN)
    assert "{{ lookup('pipe','id') }}" in found["text"]
    assert not {"\x1b", "\u202e", "\n"} & set(found["text"])
    assert len(json.dumps(found)) < 20 * text.LONGEST
    assert found["statements"][0]["id"] == "client.timeout"
    assert all(len(one["quote"]) <= 80 for one in found["statements"])


@pytest.mark.parametrize(
    "unit", ["0x800ccc0", "aaaa", "pop3 times out. ", "サーバに接続できませ", "5.1.", "550 ", "。"]
)
def test_no_text_says_more_than_the_bounds_allow(unit: str) -> None:
    found = understand(unit * 100_000, KNOWN)
    assert len(found["statements"]) <= 12
    assert len(found["text"]) <= text.LONGEST


def test_a_phrase_is_found_as_words_of_its_own() -> None:
    assert text.find("pop", "my pop server") == (3, 6)
    assert text.find("pop", "popサーバ") == (0, 3)
    assert text.find("pop", "popular pop") == (8, 11)
    assert text.find("5.1.1", "15.1.1 and 5.1.1.") == (11, 16)
    assert text.find("5.1.1", "5.1.1.7") is None
