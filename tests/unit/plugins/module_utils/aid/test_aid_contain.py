# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures against a surge: the gentlest that holds, remembered before it is taken, and taken back exactly."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import guard, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import (
    expiry,
    holds,
    ledger,
    look,
    settings,
    undo,
)
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Failed
from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.aid.mailhost import MailHost

BLOCK = {"service": "smtp", "block": "198.18.244.0/24"}
ROOM = {"service": "imap-login"}
BOB = {"account": "bob"}


@pytest.fixture
def host(tmp_path: Path) -> MailHost:
    """A mail host with bob's spam, alice's mail, and a full login service."""
    found = MailHost(tmp_path)
    found.mail("deferred", "4AAAAAAAA1", login="bob")
    found.mail("active", "4AAAAAAAA2", login="bob")
    found.mail("incoming", "4AAAAAAAA3", login="bob@example.test")
    found.mail("deferred", "4BBBBBBBB1", sender="alice@example.test", login="alice", to=("a@fine.test",))
    found.mail("deferred", "4BBBBBBBB2", sender="alice@example.test", login="alice", to=("a@fine.test", "b@slow.test"))
    found.mail("hold", "4CCCCCCCC1", login="bob", arrived=time.time() - 9000)
    found.service("dovecot", "imap-login", 8, 8)
    found.connect(993, "198.51.100.50", 40)
    return found


def all_files(root: Path) -> dict[str, bytes]:
    """What is on the host, without what remedies remember and which programs were called."""
    kept = [path for path in root.rglob("*") if path.is_file() and "state" not in path.relative_to(root).parts]
    left_out = ("calls", "nft-script", "table.json")
    return {str(path.relative_to(root)): path.read_bytes() for path in kept if path.name not in left_out}


def test_mail_of_one_login_is_held_and_no_other(host: MailHost) -> None:
    done = host.contain(**BOB)
    assert (done["state"], done["changed"], done["code"]) == ("done", True, "")
    assert host.queue("hold") == ["4AAAAAAAA1", "4AAAAAAAA2", "4CCCCCCCC1"]
    assert host.queue("incoming") == ["4AAAAAAAA3"]
    assert host.queue("deferred") == ["4BBBBBBBB1", "4BBBBBBBB2"]
    assert "smtpd_end_of_data_restrictions = check_sasl_access inline:{bob=HOLD}" in host.main_cf.read_text()
    assert host.calls()[-1] == "postfix reload"
    assert "2 messages are on hold" in done["notes"]
    assert done["after"]["held"] == 2


def test_what_was_held_goes_on_when_it_ends_and_what_others_held_stays(host: MailHost) -> None:
    before = host.main_cf.read_text()
    host.contain(**BOB)
    host.mail("hold", "4AAAAAAAA9", login="bob")  # came in since, and was held by the restriction
    host.mail("hold", "4CCCCCCCC2", login="alice")  # somebody else's hold
    done = host.contain(state="absent", **BOB)
    assert (done["state"], done["changed"]) == ("done", True)
    assert host.queue("hold") == ["4CCCCCCCC1", "4CCCCCCCC2"]
    assert host.queue("deferred") == ["4AAAAAAAA1", "4AAAAAAAA2", "4AAAAAAAA9", "4BBBBBBBB1", "4BBBBBBBB2"]
    assert host.main_cf.read_text() == before
    assert "3 messages were released from hold" in done["notes"]


def test_mail_that_comes_in_later_is_held_by_a_second_run(host: MailHost) -> None:
    host.contain(sender="Bob@Example.test")
    assert host.contain(sender="bob@example.test")["state"] == "nothing"
    host.mail("incoming", "4AAAAAAAA4")
    again = host.contain(sender="bob@example.test")
    assert again["state"] == "done"
    assert "4AAAAAAAA4" in host.queue("hold")
    host.contain(state="absent")
    assert host.queue("hold") == ["4CCCCCCCC1"]


