# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses and places of the lab: the one file that says what is where."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LAB_DIR = Path(__file__).resolve().parent.parent
REPOSITORY = LAB_DIR.parent.parent
STATE_DIR = Path(os.environ.get("MAILOPS_LAB_STATE", REPOSITORY / ".lab"))
CACHE_DIR = Path(os.environ.get("MAILOPS_LAB_CACHE", "/var/cache/mailops-triage-lab"))
PREFIX = os.environ.get("MAILOPS_LAB_PREFIX", "mt")
if not PREFIX.isalnum() or len(PREFIX) > 5:
    sys.exit("lab: MAILOPS_LAB_PREFIX: at most five letters and digits")
# Roots lie outside the checkout: a tool that walks the tree must not walk into eight Debian systems.
RUN_DIR = Path("/run/mailops-triage-lab") / PREFIX

SUITE = "bookworm"
DOMAIN = "example.test"
CONTROLLER = "ctl"
ROUTER = "rtr"
CONTROLLER_ADDRESS = "192.0.2.2"
ROUTER_ADDRESS = "192.0.2.1"
SERVER_NET = "192.0.2.0/24"
BENCH_NET = "203.0.113"
# vantage host: (its address, the router's address on that segment, the segment)
VANTAGES = {
    "dept-a": ("198.51.100.11", "198.51.100.1", "198.51.100.0/25"),
    "dept-b": ("198.51.100.139", "198.51.100.129", "198.51.100.128/25"),
}
MAX_HOSTS = 40
ROOT_SIZE = "400m"

# Shell users with a Maildir in /home. Long words, or Ansible's output scrubber would mangle every line.
ACCOUNTS = {
    "alice": "alice-lab-correct-horse-4711",
    "bob": "bob-lab-battery-staple-4712",
    "probe": "probe-lab-synthetic-account-4713",
}
LOGIN_USER = "triage"


def mail_hosts(count: int) -> list[str]:
    """Return the names of the first count mail hosts."""
    return [f"mail{n}" for n in range(1, count + 1)]


def is_vantage(host: str) -> bool:
    """Tell whether host is a vantage point (no mail service) and not a mail host."""
    return host in VANTAGES


def address(host: str) -> str:
    """Return the IPv4 address of a lab host."""
    if is_vantage(host):
        return VANTAGES[host][0]
    return f"192.0.2.{10 + int(host.removeprefix('mail'))}"


def mac(host: str) -> str:
    """Return a fixed MAC: after a reset a neighbour entry with the old one would make every port time out."""
    return "02:4d:54:{:02x}:{:02x}:{:02x}".format(*tuple(int(part) for part in address(host).split(".")[1:]))


def namespace(name: str) -> str:
    """Return the name of the network namespace of a host, the controller or the router."""
    return f"{PREFIX}-{name}"


def run_dir(host: str) -> Path:
    """Return the directory that holds the host's tmpfs and its assembled root."""
    return RUN_DIR / host


def root_dir(host: str) -> Path:
    """Return the host's root directory as seen from the machine (mounts made inside are not visible here)."""
    return run_dir(host) / "root"


def cgroup_dirs(host: str) -> list[Path]:
    """Return the host's control groups, one per hierarchy the machine offers (version 1, 2 or both)."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        return [top / f"{PREFIX}-{host}"]
    names = ("systemd", "unified", "memory", "freezer", "pids", "cpu")
    return [top / name / f"{PREFIX}-{host}" for name in names if (top / name).is_dir()]
