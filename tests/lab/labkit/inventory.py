# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and the inventory by which Ansible reaches the lab."""

from __future__ import annotations

import re
import time
from typing import Any

import yaml

from . import base, plan, state
from .shell import run

_RELATIVE = re.compile(r"now([+-]\d+)([hmd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


def ensure_keys(hosts: list[str]) -> None:
    """Make the login key of this checkout and the list of host keys (the base's, shared by all hosts)."""
    plan.STATE_DIR.mkdir(parents=True, exist_ok=True)
    key = plan.STATE_DIR / "id_ed25519"
    if not key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mailops-triage-lab", "-f", str(key)])
    public = " ".join((base.base_path() / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])
    # Bench addresses show the key of the host that carries them.
    names = [f"{host},{plan.address(host)}" for host in hosts] + [f"{plan.BENCH_NET}.*"]
    (plan.STATE_DIR / "known_hosts").write_text("".join(f"{name} {public}\n" for name in names))


def absolute(value: Any) -> Any:
    """Replace "now+4h", "now-1d", "now+30m" anywhere in a value by an ISO time, so that scenario files do not age."""
    if isinstance(value, dict):
        return {key: absolute(item) for key, item in value.items()}
    if isinstance(value, list):
        return [absolute(item) for item in value]
    found = _RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    moment = time.time() + int(found.group(1)) * _SECONDS[found.group(2)]
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def write() -> str:
    """Write .lab/inventory.yml for the hosts in the state; return its path."""
    # Faults are brought upon several hosts at the same time, and each writes the inventory: one after the other.
    with state.change() as now:
        return _write(now["hosts"])


def _write(hosts: dict[str, dict[str, Any]]) -> str:
    groups: dict[str, dict] = {"mailservers": {}, "vantage_points": {}}
    for name in sorted(hosts, key=lambda one: (len(one), one)):
        facts: dict[str, Any] = {"ansible_host": plan.address(name)}
        if not plan.is_vantage(name):
            facts["mail_roles"] = ["mta", "submission", "imap", "pop3"]
        facts["mail_site"] = name if plan.is_vantage(name) else "lab"
        facts.update(hosts[name].get("varied", {}))
        facts.update(hosts[name].get("inventory", {}))
        groups["vantage_points" if plan.is_vantage(name) else "mailservers"][name] = facts
    known = plan.STATE_DIR / "known_hosts"
    common = {
        "ansible_user": plan.LOGIN_USER,
        "ansible_become": True,
        "ansible_ssh_private_key_file": str(plan.STATE_DIR / "id_ed25519"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    tree = {"all": {"vars": common, "children": {group: {"hosts": members} for group, members in groups.items()}}}
    path = plan.STATE_DIR / "inventory.yml"
    new = path.with_suffix(".new")
    new.write_text("---\n" + yaml.safe_dump(tree, sort_keys=False, width=160))
    new.replace(path)
    return str(path)
