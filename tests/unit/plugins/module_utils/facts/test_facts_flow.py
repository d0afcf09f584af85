# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow of mail and logins: counted in a log whose traffic is known, and not forged."""

from __future__ import annotations

import re
import time

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import flow, flowreport, logpass, sketch, tally
from ansible_collections.mailops.triage.plugins.module_utils._facts.reasons import normal
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import HOSTILE, table, text

NOW = 1_795_603_843.0
SENT = {
    "connections": 26,
    "accepted": 16,
    "rejected": 5,
    "greylisted": 0,
    "deferred": 0,
    "bounced": 3,
    "delivered": 22,
    "submitted": 3,
    "logins": 5,
    "failed_logins": 10,
}
"""What was sent while traffic.log was recorded; a failed login by SASL tries two mechanisms."""


def read(data, hosts=None, now=NOW):
    """The report of a log file's text."""
    counts = flow.Flow(now)
    reading = logpass.Pass(counts, tally.Tally(now - 86400, now, {}), now - 86400, now)
    reading.source({"mta", "mda"})
    reading.feed(data if isinstance(data, bytes) else data.encode(), "mail.log", hosts)
    reading.finish()
    return flowreport.report(counts, now, now - 3600, True, "", None)


def hour(report):
    return {name: report["hour"][name] for name in flow.COUNTERS}


def line(tag, message, age=60.0, host="mail1"):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW - age))
    return f"{stamp}.000000+00:00 {host} {tag}: {message}\n"


def test_counts_agree_with_what_was_sent():
    report = read(text("traffic.log"))
    assert hour(report) == SENT
    assert {name: report["recent"][name] for name in flow.COUNTERS} == SENT
    assert {name: sum(minute[name] for minute in report["minutes"]) for name in flow.COUNTERS} == SENT
    assert report["hour"]["per_minute"]["accepted"] == round(16 / 60, 2)
    assert report["hour"]["reject_ratio"] == round(5 / 21, 3)
    assert report["hour"]["bounce_ratio"] == round(3 / 25, 3)
    assert report["hour"]["failed_login_ratio"] == round(10 / 15, 3)


def test_who_has_the_largest_share():
    report = read(text("traffic.log"))
    top = {name: [(entry["key"], entry["count"]) for entry in entries] for name, entries in report["top"].items()}
    assert top["clients"] == [("192.0.2.2", 26)] and top["blocks"] == [("192.0.2.0/24", 26)]
    assert top["senders"][:3] == [("loop@remote.example", 6), ("", 5), ("alice@example.test", 3)]
    assert top["message_ids"][0] == ("<loop@remote.example>", 6)
    assert report["repeated_message_ids"] == 1
    assert report["null_sender"] == {"messages": 5, "share": round(5 / 19, 3)}
    assert top["destinations"] == [("example.test", 22), ("nowhere.invalid", 3)]
    assert top["accounts"] == [("alice", 3)]
    assert top["reasons"][0] == ("550 5.1.1 <>: Recipient address rejected: User unknown in local recipient table", 3)
    alice = report["accounts"][0]
    assert (alice["name"], alice["messages"], alice["recipients"], alice["sources"]) == ("alice", 3, 9, 1)
    assert report["sources"] == [
        {"address": "192.0.2.2", "block": "192.0.2.0/24", "failed": 10, "accounts": 5, "succeeded": True}
    ]
    assert report["successes_after_failures"] == [{"account": "bob", "source": "192.0.2.2", "failed_before": 10}]
    assert report["distinct"]["senders"] == 8 and report["distinct"]["failing_accounts"] == 5


