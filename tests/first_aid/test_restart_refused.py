# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a restart cannot help it is refused, and the host is as it was.

Each refusal has a control run: the same restart by hand, and what users see after it.
"""

from __future__ import annotations

import time

import pytest
from labkit.lab import Lab
from restarted import RESTART_MDA, RESTART_MTA, START_MDA, START_MTA, Remedy, acts, files, seen, units

HOST = "mail17"


def refused(lab: Lab, host: str, remedy: Remedy, args: dict[str, str], code: str, frozen: bool = False) -> str:
    """The remedy is refused with this word, and the host is as it was; the reason."""
    before, there = units(lab, host), files(lab, host, frozen)
    planned, answer = remedy(args, "--check"), remedy(args)
    assert (answer["state"], answer["code"], answer["changed"]) == ("refused", code, False), answer
    assert (planned["state"], planned["code"], planned["why"]) == ("refused", code, answer["why"])
    assert units(lab, host) == before
    assert files(lab, host, frozen) ^ there == set()
    assert acts(lab, host) == []
    return str(answer["why"])


@pytest.mark.parametrize(
    ("fault", "args", "code", "words"),
    [
        ("F073", RESTART_MTA, "spool_full", "(the queue) is full"),
        ("F074", RESTART_MTA, "spool_full", "is full"),
        ("F074", RESTART_MDA, "spool_full", "is full"),
        ("F076", RESTART_MTA, "spool_full", "no inodes left"),
        ("F076", RESTART_MDA, "spool_full", "no inodes left"),
        ("F004", RESTART_MTA, "spool_readonly", "(the queue) is read-only"),
        ("F053", RESTART_MTA, "syntax", "message_size_limit"),
        ("F056", START_MDA, "syntax", "bogus_setting"),
        ("F056b", RESTART_MDA, "syntax", ""),
        ("F051", START_MDA, "masked", "masked"),
        ("F064", RESTART_MTA, "dependency", "opendkim"),
        ("N03b", START_MTA, "stopped", "stopped"),
    ],
)
def test_refused_and_unchanged(
    lab: Lab, host: str, remedy: Remedy, fault: str, args: dict[str, str], code: str, words: str
) -> None:
    lab.inject(fault, host)
    assert words in refused(lab, host, remedy, args, code)


def test_frozen_storage_is_left_to_the_storage(lab: Lab, host: str, remedy: Remedy) -> None:
    """Nothing that is told to a daemon reaches a process that the kernel holds; more of them would join it."""
    lab.inject("F010", host)
    assert "does not answer" in refused(lab, host, remedy, RESTART_MDA, "storage_hung", frozen=True)
    # What does not write there is not kept from help.
    lab.run(host, "systemctl stop unbound", check=True)
    assert remedy({"service": "unbound.service", "how": "restart"})["state"] == "done"


def test_maintenance_of_the_host(lab: Lab, host: str, remedy: Remedy) -> None:
    lab.inject("F042", host)
    lab.run(host, "mkdir -p /etc/mailops-triage && echo disk swap > /etc/mailops-triage/maintenance", check=True)
    assert "disk swap" in refused(lab, host, remedy, START_MDA, "maintenance")
    lab.run(host, "rm /etc/mailops-triage/maintenance", check=True)
    assert remedy(START_MDA)["state"] == "done"


@pytest.mark.parametrize(
    ("fault", "unit", "protocol", "before", "after"),
    [
        ("F004", "postfix@-", "smtp", ("timeout", "4"), "refused"),
        ("F053", "postfix@-", "smtp", ("timeout", "closed"), "refused"),
        ("F056b", "dovecot", "imap", ("ok",), "refused"),
        ("F064", "postfix@-", "smtp", ("4",), "4"),
        ("F073", "postfix@-", "smtp", ("452",), "452"),
        ("F074", "postfix@-", "smtp", ("452", "timeout"), "4"),
        ("F076", "postfix@-", "smtp", ("timeout",), "timeout"),
        ("F051", "dovecot", "imap", ("refused",), "refused"),
    ],
)
def test_what_happens_when_one_restarts_anyway(
    lab: Lab, host: str, fault: str, unit: str, protocol: str, before: tuple[str, ...], after: str
) -> None:
    lab.inject(fault, host)
    assert lab.probe(host, protocol).startswith(before)
    lab.run(host, f"systemctl restart {unit}", timeout=150)
    assert seen(lab, host, protocol, after, 20).startswith(after)


def test_who_restarts_on_a_frozen_storage_makes_it_worse(lab: Lab, host: str) -> None:
    """Who could log in before is refused afterwards; the processes that hang stay, and so does the job of systemd."""
    lab.inject("F010", host)
    assert lab.probe(host, "imap") == "timeout select"
    lab.run(host, "systemctl --no-block restart dovecot", check=True)
    assert seen(lab, host, "imap", "refused", 20) == "refused"
    time.sleep(10)
    assert lab.probe(host, "imap") == "refused"
    assert lab.run(host, "systemctl is-active dovecot").stdout == "deactivating\n"
