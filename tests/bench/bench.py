#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole diagnosis costs, against a playbook that only pings: wall time and controller CPU, interleaved.

A few real mail hosts answer under N addresses, so the hosts' work is done on this machine too and counts in the wall
time of both. Absolute times mean nothing on a shared machine; the ratios within one run do. At the end the log reader
is set beside pflogsumm on a large log (see log_bench.py).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import log_bench
import scenario
import yaml
from labkit.lab import Lab
from labkit.shell import LabError, say

LIMIT = 1.2
"""A diagnosis may cost this much more than a ping."""

HOLES = 5
"""Hosts that swallow every packet, beside as many that answer; they may add this many seconds to a run."""

# A persistent ssh master would leave the process tree and take its CPU time with it.
SETTINGS = {
    "as Ansible comes": {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no"},
    "pipelining and a cheap key exchange": {
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o KexAlgorithms=curve25519-sha256",
    },
}
"""Settings of both; the first are judged, the second shown: there the ping itself costs half."""

PING = """\
- name: Ping
  hosts: mailservers
  gather_facts: false
  tasks:
    - name: Ping
      ansible.builtin.ping:
"""


def main() -> int:
    """Print the tables; answer 0 when both ratios of every N, and those of the log reader, are within the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10, 50, 200], help="numbers of hosts (default 10 50 200)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--hosts", type=int, default=6, help="mail hosts in the lab (default 6)")
    parser.add_argument("--forks", type=int, default=25, help="forks of both (default 25)")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    parser.add_argument("--log", type=int, default=1024, help="MiB of the log that is read at the end (default 1024)")
    options = parser.parse_args()
    lab = Lab()
    rows: dict[str, list[tuple[int, tuple[float, float], tuple[float, float]]]] = {}
    try:
        lab.up(options.hosts)
        lab.reset(*(name for name in lab.hosts() if name.startswith("mail")))
        addresses = _addresses(lab, max(options.sizes), options.hosts)
        place = scenario.STATE_DIR / "bench"
        place.mkdir(parents=True, exist_ok=True)
        (place / "ping.yml").write_text(PING, encoding="utf-8")
        environment = {"ANSIBLE_FORKS": str(options.forks)}
        five, holes = _black_holes(lab, place, addresses, environment)
        for name, settings in SETTINGS.items():
            for size in options.sizes:
                say(f"{size} hosts, {name}")
                took = _compare(place, addresses[:size], options.rounds, {**environment, **settings})
                rows.setdefault(name, []).append((size, *took))
    except LabError as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            lab.down()
    bad = [max(_table(name, found)) > LIMIT for name, found in rows.items()]
    print(
        f"medians of {options.rounds} interleaved rounds; cpu = user + system of the controller, ssh clients included"
    )
    print(f"{HOLES} hosts: {five:.1f} s; with {HOLES} black holes beside them: {holes:.1f} s, {holes - five:+.1f} s")
    slow_log = log_bench.compare(options.log, 1)
    return 1 if bad[0] or holes - five > HOLES or slow_log else 0


def _table(name: str, rows: list[tuple[int, tuple[float, float], tuple[float, float]]]) -> list[float]:
    """Print the rows of one setting; answer with all ratios."""
    print(f"\n{name}:")
    print(f"{'hosts':>6}{'ping wall':>12}{'diag wall':>12}{'ratio':>8}{'ping cpu':>12}{'diag cpu':>12}{'ratio':>8}")
    ratios = []
    for size, ping, diagnosis in rows:
        walls, cpus = (diagnosis[0] / ping[0], diagnosis[1] / ping[1])
        ratios += [walls, cpus]
        print(
            f"{size:>6}{ping[0]:>10.2f} s{diagnosis[0]:>10.2f} s{walls:>8.2f}"
            f"{ping[1]:>10.2f} s{diagnosis[1]:>10.2f} s{cpus:>8.2f}"
        )
    return ratios


def _addresses(lab: Lab, wanted: int, hosts: int) -> list[str]:
    """As many addresses as wanted, dealt out in turn: neighbours in the list are on different hosts."""
    share = -(-wanted // hosts)
    shares = [
        lab.add_addresses(f"mail{number}", share, first=1 + share * (number - 1)) for number in range(1, hosts + 1)
    ]
    return [address for turn in zip(*shares) for address in turn][:wanted]


def _black_holes(lab: Lab, place: Path, addresses: list[str], settings: dict[str, str]) -> tuple[float, float]:
    """Wall seconds of a diagnosis of five hosts, and of the same five with five black holes."""
    swallow = ", ".join(addresses[-HOLES:])
    rules = "add table inet hole; add chain inet hole in { type filter hook prerouting priority -300; }; "
    rules += f"add rule inet hole in ip daddr {{ {swallow} }} drop"
    line, dead = (_playbook(place, addresses[:HOLES] + more, "diagnose.yml") for more in ([], addresses[-HOLES:]))
    _run(line, settings)
    hosts = [name for name in lab.hosts() if name.startswith("mail")]
    for host in hosts:
        lab.run(host, ["nft", rules], check=True)
    try:
        took = _run(line, settings)[0], _run(dead, settings)[0]
    finally:
        for host in hosts:
            lab.run(host, ["nft", "delete table inet hole"], check=True)
    return took


def _playbook(place: Path, addresses: list[str], playbook: str) -> list[str]:
    """Command line that runs a playbook on as many hosts as there are addresses."""
    inventory = yaml.safe_load((scenario.STATE_DIR / "inventory.yml").read_text(encoding="utf-8"))
    hosts = {f"host{number}": {"ansible_host": address} for number, address in enumerate(addresses, 1)}
    inventory["all"]["children"] = {"mailservers": {"hosts": hosts}}
    path = place / f"inventory-{len(addresses)}.yml"
    path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    line = scenario.command(place / "report")
    line[line.index("-i") + 1] = str(path)
    wanted = ROOT / "playbooks" / playbook
    line[line.index(str(ROOT / "playbooks" / "diagnose.yml"))] = str(wanted if wanted.exists() else place / playbook)
    return line


def _compare(place: Path, addresses: list[str], rounds: int, settings: dict[str, str]) -> list[tuple[float, float]]:
    ping, diagnosis = (_playbook(place, addresses, playbook) for playbook in ("ping.yml", "diagnose.yml"))
    measured: dict[str, list[tuple[float, float]]] = {"ping": [], "diagnosis": []}
    for number in range(rounds + 1):
        for name, line in (("ping", ping), ("diagnosis", diagnosis)):
            took = _run(line, settings)
            if number:  # the first round warms caches
                measured[name].append(took)
    return [
        (statistics.median(wall for wall, cpu in found), statistics.median(cpu for wall, cpu in found))
        for found in (measured["ping"], measured["diagnosis"])
    ]


def _run(line: list[str], settings: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one run with every child that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    done = subprocess.run(
        line,
        env={**scenario.environment(), **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    wall = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise LabError(
            f"{os.path.basename(line[4])} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
        )
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
