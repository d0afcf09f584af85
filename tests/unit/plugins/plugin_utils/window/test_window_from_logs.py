# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: a mail log with known quiet hours, as syslog writes and rotates it, and the window expected of it."""

from __future__ import annotations

import datetime
import gzip
import os
import time
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import journal, log, mailprocs, units
from ansible_collections.mailops.triage.plugins.module_utils._week.look import look
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import Quiet
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.window.invented import (
    DAY,
    HOUR,
    Shape,
    epoch,
    propose,
    texts,
)

ZONE = "Europe/Berlin"
CONNECT = "postfix/smtpd[7]: connect from client.example[192.0.2.66]"
SENT = (
    "postfix/lmtp[8]: 4F: to=<a@b.test>, relay=m[private/lmtp], delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (ok)"
)
LOGIN = "dovecot: imap-login: Login: user=<a>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, mpid=9, TLS"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    """The host's clock is Berlin's."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = ZONE
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


class Host:
    """A mail host whose logs are rotated weekly, as Debian does it."""

    def __init__(self, root: Path, classic: bool) -> None:
        self.root, self.classic = root, classic
        self.logs = root / "var" / "log"
        self.logs.mkdir(parents=True)
        (root / "etc").mkdir()
        (root / "etc" / "hostname").write_text("mail1\n")
        (root / "etc" / "localtime").symlink_to(f"/usr/share/zoneinfo/{ZONE}")

    def stamp(self, when: float) -> str:
        local = datetime.datetime.fromtimestamp(when, zoneinfo.ZoneInfo(ZONE))
        # The classic form tells neither the year nor the zone.
        return f"{local:%b} {local.day:2} {local:%H:%M:%S}" if self.classic else local.isoformat()

    def lines(self, shape: Shape, begin: int, end: int) -> Iterator[str]:
        """As many messages and logins as the shape says, spread over each hour."""
        zone = zoneinfo.ZoneInfo(ZONE)
        for hour in range(begin // HOUR * HOUR, end, HOUR):
            count = shape(datetime.datetime.fromtimestamp(hour, zone))
            for number in range(count):
                when = hour + (number + 0.5) * HOUR / count
                if begin <= when < end:
                    stamp = self.stamp(when)
                    for text in (CONNECT, SENT, LOGIN)[: 2 + number % 2]:
                        yield f"{stamp} mail1 {text}\n"

    def write(self, shape: Shape, now: int) -> None:
        edges = [now - 28 * DAY, now - 20 * DAY, now - 13 * DAY, now - 6 * DAY, now]
        for name, begin, end in zip(("mail.log.3.gz", "mail.log.2.gz", "mail.log.1", "mail.log"), edges, edges[1:]):
            data = "".join(self.lines(shape, begin, end)).encode()
            (self.logs / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
            os.utime(self.logs / name, (end, end))

    def week(self, now: int) -> dict[str, Any]:
        looks = {
            journal.look: journal.Journal(),
            log.postfix.installed: False,
            log.dovecot.installed: False,
            log.postfix.mail: mailprocs.identify({}, "/nonexistent"),
            units.show: {},
        }
        context = Quiet(None, looks, options={"log_window": 28 * DAY, "time_budget": 60.0}, root=str(self.root))
        context.now = float(now)
        return look(context)


@pytest.fixture(params=[True, False], ids=["classic", "with zone"], name="host")
def _host(tmp_path: Path, request: pytest.FixtureRequest) -> Host:
    return Host(tmp_path, request.param)


def night(local: datetime.datetime) -> int:
    return 4 if 2 <= local.hour < 5 else 12 if local.hour < 7 or local.hour >= 20 else 40


def noon(local: datetime.datetime) -> int:
    return 3 if local.hour == 12 else 30


def proposed(host: Host, now: int) -> dict[str, Any]:
    found = propose({"mail1": host.week(now)}, now)
    assert found["timezone"] == ZONE
    return found


def test_quiet_at_night(host: Host):
    now = epoch("2026-11-25T12:20")
    host.write(night, now)
    found = proposed(host, now)
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET"
    assert found["windows"][0]["expected"] == {"connections": 4, "delivered": 4, "logins": 2}
    assert found["windows"][0]["confidence"]["level"] == "high" and found["data"]["mail1"]["gaps"] == 0


def test_quiet_at_noon(host: Host):
    now = epoch("2026-11-25T13:30")
    host.write(noon, now)
    assert texts(proposed(host, now))[0] == "Thu 2026-11-26 12:00 - 13:00 CET"


@pytest.mark.parametrize(
    ("now", "text"),
    [
        # Two weeks of summer time in the log, then winter time, and the other way round.
        ("2026-11-08T12:20", "Mon 2026-11-09 02:00 - 03:00 CET"),
        ("2027-04-11T12:20", "Mon 2027-04-12 02:00 - 03:00 CEST"),
        # The clock is changed in the coming night.
        ("2026-10-24T12:20", "Sun 2026-10-25 02:00 CEST - 02:00 CET"),
        ("2027-03-27T12:20", "Sun 2027-03-28 03:00 - 04:00 CEST"),
    ],
)
def test_the_clock_is_changed(host: Host, now: str, text: str):
    moment = epoch(now)
    host.write(night, moment)
    assert texts(proposed(host, moment))[0] == text


def test_a_rotated_file_that_is_gone(host: Host):
    """A week without a log is no week without mail."""
    now = epoch("2026-11-25T12:20")
    host.write(night, now)
    (host.logs / "mail.log.1").unlink()
    found = proposed(host, now)
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET"
    sure = found["windows"][0]["confidence"]
    assert (sure["level"], sure["weeks"], sure["days"]) == ("medium", 3, 19)
    assert found["data"]["mail1"]["gaps"] == 1


def test_a_log_that_stood_still_at_noon(host: Host):
    """Syslog was down for some hours on three of four Wednesdays."""
    now = epoch("2026-11-25T12:20")
    dark = {datetime.date(2026, 11, 4), datetime.date(2026, 11, 11), datetime.date(2026, 11, 18)}
    host.write(lambda local: 0 if local.date() in dark and 10 <= local.hour < 15 else night(local), now)
    found = proposed(host, now)
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET" and found["data"]["mail1"]["gaps"] == 3
    assert found["heat"][2][12] > 50


def test_one_newsletter(host: Host):
    now = epoch("2026-11-25T12:20")
    letter = epoch("2026-11-19T02:00")
    host.write(lambda local: 3000 if int(local.timestamp()) == letter else night(local), now)
    found = proposed(host, now)
    assert texts(found)[0] == "Thu 2026-11-26 02:00 - 03:00 CET"
    assert found["windows"][0]["expected"]["delivered"] == 4
    assert "Thu 2026-11-19 02:00 CET had" in found["windows"][0]["confidence"]["because"][0]
