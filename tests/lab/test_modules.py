# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible runs modules, on a real host: the equals of the fast path, and its fall-back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit import net, plan
from labkit.lab import Lab

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(lab: Lab, ansible_adhoc: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a module of the collection on a host of the lab, from the controller's network namespace."""
    monkeypatch.setenv("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3")

    def run(host: str, module: str, **options: Any) -> dict[str, Any]:
        # Ansible wants the main thread, and its workers inherit the namespace of the process.
        with net.inside(plan.namespace(plan.CONTROLLER)):
            hosts = ansible_adhoc(inventory=str(plan.STATE_DIR / "inventory.yml"), host_pattern=host, user="triage")
            found: dict[str, Any] = getattr(hosts.all, f"mailops.triage.{module}")(**options).contacted[host]
        return found

    return run


def test_mail_facts_says_what_the_fast_path_says(call: Call, tmp_path: Path) -> None:
    by_module = call("mail1", "mail_facts")["ansible_facts"]["mail_facts"]
    done = scenario.diagnose(tmp_path / "run")
    assert done.returncode == 0, done.stdout + done.stderr
    fast = json.loads((tmp_path / "run" / "facts" / "mail1.json").read_text(encoding="utf-8"))["facts"]
    assert set(by_module) == set(fast)
    for document in (by_module, fast):
        # Partial is honest: a fresh system has no lists of packages, and the collector says so.
        states = document["collectors"]
        assert {state["status"] for state in states.values()} <= {"ok", "partial"}, states
    assert by_module["services"]["mta"]["unit"] == fast["services"]["mta"]["unit"] == "postfix@-.service"
    assert [one["mount"] for one in by_module["disk"]["filesystems"]] == [
        one["mount"] for one in fast["disk"]["filesystems"]
    ]


def test_mail_facts_refuses_an_unknown_subset(call: Call) -> None:
    answer = call("mail1", "mail_facts", gather_subset=["disk", "weather"])
    assert answer["failed"] and "weather" in answer["msg"] and "valid are" in answer["msg"]


def test_mail_probe_runs_where_it_is_sent(call: Call) -> None:
    target = {
        "name": "mail2",
        "address": plan.address("mail2"),
        "services": [{"protocol": "smtp"}, {"protocol": "imap"}],
    }
    probe = call("dept-a", "mail_probe", targets=[target])["probe"]
    assert [service["outcome"] for service in probe["hosts"]["mail2"]["services"]] == ["ok", "ok"]


def test_mail_week_reads_a_journal_of_days(lab: Lab, call: Call) -> None:
    """A host without files of its log; systemd-journal-remote writes the journal that three days would have left."""
    lab.reset("mail3")
    whole = int(time.time()) // 3600 * 3600
    wanted = {whole - hour * 3600: 1 + (hour * 7) % 5 for hour in range(1, 73)}
    entries = []
    for begin, count in sorted(wanted.items()):
        for number in range(count):
            at = begin + 60 * (number * 10 + 1)
            entries.append((at, "postfix/smtpd", "connect from client.example.com[192.0.2.99]"))
            entries.append((at + 1, "postfix/lmtp", _DELIVERED.format(begin + number)))
            entries.append((at + 2, "dovecot", _LOGIN))
    journal = "/var/log/journal/$(cat /etc/machine-id)"
    archived = f"system@{1:032x}-{1:016x}-{min(wanted) * 1_000_000:016x}.journal"
    lines = (
        "systemctl stop rsyslog.service syslog.socket\n"
        f"rm -f /var/log/mail.* /var/log/syslog; mkdir -p {journal}\n"
        f"/lib/systemd/systemd-journal-remote -o {journal}/{archived} -"
    )
    lab.run("mail3", lines, check=True, stdin="".join(_entry(*one) for one in entries))
    week = call("mail3", "mail_week", days=7)
    found = {hour["at"]: (hour["connections"], hour["delivered"], hour["logins"]) for hour in week["hours"]}
    lab.reset("mail3")
    assert [one["name"] for one in week["sources"]] == ["journal"] and week["gaps"] == [], week
    # Of the hour in which it begins not all is known.
    assert found == {at: (count,) * 3 for at, count in wanted.items() if at > min(wanted)}


_DELIVERED = (
    "{0:X}: to=<bob@example.test>, relay=mail3.example.test[private/dovecot-lmtp], delay=0.1, delays=0/0/0/0.1,"
    " dsn=2.0.0, status=sent (250 2.0.0 <bob@example.test> Saved)"
)
_LOGIN = "imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.99, lip=192.0.2.13, mpid=4711, TLS, session=<abc>"


def _entry(at: int, who: str, text: str) -> str:
    """One entry in the export format of the journal."""
    fields = {
        "__REALTIME_TIMESTAMP": at * 1_000_000,
        "__MONOTONIC_TIMESTAMP": at * 1_000_000,
        "_BOOT_ID": "1" * 32,
        "_HOSTNAME": f"mail3.{plan.DOMAIN}",
        "_PID": 4711,
        "SYSLOG_FACILITY": 2,
        "SYSLOG_IDENTIFIER": who,
        "PRIORITY": 6,
        "_SYSTEMD_UNIT": "dovecot.service" if who == "dovecot" else "postfix@-.service",
        "MESSAGE": text,
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()) + "\n"
