# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many targets at once: concurrency, bounds, names, families, options."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import struct
import threading

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._probe import errors, neighbour, resolve
from ansible_collections.mailops.triage.plugins.module_utils._probe import sweep as module
from ansible_collections.mailops.triage.plugins.module_utils._probe.options import OptionError, check_options
from ansible_collections.mailops.triage.plugins.module_utils._probe.ping import empty
from ansible_collections.mailops.triage.plugins.module_utils._probe.sweep import sweep
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.probe.stubs import (
    SMTP,
    Stub,
    black_hole,
    check_record,
    probe,
    probe_all,
    silent,
    smtp_script,
    stub,
)

QUIET = {"ping": False, "timeout": 10, "vantage": "test", "helo": "probe.example.org"}


def target(name: str, address: str, *services) -> dict:
    return {
        "name": name,
        "address": address,
        "services": [{"protocol": protocol, "port": port} for protocol, port in services],
    }


def have_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


def test_result_shape():
    with stub(smtp_script()) as server:
        result = sweep([target("mail1", "127.0.0.1", ("smtp", server.port))], {"vantage": "dept-a"})
    assert set(result) == {"vantage", "started", "seconds", "hosts"}
    assert result["vantage"] == "dept-a"
    host = result["hosts"]["mail1"]
    assert set(host) == {"resolve", "ping", "neighbour", "source", "services"}
    assert host["source"] == "127.0.0.1"
    assert host["resolve"] == {"outcome": "ok", "addresses": ["127.0.0.1"], "text": "", "ms": 0.0}
    assert set(host["ping"]) == {"outcome", "sent", "received", "loss_percent", "rtt_ms", "text"}
    assert host["neighbour"] in ("none", "unknown")
    assert (host["services"][0]["family"], host["services"][0]["address"]) == ("ipv4", "127.0.0.1")


def test_nothing_to_do():
    assert sweep([], {})["hosts"] == {}
    assert sweep([target("a", "127.0.0.1")], QUIET)["hosts"]["a"]["services"] == []


def test_two_hundred_hosts_at_once():
    # Nobody is greeted before all are connected: one after the other, nobody ever would be.
    together = threading.Barrier(200)

    def script(talk):
        together.wait(60)
        smtp_script()(talk)

    with contextlib.ExitStack() as stack:
        targets = []
        for number in range(200):
            address = f"127.0.{1 + number // 100}.{1 + number % 100}"
            server = stack.enter_context(stub(script, address))
            targets.append(target(f"mail{number}", address, ("smtp", server.port)))
        result = sweep(targets, {**QUIET, "timeout": 60, "deadline": 60})
    for host in result["hosts"].values():
        check_record(host["services"][0])
        assert host["services"][0]["outcome"] == "ok"


def test_all_ports_of_a_host_at_once():
    together = threading.Barrier(6)

    def script(talk):
        together.wait(60)
        smtp_script()(talk)

    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(stub(script)) for _number in range(6)]
        records = probe_all([("smtp", server.port) for server in servers], timeout=60, deadline=60)
    assert [record["outcome"] for record in records] == ["ok"] * 6


def test_connections_into_one_address_are_bounded():
    with stub(smtp_script()) as server:
        services = [{"protocol": "smtp", "port": server.port}]
        targets = [{"name": f"m{number}", "address": "127.0.0.1", "services": services} for number in range(40)]
        result = sweep(targets, {**QUIET, "per_host": 2})
    assert {host["services"][0]["outcome"] for host in result["hosts"].values()} == {"ok"}
    assert server.connections == 40
    # The server's own count may lag behind by one connection that the probe has already closed, per slot.
    assert server.peak <= 4


def test_descriptors_are_bounded(monkeypatch):
    lock, state = threading.Lock(), {"now": 0, "peak": 0}

    def script(talk):
        with lock:
            state["now"] += 1
            state["peak"] = max(state["peak"], state["now"])
        talk.say(b"220 x\r\n")
        talk.answer({**SMTP, b"QUIT": leave})

    def leave(talk):
        # Counted down before the answer, hence before the probe can open the next one.
        with lock:
            state["now"] -= 1
        talk.say(b"221 x\r\n")

    monkeypatch.setattr(module, "descriptor_limit", lambda: (5, resource.getrlimit(resource.RLIMIT_NOFILE)))
    with contextlib.ExitStack() as stack:
        targets = []
        for number in range(30):
            server = stack.enter_context(stub(script, f"127.0.3.{number + 1}"))
            targets.append(target(f"m{number}", f"127.0.3.{number + 1}", ("smtp", server.port)))
        result = sweep(targets, QUIET)
    assert {host["services"][0]["outcome"] for host in result["hosts"].values()} == {"ok"}
    assert state["peak"] <= 5


