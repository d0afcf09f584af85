# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every parser of what a host says, fed with damaged text: no exception beyond the documented one, bounded results."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.mailops.triage.plugins.module_utils import _text
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    config,
    dependencies,
    dns,
    dovecot,
    filesystems,
    firewall,
    flow,
    flowreport,
    host,
    iptables,
    load,
    logfiles,
    logpass,
    logread,
    memory,
    nft,
    postfix,
    procfs,
    reasons,
    sketch,
    sockets,
    spool,
    tally,
    units,
)
from ansible_collections.mailops.triage.plugins.module_utils._probe import der, neighbour, ping, ping_command
from ansible_collections.mailops.triage.plugins.module_utils._update import apt, dnf
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import RECORDED, result
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.fuzz.damage import QUICK, TESTS, damaged, seed

NOW = 1_795_603_843.0
MOST = 60_000
"""Longest that anything read from some kilobytes of damaged text may become, written out."""

IPTABLES = b"*filter\n:INPUT DROP [0:0]\n"
IPTABLES += b"[3:180] -A INPUT -p tcp -m multiport --dports 25,587 -s 192.0.2.0/24 -j REJECT\nCOMMIT\n"
PASSWD = b"root:x:0:0:root:/root:/bin/bash\nalice:x:1101:1101::/home/alice:/bin/bash\n"
PING = b"3 packets transmitted, 3 received, 0% packet loss, time 2003ms\n"
PING += b"rtt min/avg/max/mdev = 0.040/0.050/0.060/0.010 ms\n"
ARP = b"IP address HW type Flags HW address Mask Device\n192.0.2.21 0x1 0x2 02:00:00:00:00:15 * eth0\n"
DOVECONF = seed("doveconf-n.txt") + b"userdb {\n driver = static\n args = uid=v home=/srv/%d/%n\n}\n"
JOURNAL = seed("journal.json")
LOG = seed("traffic.log") + seed("mail.log")


def text(parse: Callable, *arguments) -> Callable:
    """The parser of a text, for bytes."""
    return lambda data: parse(data.decode("utf-8", "replace"), *arguments)


def whole_log(data: bytes):
    """Both forms of time stamps, all daemons, all signatures."""
    counts, signs = flow.Flow(NOW), tally.Tally(NOW - 86400, NOW, {"mta": NOW - 60})
    reading = logpass.Pass(counts, signs, NOW - 86400, NOW)
    reading.source(("mta", "mda"))
    for piece in logfiles.Segment([data[:3000], data[3000:]]):
        reading.feed(piece, "mail.log", None, dict.fromkeys(logpass.FAMILIES, NOW))
    for line in data.decode("utf-8", "replace").split("\n"):
        logread.parse_moment(line, NOW)
    reading.finish()
    return flowreport.report(counts, NOW, NOW - 3600, True, "", None)


def whole_journal(data: bytes):
    """Lines of journalctl."""
    signs = tally.Tally(NOW - 1e6, NOW, {})
    reading = logpass.Pass(flow.Flow(NOW), signs, NOW - 1e6, NOW)
    reading.source(("mta", "mda"))
    for line in data.decode("utf-8", "replace").split("\n"):
        reading.line(logread.parse_journal_line(line), "journal")
    reading.finish()
    return {name: record for name, record in signs.finish().items() if record["count"]}


def ruleset(data: bytes):
    """nft's document, and what it makes of ports."""
    return firewall.blocked(nft.parse_nft(data.decode("utf-8", "replace"))[0], "nft")


def settings_of_postfix(data: bytes):
    """main.cf's settings, expanded, judged and searched for what they lean on."""
    explicit = postfix.parse_settings(data.decode("utf-8", "replace"))
    defaults = postfix.parse_settings(seed("postconf-d.txt").decode())
    for value in list(explicit.values())[:20]:
        postfix.expand(value, explicit)
    services = postfix.parse_master(seed("master.cf").decode())
    return postfix.bad_values(explicit, defaults), dependencies.needs({**defaults, **explicit}, services)


def diag(data: bytes):
    """Answers of the kernel's socket diagnosis."""
    try:
        return sockets.parse_diag(data)
    except OSError:
        return None


def bad_certificate(data: bytes):
    """A certificate."""
    try:
        return der.certificate(data)
    except der.DerError:
        return None


def arp(data: bytes):
    """The neighbours of both families."""
    neighbour.parse_neighbours(data, {})
    return neighbour.parse_arp(data.decode("utf-8", "replace"))


