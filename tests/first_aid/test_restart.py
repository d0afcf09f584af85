# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart of a daemon on real hosts: it brings back what it can, and lets alone what it would make worse.

Each refusal has a control run: the same restart by hand, and what users see after it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit.lab import Lab
from labkit.plan import CONTROLLER, STATE_DIR, namespace

HOST = "mail2"
PATIENCE = 90.0
"""Seconds for which users may wait: Postfix tries a service that failed again after a minute."""
MASTER = "cat /var/spool/postfix/pid/master.pid"
UNITS = "postfix@-.service dovecot.service opendkim.service unbound.service"
PLAY = """---
- name: Bring a daemon back
  hosts: all
  gather_facts: false
  tasks:
    - name: Call the remedy
      ansible.builtin.include_role:
        name: mailops.triage.restart_daemon
    - name: Keep its answer
      ansible.builtin.copy:
        content: "{{ restart_daemon_result | to_json }}"
        dest: "{{ kept }}"
        mode: "0600"
      delegate_to: localhost
      check_mode: false
"""
REPAIRS = "F025 F041 F043 F045 F047".split()
"""A start, a restart, a reload, a helper that is ended, and a neighbour; test_remediate.py mends all there are."""

Remedy = Callable[..., dict[str, Any]]


@pytest.fixture
def host(lab: Lab) -> Iterator[str]:
    """A host that the test may spoil."""
    yield HOST
    lab.reset(HOST)


@pytest.fixture
def remedy(tmp_path: Path) -> Remedy:
    """Call the role on the host as a play does, and give its answer."""
    play = tmp_path / "play.yml"
    play.write_text(PLAY)

    def call(args: dict[str, str], *more: str, **guard: Any) -> dict[str, Any]:
        kept = tmp_path / "answer.json"
        kept.unlink(missing_ok=True)
        extra = {
            "kept": str(kept),
            "restart_daemon_args": args,
            "restart_daemon_guard": {"run": "lab-1", "wait": 5.0, **guard},
        }
        done = subprocess.run(
            [
                *("ip", "netns", "exec", namespace(CONTROLLER)),
                str(Path(sys.executable).parent / "ansible-playbook"),
                *("-i", str(STATE_DIR / "inventory.yml"), str(play), "-l", HOST, "-e", json.dumps(extra), *more),
            ],
            env={
                **scenario.environment(),
                "ANSIBLE_COLLECTIONS_PATH": str(scenario.ROOT / "playbooks" / "collections"),
            },
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(kept.read_text())
        return answer

    return call


def units(lab: Lab, host: str) -> str:
    """State, main process and last start of the host's units, and the master of Postfix with its start."""
    wanted = "Id,ActiveState,SubState,Result,UnitFileState,LoadState,MainPID,NRestarts,InactiveExitTimestampMonotonic"
    shown = lab.run(host, f"systemctl show -p {wanted} {UNITS}", check=True).stdout
    masters = lab.run(host, "for p in $(pidof master dovecot); do cut -d' ' -f1,22 /proc/$p/stat; done").stdout
    return str(shown + masters)


def files(lab: Lab, host: str, frozen: bool = False) -> set[str]:
    """Names, kinds, sizes and modes of the files that matter; what daemons write by themselves is left out."""
    places = "/etc /var/spool/postfix /var/lib/dovecot" + ("" if frozen else " /home")
    # What the login of Ansible leaves in its own home is its own, and a half-dead Postfix keeps trying to queue.
    own = " -o ".join(f"-path {path}" for path in ("/home/triage", "/var/spool/postfix/pid"))
    shown = "-type f -printf '%p %s %m %u\\n' -o -type l,d -printf '%p %m %u\\n'"
    look = f"find {places} -xdev \\( {own} \\) -prune -o {shown}"
    return set(lab.run(host, look, check=True).stdout.splitlines())


def acts(lab: Lab, host: str) -> list[dict[str, Any]]:
    """What the remedies remember to have done at the host."""
    said = lab.run(host, "cat /var/lib/mailops-triage/state.json 2>/dev/null").stdout
    return list(json.loads(said)["acts"]) if said else []


def seen(lab: Lab, host: str, protocol: str, wanted: str, patience: float = PATIENCE) -> str:
    """What users see of a service, once it is what was wanted or nobody can wait any longer."""
    until = time.monotonic() + patience
    answer = lab.probe(host, protocol)
    while not answer.startswith(wanted) and time.monotonic() < until:
        time.sleep(0.5)
        answer = lab.probe(host, protocol)
    return str(answer)


def well(lab: Lab, host: str) -> None:
    """Users get all that they want, and a message goes all the way."""
    answers = {protocol: seen(lab, host, protocol, "ok") for protocol in ("smtp", "imap", "pop3", "submission")}
    assert set(answers.values()) == {"ok"}, answers
    lab.deliver(host)


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


RESTART_MTA = {"service": "postfix@-.service", "how": "restart"}
RESTART_MDA = {"service": "dovecot.service", "how": "restart"}
START_MTA = {"service": "postfix@-.service", "how": "start"}
START_MDA = {"service": "dovecot.service", "how": "start"}


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
