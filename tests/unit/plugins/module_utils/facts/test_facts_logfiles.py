# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log files: which are read, how much of them, in which order, whose lines count, and what earlier days were like."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time
from types import SimpleNamespace

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    baseline,
    journal,
    log,
    logfiles,
    logread,
    mailprocs,
    units,
)
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    Quiet,
    data,
    result,
    text,
)

NOW = 1_795_410_000.0
DAY = 86400.0


def line(when, message="connect from x[192.0.2.66]", host="mail1", tag="postfix/smtpd[7]"):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when))
    return f"{stamp}+00:00 {host} {tag}: {message}\n"


def write_log(path, stamps, **arguments):
    path.write_text("".join(line(stamp, **arguments) for stamp in stamps))
    os.utime(path, (stamps[-1], stamps[-1]))


def read(path, since=0.0, limit=8 << 20, until=None):
    parts, cut = logfiles.segments(str(path), since, NOW, limit, until)
    return [b"".join(part) for part in parts], cut


def test_reading_from_a_moment_on(tmp_path):
    path = tmp_path / "mail.log"
    write_log(path, [NOW - 40000 + number for number in range(40000)])
    whole = path.read_bytes()
    assert read(path) == ([whole], False)
    (part,), cut = read(path, limit=100_000)
    assert cut and len(part) <= 100_000 and part.startswith(b"2026-") and whole.endswith(part)
    (recent,), cut = read(path, since=NOW - 100)
    assert not cut and 100 <= recent.count(b"\n") < 400 and whole.endswith(recent)
    (older,), cut = read(path, since=NOW - 30000, until=NOW - 29000)
    assert not cut and 1000 <= older.count(b"\n") < 6000 and older[:25].decode() <= line(NOW - 30000)[:25]


def test_segments_begin_with_the_newest_and_lose_no_line(tmp_path, monkeypatch):
    monkeypatch.setattr(logfiles, "_SEGMENT", 100_000)
    monkeypatch.setattr(logfiles, "_PIECE", 10_000)
    path = tmp_path / "mail.log"
    write_log(path, [NOW - 40000 + 10 * number for number in range(4000)])
    parts, cut = read(path)
    assert len(parts) > 2 and not cut and b"".join(reversed(parts)) == path.read_bytes()
    assert all(part.startswith(b"2026-") and part.endswith(b"\n") for part in parts)
    firsts = [part.first for part in logfiles.segments(str(path), 0.0, NOW, 8 << 20)[0]]
    assert firsts == sorted(firsts, reverse=True)


def test_a_line_without_an_end(tmp_path):
    path = tmp_path / "mail.log"
    path.write_bytes(b"x" * (5 << 20))
    parts, cut = read(path)
    assert not cut and sum(map(len, parts)) <= 5 << 20 and max(map(len, parts)) <= 3 << 20


def test_rotated_files(tmp_path):
    for name, age in (
        ("mail.log", 0),
        ("mail.log.1", 100),
        ("mail.log.2.gz", 200),
        ("mail.log.3.gz", 90000),
        ("mail.log-20261122", 300),
        ("mail.log-20261121.xz", 400),
        ("mail.logger", 0),
        ("mail.log.bak", 0),
    ):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (NOW - age, NOW - age))
    found = [os.path.basename(path) for path in logread.rotated(str(tmp_path / "mail.log"), NOW - DAY)]
    assert found == ["mail.log", "mail.log.1", "mail.log.2.gz", "mail.log-20261122", "mail.log-20261121.xz"]


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress)])
def test_packed_files(tmp_path, suffix, pack):
    path = tmp_path / f"mail.log.2.{suffix}"
    lines = "".join(line(NOW - 1000 + number) for number in range(1000)).encode()
    path.write_bytes(pack(lines))
    assert read(path) == ([lines], False)
    assert logfiles.first_moment(str(path), NOW) == NOW - 1000
    assert read(path, since=NOW + 5) == ([b""], False)
    bomb = tmp_path / f"mail.log.3.{suffix}"
    bomb.write_bytes(pack(b"\0" * (32 << 20)))
    for damaged in (bomb, tmp_path / f"mail.log.4.{suffix}"):
        if damaged != bomb:
            damaged.write_bytes(pack(lines)[:-200])
        with pytest.raises(OSError):
            read(damaged, limit=100_000 if damaged == bomb else 8 << 20)