def test_soft_limit_is_raised_and_put_back():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        fits, before = module.descriptor_limit()
        assert before[0] == min(soft, 256)
        assert fits >= min(hard, 65536) - 64 if hard != resource.RLIM_INFINITY else fits > 256
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        sweep([], {})
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_black_holes_do_not_delay_or_spoil_the_others():
    with contextlib.ExitStack() as stack:
        holes = [stack.enter_context(black_hole()) for _number in range(6)]
        server = stack.enter_context(stub(smtp_script(), "127.0.0.2"))
        result = sweep(
            [
                target("dead", "127.0.0.1", *[("smtp", port) for port in holes]),
                target("well", "127.0.0.2", ("smtp", server.port)),
            ],
            {**QUIET, "timeout": 1.5, "deadline": 60},
        )
    assert [record["outcome"] for record in result["hosts"]["dead"]["services"]] == ["timeout"] * 6
    assert result["hosts"]["well"]["services"][0]["outcome"] == "ok"
    # One time-out for the six together, not one each.
    assert result["seconds"] < 2 * 1.5 + 1


def test_deadline_of_the_whole_call():
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(stub(silent)) for _number in range(4)]
        records = probe_all([("smtp", server.port) for server in servers], timeout=50, deadline=0.5, per_host=2)
    assert {record["outcome"] for record in records} == {"skipped"}
    assert [record["rungs"] != [] for record in records] == [True] * 4
    assert "not tried" in records[3]["text"]


def test_connections_are_all_closed():
    with stub(smtp_script()) as server, black_hole() as hole, stub(silent) as mute:
        before = len(os.listdir("/proc/self/fd"))
        for port in (server.port, hole, mute.port):
            probe("smtp", port, timeout=0.3)
        probe("imaps", server.port, timeout=0.3)
        # The stubs' own ends may linger for a moment.
        assert len(os.listdir("/proc/self/fd")) <= before + 4


# Names and families


def answers(table):
    """A resolver that knows a table of name -> addresses."""

    def lookup(name):
        if name not in table:
            return "error", [], "Name or service not known"
        return "ok", table[name], ""

    return lookup


def test_name_that_does_not_resolve(monkeypatch):
    monkeypatch.setattr(resolve, "lookup", answers({}))
    host = sweep([target("a", "nowhere.example", ("smtp", 25), ("imap", 143))], QUIET)["hosts"]["a"]
    assert (host["resolve"]["outcome"], host["resolve"]["text"]) == ("error", "Name or service not known")
    assert [(record["outcome"], record["rung"]) for record in host["services"]] == [("skipped", "resolve")] * 2
    assert host["ping"]["outcome"] == "skipped"


def test_name_that_resolves(monkeypatch):
    monkeypatch.setattr(resolve, "lookup", answers({"mail.example": ["127.0.0.1", "127.0.0.9"]}))
    with stub(smtp_script()) as server:
        result = sweep(
            [target("a", "mail.example", ("smtp", server.port)), target("b", "mail.example", ("smtp", server.port))],
            QUIET,
        )
    for host in result["hosts"].values():
        assert host["resolve"]["addresses"] == ["127.0.0.1", "127.0.0.9"]
        assert [record["outcome"] for record in host["services"]] == ["ok"]


def test_resolver_that_hangs(monkeypatch):
    stop = threading.Event()

    def lookup(name):
        stop.wait(60)
        return "error", [], "late"

    monkeypatch.setattr(resolve, "lookup", lookup)
    with stub(smtp_script()) as server:
        result = sweep(
            [target("a", "slow.example", ("smtp", 25)), target("b", "127.0.0.1", ("smtp", server.port))],
            {**QUIET, "deadline": 1, "timeout": 0.4},
        )
    stop.set()
    assert result["hosts"]["a"]["resolve"]["outcome"] == "error"
    assert "no answer from the resolver" in result["hosts"]["a"]["resolve"]["text"]
    assert result["hosts"]["b"]["services"][0]["outcome"] == "ok"


