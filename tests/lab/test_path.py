# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a diagnosis through real hosts: what it costs them, what it does to them, where it ends when they fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit.lab import Lab

HOSTILE = "{{ lookup('pipe','id') }}<script>alert(1)</script>\x1b[31m"


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "triage.json").read_text(encoding="utf-8"))
    return found


def diagnose(path: Path, *more: str) -> dict[str, Any]:
    done = scenario.diagnose(path, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return report(path)


@pytest.fixture
def mail2(lab: Lab) -> Iterator[str]:
    """A host that a test may spoil."""
    yield "mail2"
    lab.reset("mail2")


def test_a_healthy_host_sees_one_login_and_one_python(lab: Lab, tmp_path: Path, mail2: str) -> None:
    """Counted by the host's own sshd and its kernel's process accounting."""
    lab.reset(mail2)  # an ssh master that an earlier run left behind would need no login at all
    lab.run(mail2, "touch /var/log/pacct && accton /var/log/pacct", check=True)
    before = int(lab.run(mail2, "journalctl -t sshd -o cat | grep -c '^Accepted publickey'").stdout or 0)
    assert diagnose(tmp_path / "run")["hosts"][mail2]["verdict"] == "healthy"
    logins = int(lab.run(mail2, "journalctl -t sshd -o cat | grep -c '^Accepted publickey'").stdout or 0) - before
    lab.run(mail2, "accton off", check=True)
    # F: a process that only forked, as the guard of the collectors does; it starts no Python anew.
    started = lab.run(mail2, "lastcomm --file /var/log/pacct | awk '/^python3/ && $2 !~ /^S?F/' | wc -l").stdout
    assert (logins, int(started)) == (1, 1)


def test_check_mode_says_the_same_and_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    command = "find / -xdev -newer /tmp/before -type f -not -path '/proc/*' -not -path '/var/log/*' -not -path '/run/*'"
    lab.run("mail3", "touch /tmp/before; sleep 1", check=True)
    diagnose(tmp_path / "run")
    told = scenario.diagnose(tmp_path / "check", "--check")
    assert told.returncode == 0, told.stdout + told.stderr
    count = sum(host.startswith("mail") for host in lab.hosts())
    assert f"{count} hosts: {count} healthy" in told.stdout
    assert not (tmp_path / "check").exists()
    changed = [name for name in lab.run("mail3", command).stdout.split() if not name.startswith("/var/lib/postfix/")]
    # Postfix's own probe sessions touch its locks and random state, nothing of ours may be there.
    assert not [name for name in changed if not name.startswith(("/var/spool/postfix/", "/var/lib/dovecot/"))]


def test_a_segment_that_fails_is_one_finding_of_the_fleet(lab: Lab, tmp_path: Path) -> None:
    lab.cut_segment("dept-b")
    try:
        found = diagnose(tmp_path / "run")
    finally:
        lab.join_segment("dept-b")
    (cause,) = [finding for finding in found["fleet"]["findings"] if finding["kind"] == "root_cause"]
    assert (cause["id"], cause["subject"], cause["scope"]) == ("network.segment_unreachable", "dept-b", "segment")
    assert {host["verdict"] for host in found["hosts"].values()} == {"healthy"}
    assert (found["fleet"]["verdict"], found["fleet"]["scope"]) == ("degraded", "segment")


def test_a_dead_server_and_a_broken_network_in_one_run(lab: Lab, tmp_path: Path, mail2: str) -> None:
    lab.inject("F043", mail2)
    lab.cut_segment("dept-a")
    try:
        found = diagnose(tmp_path / "run")
    finally:
        lab.join_segment("dept-a")
    fleet = [finding["id"] for finding in found["fleet"]["findings"] if finding["kind"] == "root_cause"]
    host = [finding["id"] for finding in found["hosts"][mail2]["findings"] if finding["kind"] == "root_cause"]
    assert (fleet, host) == (["network.segment_unreachable"], ["software.mta_hung"])
    assert found["hosts"]["mail3"]["verdict"] == "healthy"


def test_only_ssh_dead_is_judged_from_outside(lab: Lab, tmp_path: Path, mail2: str) -> None:
    lab.run(mail2, "systemctl stop ssh.socket ssh.service || true; pkill -x sshd", check=False)
    host = diagnose(tmp_path / "run")["hosts"][mail2]
    assert [finding["id"] for finding in host["findings"] if finding["kind"] == "root_cause"] == ["software.ssh_dead"]
    assert host["login"]["outcome"] == "skipped"
    assert all("not examined" in entry["because"] for entry in host["not_judged"])


def test_a_refused_login_is_unknown_and_not_healthy(lab: Lab, tmp_path: Path, mail2: str) -> None:
    lab.run(mail2, "rm -f /home/triage/.ssh/authorized_keys", check=True)
    found = diagnose(tmp_path / "run")
    host = found["hosts"][mail2]
    assert (host["verdict"], host["login"]["outcome"]) == ("unknown", "auth")
    assert host["next"] and host["not_judged"]
    assert found["hosts"]["mail3"]["verdict"] == "healthy"


def test_a_host_that_lets_in_and_never_answers_is_judged_from_outside(lab: Lab, tmp_path: Path, mail2: str) -> None:
    lab.run(
        mail2, "rm /usr/bin/python3; printf '#!/bin/sh\\nsleep 300\\n' > /usr/bin/python3; chmod 755 /usr/bin/python3"
    )
    found = diagnose(tmp_path / "run", "-e", "triage_time_budget=3")
    host = found["hosts"][mail2]
    assert (host["login"]["outcome"], host["verdict"]) == ("timeout", "unknown")
    assert found["hosts"]["mail3"]["verdict"] == "healthy"


def test_a_replay_says_the_same(lab: Lab, tmp_path: Path, mail2: str) -> None:
    lab.inject("F041", mail2)
    first = diagnose(tmp_path / "run")
    again = diagnose(tmp_path / "again", "-e", f"triage_replay={tmp_path / 'run'}")
    assert again["hosts"] == first["hosts"]
    assert again["fleet"] == first["fleet"]


def test_hostile_text_stays_text(lab: Lab, tmp_path: Path, mail2: str) -> None:
    """A banner, a log line, a queue reason and a megabyte without a newline, on a real host."""
    lab.run(mail2, ["postconf", "-e", f"smtpd_banner={HOSTILE}"], check=True)
    lab.run(mail2, ["postfix", "reload"], check=True)
    lab.run(mail2, ["logger", "-t", "postfix/smtpd", "-p", "mail.err", f"fatal: no SASL {HOSTILE}"], check=True)
    lab.run(mail2, "head -c 1000000 /dev/zero | tr '\\0' A >> /var/log/mail.log", check=True)
    # The reason that stands in the queue for a message which cannot go anywhere.
    lab.run(mail2, ["postconf", "-e", f"transport_maps=inline:{{ evil.test=retry:4.0.0 {HOSTILE.replace(',', ' ')} }}"])
    lab.run(
        mail2,
        "postfix reload; sleep 1; printf 'Subject: x\n\nx\n' | sendmail -f alice@example.test a@evil.test; sleep 2",
    )
    done = scenario.diagnose(tmp_path / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    for text in (done.stdout, page, (tmp_path / "run" / "triage.json").read_text(encoding="utf-8")):
        assert "uid=0" not in text
        assert "\x1b[31m<" not in text and "\\u001b" not in text
    assert "<script>alert" not in page and "<script>x" not in page
    sweep = json.loads((tmp_path / "run" / "sweep.json").read_text(encoding="utf-8"))
    services = sweep["vantages"]["controller"]["hosts"][mail2]["services"]
    assert "evil.test" in lab.run(mail2, "postqueue -j").stdout
    banners = [rung["text"] for one in services for rung in one["rungs"] if rung["rung"] == "banner"]
    assert any("{{ lookup('pipe','id') }}<script>" in banner for banner in banners)
    assert max(len(banner) for banner in banners) <= 600