def test_the_clock_can_be_looked_at_before_a_packed_file_reaches_the_window(tmp_path):
    path = tmp_path / "mail.log.2.gz"
    path.write_bytes(gzip.compress(line(NOW - 1000).encode() * 60000))
    (part,), dummy = logfiles.segments(str(path), NOW, NOW, 8 << 20)
    pieces = list(part)
    assert len(pieces) > 2 and not any(pieces)


@pytest.mark.parametrize("damage", ["cut", "long"])
def test_a_packed_log_that_is_not_read_to_its_end_is_not_whole(tmp_path, damage):
    folder, now = host(tmp_path), 1_795_603_843.0
    write_log(folder / "mail.log", [now - 600, now - 60])
    old = folder / "mail.log.1.gz"
    noise = "".join(
        line(now - 7200 + number % 60, str(number * 2654435761 % 2**61)) for number in range(40000)
    ).encode()
    old.write_bytes(gzip.compress(noise)[: -1000 if damage == "cut" else None])
    os.utime(old, (now - 3600, now - 3600))
    found = collect(tmp_path, log_bytes=8 << 20 if damage == "cut" else 1 << 20, log_seconds=60.0)
    assert found["truncated"] and not found["flow"]["complete"] and found["sources"][1]["reason"]
    assert found["flow"]["reason"] == found["sources"][1]["reason"]
    assert found["flow"]["since"] == found["sources"][1]["oldest"] == now - 7200


@pytest.mark.parametrize(
    ("written", "own", "expected"),
    [
        ({"mail1"}, {"mail1.example.test"}, {b"mail1"}),
        ({"mail1.example.test"}, {"mail1"}, {b"mail1.example.test"}),
        ({"MAIL1", "mail2"}, {"mail1.example.test"}, {b"MAIL1"}),
        ({"mail1.a.test", "mail1.b.test"}, {"mail1.a.test"}, {b"mail1.a.test"}),
        ({"mail2", "mail3"}, {"mail1"}, set()),
        ({"oldname"}, {"mail1"}, {b"oldname"}),
        (set(), {"mail1"}, None),
    ],
)
def test_whose_lines_count(tmp_path, written, own, expected):
    path = tmp_path / "mail.log"
    path.write_text("".join(line(NOW, host=host) for host in sorted(written)) * 3 + "imap-login: Info: Login: x\n")
    found = logfiles.hosts(str(path), own)
    assert found == expected if not expected else expected <= found and not found & {b"mail2", b"mail1.b.test"}


def test_the_same_hour_on_earlier_days(tmp_path):
    path, old = tmp_path / "mail.log", tmp_path / "mail.log.1.gz"
    older = [line(NOW - 3 * DAY - 7200)]
    for day, number in ((3, 30), (2, 10)):
        older += [line(NOW - day * DAY - 1800)] * number + [line(NOW - day * DAY + 1800)] * 99
    old.write_bytes(gzip.compress("".join(older).encode()))
    os.utime(old, (NOW - 2 * DAY + 1800, NOW - 2 * DAY + 1800))
    write_log(path, [NOW - DAY - 4000] + [NOW - DAY - 1800] * 20 + [NOW - DAY + 1800] * 99 + [NOW - 60])
    context = Quiet()
    context.now = NOW
    found = baseline.look(context, [(str(path), {"mta"}, None)], (set(), None), time.monotonic() + 5)
    assert (found["days"], found["hours"], found["connections"], found["accepted"]) == (3, 3, 20.0, 0.0)
    assert baseline.look(context, [(str(path), {"mta"}, None)], (set(), None), time.monotonic() - 1) is None
    old.unlink()
    found = baseline.look(context, [(str(path), {"mta"}, None)], (set(), None), time.monotonic() + 5)
    assert (found["hours"], found["connections"]) == (1, 20.0)