def test_a_domain_is_held_only_where_nobody_else_waits(host: MailHost) -> None:
    before = host.main_cf.read_text()
    host.contain(domain="slow.test")
    assert host.queue("hold") == ["4AAAAAAAA1", "4AAAAAAAA2", "4AAAAAAAA3", "4CCCCCCCC1"]
    assert "check_recipient_access inline:{slow.test=HOLD}" in host.main_cf.read_text()
    host.mail("hold", "4AAAAAAAA9", to=("x@deep.slow.test",))  # the table holds subdomains, too
    host.contain(state="absent")
    assert host.queue("hold") == ["4CCCCCCCC1"]
    assert host.main_cf.read_text() == before


def test_an_extension_of_the_sender_does_not_stay_on_hold(host: MailHost) -> None:
    host.contain(sender="bob@example.test")
    host.mail("hold", "4AAAAAAAA9", sender="bob+list@example.test")
    host.mail("hold", "4CCCCCCCC2", sender="bobby@example.test")
    host.contain(state="absent")
    assert host.queue("hold") == ["4CCCCCCCC1", "4CCCCCCCC2"]


@pytest.mark.parametrize(
    "envelope",
    [
        {"to": ("x@slow.test", "archive@example.test")},
        {"to": ("x@elsewhere.test",), "originals": ("x@Slow.test",)},
        {"to": ("archive@example.test", "a@b.test"), "originals": ("archive@example.test", "x@deep.slow.test")},
    ],
    ids=["copy", "alias", "alias-and-copy"],
)
def test_what_got_other_recipients_does_not_stay_on_hold(host: MailHost, envelope: dict[str, Any]) -> None:
    host.mail("hold", "4CCCCCCCC2", to=("a@fine.test", "b@notslow.test"))
    host.contain(domain="slow.test")
    host.mail("hold", "4AAAAAAAA9", **envelope)
    host.contain(state="absent")
    assert host.queue("hold") == ["4CCCCCCCC1", "4CCCCCCCC2"]


def test_what_others_held_a_moment_before_stays(host: MailHost) -> None:
    host.mail("hold", "4CCCCCCCC2", login="bob")
    host.contain(**BOB)
    host.mail("hold", "4AAAAAAAA9", login="bob")
    host.mail("incoming", "4AAAAAAAA8", login="bob")
    assert host.contain(**BOB)["state"] == "done"
    host.contain(state="absent")
    assert host.queue("hold") == ["4CCCCCCCC1", "4CCCCCCCC2"]


@pytest.mark.parametrize(
    ("line", "restricted"),
    [
        ("sender_canonical_maps = tcp:localhost:10001", False),
        ("canonical_maps = hash:/etc/postfix/canonical\ncanonical_classes = envelope_sender", False),
        ("canonical_maps = hash:/etc/postfix/canonical\ncanonical_classes = header_sender", True),
        ("masquerade_domains = example.test\nmasquerade_classes = envelope_sender, header_sender", False),
    ],
)
def test_new_mail_is_not_held_by_a_sender_that_is_rewritten(host: MailHost, line: str, restricted: bool) -> None:
    host.main_cf.write_text(host.main_cf.read_text() + line + "\n", encoding="utf-8")
    done = host.contain(sender="bob@example.test")
    assert (done["state"], "inline" in host.main_cf.read_text()) == ("done", restricted)
    assert any("gives mail another sender" in note for note in done["notes"]) is not restricted
    host.contain(account="bob")
    assert "check_sasl_access inline" in host.main_cf.read_text()


def test_bounces_that_are_not_there_are_nothing(host: MailHost) -> None:
    found = host.contain(sender="<>", domain="relayed.test")
    assert (found["state"], found["changed"]) == ("nothing", False)
    assert found["why"] == "nothing to hold: no bounces of mail to relayed.test in the queue"


def test_of_bounces_those_about_the_domain_are_held(tmp_path: Path) -> None:
    host = MailHost(tmp_path)
    storm = ("Final-Recipient: rfc822; nobody@relayed.test",)
    host.mail("deferred", "4AAAAAAAA1", sender="", to=("forged@slow.test",), body=storm)
    host.mail("deferred", "4BBBBBBBB1", sender="", body=("Final-Recipient: rfc822; x@elsewhere.test",))
    host.mail("deferred", "4BBBBBBBB2", sender="bob@example.test", body=storm)
    host.contain(sender="<>", domain="relayed.test")
    assert host.queue("hold") == ["4AAAAAAAA1"]
    assert "HOLD" not in host.main_cf.read_text()


