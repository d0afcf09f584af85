# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that attackers wrote, queue files, and who is never kept out."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import names, plan, protected, queuefile
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.aid.mailhost import MailHost, queue_file

HOSTILE = [
    "bob; rm -rf /",
    "bob\n-H ALL",
    "$(id)@example.test",
    "bob bob",
    "{{ lookup('pipe', 'id') }}",
    "a" * 65 + "@example.test",
    "bob@" + "a" * 64 + ".test",
    "bob@exa mple.test",
    "bob@-x.test",
    "@example.test",
    "bob@",
    "-h",
]


@pytest.mark.parametrize("text", [*HOSTILE[:-1], "bob..x@example.test", "\u202ebob@example.test"])
def test_what_is_no_name_is_refused(text: str) -> None:
    for read in (names.account, names.sender):
        with pytest.raises(Cannot, match="this is no") as refused:
            read(text)
        assert refused.value.code == "invalid"


@pytest.mark.parametrize("text", [*HOSTILE, "ALL x", "a..b", "x" * 254])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(Cannot, match="this is no domain"):
        names.domain(text)


@pytest.mark.parametrize("text", ["999.1.1.1", "10.0.0.0/33", "10.0.0.1; drop", "all", "10.0.0.0/8 1.1.1.1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Cannot, match="this is no block"):
        names.network(text)


def test_names_are_compared_in_small_letters() -> None:
    assert names.account("Bob") == "bob"
    assert names.account("o'neil+x@Example.TEST") == "o'neil+x@example.test"
    assert names.sender("MAILER-DAEMON") == names.sender("<>") == "<>"
    assert names.domain("Slow.TEST") == "slow.test"


def test_an_address_of_ipv4_in_ipv6_is_the_one_of_ipv4() -> None:
    assert str(names.network("::ffff:192.0.2.7")) == "192.0.2.7/32"
    assert names.plain(names.network("2001:db8::1")) == "2001:db8::1"


def test_what_a_rule_did_not_know_is_left_out() -> None:
    asked = plan.understood({"service": "smtp", "block": "?", "client": None, "account": ""})
    assert asked == {"service": "smtp"}


def test_a_client_is_one_address() -> None:
    with pytest.raises(Cannot, match="a client is one address"):
        plan.understood({"client": "192.0.2.0/24"})


def test_the_envelope_of_a_queue_file() -> None:
    data = queue_file(login="bob", to=("a@x.test", "b@y.test"), done=("c@z.test",), arrived=1_800_000_000)
    found = queuefile.parse(data)
    assert found is not None
    assert (found.sender, found.login, found.waiting) == ("bob@example.test", "bob", ["a@x.test", "b@y.test"])
    assert found.arrived == 1_800_000_000


def test_a_bounce_says_whose_mail_it_returns() -> None:
    body = ("Final-Recipient: rfc822; nobody7@relayed.test", "Original-Recipient: rfc822;other@relayed.test")
    found = queuefile.parse(queue_file(sender="", body=body))
    assert found is not None
    assert found.about == ["nobody7@relayed.test", "other@relayed.test"]


def test_a_body_cannot_pretend_to_be_an_envelope() -> None:
    found = queuefile.parse(queue_file(body=("Asasl_username=alice", "Final-Recipient: rfc822; a@b.test")))
    assert found is not None
    assert (found.login, found.about) == ("", [])


def test_damaged_queue_files_are_nobody_s() -> None:
    data = queue_file(login="bob")
    for size in range(len(data)):
        found = queuefile.parse(data[:size])
        assert found is None or found.sender == "bob@example.test"
    assert queuefile.parse(b"S" + b"\xff" * 20) is None
    assert queuefile.parse(b"") is None


def test_links_and_other_files_in_a_queue_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "deferred" / "A").mkdir(parents=True)
    (tmp_path / "deferred" / "A" / "4Q5xAbCdEf").write_bytes(b"")
    (tmp_path / "deferred" / "B").symlink_to(tmp_path / "deferred" / "A")
    (tmp_path / "deferred" / "4Q5xAbCdEg").symlink_to("/etc/passwd")
    (tmp_path / "deferred" / "no-queue-id").write_bytes(b"")
    assert [number for number, _path in queuefile.files(str(tmp_path), "deferred")] == ["4Q5xAbCdEf"]
    assert queuefile.read(str(tmp_path / "deferred" / "4Q5xAbCdEg")) is None


def test_who_is_never_kept_out(tmp_path: Path) -> None:
    host = MailHost(tmp_path)
    host.program("ip", 'print(\'[{"addr_info": [{"local": "192.0.2.77"}, {"local": "2001:db8::7"}]}]\')')
    host.program("ss", 'print("0 0 192.0.2.77:22 203.0.113.5:51122\\n0 0 [2001:db8::7]:22 [2001:db8::99]:50000")')
    found = protected.networks(host.here, ["198.51.100.0/25"])
    for address in ("127.0.0.1", "::1", "192.0.2.77", "2001:db8::7", "203.0.113.5", "2001:db8::99", "192.0.2.9"):
        assert protected.against(names.network(address), found), address
    assert protected.against(names.network("198.51.100.99"), found) == (
        ipaddress.ip_network("198.51.100.0/25"),
        "the site protects it",
    )
    assert protected.against(names.network("198.51.100.200"), found) is None


@pytest.mark.parametrize("text", ["vantage one", "a;b", "$(id)"])
def test_who_cannot_be_protected_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(Cannot, match="no address, network or host name"):
        protected.networks(MailHost(tmp_path).here, [text])


def test_names_to_protect_are_looked_up(tmp_path: Path) -> None:
    host = MailHost(tmp_path)
    host.program("getent", 'import sys\nsys.exit(2) if "gone" in sys.argv[2] else print("203.0.113.9 STREAM branch")')
    assert protected.against(names.network("203.0.113.9"), protected.networks(host.here, ["branch.example.test"]))
    with pytest.raises(Cannot, match=r"the address of gone\.example\.test cannot be found"):
        protected.networks(host.here, ["gone.example.test"])


def test_what_is_left_of_a_block_without_the_protected() -> None:
    guarded = [(ipaddress.ip_network("198.51.100.11/32"), "x"), (ipaddress.ip_network("198.51.100.128/25"), "x")]
    rest = protected.without(ipaddress.ip_network("198.51.100.0/24"), guarded)
    assert [str(part) for part in rest[:2]] == ["198.51.100.64/26", "198.51.100.32/27"]
    assert sum(part.num_addresses for part in rest) == 127
    assert protected.without(ipaddress.ip_network("198.51.100.11/32"), guarded) == []
