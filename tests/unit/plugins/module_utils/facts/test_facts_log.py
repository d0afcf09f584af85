# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures in a recorded journal and in log files: what counts, what is forged, what is bounded."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    flow,
    journal,
    logpass,
    logread,
    services,
    tally,
    units,
)
from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures import catalogue
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    HOSTILE,
    data,
    table,
    text,
)

NOW = 1_795_410_000.0
DAY = 86400.0


def book(starts=None, since=NOW - DAY):
    counted = tally.Tally(since, NOW, starts or {})
    return counted, logpass.Pass(flow.Flow(NOW), counted, since, NOW)


def entry(message, identifier="postfix/smtpd", when=NOW - 60, **fields):
    fields = {
        "__REALTIME_TIMESTAMP": str(int(when * 1e6)),
        "MESSAGE": message,
        "SYSLOG_IDENTIFIER": identifier,
        "_PID": "300",
        "_UID": "0",
        "_TRANSPORT": "syslog",
        **fields,
    }
    return json.dumps(fields, separators=(",", ":"))


def records(lines, **arguments):
    """Signatures in lines of the journal."""
    counted, reading = book(**arguments)
    for line in lines:
        reading.line(logread.parse_journal_line(line), "journal")
    reading.finish()
    return counted.finish()


def file_records(data, hosts=None, until=None, flowing=("mta", "mda")):
    """Signatures in lines of a log file."""
    counted, reading = book()
    reading.source(flowing)
    reading.feed(data if isinstance(data, bytes) else data.encode(), "mail.log", hosts, until)
    reading.finish()
    return counted.finish()


def seen(found):
    return {name: record["count"] for name, record in found.items() if record["count"]}


def counts(lines, **arguments):
    return seen(records(lines, **arguments))


def test_recorded_journal():
    found = records(text("journal.json").splitlines())
    assert set(seen(found)) >= {
        "enospc",
        "prng_enospc",
        "throttled",
        "no_sasl",
        "sasl_refused",
        "sasl_enoent",
        "milter_refused",
        "milter_reject",
        "dovecot_enospc",
        "mailbox_eacces",
        "doveconf_fatal",
        "crash_loop",
        "start_limit_hit",
        "unit_died",
        "postfix_stopped",
    }
    assert "No space left on device" in found["prng_enospc"]["sample"]
    assert found["no_sasl"]["first"] <= found["no_sasl"]["last"] <= NOW
    assert found["milter_refused"]["keys"][0]["key"] == "inet:127.0.0.1:8891"
    assert set(found) == set(catalogue.IDS)


def test_an_unseen_signature_is_all_zeros():
    assert records([])["oom_kill"] == tally.empty()


def test_ids_and_needles():
    # What the flow notices by itself.
    mail = {"message_in", "submitted", "lmtp_sent", "mail_saved", "login", "sent_out"}
    assert len(set(catalogue.IDS)) == len(catalogue.IDS)
    for entry in catalogue.CATALOGUE:
        assert entry.needles and all(entry.needles)
        assert set(entry.good.split()) <= mail | catalogue.GOOD_IDS
        assert entry.owner in ("mta", "mda", "kernel", "system")


@pytest.mark.parametrize(("name", "identifier", "message"), table("phrases.txt"))
def test_phrases_of_the_catalogue(name, identifier, message):
    assert counts([entry(message, identifier, _PID="1" if identifier == "systemd" else "9")]).get(name) == 1
    # The same words from a daemon that does not write them are nobody's evidence.
    assert name not in counts([entry(message, "sshd")])


@pytest.mark.parametrize(("identifier", "message"), table("forgeries.txt"))
def test_words_of_a_sender_forge_nothing(identifier, message):
    assert counts([entry(message, identifier)]) == {}


def test_kernel_and_systemd_have_to_be_themselves():
    oom = "Out of memory: Killed process 1 (dovecot)"
    died = "dovecot.service: Main process exited, code=killed, status=9/KILL"
    assert counts([entry(oom, "kernel", _UID="1000")]) == {}
    assert counts([entry(died, "systemd", _PID="4711")]) == {}
    assert counts([entry(oom, "kernel", _TRANSPORT="kernel", _UID=None)]) == {"oom_kill": 1}
    assert counts([entry(died, "systemd", _PID="1")]) == {"unit_died": 1}


def test_identifier_stands_before_the_first_colon_of_a_file_line():
    oom = "Nov 23 03:04:05 mail1 kernel: Out of memory: Killed process 1 (a)"
    assert seen(file_records(oom)) == {"oom_kill": 1}
    line = "Nov 23 03:04:05 mail1 postfix/smtpd[7]: connect from x: " + oom
    assert seen(file_records(line)) == {}


def test_hostile_lines_are_inert():
    sample = records([entry("fatal: no SASL authentication mechanisms " + HOSTILE)])["no_sasl"]["sample"]
    assert "\x1b" not in sample and "\u202e" not in sample and "\x07" not in sample and len(sample) <= 300


