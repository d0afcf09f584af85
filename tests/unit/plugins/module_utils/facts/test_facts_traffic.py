# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is connected, how many processes serve them, what the kernel dropped."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    mailprocs,
    postfix,
    sessions,
    sockets,
    traffic,
)
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    Quiet,
    data,
    result,
    text,
)

NAMES = "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPHPHits\n"


def test_sessions_as_the_kernel_told_them():
    """Three smtpds serve six silent clients, and one mail program has just been greeted by IMAP."""
    found = sessions.parse(data("sessions-diag.bin"))
    smtp = [session for session in found if session.port == 25]
    assert sorted(session.peer for session in smtp) == [
        "198.18.244.111",
        "198.18.244.12",
        "198.18.244.123",
        "198.18.244.175",
        "198.18.244.220",
        "198.18.244.30",
    ]
    assert [session.turn for session in smtp if not session.waiting] == ["client"] * 3
    # Nobody has greeted those that wait: the next word is the server's.
    assert {session.turn for session in smtp if session.waiting} == {"server"}
    assert all(3 < session.silent_s < 5 for session in found)
    assert [session.peer for session in found if session.port == 143] == ["198.51.100.11"]


def test_no_byte_of_an_answer_can_break_it():
    whole = data("sessions-diag.bin")
    for end in range(0, len(whole), 7):
        sessions.parse(whole[:end])
        sockets.is_last(whole[:end])
    sessions.parse(bytes(len(whole)))
    sessions.parse(b"\xff" * len(whole))


def test_end_of_the_kernels_answer():
    whole = data("sessions-diag.bin")
    assert sockets.is_last(whole)
    assert not sockets.is_last(whole[:400])


def session(peer: str, waiting: bool = False, turn: str = "client", silent_s: float = 0.0, port: int = 25):
    return sessions.Session(port, peer, waiting, turn, silent_s)


def test_summary_counts_by_client_and_block():
    many = [session(f"198.18.7.{number}", silent_s=9.0) for number in range(6)]
    many += [
        session("198.18.7.1", waiting=True, silent_s=60.0),
        session("2001:db8:1:2::5", turn="server", silent_s=7.0),
    ]
    (record,) = sessions.summary(many)
    assert (record["count"], record["waiting"], record["clients"], record["served_clients"]) == (8, 1, 7, 7)
    assert (record["idle"], record["idle_share"]) == (6, 0.857)
    assert (record["stalled"], record["stalled_share"]) == (1, 0.143)
    assert record["top_blocks"][0] == {"name": "198.18.7.0/24", "count": 7, "share": 0.875}
    assert record["top_blocks"][1]["name"] == "2001:db8:1:2::/64"
    assert record["top_clients"][0] == {"name": "198.18.7.1", "count": 2, "share": 0.25}


def test_nothing_is_said_of_silence_that_the_kernel_does_not_tell():
    (record,) = sessions.summary([session("198.18.7.1", turn=None, silent_s=None)])
    assert record["idle"] is record["stalled_share"] is None


def test_counters_of_the_kernel():
    before = traffic.parse_netstat(NAMES + "TcpExt: 0 220 221 5\nIpExt: InOctets\nIpExt: 9\n")
    after = traffic.parse_netstat(NAMES + "TcpExt: 0 223 224 5\nIpExt: InOctets\nIpExt: 9\n")
    told = traffic.overflow(before, after, 0.3)
    assert told == {"total": 223, "dropped_total": 224, "rising": 3, "seconds": 0.3}
    assert traffic.overflow({}, after, 0.3) is None
    assert traffic.parse_netstat("TcpExt: A B\n") == {}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("smtpd\0-n\0submission\0-t\0inet\0-u\0-o\0stress=yes\0", ("submission", "inet", True)),
        # Postfix writes its command line as one word.
        ("smtpd -n smtp -t inet -u -c -o stress= -s 2\0", ("smtp", "inet", False)),
        ("/usr/lib/postfix/sbin/lmtp -t unix -u -c", ("lmtp", "unix", False)),
        ("", ("", "", False)),
    ],
)
def test_service_of_a_postfix_daemon(command, told):
    assert traffic.parse_command(command) == told


def test_limits_in_master_cf():
    found = {
        (service["name"], service["type"]): service["limit"] for service in postfix.parse_master(text("master.cf"))
    }
    assert found["smtp", "inet"] is None
    assert found["qmgr", "unix"] == 1
    assert found["cleanup", "unix"] == 0


def test_limits_in_the_words_of_doveconf():
    told = traffic.parse_services(
        "service auth {\n  unix_listener auth-userdb {\n    mode = 438\n  }\n  client_limit = 4000\n}\n"
        "service imap-login {\n  inet_listener imap {\n    port = 143\n  }\n  process_limit = 8\n"
        "  service_count = 0\n}\n"
        "protocol imap {\n  mail_max_userip_connections = 20\n}\n"
    )
    assert told == {"auth": {"client_limit": 4000}, "imap-login": {"process_limit": 8, "service_count": 0}}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", 1),
        ("restart_request_count = 1", 1),
        ("restart_request_count = 0", None),
        ("restart_request_count = unlimited", None),
        ("service_count = 0", None),
        ("service_count = 0\n  client_limit = 1", 1),
    ],
)
def test_a_login_process_serves_one_or_many(setting, expected):
    looks = {
        traffic.dovecot.installed: True,
        traffic.dovecot.doveconf: result(f"service imap-login {{\n  {setting}\n}}\n"),
        postfix.mail: mailprocs.identify({}, "/nonexistent"),
    }
    (record,) = [one for one in traffic._dovecot(Quiet(looks=looks)) if one["name"] == "imap-login"]
    assert record["per_process"] == expected