def collect(tmp_path, answers=None, book=None, **options):
    """The log part of a host whose root is a temporary folder."""
    context = Quiet(answers, {journal.look: book or journal.Journal()}, options=options, root=str(tmp_path))
    context.now = 1_795_603_843.0
    context.looks.update(
        {log.postfix.installed: False, log.dovecot.installed: False, log.shared.boot_time: 0.0, units.show: {}}
    )
    context.looks[log.postfix.mail] = mailprocs.identify({}, "/nonexistent")
    return log.collect(context)


def host(tmp_path, name="mail11"):
    (tmp_path / "var" / "log").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hostname").write_text(name + "\n")
    return tmp_path / "var" / "log"


def test_files_tell_the_flow_of_a_host(tmp_path):
    (host(tmp_path) / "mail.log").write_text(text("traffic.log"))
    found = collect(tmp_path)
    assert found["flow"]["hour"]["accepted"] == 16 and found["flow"]["complete"]
    assert found["flow"]["since"] == pytest.approx(1_795_603_747.07, abs=0.1)
    assert found["signatures"]["sasl_failed"]["count"] == 6 and not found["truncated"]
    assert found["sources"][1]["lines"] == text("traffic.log").count("\n")


def days_of_traffic(folder, now):
    """A log in two files: 40 connections in this hour, and 10, 20 and 30 in the same hour of the days before."""
    old, new = folder / "mail.log.1.gz", [now - DAY - 7200, *[now - DAY - 1800] * 10, *[now - DAY + 1800] * 99]
    older = [now - 3 * DAY - 7200]
    older += [now - 3 * DAY - 1800] * 30 + [now - 3 * DAY + 1800] * 99 + [now - 2 * DAY - 1800] * 20
    old.write_bytes(gzip.compress("".join(map(line, older)).encode()))
    os.utime(old, (older[-1], older[-1]))
    write_log(folder / "mail.log", [*new, *[now - 1800 + number for number in range(40)]])


def test_the_collector_compares_with_the_same_hour_on_earlier_days(tmp_path):
    days_of_traffic(host(tmp_path), 1_795_603_843.0)
    found = collect(tmp_path, log_seconds=60.0)["flow"]
    assert found["complete"] and found["hour"]["connections"] == 40
    assert (found["baseline"]["days"], found["baseline"]["hours"], found["baseline"]["connections"]) == (3, 3, 20.0)
    assert found["times_baseline"]["connections"] == 2.0


def test_earlier_days_cost_no_more_than_is_left(tmp_path, monkeypatch):
    folder, clock = host(tmp_path), time.monotonic
    days_of_traffic(folder, 1_795_603_843.0)
    assert collect(tmp_path, log_seconds=0.0)["flow"]["baseline"] is None
    context = Quiet(options={"log_bytes": 9000})
    context.now = 1_795_603_843.0
    files = [(str(folder / "mail.log"), {"mta"}, None)]
    # The bytes do not do for one hour; then for that of the first day, and no other.
    assert baseline.look(context, files, (set(), None), clock() + 60) is None
    context.options["log_bytes"] = 12000
    assert baseline.look(context, files, (set(), None), clock() + 60)["hours"] == 1
    # The time is over within the hour of the first day: it does not count.
    context.options["log_bytes"] = 8 << 20
    ticks = iter([0.0] * 2 + [100.0] * 100)
    monkeypatch.setattr(baseline, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    assert baseline.look(context, files, (set(), None), 50.0) is None


def test_earlier_days_are_asked_of_the_journal_within_what_is_left():
    context = Quiet()
    context.now, asked = NOW, []

    def run(argv, timeout=5.0, limit_bytes=1 << 20, input=None):
        asked.append((timeout, limit_bytes))
        return result(line(NOW - DAY - 60))

    context.run = run
    context.looks = {units.unit_files: {}, units.companions: {}, journal.postfix.mail: mailprocs.identify({}, "/none")}
    assert baseline.look(context, [], ({"mta"}, NOW - 30 * DAY), time.monotonic() + 1.0)["hours"] == 7
    assert asked and all(0.0 < seconds <= 1.0 for seconds, dummy in asked) and asked[-1][1] < asked[0][1]
    assert baseline.look(context, [], ({"mta"}, NOW - 30 * DAY), time.monotonic() + 0.05) is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (result(rc=None, status="timeout"), "journalctl did not end within 0.0 s"),
        (result(rc=None, status="missing"), "journalctl missing"),
        (result("x\n" * 9), "more lines than the journal is read for"),
        (result("x\n"), ""),
    ],
)
def test_why_the_journal_did_not_tell_the_flow(answer, reason):
    looks = {units.unit_files: {}, units.companions: {}, journal.postfix.mail: mailprocs.identify({}, "/none")}
    assert journal.flow_text(Quiet({"journalctl": answer}, looks), NOW, lines=9)[1:] == (not reason, reason)


