# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role restart_daemon on a host of the lab, and what the host is like before and after."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scenario
from labkit.lab import Lab
from labkit.plan import CONTROLLER, STATE_DIR, namespace

PATIENCE = 90.0
"""Seconds for which users may wait: Postfix tries a service that failed again after a minute."""
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
RESTART_MTA = {"service": "postfix@-.service", "how": "restart"}
RESTART_MDA = {"service": "dovecot.service", "how": "restart"}
START_MTA = {"service": "postfix@-.service", "how": "start"}
START_MDA = {"service": "dovecot.service", "how": "start"}

Remedy = Callable[..., dict[str, Any]]
"""The role on the host of the test: its args, further words of the command line, and what its guard is told."""


def remedy(folder: Path, host: str, args: dict[str, str], *more: str, **guard: Any) -> dict[str, Any]:
    """Call the role on a host as a play does, and give its answer."""
    play = folder / "play.yml"
    play.write_text(PLAY, encoding="utf-8")
    kept = folder / "answer.json"
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
            *("-i", str(STATE_DIR / "inventory.yml"), str(play), "-l", host, "-e", json.dumps(extra), *more),
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
