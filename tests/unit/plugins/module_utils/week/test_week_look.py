# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weeks of a host from its log files, rotated and packed, and from its journal; and the module that tells them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import journal, log, mailprocs, units
from ansible_collections.mailops.triage.plugins.module_utils._run import Result
from ansible_collections.mailops.triage.plugins.module_utils._week import sources
from ansible_collections.mailops.triage.plugins.module_utils._week.look import look, timezone
from ansible_collections.mailops.triage.plugins.modules import mail_week
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import Quiet, result

NOW = 1_795_392_900  # a quarter past
HOUR, DAY = 3600, 86400


def connect(when: float, host: str = "mail1") -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when))
    return f"{stamp}+00:00 {host} postfix/smtpd[7]: connect from x[192.0.2.66]\n"


def save(lines: str) -> str:
    return lines.replace("postfix/smtpd[7]: connect from x[192.0.2.66]", "dovecot: imap-login: Login: user=<a>, rip=x")


def log_lines(begin: float, end: float, every: int = 60, host: str = "mail1") -> str:
    return "".join(connect(when, host) for when in range(int(begin), int(end), every))


class Machine:
    """A host below a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.logs = root, root / "var" / "log"
        self.logs.mkdir(parents=True)
        (root / "etc").mkdir()
        (root / "etc" / "hostname").write_text("mail1\n")

    def write(self, name: str, lines: str, end: float) -> None:
        path = self.logs / name
        path.write_bytes(gzip.compress(lines.encode()) if name.endswith(".gz") else lines.encode())
        os.utime(path, (end, end))

    def rotated(self, end: float = NOW) -> None:
        """Four weeks as Debian keeps them."""
        edges = [end - 28 * DAY, end - 20 * DAY, end - 13 * DAY, end - 6 * DAY, end]
        for name, begin, last in zip(("mail.log.3.gz", "mail.log.2.gz", "mail.log.1", "mail.log"), edges, edges[1:]):
            self.write(name, log_lines(begin, last), last)

    def context(self, kind: type[Quiet] = Quiet, book: journal.Journal | None = None, **options: Any) -> Any:
        asked = {"log_window": 28 * DAY, "time_budget": 60.0, "log_seconds": 10.0, **options}
        context = kind(None, {journal.look: book or journal.Journal()}, options=asked, root=str(self.root))
        context.now = float(NOW)
        context.looks.update({log.postfix.installed: False, log.dovecot.installed: False, units.show: {}})
        context.looks[log.postfix.mail] = mailprocs.identify({}, "/nonexistent")
        return context


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_rotated_and_packed_files_are_one_log(machine: Machine):
    machine.rotated()
    found = look(machine.context())
    assert found["gaps"] == [] and found["notes"] == []
    assert found["oldest"] == NOW - 28 * DAY
    # From the first whole hour to the last one that is over.
    assert [hour["at"] for hour in found["hours"]] == list(range(NOW - 28 * DAY + 2700, NOW - 900, HOUR))
    assert {(hour["connections"], hour["delivered"], hour["logins"]) for hour in found["hours"]} == {(60, 0, 0)}
    assert found["sources"] == [
        {
            "name": str(machine.logs / "mail.log"),
            "families": ["mda", "mta"],
            "oldest": NOW - 28 * DAY,
            "whole": True,
        }
    ]


def test_only_the_days_that_were_asked_for(machine: Machine):
    machine.rotated()
    found = look(machine.context(log_window=7 * DAY))
    assert found["hours"][0]["at"] == NOW - 7 * DAY + 2700 and len(found["hours"]) == 7 * 24 - 1


def test_a_file_that_is_missing_or_damaged_is_a_gap(machine: Machine):
    machine.rotated()
    path = machine.logs / "mail.log.2.gz"
    path.write_bytes(path.read_bytes()[:2000])
    os.utime(path, (NOW - 13 * DAY, NOW - 13 * DAY))
    damaged = look(machine.context())
    assert damaged["notes"] and "mail.log.2.gz" in damaged["notes"][0]
    path.unlink()
    missing = look(machine.context())
    assert missing["gaps"] == [[NOW - 20 * DAY, NOW - 13 * DAY]] and missing["notes"] == []
    for found in (damaged, missing):
        assert found["oldest"] == NOW - 28 * DAY
        (gap,) = found["gaps"]
        assert gap[1] == NOW - 13 * DAY and NOW - 20 * DAY <= gap[0] < NOW - 19 * DAY
        assert not [hour for hour in found["hours"] if gap[0] < hour["at"] + HOUR and hour["at"] < gap[1]]
        assert 20 * 24 < len(found["hours"]) <= 21 * 24 + 24


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the clock jump when so many pieces of logs have been counted."""
    pieces = []
    real = sources.logpass.Pass.feed

    def feed(*arguments: Any) -> None:
        real(*arguments)
        pieces.append(1)

    def after(number: int) -> None:
        pieces.clear()
        monkeypatch.setattr(sources.time, "monotonic", lambda: 1e12 if len(pieces) >= number else 0.0)

    monkeypatch.setattr(sources.logpass.Pass, "feed", feed)
    return after


