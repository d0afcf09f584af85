# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a host quiet and needs no root: whose marker it is, who is waited for, what Monit says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import marker
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import ledger
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet import leaving, monit
from ansible_collections.mailops.triage.plugins.module_utils._facts.sessions import Session
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.aid.mailhost import MailHost

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "run", "passes"),
    [
        ("", "night-1", False),
        ("run: night-1\n", "night-1", True),
        ("run: night-1\n", "night-2", False),
        ("run: night-1\n", "", False),
        ("reason: not run: night-1\n", "night-1", False),
        ("alice\nrun:   night-1  \n", "night-1", True),
        ("until: 2027-01-15T08:00Z\nrun: night-2\n", "night-1", True),
        ("until: 2027-01-15T08:01Z\nrun: night-2\n", "night-1", False),
        ("until: 2027-99-15T08:00Z\n", "night-1", False),
    ],
)
def test_the_marker_lets_its_own_run_through_and_nobody_else(tmp_path: Path, text: str, run: str, passes: bool) -> None:
    path = tmp_path / "maintenance"
    path.write_text(text, encoding="utf-8")
    assert (marker.active(NOW, str(path), run) == "") is passes


def test_a_marker_that_was_composed_is_understood() -> None:
    text = marker.compose(NOW, "night-1", reason="patches\nrun: eve", by="alice", ticket="INC-1")
    assert (marker.end(text), marker.owner(text)) == (NOW, "night-1")
    assert text == ("until: 2027-01-15T08:00:00Z\nrun: night-1\nreason: patches run: eve\nby: alice\nticket: INC-1\n")


def test_who_is_waited_for() -> None:
    found = [
        Session(25, "192.0.2.7", False, "server", 90.0),  # a filter takes its time
        Session(25, "192.0.2.7", False, "client", 1.0),
        Session(25, "192.0.2.7", True, "client", 90.0),  # nobody has greeted it yet
        Session(993, "2001:db8::7", False, "client", 90.0),
        Session(993, "192.0.2.9", False, None, None),
        Session(993, "192.0.2.10", False, "server", 90.0),  # the vantage point
        Session(2525, "fe80::1%eth0", False, "client", 90.0),
    ]
    left = leaving.take([25, 993, 2525], ["192.0.2.10/32", "2001:db8:1::/48"], 15.0, lambda ports: (found, True))
    assert left == leaving.Left(6, 4, {"smtp": 3, "imaps": 2, "2525": 1}, True)


_STATUS = """\
Monit 5.33.0 uptime: 2m

Process 'mail server'
  status                       Does not exist
  monitoring status            Monitored
  monitoring mode              active

File 'hosts'
  status                       Not monitored - monitor pending
  monitoring status            Not monitored

Remote Host 'mx.example.test'
  status                       OK - unmonitor pending
  monitoring status            Monitored

System 'mail1.example.test'
  status                       Initializing
  monitoring status            Initializing

Program 'it's odd'
  status                       Not monitored
  monitoring status            Not monitored
"""


def test_what_monit_watches_counts_what_it_was_told_as_done(tmp_path: Path) -> None:
    host = MailHost(tmp_path)
    host.program("monit", f"print({_STATUS!r})")
    assert monit.watching(host.here) == {
        "mail server": True,
        "hosts": True,
        "mx.example.test": False,
        "mail1.example.test": True,
        "it's odd": False,
    }
    assert monit.data(host.here) == {
        "way": "unmonitor",
        "names": ["hosts", "mail server", "mail1.example.test"],
    }


def test_a_monit_that_watches_nothing_is_left_alone(tmp_path: Path) -> None:
    host = MailHost(tmp_path)
    host.program("monit", "print('''Monit 5.33.0\\n\\nFile 'a'\\n  monitoring status            Not monitored''')")
    assert monit.data(host.here) is None


def test_ending_all_measures_against_a_surge_leaves_the_others(tmp_path: Path) -> None:
    host = MailHost(tmp_path)
    host.contain(service="smtp", block="198.18.244.0/24")
    drained = {"id": "d", "kind": "drain", "what": "drained", "data": {}, "since": NOW, "until": NOW, "run": "run-1"}
    ledger.put(host.memory, drained)
    assert [one["kind"] for one in ledger.chosen(host.memory, {}, "")] == ["nft"]
    assert host.contain(state="absent", of_run="run-1")["state"] == "done"
    assert host.memory.read()["measures"] == [drained]
