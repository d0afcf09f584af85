# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watchdog that many servers have: try the ports, restart the daemon whose port does not answer."""

from __future__ import annotations

import socket
import time
from typing import Any

import peers
from labkit import net, plan
from labkit.lab import Lab
from labkit.shell import LabError

PORTS = {"mta": (25, 587), "mda": (143, 993, 110, 995)}
TIMEOUT = 5.0


def closed(name: str) -> list[str]:
    """The daemons of which a port does not take connections, seen from the controller."""
    address = plan.address(name)
    return [
        daemon
        for daemon, ports in PORTS.items()
        if not all(
            net.in_namespace(plan.namespace(plan.CONTROLLER), lambda port=port: _open(address, port)) for port in ports
        )
    ]


def _open(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), TIMEOUT).close()
    except OSError:
        return False
    return True


def watch(lab: Lab, name: str, scenario: dict[str, Any]) -> peers.Deed:
    """Let it look once, and do what it would do."""
    deed = peers.Deed(scenario["id"])
    down = closed(name)
    deed.detected = bool(down)
    deed.said = [f"{daemon}: a port is closed" for daemon in down]
    deed.broken = peers.broken(lab, name)
    if not down or not peers.lives(name):
        deed.left = deed.broken
        return deed
    since = time.monotonic()
    for daemon in down:
        deed.actions.append(f"restart_daemon:{daemon}")
        try:
            lab.run(name, ["systemctl", "restart", peers.DAEMONS[daemon]], timeout=25)
        except LabError as failure:
            deed.said.append(str(failure))
    deed.forbidden = peers.forbidden(deed.actions, scenario)
    deed.left = peers.settle(lab, name, since)
    return deed