def test_ipv6_literal():
    if not have_ipv6():
        assert probe("smtp", 9, "::1")["outcome"] != "ok"
        return
    with stub(smtp_script(), "::1") as server:
        record = probe("smtp", server.port, "::1")
    assert (record["outcome"], record["family"], record["address"]) == ("ok", "ipv6", "::1")
    assert server.heard[0].startswith(b"EHLO ")


def test_both_families_apart(monkeypatch):
    monkeypatch.setattr(resolve, "lookup", answers({"mail.example": ["::1", "127.0.0.1"]}))
    with stub(smtp_script()) as server:
        host = sweep([target("a", "mail.example", ("smtp", server.port), ("smtp", server.port))], QUIET)["hosts"]["a"]
    assert [record["family"] for record in host["services"]] == ["ipv4", "ipv6"]
    assert host["services"][0]["outcome"] == "ok"
    # Nobody listens on ::1, or the machine has no IPv6 at all.
    assert host["services"][1]["outcome"] in ("refused", "skipped")


def test_only_the_family_asked_for(monkeypatch):
    monkeypatch.setattr(resolve, "lookup", answers({"mail.example": ["::1", "127.0.0.1"]}))
    host = sweep([target("a", "mail.example", ("smtp", 9))], {**QUIET, "families": ["ipv4"]})["hosts"]["a"]
    assert [record["family"] for record in host["services"]] == ["ipv4"]
    host = sweep([target("a", "127.0.0.1", ("smtp", 9))], {**QUIET, "families": ["ipv6"]})["hosts"]["a"]
    assert [record["outcome"] for record in host["services"]] == ["skipped"]


def test_lookup_of_the_system():
    assert resolve.lookup("localhost")[0] == "ok"
    outcome, addresses, text = resolve.lookup("a" * 64 + ".invalid")
    assert (outcome, addresses) == ("error", []) and text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("192.0.2.1", ("ipv4", "192.0.2.1")),
        ("2001:db8::1", ("ipv6", "2001:db8::1")),
        ("::1", ("ipv6", "::1")),
        ("fe80::1%1", ("ipv6", "fe80::1%1")),
        ("mail.example", None),
        ("1.2.3", None),
        ("", None),
        ("1.2.3.4%x", None),
    ],
)
def test_literal(text, expected):
    assert resolve.literal(text) == expected


# What the system says


@pytest.mark.parametrize(
    "number, outcome",
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.EHOSTUNREACH, "filtered"),
        (errno.ENETUNREACH, "filtered"),
        (errno.EACCES, "filtered"),
        (errno.EPERM, "filtered"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.ECONNRESET, "reset"),
        (errno.EPIPE, "reset"),
        (errno.EMFILE, "skipped"),
        (errno.EADDRNOTAVAIL, "skipped"),
        (errno.EXDEV, "skipped"),
    ],
)
def test_errno(number, outcome):
    assert errors.connection_failure(number, "connect").outcome == outcome


def refusing(number):
    """A socket class whose connect() fails at once."""

    class Refusing(socket.socket):
        def connect_ex(self, address):
            return number

    return Refusing


ARP = """IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         52:54:00:12:35:02     *        eth0
192.0.2.2        0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.3        0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.3        0x1         0x6         52:54:00:12:35:03     *        eth1
broken line
192.0.2.4        0x1         zz          52:54:00:12:35:03     *        eth1
"""


def test_arp_table():
    assert neighbour.parse_arp(ARP) == {"192.0.2.1": True, "192.0.2.2": False, "192.0.2.3": True}
    assert neighbour.parse_arp("") == {}


