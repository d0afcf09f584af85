# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart of a daemon on real hosts: it brings back what it can, also from a stop that hangs and in the middle."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import scenario
from labkit.lab import Lab
from restarted import RESTART_MDA, RESTART_MTA, START_MDA, Remedy, acts, well

HOST = "mail2"
MASTER = "cat /var/spool/postfix/pid/master.pid"
REPAIRS = "F025 F041 F043 F045 F047".split()
"""A start, a restart, a reload, a helper that is ended, and a neighbour; test_remediate.py mends all there are."""


@pytest.mark.parametrize("fault", REPAIRS)
def test_broken_repaired_well(lab: Lab, host: str, remedy: Remedy, tmp_path: Path, fault: str) -> None:
    lab.inject(fault, host)
    done = scenario.diagnose(tmp_path / "run", hosts=[host])
    assert done.returncode == 0, done.stdout
    findings = json.loads((tmp_path / "run" / "triage.json").read_text(encoding="utf-8"))["hosts"][host]["findings"]
    wanted = [
        finding["remedy"]["args"]
        for finding in findings
        if finding["kind"] == "root_cause" and finding["remedy"]["action"] == "restart_daemon"
    ]
    assert wanted, findings
    # What Postfix leans on comes first.
    for args in sorted(wanted, key=lambda one: one["service"].startswith("postfix")):
        planned, done = remedy(args, "--check"), remedy(args)
        assert (planned["state"], done["state"]) == ("planned", "done"), done
        assert (planned["subject"], planned["why"]) == (done["subject"], done["why"])
        assert done["evidence"]["processes"] and done["evidence"]["journal"]
        again = remedy(args)
        assert not again["changed"] and again["state"] in ("nothing", "refused"), again
    well(lab, host)


def test_a_stop_that_hangs_is_ended_and_the_daemon_comes_back(lab: Lab, host: str, remedy: Remedy) -> None:
    lab.run(
        host,
        "mkdir -p /run/systemd/system/dovecot.service.d; printf '[Service]\nExecStop=\nExecStop=/bin/sleep 1000\n'"
        " > /run/systemd/system/dovecot.service.d/hangs.conf; systemctl daemon-reload",
        check=True,
    )
    before = lab.run(host, "systemctl show -P MainPID dovecot").stdout
    done = remedy(RESTART_MDA)
    assert (done["state"], done["changed"]) == ("done", True), done
    assert lab.run(host, "systemctl show -P MainPID dovecot").stdout != before
    assert lab.run(host, "pgrep -fx '/bin/sleep 1000'").stdout == ""
    well(lab, host)


def test_a_crash_loop_gets_its_budget_and_opens_again(lab: Lab, host: str, remedy: Remedy) -> None:
    lab.inject("F048", host)
    patient = {"starts_per_hour": 2, "grace": 0.0}
    for dummy in range(2):
        failed = remedy(START_MDA, **patient)
        assert (failed["state"], failed["code"], failed["changed"]) == ("failed", "start_failed", True), failed
        assert "core_dumps" in failed["evidence"]
    spent = remedy(START_MDA, **patient)
    assert (spent["state"], spent["code"]) == ("refused", "budget")
    assert 0 < spent["retry_at"] - time.time() <= 900
    assert len(acts(lab, host)) == 2
    # A quarter of an hour later: the host remembers the same starts from that long ago.
    older = (
        "import json; p='/var/lib/mailops-triage/state.json'; s=json.load(open(p))\nfor a in s['acts']: a['at'] -= 901"
    )
    lab.run(host, ["python3", "-c", older + "\njson.dump(s, open(p, 'w'))"], check=True)
    assert remedy(START_MDA, **patient)["state"] == "failed"
    again = remedy(START_MDA, **patient)
    assert (again["code"], again["retry_at"] - time.time() > 900) == ("budget", True)
    # Mended by somebody, and tried once more when the pause is over.
    lab.run(host, "rm /etc/systemd/system/dovecot.service.d/crash.conf; systemctl daemon-reload", check=True)
    older = older.replace("901", "1801")
    lab.run(host, ["python3", "-c", older + "\njson.dump(s, open(p, 'w'))"], check=True)
    assert remedy(START_MDA, **patient)["state"] == "done"
    well(lab, host)


def test_a_postfix_that_obeys_nothing_is_killed_and_nothing_beside_it(lab: Lab, host: str, remedy: Remedy) -> None:
    """Stopped again within the hour: this time it is restarted, and what is stopped does not take TERM."""
    master = lab.run(host, MASTER, check=True).stdout.strip()
    dovecot = lab.run(host, "systemctl show -P MainPID dovecot").stdout
    lab.run(host, f"kill -STOP {master}", check=True)
    assert remedy(RESTART_MTA)["why"] == "postfix@-.service: continue"
    lab.run(host, f"kill -STOP {master}", check=True)
    done = remedy(RESTART_MTA)
    assert (done["state"], done["why"]) == ("done", "postfix@-.service: restart"), done
    assert done["before"]["main"]["pid"] == int(master) != done["after"]["main"]["pid"]
    assert lab.run(host, "systemctl show -P MainPID dovecot").stdout == dovecot
    well(lab, host)


def test_a_run_that_is_cut_off_leaves_no_daemon_stopped(lab: Lab, host: str, remedy: Remedy) -> None:
    """The controller dies in the middle of a restart: systemd has the job, and carries it out."""
    lab.run(
        host,
        "mkdir -p /run/systemd/system/dovecot.service.d; printf '[Service]\nExecStop=/bin/sleep 3\n'"
        " > /run/systemd/system/dovecot.service.d/slow.conf; systemctl daemon-reload",
        check=True,
    )
    before = lab.run(host, "systemctl show -P MainPID dovecot").stdout
    script = """
        until systemctl show -P ActiveState dovecot | grep -q deactivating; do sleep 0.1; done
        pkill -KILL -f '^/usr/bin/python3[.0-9]*$'
    """
    with ThreadPoolExecutor() as pool:
        cut = pool.submit(lab.run, host, script)
        with pytest.raises(AssertionError):
            remedy(RESTART_MDA)
        assert cut.result().returncode == 0
    well(lab, host)
    assert lab.run(host, "systemctl show -P MainPID dovecot").stdout != before
