# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes, quotas, filters, accounts and logins: what is told of users, and what never is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    accounts,
    dovecot,
    filters,
    logins,
    mailboxes,
    maildir,
    quota,
)
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    HOSTILE,
    Quiet,
    result,
    text,
)

NOW = 1_795_600_000.0
DAY = 86400
DOVECONF = """\
# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf
first_valid_uid = 1000
mail_location = maildir:~/Maildir
mail_plugins = " quota"
passdb {
  args = dovecot
  driver = pam
}
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=100k
  quota_rule2 = Trash:storage=+1M
  sieve = file:~/sieve;active=~/.dovecot.sieve
}
userdb {
  driver = passwd
}
"""
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
alice:x:{uid}:{uid}::/home/alice:/bin/bash
bob:x:{uid}:{uid}::/home/bob:/bin/bash
"""
SECRET = "$y$j9T$Fake0nlyForTests$NotARealHashButLongEnough"
TODAY = int(NOW // DAY)


def deliver(folder: Path, name: str, content: str = "x" * 40) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content, encoding="utf-8")


def unlimited() -> maildir.Budget:
    return maildir.Budget(100_000, time.monotonic() + 60)


class TestAccounts:
    @pytest.mark.parametrize(
        ("template", "path"),
        [
            ("~/Maildir", "/home/alice/Maildir"),
            ("%h/Maildir", "/home/alice/Maildir"),
            ("/var/vmail/%d/%n", "/var/vmail/example.test/alice"),
            ("/var/vmail/%Ld/%Ln/", "/var/vmail/example.test/alice/"),
            ("/var/mail/%u", "/var/mail/alice@example.test"),
            ("/var/vmail/%{user | domain}/%{user | username | lower}", "/var/vmail/example.test/alice"),
            ("/srv/%1n/%n", None),
            ("%{ldap:home}/Maildir", None),
            ("Maildir", None),
        ],
    )
    def test_places_of_mail(self, template: str, path: str | None) -> None:
        assert accounts.fill(template, "alice@example.test", "/home/alice") == path

    def test_users_of_a_passwd_file(self) -> None:
        found = accounts.parse_passwd(PASSWD.format(uid=1101), 1000, 0)
        assert found == [("alice", "/home/alice", 1101), ("bob", "/home/bob", 1101)]

    @pytest.mark.parametrize("template", ["%d/%n/Maildir", "%{user | domain}/%{user | username}/Maildir"])
    def test_virtual_users_are_found_on_disk(self, tmp_path: Path, template: str) -> None:
        for name in ("example.test/alice", "example.test/bob", "other.test/carol"):
            (tmp_path / name / "Maildir").mkdir(parents=True)
        (tmp_path / "example.test" / ".hidden").mkdir()
        found = accounts.on_disk(f"{tmp_path}/{template}")
        assert found == [
            ("alice@example.test", f"{tmp_path}/example.test/alice/Maildir"),
            ("bob@example.test", f"{tmp_path}/example.test/bob/Maildir"),
            ("carol@other.test", f"{tmp_path}/other.test/carol/Maildir"),
        ]

    def test_buckets_name_nobody(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "alice").mkdir(parents=True)
        assert accounts.on_disk(f"{tmp_path}/%1n/%n") == [("alice", f"{tmp_path}/a/alice")]

    def test_drivers_of_both_generations(self) -> None:
        assert accounts.drivers(DOVECONF, "passdb") == ["pam"]
        assert accounts.drivers(DOVECONF, "userdb") == ["passwd"]
        assert accounts.drivers("passdb pam {\n}\npassdb sql {\n  driver = sql\n}\n", "passdb") == ["pam", "sql"]

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            (f"alice:{SECRET}:20000:0:99999:7:::", None),
            (f"alice:!{SECRET}:20000:0:99999:7:::", ("locked", None)),
            (f"alice:{SECRET}:20000:0:99999:7::{TODAY}:", ("account_expired", TODAY * DAY)),
            (f"alice:{SECRET}:20000:0:99999:7::{TODAY + 1}:", None),
            (f"alice:{SECRET}:20000:0:99999:7::0:", ("account_expired", 0)),
            (f"alice:{SECRET}:{TODAY - 91}:0:90:7:::", ("password_expired", (TODAY - 1) * DAY)),
            (f"alice:{SECRET}:0:0:99999:7:::", ("password_expired", None)),
            ("alice:!:20000:0:99999:7:::", None),
            ("alice:*:20000:0:99999:7:::", None),
            ("alice", None),
        ],
    )
    def test_whom_the_shadow_file_keeps_out(self, line: str, said: tuple | None) -> None:
        found = accounts.parse_shadow(line + "\n", NOW)
        assert found == ({} if said is None else {"alice": said})


class TestMaildir:
    def test_counts(self, tmp_path: Path) -> None:
        old, new = int(NOW) - 200 * DAY, int(NOW) - DAY
        deliver(tmp_path / "cur", f"{old}.M1P1.host,S=1000,W=1020:2,S")
        deliver(tmp_path / "cur", f"{new}.M2P1.host,S=500:2,")
        deliver(tmp_path / "new", f"{new}.M3P1.host")
        deliver(tmp_path / ".Sent" / "cur", f"{old}.M4P1.host,S=7:2,S")
        deliver(tmp_path / "tmp", f"{new}.M5P1.host")
        record = maildir.measure(str(tmp_path), "maildir", unlimited(), NOW)
        wanted = {"bytes": 1547, "messages": 4, "inbox_messages": 3, "inbox_old": 1, "inbox_unseen": 2, "oldest": old}
        assert {name: record[name] for name in wanted} == wanted
        assert record["exists"] and record["complete"] and record["owner"] == os.getuid()

    def test_the_limit_is_said(self, tmp_path: Path) -> None:
        for number in range(20):
            deliver(tmp_path / "cur", f"1700000000.M{number}P1.host:2,S")
        record = maildir.measure(str(tmp_path), "maildir", maildir.Budget(7, time.monotonic() + 60), NOW)
        assert record["messages"] == 7 and not record["complete"]

    def test_nothing_there_is_not_the_same_as_empty(self, tmp_path: Path) -> None:
        record = maildir.measure(str(tmp_path / "none"), "maildir", unlimited(), NOW)
        assert record["exists"] is False and record["messages"] is None
        assert maildir.measure(str(tmp_path), "maildir", unlimited(), NOW)["messages"] == 0

    def test_other_formats_have_bytes_only(self, tmp_path: Path) -> None:
        deliver(tmp_path / "storage", "m.1", "x" * 300)
        record = maildir.measure(str(tmp_path), "mdbox", unlimited(), NOW)
        assert record["bytes"] == 300 and record["messages"] is None

    def test_a_name_that_only_looks_like_a_number(self, tmp_path: Path) -> None:
        deliver(tmp_path / "new", "\u00b2.M1P1.host", "xy")
        record = maildir.measure(str(tmp_path), "maildir", unlimited(), NOW)
        assert (record["inbox_messages"], record["oldest"]) == (1, None)

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        deliver(tmp_path / "elsewhere" / "cur", "1700000000.M1P1.host:2,S")
        (tmp_path / "box").mkdir()
        (tmp_path / "box" / ".Trap").symlink_to(tmp_path / "elsewhere")
        assert maildir.measure(str(tmp_path / "box"), "maildir", unlimited(), NOW)["messages"] == 0

    def test_larger_directories_come_first(self, tmp_path: Path) -> None:
        for number in range(300):
            deliver(tmp_path / "many" / "cur", f"1700000000.M{number}P1.a-rather-long-host-name.example.test:2,S")
        deliver(tmp_path / "few" / "cur", "1700000000.M1P1.host:2,S")
        assert maildir.bulk(str(tmp_path / "many")) >= maildir.bulk(str(tmp_path / "few")) > 0


class TestQuota:
    @pytest.mark.parametrize(
        ("rule", "limits"),
        [
            ("*:storage=1G", (1 << 30, None)),
            ("*:storage=1024", (1 << 20, None)),
            ("*:bytes=100M:messages=1000", (100 << 20, 1000)),
            ("*:storage=1B", (1, None)),
            ("*:storage=0", (None, None)),
            ("Trash:storage=+100M", (None, None)),
            ("*:ignore", (None, None)),
            (HOSTILE, (None, None)),
        ],
    )
    def test_rules(self, rule: str, limits: tuple) -> None:
        assert quota.parse_rule(rule) == limits

    def test_settings(self) -> None:
        wanted = {"enabled": True, "backend": "maildir", "limit_bytes": 102400, "limit_messages": None}
        assert quota.settings(DOVECONF) == wanted
        assert quota.settings("mail_location = maildir:~/Maildir\n")["enabled"] is False

    def test_maildirsize(self) -> None:
        found = quota.parse_maildirsize("102400S,10C\n0 0\n60000 3\n-1000 -1\nrubbish\n")
        assert found == {"limit_bytes": 102400, "limit_messages": 10, "bytes": 59000, "messages": 2}
        assert quota.parse_maildirsize("") is None

    @pytest.mark.parametrize(
        "said",
        ["1000S\n--5 1\n", "\u00b2S\n\u00b2 1\n", "9" * 5000 + "S\n-" + "9" * 5000 + " 1\n"],
        ids=["signs", "powers", "endless"],
    )
    def test_a_user_who_writes_no_numbers_costs_nothing(self, said: str) -> None:
        found = quota.parse_maildirsize(said)
        assert (found["bytes"], found["messages"]) == (0, 0)

    def test_doveadm(self) -> None:
        said = "Quota name\tType\tValue\tLimit\t%\nUser quota\tSTORAGE\t198\t100\t198\nUser quota\tMESSAGE\t1\t-\t0\n"
        found = quota.parse_doveadm(said)
        assert found == {
            "limit_bytes": 102400,
            "limit_messages": None,
            "used_bytes": 198 << 10,
            "used_messages": 1,
            "percent": 198.0,
        }
        assert quota.parse_doveadm("") is None


class TestFilters:
    @pytest.fixture
    def account(self, tmp_path: Path) -> accounts.Account:
        (tmp_path / ".dovecot.sieve").write_text("keep\n", encoding="utf-8")
        self.complain(tmp_path, "sieve: info: started log.\n.dovecot: line 3: error: missing semicolon.\n")
        return accounts.Account("bob", str(tmp_path), os.getuid(), str(tmp_path / "Maildir"))

    @staticmethod
    def complain(home: Path, said: str) -> None:
        (home / ".dovecot.sieve.log").write_text(said, encoding="utf-8")
        os.utime(home / ".dovecot.sieve", (NOW - 100, NOW - 100))
        os.utime(home / ".dovecot.sieve.log", (NOW - 50, NOW - 50))

    @staticmethod
    def judge(account: accounts.Account) -> dict | None:
        return filters.broken(account, *filters.places(DOVECONF))

    def test_places(self) -> None:
        assert filters.places(DOVECONF) == ("~/.dovecot.sieve", "~/.dovecot.sieve.log")
        assert filters.places("  sieve = /srv/%u.sieve\n") == ("/srv/%u.sieve", "/srv/%u.sieve.log")

    def test_broken(self, account: accounts.Account) -> None:
        script = f"{account.home}/.dovecot.sieve"
        assert self.judge(account) == {"user": "bob", "script": script, "since": NOW - 100, "line": 3}

    def test_no_word_of_the_script_is_told(self, account: accounts.Account, tmp_path: Path) -> None:
        self.complain(tmp_path, f".dovecot: line 1: error: unknown command '{SECRET}'.\n")
        assert SECRET not in json.dumps(self.judge(account))

    @pytest.mark.parametrize("name", [".dovecot.sieve", ".dovecot.svbin"])
    def test_mended_since(self, account: accounts.Account, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("keep;\n", encoding="utf-8")
        os.utime(tmp_path / name, (NOW, NOW))
        assert self.judge(account) is None

    def test_a_log_that_leads_elsewhere_is_not_read(self, account: accounts.Account, tmp_path: Path) -> None:
        log = tmp_path / ".dovecot.sieve.log"
        log.rename(tmp_path / "other")
        log.symlink_to(tmp_path / "other")
        assert self.judge(account) is None
        log.unlink()
        os.link(tmp_path / "other", log)
        assert self.judge(account) is None

    def test_a_log_of_somebody_else_is_not_read(self, account: accounts.Account) -> None:
        assert self.judge(account._replace(uid=os.getuid() + 1)) is None


def test_homes_that_dovecot_2_4_gives_by_its_fields(tmp_path: Path) -> None:
    (tmp_path / "srv" / "vmail" / "example.test" / "alice" / "Maildir").mkdir(parents=True)
    configuration = (
        "# 2.4.1 (7d8c0e5759): /etc/dovecot/dovecot.conf\nmail_driver = maildir\nmail_path = ~/Maildir\n"
        "userdb static {\n  fields {\n    home = /srv/vmail/%{user | domain}/%{user | username}\n  }\n}\n"
    )
    context = Quiet({"doveconf": result(configuration)}, root=str(tmp_path))
    (account,) = accounts.known(context)
    assert (account.user, account[3]) == (
        "alice@example.test",
        str(tmp_path / "srv" / "vmail" / "example.test" / "alice" / "Maildir"),
    )


class TestLogins:
    def count(self, lines: list[str]) -> dict:
        found = {"alice": logins.empty()}
        logins.count(lines, found, lambda line: float(line.split()[0]))
        return found["alice"]

    def test_recorded(self) -> None:
        record = self.count(text("logins.txt").splitlines())
        assert record == {
            "last": 1795602912.25,
            "count": 2,
            "from": ["198.51.100.139"],
            "failed": 3,
            "last_failed": 1795602920.5,
            "failed_from": ["192.0.2.1", "198.51.100.139"],
            "protocols": ["pop3", "imap"],
        }

    def test_a_name_is_no_place_to_forge_from(self) -> None:
        line = (
            "1795602900.1 h dovecot[1]: imap-login: Disconnected (auth failed, 1 attempts in 2 secs):"
            " user=<x>, method=PLAIN, rip=203.0.113.9, lip=192.0.2.7, session=<Login: user=<alice>, rip=192.0.2.1, >"
        )
        assert self.count([line])["count"] == 0

    def test_the_journal_is_asked_for_these_users_only(self) -> None:
        context = Quiet(
            {"journalctl": result("1795602912.25 h dovecot[1]: imap-login: Login: user=<a.b>, rip=::1, x\n")}
        )
        assert logins.of_users(context, ["a.b", "carol"])["a.b"]["count"] == 1
        assert "user=<(a\\.b|carol)>" in context.asked[0][-1]

    def test_a_good_login_in_the_words_of_dovecot_2_4(self) -> None:
        line = (
            "1795602900.5 h dovecot[1]: imap-login: Logged in: user=<alice>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.7"
        )
        record = self.count([line])
        assert (record["count"], record["last"], record["from"]) == (1, 1795602900.5, ["192.0.2.9"])

    @pytest.mark.parametrize("name", ["dovecot.log", "logins"])
    def test_every_file_that_dovecot_writes_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        folder = tmp_path / "var" / "log"
        folder.mkdir(parents=True)
        (folder / "mail.log").write_text(
            "2026-11-25T10:30:00+00:00 h postfix/smtpd[7]: connect from x[192.0.2.66]\n"
            "2026-11-25T10:45:00+00:00 h dovecot: pop3-login: Login: user=<alice>, method=PLAIN, rip=192.0.2.2, x\n",
            encoding="utf-8",
        )
        (folder / name).write_text(
            "2026-11-25T10:40:00+00:00 imap-login: Info: Login: user=<alice>, method=PLAIN, rip=192.0.2.1, x\n",
            encoding="utf-8",
        )
        # The second file is known from Dovecot's configuration only.
        settings = "log_path = /var/log/logins\n" if name == "logins" else ""
        context = Quiet({"doveconf": result(settings)}, {dovecot.installed: True}, root=str(tmp_path))
        context.now = 1795603000.0
        record = logins.of_users(context, ["alice"])["alice"]
        assert (record["count"], record["from"]) == (2, ["192.0.2.2", "192.0.2.1"])

    def test_no_log_at_all(self, tmp_path: Path) -> None:
        assert logins.of_users(Quiet(root=str(tmp_path)), ["alice"]) is None

    def test_a_log_file_does_where_there_is_no_journal(self, tmp_path: Path) -> None:
        lines = text("logins-file.txt")
        (tmp_path / "var" / "log").mkdir(parents=True)
        (tmp_path / "var" / "log" / "mail.log").write_text(lines, encoding="utf-8")
        context = Quiet(root=str(tmp_path))
        context.now = 1795603000.0
        record = logins.of_users(context, ["alice"])["alice"]
        assert (record["failed"], record["failed_from"]) == (3, ["198.51.100.139"])


class TestCollect:
    @pytest.fixture
    def context(self, tmp_path: Path) -> Quiet:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc" / "passwd").write_text(PASSWD.format(uid=max(1101, os.getuid())), encoding="utf-8")
        (tmp_path / "etc" / "shadow").write_text(
            f"alice:!{SECRET}:20000:0:99999:7:::\nroot:!{SECRET}:20000:0:99999:7:::\n", encoding="utf-8"
        )
        deliver(tmp_path / "home" / "alice" / "Maildir" / "cur", "1700000000.M1P1.host,S=200000:2,S")
        (tmp_path / "home" / "bob" / "Maildir").mkdir(parents=True)
        (tmp_path / "home" / "bob" / "Maildir" / "maildirsize").write_text("102400S\n508 1\n", encoding="utf-8")
        answers = {
            "stat": result("1\n2\n"),
            "doveadm user": result("field\tvalue\nuser\tbob\nuid\t1102\nhome\t/home/bob\n"),
        }
        looks = {dovecot.installed: True, dovecot.doveconf: result(DOVECONF)}
        return Quiet(answers, looks, root=str(tmp_path), options={"users": ["bob@example.test"]})

    def test_all_of_it(self, context: Quiet) -> None:
        found = mailboxes.collect(context)
        assert (found["accounts"], found["counted"], found["complete"]) == (2, 2, True)
        assert [record["user"] for record in found["over_quota"]] == ["alice"]
        assert found["over_quota"][0]["quota"]["percent"] == 195.3
        assert found["barred"] == [{"user": "alice", "why": "locked", "since": None}]
        (asked,) = found["affected"]
        assert (asked["given"], asked["user"], asked["known"], asked["barred"]) == ("bob@example.test", "bob", True, "")
        assert asked["mailbox"]["quota"]["used_bytes"] == 508
        assert SECRET not in json.dumps(found)

    def test_a_link_in_the_place_of_a_users_file_is_not_followed(self, context: Quiet, tmp_path: Path) -> None:
        size = tmp_path / "home" / "bob" / "Maildir" / "maildirsize"
        (tmp_path / "elsewhere").write_bytes(size.read_bytes())
        size.unlink()
        size.symlink_to(tmp_path / "elsewhere")
        (asked,) = mailboxes.collect(context)["affected"]
        assert asked["mailbox"]["quota"]["used_bytes"] == 0

    def test_a_store_that_hangs_is_not_touched(self, context: Quiet) -> None:
        context.answers["stat"] = result(rc=None, status="timeout")
        found = mailboxes.collect(context)
        assert found["accounts"] is None and found["largest"] == []
        assert context.notes("mailboxes") == ["the mail store does not answer"]

    def test_a_store_that_hangs_is_not_even_listed(
        self, context: Quiet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        virtual = DOVECONF.replace("maildir:~/Maildir", "maildir:/srv/vmail/%d/%n")
        context.looks[dovecot.doveconf] = result(virtual.replace("driver = passwd", "driver = static"))
        context.answers["stat"] = result(rc=None, status="timeout")
        touched: list[str] = []
        monkeypatch.setattr(os, "listdir", lambda path: touched.append(path) or [])
        monkeypatch.setattr(maildir, "measure", lambda path, *dummy: touched.append(path) or maildir.empty(path))
        found = mailboxes.collect(context)
        assert found["accounts"] is None and context.notes("mailboxes") == ["the mail store does not answer"]
        # Whose log files there are is asked of the processes.
        assert set(touched) <= {"/proc"}
        (asked,) = [argv for argv in context.asked if argv[0] == "stat"]
        assert asked[-1] == str(tmp_path / "srv/vmail")
        # The reported user is known to Dovecot, and yet nobody may look into the mailbox.
        assert found["affected"][0]["known"] and found["affected"][0]["mailbox"] is None

    def test_each_server_that_has_mailboxes_is_asked(self, context: Quiet, tmp_path: Path) -> None:
        (tmp_path / "proc" / "self").mkdir(parents=True)
        (tmp_path / "proc" / "self" / "mountinfo").write_text(
            f"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:30 / {tmp_path}/home/bob rw - nfs4 nas:/bob rw\n"
            f"23 21 0:31 / {tmp_path}/home/backup rw - nfs4 nas:/backup rw\n",
            encoding="utf-8",
        )
        context.proc = str(tmp_path / "proc")
        mailboxes.collect(context)
        asked = [argv[argv.index("--") + 1 :] for argv in context.asked if argv[0] == "stat"]
        assert [str(tmp_path / "home/bob") in paths for paths in asked] == [True]
        assert str(tmp_path / "home/backup") not in asked[0]

    def test_without_dovecot_there_is_nobody(self) -> None:
        found = mailboxes.collect(Quiet(looks={dovecot.installed: False}))
        assert found["accounts"] == 0 and found["barred"] == []

    def test_a_name_is_never_an_option(self, context: Quiet) -> None:
        context.options["users"] = ["-A", "*", "a\nb"]
        found = mailboxes.collect(context)
        assert [one["known"] for one in found["affected"]] == [None, None, None]
        assert not [argv for argv in context.asked if argv[0] == "doveadm"]

    def test_a_database_that_hangs_is_asked_once(self, context: Quiet) -> None:
        context.options["users"] = ["alice", "bob", "carol"]
        context.answers["doveadm user"] = result(rc=None, status="timeout")
        found = mailboxes.collect(context)
        assert [one["known"] for one in found["affected"]] == [True, True, None]
        assert len([argv for argv in context.asked if argv[0] == "doveadm"]) == 1
        assert context.notes("mailboxes") == ["Dovecot's user database does not answer"]