def test_restrictions_of_the_site_stay(host: MailHost) -> None:
    own = "smtpd_end_of_data_restrictions = check_policy_service inet:127.0.0.1:10031, permit\n"
    host.main_cf.write_text(own, encoding="utf-8")
    host.contain(**BOB)
    host.contain(account="eve", run="run-1")
    inline = "check_sasl_access inline:{{{0}=HOLD}}, ".format
    assert host.main_cf.read_text() == own.replace("check_policy", inline("eve") + inline("bob") + "check_policy")
    host.contain(state="absent", **BOB)
    assert host.main_cf.read_text() == own.replace("check_policy", inline("eve") + "check_policy")
    host.contain(state="absent")
    assert host.main_cf.read_text() == own


def test_a_login_that_cannot_stand_in_a_table_has_its_queue_held_alone(host: MailHost) -> None:
    host.mail("deferred", "4DDDDDDDD1", login="o'neil")
    assert host.contain(account="o'neil")["state"] == "done"
    assert "4DDDDDDDD1" in host.queue("hold")
    assert "inline" not in host.main_cf.read_text()


def test_a_block_is_kept_out_once(host: MailHost) -> None:
    done = host.contain(**BLOCK)
    assert done["why"].startswith("198.18.244.0/24 kept from SMTP, until ")
    assert host.table() == {"smtp4": ["198.18.244.0/24"]}
    script = (host.root / "nft-script").read_text()
    assert "tcp dport { 25 } ip saddr @smtp4 counter drop" in script
    assert host.contain(**BLOCK)["state"] == "nothing"
    assert host.contain(client="198.18.244.9", **BLOCK)["state"] == "nothing"
    assert host.contain(state="absent")["state"] == "done"
    assert host.table() == {}
    assert host.contain(state="absent")["state"] == "nothing"


def test_guesses_that_were_begun_are_forgotten(host: MailHost) -> None:
    host.program("ss", 'import sys\nprint("0 0 192.0.2.1:993 198.18.244.7:5000\\n" * 9 * ("-KHtn" in sys.argv))')
    host.contain(service="imap-login", block="198.18.244.0/24")
    assert "doveadm reload" in host.calls()
    host.contain(service="smtp", block="198.18.245.0/24")
    host.dovecot_conf.write_text("broken\n", encoding="utf-8")
    done = host.contain(service="imap-login", block="198.18.246.0/24")
    assert host.calls().count("doveadm reload") == 1
    assert any("Dovecot was not reloaded" in note for note in done["notes"])


def test_a_wider_block_takes_the_place_of_a_smaller(host: MailHost) -> None:
    host.contain(service="smtp", client="198.18.244.7")
    host.contain(**BLOCK)
    assert host.table() == {"smtp4": ["198.18.244.0/24"]}
    host.contain(state="absent", service="smtp", client="198.18.244.7")
    assert host.table() == {"smtp4": ["198.18.244.0/24"]}


def test_the_kernel_s_end_is_the_measure_s(host: MailHost) -> None:
    host.contain(expires=120, **BLOCK)
    words = (host.root / "nft-script").read_text().split()
    assert 118 <= int(words[words.index("timeout", words.index("element")) + 1].rstrip("s")) <= 120


@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        ({"block": "198.18.0.0/16", "service": "smtp"}, "wide", "whole providers"),
        (
            {"block": "192.0.2.0/24", "service": "smtp"},
            "protected",
            r"192\.0\.2\.0/28: Postfix counts it .* 192\.0\.2\.128/25",
        ),
        ({"block": "198.51.100.0/24", "service": "smtp"}, "protected", r"198\.51\.100\.11: the site protects it"),
        ({"client": "127.0.0.1"}, "protected", "this host itself"),
        ({"service": "smtp"}, "invalid", "nobody stands out at smtp"),
        ({}, "invalid", "names nobody"),
        ({"account": "$(id)"}, "invalid", "no account"),
    ],
)
def test_refused_and_nothing_changed(host: MailHost, args: dict[str, str], code: str, why: str) -> None:
    before = all_files(host.root)
    found = host.contain(protect=["198.51.100.11"], **args)
    assert (found["state"], found["code"], found["changed"]) == ("refused", code, False)
    assert re.search(why, found["why"]), found["why"]
    assert all_files(host.root) == before
    assert host.memory.read()["measures"] == []


