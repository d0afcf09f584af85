# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger notices what is lost, what is there twice, and what should not be there."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "chaos"), str(TESTS / "accuracy"), str(TESTS / "lab")]

import ledger
import rounds_of_chaos


def book() -> ledger.Ledger:
    one = ledger.Ledger()
    for ident in ("m1", "m2", "m3"):
        one.doubt(ident)
        one.accept(ident)
    one.doubt("m4")
    one.doubt("m5")
    one.refuse("m5")
    return one


def test_all_is_there() -> None:
    balance = book().balance({"m1": ["bob"], "m2": ["queue"], "m3": ["alice"]})
    assert balance.even
    assert (balance.accepted, balance.delivered, balance.queued, balance.doubtful) == (3, 2, 1, 1)


def test_what_was_not_answered_may_be_there() -> None:
    assert book().balance({"m1": ["bob"], "m2": ["queue"], "m3": ["alice"], "m4": ["bob"]}).even


def test_a_lost_message() -> None:
    balance = book().balance({"m1": ["bob"], "m3": ["alice"]})
    assert balance.lost == ("m2",)
    assert not balance.even
    assert "1 LOST: m2" in str(balance)


def test_a_message_that_is_there_twice() -> None:
    for places in (["bob", "bob"], ["bob", "queue"]):
        assert book().balance({"m1": places, "m2": ["queue"], "m3": ["alice"]}).doubled == ("m1",)


LOG = """\
postfix/cleanup[232]: 1EFD8118: message-id=<m1@ledger.example>
dovecot: lmtp(alice)<220><EAFfDZ8QDmvcAAAAaoBPKg>: msgid=<m1@ledger.example>: saved mail to INBOX
postfix/lmtp[233]: 1EFD8118: to=<alice@mail2.example.test>, relay=mail2.example.test[private/dovecot-lmtp], \
delay=0.11, dsn=4.3.2, status=deferred (host mail2.example.test[private/dovecot-lmtp] said: 421 4.3.2 \
mail2.example.test Shutting down (in reply to end of DATA command))
"""
"""What a Dovecot 2.3.19 and a Postfix 3.7 wrote when Dovecot was stopped under load, shortened."""
AGAIN = """\
dovecot: lmtp(alice)<220><EAFfDZ8QDmvcAAAAaoBPKh>: msgid=<m1@ledger.example>: saved mail to INBOX
postfix/lmtp[240]: 1EFD8118: to=<alice@mail2.example.test>, relay=mail2.example.test[private/dovecot-lmtp], \
delay=65, dsn=2.0.0, status=sent (250 2.0.0 <alice@mail2.example.test> gqoDJRrO Saved)
"""


def test_a_message_that_was_saved_and_is_sent_again() -> None:
    rest = {"m2": ["queue"], "m3": ["alice"]}
    for places, log in ((["alice", "queue"], LOG), (["alice", "alice"], LOG + AGAIN)):
        balance = book().balance({"m1": places, **rest}, log)
        assert balance.even
        assert balance.again == ("m1",)
        assert "1 delivered again" in str(balance)


def test_what_the_log_does_not_show_is_doubled() -> None:
    rest = {"m2": ["queue"], "m3": ["alice"]}
    second = "postfix/cleanup[3]: 2AAD8118: message-id=<m1@ledger.example>\n"
    cases = (
        (["alice", "alice", "queue"], LOG),
        (["alice", "alice", "queue"], LOG + AGAIN),
        (["alice", "queue"], LOG + AGAIN),
        (["alice", "queue"], LOG + second),
        (["alice", "alice"], LOG + AGAIN + AGAIN.splitlines()[1]),
        (["alice", "alice"], ""),
    )
    for places, log in cases:
        assert book().balance({"m1": places, **rest}, log).doubled == ("m1",)


def test_a_message_that_was_refused() -> None:
    assert book().balance({"m1": ["bob"], "m2": ["queue"], "m3": ["alice"], "m5": ["bob"]}).strange == ("m5",)


def test_rounds_are_drawn_by_the_seed_in_every_manner() -> None:
    names = ["F041", "F042"]
    plan = rounds_of_chaos.draw(7, 9, names)
    assert plan == rounds_of_chaos.draw(7, 9, names)
    assert {one.manner for one in plan} == set(rounds_of_chaos.MANNERS)
    assert {one.fault for one in plan} == set(names)


def test_every_fault_that_is_mended_unattended_is_played() -> None:
    assert {"F041", "F042", "F043", "F073", "F032", "F053"} <= set(rounds_of_chaos.candidates())
    assert "F001" not in rounds_of_chaos.candidates()
