# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP echo, by socket and by command."""

from __future__ import annotations

import socket
import struct

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._probe import ping, ping_command
from ansible_collections.mailops.triage.plugins.module_utils._probe.sweep import sweep
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.probe.stubs import (
    closed_port,
    smtp_script,
    stub,
)


def test_checksum():
    # RFC 1071, section 3.
    assert ping.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D
    packet = ping.request("ipv4", 0x1234, 1, b"odd")
    assert ping.checksum(packet) == 0
    assert ping.request("ipv6", 1, 2, b"x")[:2] == b"\x80\x00"


def test_reply_of_either_kind_of_socket():
    reply = struct.pack("!BBHHH", 0, 0, 0, 7, 1) + b"payload"
    assert ping.read_packet("ipv4", False, reply) == ("reply", b"payload")
    assert ping.read_packet("ipv4", True, b"\x45" + b"\0" * 19 + reply) == ("reply", b"payload")
    assert ping.read_packet("ipv6", True, b"\x81" + reply[1:]) == ("reply", b"payload")


def test_unreachable_names_the_address():
    inner = b"\x45" + b"\0" * 8 + b"\x01" + b"\0" * 6 + socket.inet_aton("192.0.2.7") + b"\x08" + b"\0" * 7
    packet = b"\x45" + b"\0" * 19 + b"\x03\x01" + b"\0" * 6 + inner
    assert ping.read_packet("ipv4", True, packet) == ("unreachable", "192.0.2.7")


@pytest.mark.parametrize(
    "data",
    [b"", b"\x45" * 10, b"\x45" + b"\0" * 19, b"\x4f" + b"\0" * 40, b"\x45" + b"\0" * 19 + b"\x03\x01" + b"\0" * 10],
)
def test_packets_that_say_nothing(data):
    said = ping.read_packet("ipv4", True, data)
    assert said is None or said[0] == "reply"


def test_loss_and_mean():
    echo = ping.Echo("ipv4", "192.0.2.1", 0)
    assert echo.result()["outcome"] == "skipped"
    echo.sent = dict.fromkeys(range(5), 1.0)
    assert echo.result() == {
        "outcome": "timeout",
        "sent": 5,
        "received": 0,
        "loss_percent": 100.0,
        "rtt_ms": None,
        "text": "no echo",
    }
    echo.times = {0: 0.010, 1: 0.020, 4: 0.030}
    assert echo.result() == {
        "outcome": "ok",
        "sent": 5,
        "received": 3,
        "loss_percent": 40.0,
        "rtt_ms": 20.0,
        "text": "",
    }


def test_loopback_answers_where_sockets_are_permitted():
    host = sweep([{"name": "a", "address": "127.0.0.1", "services": []}], {})["hosts"]["a"]["ping"]
    if host["outcome"] == "ok":
        assert (host["sent"], host["received"], host["loss_percent"]) == (5, 5, 0.0)
        assert host["rtt_ms"] >= 0
    else:
        assert host["text"]


@pytest.fixture
def no_icmp(monkeypatch):
    """A process that may open no ICMP socket."""
    real = socket.socket

    class Refusing(real):
        def __init__(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, proto=0, fileno=None):
            if proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
                raise PermissionError(1, "Operation not permitted")
            real.__init__(self, family, kind, proto, fileno)

    monkeypatch.setattr(socket, "socket", Refusing)


def test_not_permitted_and_host_well(no_icmp):
    with stub(smtp_script()) as server:
        services = [{"protocol": "smtp", "port": server.port}]
        host = sweep([{"name": "a", "address": "127.0.0.1", "services": services}], {})["hosts"]["a"]
    assert host["services"][0]["outcome"] == "ok"
    assert host["ping"] == ping.empty("skipped", "no ICMP socket: Operation not permitted")


@pytest.mark.parametrize(
    "printed, outcome, received",
    [
        ("5 packets transmitted, 4 received, 20% loss\nrtt min/avg/max/mdev = 0.1/0.25/0.4/0.1 ms", "ok", 4),
        ("5 packets transmitted, 0 received, 100% packet loss, time 801ms", "timeout", 0),
        ("From 192.0.2.1 icmp_seq=1 Destination Host Unreachable\n5 packets transmitted, 0 received", "unreachable", 0),
        ("ping: socket: Operation not permitted \x1b[31m", "skipped", 0),
    ],
)
def test_ping_command_for_hosts_on_which_nothing_connected(no_icmp, monkeypatch, tmp_path, printed, outcome, received):
    program = tmp_path / "ping"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(ping_command, "_PATHS", (str(program),))
    services = [{"protocol": "smtp", "port": closed_port()}]
    host = sweep([{"name": "a", "address": "127.0.0.1", "services": services}], {})["hosts"]["a"]["ping"]
    assert (host["outcome"], host["received"]) == (outcome, received)
    assert host["text"].isprintable()


def test_no_ping_command_at_all(no_icmp, monkeypatch):
    monkeypatch.setattr(ping_command, "_PATHS", ())
    host = sweep([{"name": "a", "address": "127.0.0.1", "services": []}], {})["hosts"]["a"]["ping"]
    assert host["outcome"] == "skipped" and "no ping command" in host["text"]


def test_ping_command_that_hangs(no_icmp, monkeypatch, tmp_path):
    program = tmp_path / "ping"
    program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setattr(ping_command, "_PATHS", (str(program),))
    result = sweep([{"name": "a", "address": "127.0.0.1", "services": []}], {"deadline": 0.5})
    assert result["hosts"]["a"]["ping"]["text"] == "no time left to ping"
    assert result["seconds"] < 30


def test_bsd_and_busybox_output():
    text = (
        "5 packets transmitted, 5 packets received, 0.0% packet loss\n"
        "round-trip min/avg/max/stddev = 0.042/0.064/0.084/0.015 ms"
    )
    assert ping_command.parse(text)["rtt_ms"] == 0.06
    text = "5 packets transmitted, 5 packets received, 0% packet loss\nround-trip min/avg/max = 0.045/1.062/0.080 ms"
    assert ping_command.parse(text)["rtt_ms"] == 1.06