def packets(data: bytes):
    """Answers to echo requests and to DNS questions."""
    for family in ("ipv4", "ipv6"):
        for raw in (True, False):
            ping.read_packet(family, raw, data)
    return dns.parse_rcode(data, 4711)


def chains(data: bytes):
    """iptables' rules, and what they make of ports."""
    return firewall.blocked(iptables.parse_iptables(data.decode("utf-8", "replace")), "ip")


def own_units(data: bytes):
    """systemctl's blocks."""
    return [units.unit_state(block, 0.0) for block in units.parse_show(data.decode("utf-8", "replace"))]


def free_memory(data: bytes):
    """/proc/meminfo and what it comes to."""
    return memory.summary(memory.parse_meminfo(data.decode("utf-8", "replace")))


def queue_reason(data: bytes):
    """Why a message waits, as long as postqueue's caller takes it."""
    return spool.normal_reason(data.decode("utf-8", "replace")[:1000])


def fatal(data: bytes):
    """What postconf complains of."""
    return config.fatal_words(result(b"", data, 1))


def full_name(data: bytes):
    """/etc/hosts."""
    return host.parse_fqdn("mail1", data.decode("utf-8", "replace"))


PEM = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
CERTIFICATES = [
    ssl.PEM_cert_to_DER_cert(found)
    for path in sorted((TESTS / "probe" / "fixtures").glob("*.pem"))
    for found in PEM.findall(path.read_text(encoding="ascii"))
]
PARSERS = {
    "log": (whole_log, [LOG]),
    "journal": (whole_journal, [JOURNAL]),
    "block": (sketch.block, [b"192.0.2.66", b"2001:db8::1"]),
    "reason": (reasons.normal, [b"host mx.a.example[192.0.2.1] said: 450 4.7.1 <a@b>: later)"]),
    "clean": (_text.clean, [LOG]),
    "postqueue": (spool.parse_postqueue, [seed("postqueue.json")]),
    "queue reason": (queue_reason, [b"connect to a[192.0.2.1]:25: Connection refused"]),
    "main.cf": (settings_of_postfix, [seed("postconf-n.txt")]),
    "master.cf": (text(postfix.parse_master), [seed("master.cf")]),
    "doveconf": (text(dovecot.parse_settings), [DOVECONF]),
    "doveconf files": (text(dovecot.parse_files), [DOVECONF]),
    "doveconf blocks": (text(dovecot.parse_blocks, "userdb"), [DOVECONF]),
    "mail folders": (text(dovecot.mail_folders, ["/home/alice"]), [b"maildir:~/Maildir:INDEX=/x", b"mail_path = ~/%n"]),
    "dovecot version": (text(dovecot.parse_version), [b"2.3.19.1 (9b53102964)"]),
    "doveconf problems": (lambda data: config.dovecot_check(result(b"", data, 89)), [DOVECONF]),
    "postconf problems": (fatal, [b"postconf: fatal: bad string length 0"]),
    "passwd": (text(dovecot.parse_homes), [PASSWD]),
    "milters": (text(dependencies.split_milters), [b"inet:localhost:8891, { unix:/run/x, connect_timeout=5s }"]),
    "nft": (ruleset, [seed("nft-mixed.json"), seed("nft-policy-drop.json")]),
    "iptables": (chains, [IPTABLES]),
    "mountinfo": (text(filesystems.parse_mountinfo), [seed("mountinfo.txt")]),
    "fstab": (text(filesystems.parse_fstab_readonly), [b"/dev/sda1 / ext4 ro,errors=remount-ro 0 1\n"]),
    "resolv.conf": (text(dns.parse_resolvers), [b"nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch x\n"]),
    "os-release": (text(host.parse_os_release), [seed("os-release")]),
    "hosts": (full_name, [b"127.0.1.1 mail1.example.test mail1\n"]),
    "stat": (text(procfs.parse_stat), [b"42 (imap (x) y) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 1 0 777 1 2 3 4"]),
    "boot time": (text(procfs.parse_boot_time), [b"cpu 1 2 3\nbtime 1795401000\n"]),
    "cgroup": (text(procfs.parse_unit), [seed("cgroup-hybrid.txt")]),
    "meminfo": (free_memory, [seed("meminfo.txt")]),
    "loadavg": (text(load.parse_loadavg), [b"0.52 0.58 0.59 3/602 29500\n"]),
    "pressure": (text(load.parse_pressure, "some"), [seed("pressure-cpu.txt")]),
    "tcp": (text(sockets.parse_proc_net, "ipv4"), [seed("proc-net-tcp.txt")]),
    "tcp6": (text(sockets.parse_proc_net, "ipv6"), [seed("proc-net-tcp6.txt")]),
    "diag": (diag, [bytes(range(1, 120)), b"\x58\0\0\0\x14\0\2\0" + bytes(80)]),
    "systemctl": (own_units, [seed("systemctl-show.txt")]),
    "certificate": (bad_certificate, CERTIFICATES),
    "ping": (text(ping_command.parse), [PING]),
    "apt": (text(apt.parse_simulation), [b"Inst a:i386 [1.0] (1.1 Debian:12/x, Debian-Security:12/y [i386]) []\n"]),
    "apt policy": (text(apt.parse_tables, {"x y": "z"}), [b"a:\n  Table:\n     2 500\n        500 x y\n *** 1 5\n"]),
    "dpkg": (text(apt.parse_installed, "amd64"), [b"a\tamd64\t1:2-3\t40\thold\tunpacked\tok\n"]),
    "dnf": (text(dnf.parse_plan), [b"Upgrading:\n a  noarch\n     1-2  r  6.1 k\n     replacing  b 1\n\nRemoving:\n"]),
    "rpm": (text(dnf.parse_installed), [b"a\tx86_64\t0:1-2\t9\na\tx86_64\t0:1-3\t9\nkernel\ti686\t1:1-2\t3\n"]),
    "advisories": (text(dnf.parse_advisories), [b"RHSA-2026:1 Low/Sec. a-1:2-3.x86_64\n"]),
    "neighbours": (arp, [ARP, b"\x40\0\0\0\x1c\0\2\0" + bytes(56)]),
    "packets": (packets, [b"\x45\0\0\x54" + bytes(80), b"\x12\x67\x81\x80" + bytes(40)]),
}  # fmt: skip
DOCUMENTED = {"nft": ValueError}
"""Exceptions that a parser promises; its caller takes them."""