def test_one_client_that_holds_the_port_is_limited_and_not_its_block(host: MailHost) -> None:
    host.service("postfix", "smtp", 60, 100)
    host.connect(25, "198.18.244.9", 50)
    host.connect(25, "203.0.113.8", 10)
    before = host.main_cf.read_text()
    done = host.contain(client="198.18.244.9", **BLOCK)
    assert done["state"] == "done"
    assert host.table() == {}
    assert "smtpd_client_connection_count_limit = 10\n" in host.main_cf.read_text()
    assert "smtpd_client_connection_rate_limit = 30\n" in host.main_cf.read_text()
    assert [call for call in host.calls() if call.startswith("ss -KHtn")]
    host.contain(state="absent")
    assert host.main_cf.read_text() == before


def test_a_limit_that_somebody_changed_since_stays(host: MailHost) -> None:
    host.main_cf.write_text("smtpd_client_connection_count_limit = 40\n", encoding="utf-8")
    host.connect(25, "198.18.244.9", 50)
    host.contain(client="198.18.244.9", service="smtp")
    changed = host.main_cf.read_text().replace("count_limit = 10", "count_limit = 20")
    host.main_cf.write_text(changed, encoding="utf-8")
    done = host.contain(state="absent")
    assert host.main_cf.read_text() == "smtpd_client_connection_count_limit = 20\n"
    assert any("changed by somebody since" in note for note in done["notes"])


def test_limits_that_ended_are_not_ended_by_a_reload_again(host: MailHost, monkeypatch: pytest.MonkeyPatch) -> None:
    before = host.main_cf.read_text()
    host.connect(25, "198.18.244.9", 50)
    host.contain(client="198.18.244.9", service="smtp")
    known = host.memory.read()
    known["measures"][0]["until"] = time.time() - 1
    host.memory.write(known)

    def write(dummy: Any) -> None:
        raise state.StateError("state.json: No space left on device", True)

    monkeypatch.setattr(host.memory, "write", write)
    reloads = [host.calls().count("postfix reload")]
    for dummy in range(3):
        assert undo.end_due(host.here, host.memory) is False
        reloads.append(host.calls().count("postfix reload"))
    assert reloads == [1, 2, 2, 2]
    assert host.main_cf.read_text() == before


def test_a_full_login_service_gets_room_and_gives_it_back(host: MailHost) -> None:
    before = host.dovecot_conf.read_text()
    done = host.contain(**ROOM)
    assert "imap-login may have 64 processes" in done["why"]
    own = next(path for path in host.dovecot_conf.parent.iterdir() if path.name.startswith("mailops-triage-"))
    assert own.read_text().endswith("service imap-login {\n  process_limit = 64\n}\n")
    assert host.dovecot_conf.read_text() == before + f"!include_try {own.name}\n"
    assert any("198.51.100.50 holds 40 of 40 sessions" in note for note in done["notes"])
    assert host.contain(**ROOM)["state"] == "nothing"
    host.contain(state="absent")
    assert host.dovecot_conf.read_text() == before
    assert not own.exists()
    assert host.calls().count("doveadm reload") == 2


def test_room_is_bounded_by_the_memory(host: MailHost) -> None:
    host.look = host.look._replace(available=240 << 20)
    assert "imap-login may have 18 processes" in host.contain(**ROOM)["why"]
    host.contain(state="absent")
    host.look = host.look._replace(available=20 << 20)
    refused = host.contain(**ROOM)
    assert (refused["state"], refused["code"]) == ("refused", "memory")
    assert "may not have more than 8 processes" in refused["why"]


def test_a_setting_that_dovecot_does_not_take_is_taken_back(host: MailHost) -> None:
    before = all_files(host.root)
    host.look = host.look._replace(available=(5 * 2 * 12) << 20)  # 8 + 5 processes, which this Dovecot refuses
    found = host.contain(**ROOM)
    assert (found["state"], found["code"]) == ("failed", "failed")
    assert all_files(host.root) == before
    assert host.memory.read()["measures"] == []
    assert "doveadm reload" not in host.calls()