def test_the_old_form_of_time_stamps_counts_the_same(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    classic = re.sub(r"(?m)^2026-11-25T(\d\d:\d\d:\d\d)\S+ ", r"Nov 25 \1 ", text("traffic.log"))
    assert classic.startswith("Nov 25 10:49:07 mail11 ") and hour(read(classic)) == SENT
    monkeypatch.undo()
    time.tzset()


def test_only_lines_of_this_host_count():
    other = text("traffic.log").replace(" mail11 ", " mail12 ")
    assert hour(read(text("traffic.log") + other, {b"mail11"})) == SENT
    assert hour(read(other, {b"mail11"})) == dict.fromkeys(SENT, 0)


@pytest.mark.parametrize(("tag", "message"), table("flow-forgeries.txt"))
def test_words_of_a_sender_forge_no_count(tag, message):
    assert hour(read(line(tag, message))) == dict.fromkeys(SENT, 0)


@pytest.mark.parametrize(("identifier", "message"), table("forgeries.txt"))
def test_words_of_a_sender_are_not_another_daemons(identifier, message):
    allowed = {"smtpd": {"connections", "rejected"}, "smtp": {"deferred"}, "dovecot": {"logins", "failed_logins"}}
    counted = {name for name, number in hour(read(line(identifier + "[7]", message))).items() if number}
    assert counted <= allowed.get(identifier.rpartition("/")[2], set())


def test_the_name_of_a_failed_login_ends_where_dovecot_ends_it():
    name = "a>, method=PLAIN, rip=192.0.2.1, lip=1"
    message = "imap-login: Disconnected: x (auth failed, 2 attempts in 2 secs): "
    message += f"user=<{name}>, method=PLAIN, rip=192.0.2.66, lip=2"
    report = read(line("dovecot", message))
    assert report["sources"][0]["address"] == "192.0.2.66" and report["accounts"][0]["name"] == name


def test_what_is_told_is_clean_and_bounded():
    lines = [
        line(
            "postfix/smtpd[7]",
            f"A{number:06}: client=x[192.0.2.9], sasl_method=PLAIN, sasl_username={HOSTILE}{number}",
        )
        for number in range(3000)
    ]
    lines += [
        line("postfix/cleanup[7]", f"A{number:06}: message-id=<{HOSTILE * 50}{number}>") for number in range(3000)
    ]
    lines += [
        line("postfix/qmgr[7]", f"A{number:06}: from=<{HOSTILE}@x>, size=1, nrcpt=1 (queue active)")
        for number in range(3000)
    ]
    report = read("".join(lines))
    assert report["hour"]["submitted"] == 3000
    told = str(report)
    assert "\x1b" not in told and "\u202e" not in told and len(told) < 40_000
    assert all(len(entries) <= 10 for entries in report["top"].values())
    assert 2500 < report["distinct"]["accounts"] < 3500


@pytest.mark.parametrize(("tag", "message", "counted"), table("flow-phrases.txt"))
def test_other_ways_to_say_it(tag, message, counted):
    found = [f"{name}={number}" for name, number in hour(read(line(tag, message))).items() if number]
    assert " ".join(found) == counted


def test_a_message_back_from_the_content_filter_or_the_deferred_queue_is_not_new():
    lines = line("postfix/qmgr[7]", "4B2A11F3: from=<a@b>, size=1, nrcpt=1 (queue active)")
    lines += line(
        "postfix/smtpd[7]", "4B2A11F4: client=localhost[127.0.0.1], orig_queue_id=4B2A11F3, orig_client=x[192.0.2.2]"
    )
    lines += line("postfix/qmgr[7]", "4B2A11F4: from=<a@b>, size=1, nrcpt=1 (queue active)")
    assert hour(read(lines))["accepted"] == 0


def test_dovecots_own_file_names_no_host():
    assert (
        hour(read("2026-11-25 10:49:07 imap-login: Info: Login: user=<a>, method=PLAIN, rip=192.0.2.2\n"))["logins"]
        == 1
    )


def test_older_than_an_hour_is_in_the_sums_of_the_day_only():
    report = read(line("postfix/smtpd[7]", "connect from x[192.0.2.66]", age=7200) * 3)
    assert (report["day"]["connections"], report["hour"]["connections"], report["minutes"]) == (3, 0, [])
    assert report["top"]["clients"] == [] and report["hour"]["reject_ratio"] is None


def test_heavy_hitters_survive_a_crowd():
    top, distinct = sketch.Top(), sketch.Distinct()
    for part in range(100):
        keys = {b"%d" % (part * 1000 + number): 1 for number in range(1000)}
        keys[b"heavy"] = 20
        top.absorb(keys)
        distinct.absorb(keys)
    assert len(top.counts) <= 3000
    key, count = top.best(1)[0]
    assert key == b"heavy" and 2000 - 102_000 / 1000 <= count <= 2000
    assert 0.9 < distinct.number() / 100_001 < 1.1


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (b"192.0.2.66", b"192.0.2.0/24"),
        (b"2001:db8:1:2:3::4", b"2001:db8:1:2::/64"),
        (b"unknown", b""),
        (b"", b""),
        (b"1.2.3", b""),
    ],
)
def test_blocks(address, expected):
    assert sketch.block(address) == expected


def test_reasons_are_told_without_names_and_numbers():
    first = normal(b"host mx1.a.example[192.0.2.1] said: 450 4.7.1 <a@b.example>: try 4B2A11F3 again)")
    other = normal(b"host mx2.b.example[192.0.2.7] said: 450 4.7.1 <c@d.example>: try 4B2A11F4 again)")
    assert first == other == b"host HOST said: 450 4.7.1 <>: try N again"
    assert len(normal(b"x " * 5000)) <= 120
