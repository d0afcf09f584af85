# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put into shape for rules: signals, victims, deleted files, latency."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import derived


def log(**samples: str) -> dict[str, Any]:
    return {"signatures": {name: {"sample": text, "current": 2, "last": 9.0} for name, text in samples.items()}}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"exec_code": "exited", "exec_status": 89}, "exit status 89"),
        ({"exec_code": "killed", "exec_status": 11}, "SIGSEGV"),
        ({"exec_code": "dumped", "exec_status": 6}, "SIGABRT with a core dump"),
        ({"exec_code": "killed", "exec_status": 40}, "signal 40"),
        ({"exec_code": None, "exec_status": None}, None),
    ],
)
def test_how_a_unit_ended(state: dict[str, Any], said: str | None) -> None:
    assert derived.ending(state) == said


def test_crashes_name_program_and_signal() -> None:
    found = derived.crashes(
        log(
            dovecot_child_sig="imap: Fatal: master: service(imap): child 221 killed with signal 11 (core dumped)",
            child_signal="warning: process /usr/lib/postfix/sbin/smtpd pid 230 killed by signal 6",
        )
    )
    assert found is not None
    assert [(one["daemon"], one["program"], one["signal_name"]) for one in found] == [
        ("dovecot", "imap", "SIGSEGV"),
        ("postfix", "smtpd", "SIGABRT"),
    ]
    assert [one["protocols"] for one in found] == [["imap", "imaps"], ["smtp", "submission", "submissions"]]
    assert derived.crashes(log()) == []
    assert derived.crashes(None) is None


def test_victim_and_biggest_consumer_beside_the_mail_system() -> None:
    memory = {"top": [{"pid": 5, "name": "imap", "rss_bytes": 9}, {"pid": 6, "name": "java", "rss_bytes": 8}]}
    processes = {"mail": [{"pid": 5, "daemon": "dovecot"}]}
    kernel = log(oom_kill="Memory cgroup out of memory: Killed process 77 (dovecot) total-vm:8kB")
    found = derived.oom(kernel, memory, processes)
    assert (found["victim"], found["victim_pid"], found["consumer"]["name"]) == ("dovecot", 77, "java")
    assert derived.oom(None, None, None) == {"victim": None, "victim_pid": None, "consumer": None}


def test_deleted_files_are_counted_where_they_lie() -> None:
    held = {"pid": 7, "name": "archiver", "path": "/var/log/a", "bytes": 30, "mount": "/var"}
    systems = [
        {"mount": "/", "total_bytes": 100},
        {"mount": "/var", "total_bytes": 40},
        {"mount": "/x", "total_bytes": None},
    ]
    found = derived.with_deleted({"filesystems": systems, "deleted_open": [held]})
    assert found is not None
    assert [one["deleted_percent"] for one in found["filesystems"]] == [0.0, 75.0, 0.0]
    assert found["filesystems"][1]["deleted"] == [held]
    assert derived.with_deleted(None) is None


def test_the_fastest_answer_counts() -> None:
    slow = {"outcome": "ok", "ms": 900.0, "rungs": [{"rung": "banner", "ok": True, "ms": 800.0}]}
    quick = {"outcome": "ok", "ms": 90.0, "rungs": [{"rung": "banner", "ok": True, "ms": 80.0}]}
    silent = {"outcome": "no_banner", "ms": 3.0, "rungs": [{"rung": "banner", "ok": False, "ms": 3.0}]}
    assert (derived.fastest([slow, silent, quick]), derived.fastest([slow, silent, quick], "banner")) == (90.0, 80.0)
    assert derived.fastest([silent]) is None