def test_megabyte_without_a_newline():
    began = time.monotonic()
    line = "Nov 23 03:04:05 mail1 postfix/smtpd[7]: fatal: no SASL authentication mechanisms " + "A" * (1 << 20)
    record = file_records(line)["no_sasl"]
    assert record["count"] == 1 and len(record["sample"]) <= 300
    assert seen(file_records(": No space left on device" * 40000)) == {}
    bait = "Nov 23 03:04:05 mail1 postfix/smtp[7]: 4B2A11F3: to=<"
    assert seen(file_records(bait + "a>, relay=" * 100000 + " Name service error for name=")) == {}
    assert time.monotonic() - began < 5


def test_no_pattern_explodes():
    bait = "warning: " + "a from [ : /]) killed by (x): failed relay=, delay=1 " * 200
    began = time.monotonic()
    for signature in catalogue.CATALOGUE:
        for start in (
            "",
            "imap(a)<b>: Error: ",
            "4B2A11F3: to=<a@b>, relay=x[1]:25, delay=1, delays=0/0/0/1, dsn=4.0.0, ",
        ):
            catalogue.compiled(signature.pattern).match(start + bait)
    assert time.monotonic() - began < 2


def test_current_is_what_came_after_the_daemon_started():
    lines = [entry("fatal: no SASL authentication mechanisms", when=NOW - age) for age in (5, 50, 500)]
    record = records(lines, starts={"mta": NOW - 100})["no_sasl"]
    assert (record["count"], record["current"], record["first"], record["last"]) == (3, 2, NOW - 500, NOW - 5)


@pytest.mark.parametrize(("name", "identifier", "trouble", "sign", "good"), table("good-events.txt"))
def test_current_is_what_came_after_the_last_good_event(name, identifier, trouble, sign, good):
    def current(*ages):
        counted, reading = book()
        reading.source(("mta", "mda"))
        for age, who, message in ages:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(NOW - age))
            reading.feed(f"{stamp} mail1 {who}[7]: {message}\n".encode(), "mail.log")
        reading.finish()
        record = counted.finish()[name]
        assert record["count"] == len([one for one in ages if one[2] == trouble])
        return record["current"]

    assert current((100, identifier, trouble)) == 1
    assert current((100, identifier, trouble), (50, sign, good)) == 0
    assert current((100, identifier, trouble), (50, sign, good), (20, identifier, trouble)) == 1


def test_a_good_event_of_another_device_proves_nothing():
    down, up = (
        "e1000e 0000:00:1f.6 eth0: NIC Link is Down",
        "e1000e 0000:00:1f.6 {0}: NIC Link is Up 1000 Mbps Full Duplex",
    )
    for device, current in (("eth0", 0), ("eth1", 1)):
        lines = [entry(up.format(device), "kernel", when=NOW - 10), entry(down, "kernel", when=NOW - 20)]
        record = records(lines)["nic_down"]
        assert (record["current"], record["keys"]) == (current, [{"key": "eth0", "count": 1}])


def test_keys_are_bounded_and_counted():
    message = "warning: unknown[192.0.2.{0}]: SASL LOGIN authentication failed: x"
    lines = [entry(message.format(number % 10), when=NOW - number) for number in range(15)]
    record = records(lines)["sasl_failed"]
    assert record["distinct_keys"] == 10
    assert record["keys"] == [{"key": f"192.0.2.{number}", "count": 2} for number in range(5)]


def test_outside_the_window_does_not_count():
    assert counts([entry("fatal: no SASL authentication mechanisms", when=NOW - 2 * DAY)]) == {}
    assert counts([entry("fatal: no SASL authentication mechanisms", when=NOW + 9999)]) == {}


def test_a_line_in_journal_and_file_counts_once():
    message = "fatal: no SASL authentication mechanisms"
    counted, reading = book()
    reading.line(logread.parse_journal_line(entry(message, when=NOW - 60)), "journal")
    held = journal.Journal([entry(message)], oldest=NOW - 3600, readable=True)
    stamps = [NOW - 7200, NOW - 60]
    lines = [
        time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(stamp)) + " mail1 postfix/smtpd[7]: " + message
        for stamp in stamps
    ]
    reading.source(("mta",))
    reading.feed("\n".join(lines).encode(), "mail.log", None, journal.reach(held))
    record = counted.finish()["no_sasl"]
    assert (record["count"], record["first"], record["source"]) == (2, NOW - 7200, "journal")


def test_reach_of_the_journal_by_family():
    never = float("inf")
    assert set(journal.reach(journal.Journal(readable=False)).values()) == {never}
    only_mta = journal.reach(journal.Journal([entry("connect from a")], oldest=5.0, readable=True))
    assert (only_mta["mta"], only_mta["mda"], only_mta["kernel"]) == (5.0, never, 5.0)