@pytest.mark.parametrize(
    "address, outcome, state",
    [("192.0.2.1", "filtered", "reachable"), ("192.0.2.2", "timeout", "incomplete"), ("192.0.2.9", "filtered", "none")],
)
def test_unreachable_by_arp_or_by_the_network(monkeypatch, tmp_path, address, outcome, state):
    table = tmp_path / "arp"
    table.write_text(ARP, encoding="ascii")
    monkeypatch.setattr(module, "Neighbours", lambda: neighbour.Neighbours(str(table), ["ipv4"]))
    monkeypatch.setattr(socket, "socket", refusing(errno.EHOSTUNREACH))
    host = sweep([target("a", address, ("smtp", 25))], QUIET)["hosts"]["a"]
    assert host["neighbour"] == state
    check_record(host["services"][0])
    assert (host["services"][0]["outcome"], host["services"][0]["rung"]) == (outcome, "connect")
    if outcome == "timeout":
        assert host["services"][0]["text"] == "no answer to ARP (host unreachable)"


def test_echo_that_this_host_itself_calls_unreachable(monkeypatch, tmp_path):
    table = tmp_path / "arp"
    table.write_text(ARP, encoding="ascii")
    monkeypatch.setattr(module, "Neighbours", lambda: neighbour.Neighbours(str(table), ["ipv4"]))
    monkeypatch.setattr(module, "ping_all", lambda hosts, deadline: {host: empty("unreachable", "x") for host in hosts})
    monkeypatch.setattr(module.Pinger, "refusal", lambda self, family: "not permitted")
    result = sweep([target("a", "192.0.2.2"), target("b", "192.0.2.1")], {"vantage": "test"})
    assert result["hosts"]["a"]["ping"] == empty("timeout", "no answer to ARP (host unreachable)")
    assert result["hosts"]["b"]["ping"] == empty("unreachable", "x")


def netlink_message(address, state, kind=28, family=socket.AF_INET6):
    packed = socket.inet_pton(family, address)
    body = struct.pack("=B3xiHBB", family, 2, state, 0, 1)
    # An attribute of another kind comes first, of a length that needs padding.
    body += struct.pack("=HH6s2x", 10, 2, b"lladdr") + struct.pack("=HH", 4 + len(packed), 1) + packed
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def test_neighbours_of_ipv6():
    table = {}
    data = (
        netlink_message("2001:db8::1", 0x02)
        + netlink_message("2001:db8::2", 0x20)
        + netlink_message("2001:db8::3", 0x01)
        + netlink_message("2001:db8::3", 0x04)
        + netlink_message("2001:db8::4", 0x00)
        + netlink_message("192.0.2.1", 0x02, family=socket.AF_INET)
        + netlink_message("2001:db8::5", 0x02, kind=99)
    )
    assert neighbour.parse_neighbours(data, table) is False
    assert table == {"2001:db8::1": True, "2001:db8::2": False, "2001:db8::3": True}
    assert neighbour.parse_neighbours(struct.pack("=IHHII", 20, 3, 2, 1, 0) + bytes(4), table) is True
    for length in range(len(data)):
        neighbour.parse_neighbours(data[:length], {})


def test_neighbours_of_this_machine():
    assert all(isinstance(complete, bool) for complete in neighbour.read_neighbours().values())


def test_state_of_neighbours(monkeypatch, tmp_path):
    monkeypatch.setattr(neighbour, "read_neighbours", lambda: {"fe80::1": True, "2001:db8::2": False})
    table = neighbour.Neighbours(str(tmp_path / "none"))
    table.refresh()
    assert table.state({"ipv6": "fe80::1%eth0"}) == "reachable"
    assert table.state({"ipv6": "2001:db8::2"}) == "incomplete"
    assert table.state({"ipv6": "2001:db8::9"}) == "none"
    assert table.state({"ipv6": "fe80::1", "ipv4": "192.0.2.1"}) == "unknown"
    assert table.state({}) == "unknown"


def test_no_route_for_one_family_of_two(monkeypatch):
    monkeypatch.setattr(resolve, "lookup", answers({"mail.example": ["2001:db8::1", "192.0.2.1"]}))
    monkeypatch.setattr(socket, "socket", refusing(errno.ENETUNREACH))
    both = sweep([target("a", "mail.example", ("smtp", 25))], QUIET)["hosts"]["a"]["services"]
    assert [(record["family"], record["outcome"]) for record in both] == [("ipv4", "filtered"), ("ipv6", "skipped")]
    (only,) = sweep([target("a", "192.0.2.1", ("smtp", 25))], QUIET)["hosts"]["a"]["services"]
    assert only["outcome"] == "filtered"