def test_a_broken_configuration_is_left_alone(host: MailHost) -> None:
    host.dovecot_conf.write_text("broken\n", encoding="utf-8")
    refused = host.contain(**ROOM)
    assert (refused["state"], refused["code"]) == ("refused", "syntax")
    assert host.dovecot_conf.read_text() == "broken\n"


def test_a_quiet_service_gets_nothing(host: MailHost) -> None:
    host.look.services[0]["share"] = 0.2
    found = host.contain(service="dovecot")
    assert (found["state"], found["changed"]) == ("nothing", False)


@pytest.mark.parametrize("args", [BOB, BLOCK, ROOM, {"domain": "slow.test"}])
def test_check_mode_tells_what_will_be_and_leaves_no_trace(host: MailHost, args: dict[str, str]) -> None:
    before = all_files(host.root)
    planned = host.contain(check=True, **args)
    assert all_files(host.root) == before
    assert not Path(host.memory.folder).exists()
    assert host.timer.installed == 0
    done = host.contain(**args)
    assert (planned["state"], done["state"], planned["changed"]) == ("planned", "done", True)
    assert [step["what"] for step in planned["steps"]] == [step["what"] for step in done["steps"]]
    assert planned["diff"] == done["diff"]
    assert planned["diff"]["after"]
    assert host.contain(check=True, **args)["state"] == "nothing"
    assert host.contain(check=True, state="absent")["state"] == "planned"


@pytest.mark.parametrize("args", [BOB, BLOCK, ROOM, {"domain": "slow.test"}])
def test_twice_changes_nothing_and_prolongs_nothing(host: MailHost, args: dict[str, str]) -> None:
    first = host.contain(**args)
    state = host.memory.read()["measures"]
    files = all_files(host.root)
    again = host.contain(expires=9999, **args)
    assert (again["state"], again["changed"], again["steps"]) == ("nothing", False, [])
    assert host.memory.read()["measures"] == state
    assert all_files(host.root) == files
    assert first["measures"][0]["until"] == again["measures"][0]["until"]


def test_prolonged_when_asked(host: MailHost) -> None:
    first = host.contain(**BLOCK)["measures"][0]
    later = host.contain(expires=5000, prolong=True, **BLOCK)["measures"][0]
    assert later["id"] == first["id"]
    assert later["until"] - first["until"] > 4000
    assert host.table() == {"smtp4": ["198.18.244.0/24"]}


