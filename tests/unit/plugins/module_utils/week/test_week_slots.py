# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting by the hour, and telling a silent log from a quiet night."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ansible_collections.mailops.triage.plugins.module_utils._facts import logpass
from ansible_collections.mailops.triage.plugins.module_utils._week.slots import HOUR, SLOT, Slots

NOW = 1_795_392_000  # a full hour
DAY = 86400


def stamp(when: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when)) + "+00:00"


def counted(lines: Iterable[str]) -> Slots:
    slots = Slots(NOW)
    reading = logpass.Pass(slots, None, NOW - 40 * DAY, NOW)
    reading.source({"mta", "mda"})
    reading.feed("".join(lines).encode(), "mail.log")
    return slots


def connects(whens: Iterable[float]) -> list[str]:
    return [f"{stamp(when)} mail1 postfix/smtpd[7]: connect from x[192.0.2.66]\n" for when in whens]


def steady(days: int, every: int, quiet: Iterable[tuple[int, int]] = (), hours: range = range(24)) -> list[float]:
    """Moments, as many seconds apart, in some hours of the day, but not in stretches that are quiet."""
    quiet = list(quiet)
    return [
        when
        for when in range(NOW - days * DAY, NOW, every)
        if (when // HOUR) % 24 in hours and not any(begin <= when < end for begin, end in quiet)
    ]


def test_what_is_counted():
    begin = NOW - 2 * HOUR
    lines = [
        "postfix/smtpd[7]: connect from x[192.0.2.66]",
        "postfix/smtpd[7]: connect from y[192.0.2.67]",
        "postfix/smtpd[7]: disconnect from y[192.0.2.67] ehlo=1 auth=1 mail=1 quit=1 commands=4",
        "postfix/lmtp[8]: ABC: to=<a@b.test>, relay=x, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)",
        "postfix/smtp[8]: ABD: to=<a@b.test>, relay=x, delay=0.1, delays=0/0/0/0, dsn=4.0.0, status=deferred (no)",
        "dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, mpid=9",
        "dovecot: imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<a>, rip=x",
    ]
    slots = counted(f"{stamp(begin + number)} mail1 {line}\n" for number, line in enumerate(lines))
    assert slots.hours() == {begin: [2, 1, 2]}


def test_hours_are_divided_where_they_end():
    edge = NOW - 5 * HOUR
    slots = counted(connects([edge - 1, edge, edge + 1, edge + HOUR - 1, edge + HOUR]))
    assert {hour: row[0] for hour, row in slots.hours().items()} == {edge - HOUR: 1, edge: 3, edge + HOUR: 1}


def test_counting_again_after_a_piece_of_the_log_has_ended():
    slots = Slots(NOW)
    reading = logpass.Pass(slots, None, NOW - DAY, NOW)
    reading.source({"mta"})
    for line in connects([NOW - 600, NOW - 590, NOW - 580]):
        reading.feed(line.encode(), "mail.log")
    assert slots.hours() == {NOW - HOUR: [3, 0, 0]}


def test_memory_is_for_stretches_not_for_lines():
    slots = counted(connects(steady(28, 20)))
    assert len(slots.slots) <= 28 * DAY // SLOT
    assert sum(row[0] for row in slots.hours().values()) == 28 * DAY // 20


def test_an_outage_of_the_log_is_a_gap():
    hole = (NOW - 10 * DAY, NOW - 10 * DAY + 6 * HOUR)
    slots = counted(connects(steady(28, 30, [hole])))
    assert slots.gaps(NOW - 28 * DAY, NOW) == [hole]


def test_half_an_hour_of_a_busy_log_is_a_gap():
    hole = (NOW - 10 * DAY + 1800, NOW - 10 * DAY + 3600)
    slots = counted(connects(steady(28, 20, [hole])))
    assert slots.gaps(NOW - 28 * DAY, NOW) == [hole]


def test_a_night_that_is_always_silent_is_none():
    slots = counted(connects(steady(28, 30, hours=range(6, 22))))
    assert slots.gaps(NOW - 28 * DAY, NOW) == []


def test_weekends_that_are_always_silent_are_none():
    begin = NOW // DAY * DAY
    weekends = [(day, day + DAY - 2 * HOUR) for day in range(begin - 28 * DAY, begin, DAY) if (day // DAY + 3) % 7 >= 5]
    assert len(weekends) == 8
    slots = counted(connects(steady(28, 30, weekends)))
    assert slots.gaps(NOW - 28 * DAY, NOW) == []


def test_chance_is_no_gap():
    """A host with two mails an hour has hours without one."""
    slots = counted(connects(steady(28, 1700, [(NOW - 9 * DAY, NOW - 9 * DAY + 3 * HOUR)])))
    assert slots.gaps(NOW - 28 * DAY, NOW) == []


def test_a_silent_day_is_a_gap_on_any_host():
    hole = (NOW - 9 * DAY, NOW - 7 * DAY)
    (gap,) = counted(connects(steady(28, 1800, [hole]))).gaps(NOW - 28 * DAY, NOW)
    assert gap[1] == hole[1] and hole[0] - 1800 <= gap[0] <= hole[0]


def test_a_log_that_ended_is_a_gap_until_now():
    slots = counted(connects(steady(28, 30, [(NOW - 5 * HOUR, NOW)])))
    assert slots.gaps(NOW - 28 * DAY, NOW) == [(NOW - 5 * HOUR, NOW)]


def test_most_weeks_missing():
    """What is missing for long does not become usual."""
    hole = (NOW - 27 * DAY, NOW - 5 * DAY)
    assert counted(connects(steady(28, 30, [hole]))).gaps(NOW - 28 * DAY, NOW) == [hole]