def test_neighbour_table_not_readable(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "Neighbours", lambda: neighbour.Neighbours(str(tmp_path / "none")))
    assert sweep([target("a", "127.0.0.1")], QUIET)["hosts"]["a"]["neighbour"] == "unknown"


def test_mishap_in_one_ladder_spares_the_others(monkeypatch):
    def broken(session):
        yield from session.open(False)
        raise ZeroDivisionError("oops")

    monkeypatch.setitem(module.LADDERS, "ssh", broken)
    with stub(smtp_script()) as server:
        first, second = probe_all([("ssh", server.port), ("smtp", server.port)])
    assert first["outcome"] == "skipped" and "ZeroDivisionError" in first["text"]
    assert second["outcome"] == "ok"


# What callers may ask


@pytest.mark.parametrize(
    "options, words",
    [
        ({"timeout": "soon"}, "timeout must be a number"),
        ({"timeout": 0}, "timeout must lie between"),
        ({"deadline": -1}, "deadline must lie between"),
        ({"per_host": 100}, "per_host must lie between 1 and 8"),
        ({"sender": "a@b\r\nRSET"}, "sender must not contain"),
        ({"recipient": "a> b"}, "recipient must not contain"),
        ({"helo": "h\u00f6st"}, "helo must not contain"),
        ({"helo": "x" * 300}, "helo must be a text"),
        ({"account": "probe"}, "account must have user and password"),
        ({"account": {"user": "a", "password": "b\r\nc"}}, "account.password must not be empty or contain"),
        ({"account": {"user": "", "password": "b"}}, "account.user must not be empty"),
        ({"account": {"user": "a b", "password": "b"}}, "account.user must not contain blanks"),
        ({"families": []}, "families must be"),
        ({"families": ["ipx"]}, "families must be"),
        ({"retries": 3}, "unknown option: retries"),
    ],
)
def test_options_that_make_no_sense(options, words):
    with pytest.raises(OptionError, match=words):
        sweep([], options)


@pytest.mark.parametrize(
    "targets, words",
    [
        ("mail1", "targets must be a list"),
        ([{"address": "127.0.0.1"}], "each target must be a dictionary with a name"),
        ([target("a", "127.0.0.1"), target("a", "127.0.0.2")], "target a is there twice"),
        ([{"name": "a", "address": "x y", "services": []}], "address must be a name or an IP address"),
        ([{"name": "a"}], "services must be a list"),
        ([{"name": "a", "services": ["smtp"]}], "each service must be a dictionary"),
        ([{"name": "a", "services": [{"protocol": "gopher"}]}], "unknown protocol 'gopher', known are"),
        ([{"name": "a", "services": [{"protocol": "smtp", "port": "x"}]}], "port must be a number"),
        ([{"name": "a", "services": [{"protocol": "smtp", "port": 70000}]}], "port must lie between"),
    ],
)
def test_targets_that_make_no_sense(targets, words):
    with pytest.raises(OptionError, match=words):
        sweep(targets, {})


def test_defaults_and_null_options():
    assert check_options(None)["timeout"] == check_options({"timeout": None})["timeout"] == 3.0
    assert check_options({"helo": "me.example"})["helo"] == "me.example"


@pytest.mark.parametrize(
    "name, helo",
    [
        ("mx.example.org", "mx.example.org"),
        ("laptop", None),
        ("localhost.localdomain", None),
        ("b\u00f6se.example", None),
    ],
)
def test_default_helo(monkeypatch, name, helo):
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    assert check_options({})["helo"] == helo


def test_default_port_and_default_address(monkeypatch):
    monkeypatch.setattr(resolve, "lookup", answers({"mail.example": ["127.0.0.1"]}))
    monkeypatch.setattr(socket, "socket", refusing(errno.ECONNREFUSED))
    (record,) = sweep([{"name": "mail.example", "services": [{"protocol": "sieve"}]}], QUIET)["hosts"]["mail.example"][
        "services"
    ]
    assert (record["port"], record["outcome"]) == (4190, "refused")


def test_stub_counts_itself():
    server = Stub(silent)
    server.close()
    assert server.connections == 0