def test_other_hosts_lines_in_a_central_log(tmp_path):
    lines = [one.replace(" mail11 ", " mail12 ") for one in text("traffic.log").splitlines(keepends=True)]
    central = "".join(a + b for a, b in zip(lines, [one.replace(" mail12 ", " mail13 ") for one in lines]))
    (host(tmp_path) / "mail.log").write_text(central)
    found = collect(tmp_path)
    assert found["flow"]["hour"]["accepted"] == 0 and found["signatures"]["sasl_failed"]["count"] == 0
    assert found["sources"][1]["reason"] == "its lines are of other hosts"
    (tmp_path / "etc" / "hostname").write_text("mail12.example.test\n")
    assert collect(tmp_path)["flow"]["hour"]["accepted"] == 16


def test_too_long_a_log_is_read_from_its_end_and_says_so(tmp_path):
    (host(tmp_path) / "mail.log").write_text(text("traffic.log"))
    found = collect(tmp_path, log_bytes=8000)
    assert not found["flow"]["complete"] and found["truncated"]
    assert found["flow"]["reason"] == "more than may be read"
    assert 0 < found["flow"]["hour"]["accepted"] < 16
    assert found["flow"]["since"] > 1_795_603_747
    found = collect(tmp_path, log_seconds=0.0)
    assert (found["flow"]["complete"], found["flow"]["reason"]) == (False, "no time left")


def test_without_files_the_journal_tells_the_flow(tmp_path):
    host(tmp_path)
    short = "".join(
        one.replace(" mail11 ", " mail11.example.test ", 1) for one in reversed(text("traffic.log").splitlines(True))
    )
    lines = data("journal.json").decode()
    cut = journal.Journal([lines], "", NOW - DAY, NOW, truncated=True, readable=True)
    found = collect(tmp_path, {"journalctl": result(short)}, cut)
    assert found["flow"]["hour"]["accepted"] == 16
    assert found["flow"]["reason"] == "from the journal: the last hour only"


def test_a_file_that_is_not_written_to_any_more_tells_no_flow(tmp_path):
    (host(tmp_path) / "mail.log").write_text(text("traffic.log"))
    newest = '{"__REALTIME_TIMESTAMP":"1795603843000000",'
    newest += '"MESSAGE":"connect from x[192.0.2.1]","SYSLOG_IDENTIFIER":"postfix/smtpd"}\n'
    stale = text("traffic.log").replace("2026-11-25T10:", "2026-11-25T09:")
    (tmp_path / "var" / "log" / "mail.log").write_text(stale)
    book = journal.Journal([newest], "", 1_795_603_000.0, 1_795_603_843.0, readable=True)
    assert collect(tmp_path, {}, book)["flow"]["day"]["connections"] == 1