def test_when_the_time_is_over_the_newest_was_read(machine: Machine, stop: Callable[[int], None]):
    machine.rotated()
    stop(2)
    found = look(machine.context())
    assert found["oldest"] == NOW - 13 * DAY
    assert found["hours"][0]["at"] == NOW - 13 * DAY + 2700 and len(found["hours"]) == 13 * 24 - 1
    assert not found["sources"][0]["whole"] and "no time was left" in found["notes"][0]


def test_a_source_without_any_time_leaves_nothing_known(machine: Machine, stop: Callable[[int], None]):
    """Hours without their logins would look quiet."""
    machine.rotated()
    machine.write("maillog", save(log_lines(NOW - 8 * DAY, NOW, 120)), NOW)
    files = [(str(machine.logs / "mail.log"), {"mta"}), (str(machine.logs / "maillog"), {"mda"})]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "log_files", lambda dummy: files)
        stop(4)
        found = look(machine.context())
        assert found["hours"] == [] and [source["oldest"] for source in found["sources"]] == [NOW - 28 * DAY, None]
        stop(5)
        assert len(look(machine.context())["hours"]) == 8 * 24 - 1


def test_dovecot_in_a_file_of_its_own(machine: Machine):
    """An hour is known when both are: the shorter log decides."""
    machine.rotated()
    machine.write("maillog", save(log_lines(NOW - 8 * DAY, NOW, 120)), NOW)
    context = machine.context()
    files = [(str(machine.logs / "mail.log"), {"mta"}), (str(machine.logs / "maillog"), {"mda"})]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "log_files", lambda dummy: files)
        found = look(context)
    assert found["oldest"] == NOW - 8 * DAY
    assert {(hour["connections"], hour["logins"]) for hour in found["hours"]} == {(60, 30)}


def test_lines_of_other_hosts(machine: Machine):
    both = log_lines(NOW - 2 * DAY, NOW) + log_lines(NOW - 2 * DAY, NOW, 7, "mail2")
    machine.write("mail.log", "".join(sorted(both.splitlines(True))), NOW)
    found = look(machine.context())
    assert {hour["connections"] for hour in found["hours"]} == {60}


def test_no_log(machine: Machine):
    found = look(machine.context(book=journal.Journal(reason="journalctl missing")))
    assert found["hours"] == [] and found["oldest"] is None and found["gaps"] == []
    assert found["notes"] == ["journal: journalctl missing", "no log of the mail system was found that is written to"]


class Journald(Quiet):
    """A host whose journalctl obeys --since, --until and -n."""

    lines: list[tuple[float, str]] = []

    def run(self, argv: Any, timeout: float = 5.0, limit_bytes: int = 1 << 20, input: Any = None) -> Result:
        if argv[0] != "journalctl":
            return super().run(argv, timeout, limit_bytes, input)
        self.asked.append(list(argv))
        told = {word.partition("=")[0]: word.partition("=@")[2] for word in argv if word.startswith("--")}
        since, until = float(told["--since"]), float(told["--until"])
        found = [text for when, text in reversed(self.lines) if since <= when <= until]
        return result("".join(found[: int(argv[argv.index("-n") + 1])]))