@pytest.mark.parametrize("args", [BOB, BLOCK, ROOM])
def test_cut_off_in_the_middle_it_ends_all_the_same(
    host: MailHost, args: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the act and before it could be remembered that it was done: the end finds it."""
    before = all_files(host.root)

    def put(memory: Any, measure: dict[str, Any]) -> None:
        if measure["applied"]:
            raise KeyboardInterrupt
        remember(memory, measure)

    remember = ledger.put
    monkeypatch.setattr(ledger, "put", put)
    with pytest.raises(KeyboardInterrupt):
        host.contain(**args)
    monkeypatch.undo()
    assert host.memory.read()["measures"][0]["applied"] is False
    known = host.memory.read()
    known["measures"][0]["until"] = time.time() - 1
    host.memory.write(known)
    assert undo.end_due(host.here, host.memory) is True
    assert host.memory.read()["measures"] == []
    assert host.table() == {}
    after = all_files(host.root)
    assert set(after) | {"queue/active/4AAAAAAAA2"} == set(before) | (set(after) - set(before)) | {
        "queue/active/4AAAAAAAA2"
    }
    assert after["main.cf"] == before["main.cf"]
    assert after["dovecot/dovecot.conf"] == before["dovecot/dovecot.conf"]
    assert host.queue("hold") == ["4CCCCCCCC1"]


def test_an_interrupted_measure_is_taken_up_again_with_what_was_before(host: MailHost) -> None:
    host.connect(25, "198.18.244.9", 50)
    before = host.main_cf.read_text()
    host.contain(client="198.18.244.9", service="smtp")
    known = host.memory.read()
    known["measures"][0]["applied"] = False
    host.memory.write(known)
    assert host.contain(client="198.18.244.9", service="smtp")["state"] == "done"
    host.contain(state="absent")
    assert host.main_cf.read_text() == before


def test_what_is_due_ends_and_the_rest_stays(host: MailHost) -> None:
    host.contain(**BLOCK)
    host.contain(**BOB)
    known = host.memory.read()
    known["measures"][0]["until"] = time.time() - 1
    host.memory.write(known)
    assert undo.end_due(host.here, host.memory) is True
    assert [one["kind"] for one in host.memory.read()["measures"]] == ["hold"]
    assert host.table() == {}


def test_a_clock_that_was_wrong_does_not_hold_for_ever() -> None:
    assert undo.due({"since": 5000.0, "until": 6000.0}, 1000.0) is True
    assert undo.due({"since": 1000.0, "until": 2000.0}, 1500.0) is False


def test_an_end_that_fails_is_tried_again(host: MailHost) -> None:
    host.contain(expires=600, **BOB)
    known = host.memory.read()
    known["measures"][0]["until"] = time.time() - 1
    host.memory.write(known)
    good = (host.root / "programs" / "postsuper").read_text()
    host.program("postsuper", 'import sys\nsys.exit("postsuper: fatal: no space")')
    assert undo.end_due(host.here, host.memory) is False
    assert len(host.memory.read()["measures"]) == 1
    (host.root / "programs" / "postsuper").write_text(good, encoding="utf-8")
    assert undo.end_due(host.here, host.memory) is True
    assert host.queue("hold") == ["4CCCCCCCC1"]


def test_without_an_end_nothing_is_done(host: MailHost) -> None:
    host.timer.why = "there is no systemd to end the measure when its time is over"
    refused = host.contain(**BLOCK)
    assert (refused["state"], refused["code"]) == ("refused", "expiry")
    assert host.table() == {}


def test_all_of_a_run_ends(host: MailHost) -> None:
    host.contain(**BLOCK)
    host.contain(**BOB)
    assert host.contain(state="absent", of_run="another")["state"] == "nothing"
    done = host.contain(state="absent", of_run="run-1")
    assert len(done["measures"]) == 2
    assert host.memory.read()["measures"] == []


def test_fail2ban_where_there_is_no_nft(tmp_path: Path) -> None:
    host = MailHost(tmp_path, without=("nft",))
    host.here.has = lambda name: name != "nft" and (host.root / "programs" / name).exists()
    refused = host.contain(**BLOCK)
    assert (refused["code"], refused["why"]) == ("tool", "there is neither nft nor fail2ban on this host")
    host.program(
        "fail2ban-client",
        """
import os, sys
path, words = ROOT + "/jail", sys.argv[1:]
held = open(path).read().split() if os.path.exists(path) else []
if words == ["status"]:
    print("Status\\n|- Number of jail:\\t2\\n`- Jail list:\\tdovecot, postfix")
elif words[2] == "banip" and words[0] == "set":
    held.append(words[3])
elif words[2] == "unbanip":
    held.remove(words[3])
elif words[0] == "get":
    print(" ".join(held))
open(path, "w").write(" ".join(held))
""",
    )
    assert "by fail2ban" in host.contain(**BLOCK)["why"]
    assert (host.root / "jail").read_text() == "198.18.244.0/24"
    assert host.contain(**BLOCK)["state"] == "nothing"
    host.contain(state="absent")
    assert (host.root / "jail").read_text() == ""


def test_the_program_on_the_host_needs_nothing_but_python(host: MailHost, tmp_path: Path) -> None:
    host.contain(**BOB)
    known = host.memory.read()
    known["measures"][0]["until"] = time.time() - 1
    known["measures"].append({"id": "torn"})
    host.memory.write(known)
    program = tmp_path / "undo.pyz"
    program.write_bytes(expiry.program())
    # Only where it looks for programs is changed, so that it meets those of this host.
    code = (
        "import runpy, sys; program, folder, programs = sys.argv[1:]; sys.path.insert(0, program); "
        "from ansible_collections.mailops.triage.plugins.module_utils import _run; _run.SEARCH_PATH = programs; "
        "sys.argv = [program, folder]; runpy.run_path(program, run_name='__main__')"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(program), host.memory.folder, str(host.root / "programs")]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert host.queue("hold") == ["4CCCCCCCC1"]
    assert [one["id"] for one in json.loads(Path(host.memory.file).read_text())["measures"]] == ["torn"]


def test_the_timer_is_there_as_long_as_a_measure_is(host: MailHost) -> None:
    folder = host.root / "etc" / "systemd" / "system"
    folder.mkdir(parents=True)
    Path(host.memory.folder).mkdir(mode=0o700)
    expiry.install(host.here)
    expiry.install(host.here)
    assert sorted(path.name for path in folder.iterdir()) == [f"{undo.UNIT}.service", f"{undo.UNIT}.timer"]
    assert os.stat(host.here.kept(undo.PROGRAM)).st_mode & 0o777 == 0o600
    assert host.calls().count("systemctl daemon-reload") == 1
    assert undo.end_due(host.here, host.memory) is True
    assert list(folder.iterdir()) == []
    assert not Path(host.here.kept(undo.PROGRAM)).exists()
    assert f"systemctl disable --quiet {undo.UNIT}.timer" in host.calls()


def test_a_timer_that_cannot_be_had_keeps_the_measure_away(host: MailHost) -> None:
    host.program("systemctl", 'import sys\nsys.exit("no bus")')
    (host.root / "etc" / "systemd" / "system").mkdir(parents=True)
    host.memory.prepare()
    with pytest.raises(Failed, match="no bus"):
        expiry.install(host.here)


def test_a_piece_is_found_where_it_stands() -> None:
    assert "check_sasl_access inline:{bob=HOLD}" in settings._pieces("a b, check_sasl_access inline:{bob=HOLD}, c")
    assert "check_sasl_access inline:{bob=HOLD}" not in settings._pieces("check_sasl_access inline:{bobby=HOLD}")


def test_a_host_without_time_is_looked_at_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look uses up the budget; what comes after it must not stumble over that."""

    def collect(context: Any) -> Any:
        context.deadline = 0.0
        raise shared.OutOfTime("no time left")

    def text(context: Any) -> str:
        raise shared.OutOfTime("no time left for doveconf")

    def value(context: Any, name: str) -> str:
        return "/var/spool/other" if context.left() else text(context)

    monkeypatch.setattr(look.traffic, "collect", collect)
    monkeypatch.setattr(look.dovecot, "text", text)
    monkeypatch.setattr(look.postfix, "value", value)
    found = look.take()
    assert (found.services, found.per_user, found.queue) == ([], 10, "/var/spool/other")


def test_a_look_that_fails_after_the_act_is_a_note(host: MailHost) -> None:
    looks: list[Any] = [host.look]

    def take() -> Any:
        if not looks:
            raise shared.OutOfTime("no time left for doveconf")
        return looks.pop()

    host.take = take
    done = host.contain(**BOB)
    assert (done["state"], done["changed"], len(done["measures"])) == ("done", True, 1)
    assert any("could not be measured: no time left for doveconf" in note for note in done["notes"])
    assert done["after"] == {"held": 2}


@pytest.mark.parametrize("trouble", ["maintenance", "backup", "lease"])
def test_taking_back_waits_for_nobody(host: MailHost, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host.contain(**BOB)
    run = "run-2" if trouble == "lease" else "run-1"
    if trouble == "maintenance":
        monkeypatch.setattr(guard.marker, "active", lambda *dummy: "maintenance until the morning")
    if trouble == "backup":
        monkeypatch.setattr(guard.busy, "backup", lambda dummy: "a backup runs")
    assert host.contain(account="eve", run=run)["state"] == "refused"
    assert host.contain(state="absent", check=True, run=run, **BOB)["state"] == "planned"
    done = host.contain(state="absent", run=run, **BOB)
    assert (done["state"], done["changed"]) == ("done", True), done
    assert host.queue("hold") == ["4CCCCCCCC1"]
    assert host.contain(state="absent", run=run)["state"] == "nothing"


def test_taking_back_waits_for_another_remedy(host: MailHost) -> None:
    host.contain(**BOB)
    other = state.State(host.memory.folder)
    assert other.lock()
    refused = host.contain(state="absent", **BOB)
    other.unlock()
    assert (refused["state"], refused["code"]) == ("refused", "locked")


def test_taking_back_does_not_need_room(host: MailHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.contain(**BOB)

    def write(dummy: Any) -> None:
        raise state.StateError("state.json: No space left on device", True)

    monkeypatch.setattr(host.memory, "write", write)
    done = host.contain(state="absent", **BOB)
    assert (done["state"], done["changed"]) == ("done", True), done
    assert any("could not be remembered: state.json: No space left" in note for note in done["notes"])
    assert host.queue("hold") == ["4CCCCCCCC1"]
    monkeypatch.undo()
    assert host.contain(state="absent", **BOB)["state"] == "done"
    assert host.memory.read()["measures"] == []


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for smtpds that have nothing to do."""
    monkeypatch.setattr(holds, "_IDLE_S", 0.0)


@pytest.mark.usefixtures("hasty")
def test_what_a_session_holds_after_the_end_is_released_too(host: MailHost) -> None:
    host.contain(**BOB)
    host.process(41, "smtpd")
    host.process(42, "smtpd", queue="other-queue")
    host.process(43, "qmgr")
    done = host.contain(state="absent", **BOB)
    assert (done["state"], done["changed"]) == ("done", True)
    assert "still released, for half an hour at most" in done["why"]
    assert any(note.startswith("1 SMTP sessions began before") for note in done["notes"])
    assert "HOLD" not in host.main_cf.read_text()
    again = host.contain(state="absent", **BOB)
    assert (again["state"], again["changed"]) == ("nothing", False)
    assert "still released" in again["why"]

    host.process(44, "smtpd", started=2000)  # began since, and knows nothing of the restriction
    host.mail("hold", "4AAAAAAAA9", login="bob")
    host.mail("hold", "4CCCCCCCC2", login="alice")
    assert undo.end_due(host.here, host.memory) is True
    assert host.queue("hold") == ["4CCCCCCCC1", "4CCCCCCCC2"]
    assert len(host.memory.read()["measures"]) == 1
    host.mail("hold", "4AAAAAAAA8", login="bob")
    host.gone(41)
    assert undo.end_due(host.here, host.memory) is True
    assert host.queue("hold") == ["4CCCCCCCC1", "4CCCCCCCC2"]
    assert host.memory.read()["measures"] == []
    assert host.calls().count("postfix reload") == 2


@pytest.mark.usefixtures("hasty")
def test_sessions_are_not_looked_after_for_ever(host: MailHost) -> None:
    host.contain(**BOB)
    host.process(41, "smtpd")
    host.contain(state="absent")
    known = host.memory.read()
    known["measures"][0]["data"]["late_since"] -= 1801
    host.memory.write(known)
    assert undo.end_due(host.here, host.memory) is True
    assert host.memory.read()["measures"] == []


@pytest.mark.usefixtures("hasty")
def test_a_number_that_another_process_has_is_not_the_session(host: MailHost) -> None:
    host.contain(**BOB)
    host.process(41, "smtpd")
    host.contain(state="absent")
    host.gone(41)
    host.process(41, "smtpd", started=3000)
    undo.end_due(host.here, host.memory)
    assert host.memory.read()["measures"] == []


def test_an_idle_smtpd_ends_soon_after_the_reload(host: MailHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.contain(**BOB)
    host.process(41, "smtpd")
    clock = SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=lambda dummy: host.gone(41))
    monkeypatch.setattr(holds, "time", clock)
    done = host.contain(state="absent")
    assert (done["state"], done["why"]) == ("done", "ended: mail of the account bob on hold")
    assert host.memory.read()["measures"] == []


@pytest.mark.usefixtures("hasty")
def test_held_again_while_sessions_are_looked_after(host: MailHost) -> None:
    host.mail("hold", "4CCCCCCCC2", login="bob")
    host.contain(**BOB)
    host.process(41, "smtpd")
    host.contain(state="absent")
    known = host.memory.read()
    known["measures"][0]["data"]["since"] -= 100
    host.memory.write(known)
    assert host.contain(**BOB)["state"] == "done"
    assert "HOLD" in host.main_cf.read_text()
    host.mail("hold", "4AAAAAAAA9", login="bob", arrived=time.time() - 50)
    host.gone(41)
    host.contain(state="absent")
    assert host.queue("hold") == ["4CCCCCCCC1", "4CCCCCCCC2"]
    assert host.memory.read()["measures"] == []
