# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role contain_surge on a host of the lab, and what the host holds before and after."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import scenario
from labkit.lab import Lab
from labkit.plan import CONTROLLER, STATE_DIR, namespace

_PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: mailops.triage.contain_surge}
    - ansible.builtin.copy: {content: "{{ contain_surge_result | to_json }}", dest: "{{ answer }}", mode: "0600"}
      delegate_to: localhost
      become: false
      check_mode: false
"""
# What a measure may change for its time, and must bring back to the byte.
_KEPT = (
    "cat /etc/postfix/main.cf /etc/postfix/master.cf /etc/dovecot/*.conf; "
    "ls /etc/dovecot /etc/systemd/system; nft list ruleset"
)


def surge(folder: Path, host: str, args: dict[str, str], *words: str, **more: Any) -> dict[str, Any]:
    """Run the role.

    :param args: of the finding's remedy
    :param more: further variables of the role, without its name in front
    :returns: the module's result
    """
    folder.mkdir(exist_ok=True)
    (folder / "play.yml").write_text(_PLAY, encoding="utf-8")
    variables: dict[str, Any] = {"answer": str(folder / "answer"), "contain_surge_args": args}
    variables["contain_surge_guard"] = {"run": more.pop("run", "lab"), "wait": 20}
    variables.update({f"contain_surge_{name}": value for name, value in more.items()})
    line = [
        *("ip", "netns", "exec", namespace(CONTROLLER), str(Path(sys.executable).parent / "ansible-playbook")),
        *("-i", str(STATE_DIR / "inventory.yml"), "-l", host, "-e", json.dumps(variables), *words),
        str(folder / "play.yml"),
    ]
    environment = scenario.environment()
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(scenario.ROOT / "playbooks" / "collections")
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout
    answer: dict[str, Any] = json.loads((folder / "answer").read_text(encoding="utf-8"))
    return answer


def settings(lab: Lab, host: str) -> str:
    """Everything that a measure may change, as one text."""
    return lab.run(host, _KEPT, check=True).stdout


def queued(lab: Lab, host: str, *queues: str) -> set[str]:
    """Queue ids of the messages in these queues."""
    folders = " ".join(f"/var/spool/postfix/{name}" for name in queues)
    return set(lab.run(host, f"find {folders} -type f -printf '%f\\n'", check=True).stdout.split())


def everything(lab: Lab, host: str) -> set[str]:
    """Queue ids of all messages that are still to be delivered or held."""
    return queued(lab, host, "incoming", "active", "deferred", "hold")


def lost(lab: Lab, host: str, messages: set[str]) -> set[str]:
    """Those of the messages that are neither in the queue nor delivered."""
    gone = messages - everything(lab, host)
    # A message that moves from one directory to another may be overlooked once.
    gone -= everything(lab, host)
    sent = set(lab.run(host, "grep -oP '[0-9A-Za-z]+(?=: to=.*status=sent)' /var/log/mail.log || true").stdout.split())
    return gone - sent


def until(seconds: float, what: Any) -> bool:
    """Wait until something is true; false when it did not come."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True