def short(when: float) -> str:
    return connect(when).replace("+00:00", "+0000", 1)


def test_the_journal_where_there_are_no_files(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    moments = [when + part / 4 for when in range(NOW - 2 * DAY, NOW, 240) for part in range(4)]
    monkeypatch.setattr(Journald, "lines", [(when, short(when)) for when in moments])
    monkeypatch.setattr(sources, "_JOURNAL_LINES", 1001)
    newest = f'{{"__REALTIME_TIMESTAMP":"{NOW - 240}000000","MESSAGE":"x","SYSLOG_IDENTIFIER":"postfix/smtpd"}}\n'
    book = journal.Journal([newest], "", NOW - 2 * DAY, NOW, readable=True)
    context = machine.context(Journald, book)
    found = look(context)
    # Four lines in each such second: none is lost or counted twice where one call ends and the next begins.
    assert {hour["connections"] for hour in found["hours"]} == {60} and len(found["hours"]) == 47
    assert found["sources"][0]["name"] == "journal" and found["sources"][0]["whole"] and not found["gaps"]
    assert 3 <= len(context.asked) <= 5


def test_a_second_with_more_lines_than_one_call_gives(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    burst = [NOW - 3 * HOUR + number / 1000 for number in range(900)]
    moments = sorted([*burst, *(when + 0.5 for when in range(NOW - DAY, NOW, 60))])
    monkeypatch.setattr(Journald, "lines", [(when, short(when)) for when in moments])
    monkeypatch.setattr(sources, "_JOURNAL_LINES", 300)
    newest = f'{{"__REALTIME_TIMESTAMP":"{NOW}000000","MESSAGE":"x","SYSLOG_IDENTIFIER":"postfix/smtpd"}}\n'
    book = journal.Journal([newest], "", NOW - DAY, NOW, readable=True)
    found = look(machine.context(Journald, book))
    assert found["sources"][0]["whole"] and len(found["hours"]) == 23


@pytest.mark.parametrize(
    ("link", "text", "expected"),
    [
        ("/usr/share/zoneinfo/Europe/Berlin", "", "Europe/Berlin"),
        ("/usr/share/zoneinfo/posix/Asia/Tokyo", "", "Asia/Tokyo"),
        ("/usr/share/zoneinfo/America/Argentina/Buenos_Aires", "", "America/Argentina/Buenos_Aires"),
        ("", "Asia/Tokyo\n", "Asia/Tokyo"),
        ("", "{{ evil }}\n", ""),
        ("", "", ""),
    ],
)
def test_time_zone(machine: Machine, link: str, text: str, expected: str):
    if link:
        (machine.root / "etc" / "localtime").symlink_to(link)
    if text:
        (machine.root / "etc" / "timezone").write_text(text)
    assert timezone(machine.context()) == expected


PROGRAM = """
import sys
sys.path[:] = {path!r}
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = {arguments!r}
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.mailops.triage.plugins.modules import mail_week
mail_week.main()
"""


def run(tmp_path: Path, **arguments: Any) -> tuple[int, dict[str, Any]]:
    """(exit status, result) of the module in a process of its own."""
    collections = mail_week.__file__.rsplit("/ansible_collections/", 1)[0]
    encoded = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_tmpdir": str(tmp_path), **arguments}}).encode()
    program = PROGRAM.format(path=[collections, *sys.path], arguments=encoded)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_module_on_this_machine(tmp_path: Path, check_mode: bool):
    code, found = run(tmp_path, days=2, _ansible_check_mode=check_mode)
    assert code == 0 and found["changed"] is False
    assert found["utc_offset_s"] == time.localtime().tm_gmtoff
    assert {"hours", "timezone", "oldest", "gaps", "sources", "notes"} <= set(found)


@pytest.mark.parametrize(("option", "value"), [("days", 0), ("days", 400), ("time_budget", 0)])
def test_options_out_of_range(tmp_path: Path, option: str, value: int):
    code, found = run(tmp_path, **{option: value})
    assert code == 1 and option in found["msg"]