@pytest.mark.parametrize(
    "line",
    ["", "text without a time", "Foo 23 03:04:05 mail1 a: b", "Nov 23 03:04"],
)
def test_lines_that_bear_no_time(line):
    assert logread.parse_moment(line, NOW) == (None, line)


def test_time_zones_and_the_turn_of_the_year(monkeypatch):
    utc = logread.parse_moment("2026-11-23T03:04:05+00:00", NOW)[0]
    assert logread.parse_moment("2026-11-23T05:04:05+02:00 x", NOW)[0] == utc
    assert logread.parse_moment("2026-11-23T03:04:05.5Z", NOW)[0] == utc + 0.5
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    new_year = 1_798_765_200.0  # 2027-01-01 01:00 UTC
    assert logread.parse_moment("Dec 31 23:00:00 x", new_year)[0] == new_year - 7200
    monkeypatch.undo()
    time.tzset()


def test_journal_lines_that_are_none():
    for line in (
        "",
        "{",
        "[]",
        '{"MESSAGE": "x"}',
        '{"__REALTIME_TIMESTAMP": "x", "MESSAGE": "m"}',
        '{"__REALTIME_TIMESTAMP": "1", "MESSAGE": null, "SYSLOG_IDENTIFIER": "a"}',
    ):
        assert logread.parse_journal_line(line) is None


def test_journal_gives_control_characters_as_numbers():
    line = entry([27, 91, 51, 49, 109, 104, 105, "x", 300])
    assert logread.parse_journal_line(line).message.endswith("hi,")


def test_journal_header():
    assert logread._journal_header("/nonexistent") == (None, None)


def test_journal_span(tmp_path):
    folder = tmp_path / "0123"
    folder.mkdir()
    (folder / "system.journal").write_bytes(data("journal-header.bin"))
    (folder / "user-1000.journal").write_bytes(b"x")
    (folder / "system@1.journal").write_bytes(b"damaged")
    oldest, newest = logread.journal_span([str(tmp_path), str(tmp_path / "none")])
    assert 1_790_000_000 < oldest <= newest < 1_800_000_000
    assert logread.journal_span([str(tmp_path / "none")]) == (None, None)


STATE = {
    "load": "loaded",
    "active": "inactive",
    "sub": "dead",
    "result": "success",
    "file_state": "enabled",
    "restarts": 0,
    "exec_status": 0,
    "exec_code": "exited",
    "since": NOW - 60,
    "stopped_by": None,
}


def one(message):
    return logread.Line(NOW - 60, "systemd", message, "dovecot.service", True)


@pytest.mark.parametrize(
    ("change", "lines", "own", "expected"),
    [
        ({}, ["Stopped dovecot.service - x.", "Stopping dovecot.service - x...", "Started dovecot."], None, "admin"),
        ({}, ["dovecot.service: Deactivated successfully.", "Started dovecot.service - x."], None, "self"),
        ({}, ["dovecot.service: Deactivated successfully.", "Stopping dovecot.service..."], None, "admin"),
        ({}, ["dovecot.service: Deactivated successfully.", "Started dovecot.service - x."], NOW - 61, "admin"),
        ({"active": "failed", "result": "signal"}, ["Stopped dovecot.service."], None, "self"),
        ({"active": "active", "since": NOW - 9000}, ["Started dovecot.service."], None, "self"),
        ({"active": "active", "since": NOW - 9000}, ["Started dovecot.service."], NOW - 30, "admin"),
        ({"active": "deactivating"}, ["Stopping dovecot.service..."], None, "admin"),
        ({"file_state": "masked", "load": "masked"}, [], None, "admin"),
        ({"file_state": "disabled"}, None, None, "admin"),
        ({}, None, None, "unknown"),
        ({}, [], None, "unknown"),
        ({"active": None}, [], None, "unknown"),
    ],
)
def test_who_stopped_it(change, lines, own, expected):
    said = None if lines is None else [one(message) for message in lines]
    assert services.stopped_by(dict(STATE, **change), False, said, own) == expected


def test_nobody_stopped_what_runs():
    assert services.stopped_by(dict(STATE), True, [one("Stopping x")], NOW) is None


def test_one_call_of_journalctl_is_restricted():
    argv = logread.journal_command(NOW - DAY, 2000, ["dovecot.service"], ["dovecot.service", "unbound.service"])
    assert argv[0] == "journalctl" and "-n" in argv and f"--since=@{NOW - DAY:.0f}" in argv
    assert "SYSLOG_FACILITY=2" in argv and "_PID=1" in argv and "UNIT=unbound.service" in argv
    assert "sshd" not in " ".join(argv)
    assert set(units.COMPANIONS) >= {"opendkim", "rspamd", "clamav"}


def test_the_stop_of_a_restart_is_no_stop():
    block = {"InactiveExitTimestampMonotonic": "5000000"}
    started = units.monotonic_zero() + 5
    assert services._since_start(started - 1, block) is None
    assert services._since_start(started + 60, block) == started + 60
    assert services._since_start(None, block) is None
    assert services._since_start(started, None) == started