@pytest.mark.parametrize("name", PARSERS)
def test_damaged_text(name):
    parse, seeds = PARSERS[name]

    @QUICK
    @given(damaged(*seeds))
    def one(data):
        try:
            found = parse(data)
        except DOCUMENTED.get(name, ()):
            return
        assert len(repr(found)) <= MOST + 8 * len(data)

    one()


KEYS = ["nftables", "rule", "chain", "expr", "match", "left", "right", "set", "range", "payload", "field", "elem"]
KEYS += ["queue_name", "arrival_time", "recipients", "address", "sender", "delay_reason"]
KEYS += ["MESSAGE", "SYSLOG_IDENTIFIER", "__REALTIME_TIMESTAMP", "_UID", "UNIT"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@QUICK
@given(SHAPES)
def test_json_of_another_shape(value):
    data = json.dumps(value).encode() + b"\n"
    spool.parse_postqueue(data)
    whole_journal(data)
    try:
        ruleset(json.dumps({"nftables": value}).encode())
        ruleset(data)
    except ValueError:
        pass


@QUICK
@given(st.lists(st.sampled_from(LOG.split(b"\n")), max_size=30), st.integers(0, 3))
def test_lines_in_any_order_are_counted_the_same(lines, cut):
    # What one daemon says counts however the lines of others lie between; only a message needs its own in order.
    counted = whole_log(b"\n".join(lines))["hour"]
    again = whole_log(b"\n".join(reversed(lines)))["hour"]
    for name in ("connections", "rejected", "bounced", "delivered", "logins", "failed_logins"):
        assert counted[name] == again[name]
    assert counted["accepted"] <= sum(b"postfix/qmgr" in line for line in lines)


@pytest.mark.parametrize("name", ["nft", "postqueue", "journal"])
def test_brackets_without_end(name):
    try:
        PARSERS[name][0](b"[" * 200_000 + b"\n")
        PARSERS[name][0](b'{"nftables":' * 50_000 + b"\n")
    except DOCUMENTED.get(name, ()):
        pass


def test_seeds_are_read_right():
    assert whole_log(LOG)["hour"]["connections"] > 0 and whole_journal(JOURNAL)
    assert len(list(RECORDED.iterdir())) > 20
    began = time.monotonic()
    whole_log(b"2026-11-25T10:49:07+00:00 mail1 postfix/smtp[7]: " + b"4B2A11F3: to=<" * 200_000)
    assert time.monotonic() - began < 20
