# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab needs of the machine: say exactly what is missing and how to get it, or install it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from .shell import LabError, run, say

# command: Debian package
COMMANDS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "openssl": "openssl",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh-keygen": "openssh-client",
    "ping": "iputils-ping",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "apt-ftparchive": "apt-utils",
    "ipmitool": "ipmitool",
    "ipmi_sim": "openipmi",
}

INOTIFY_EACH = 5
"""What the systemd of one host takes of root's share."""
INOTIFY_OTHERS = 5
"""What the machine's own programs may have of it."""


def missing_commands() -> dict[str, str]:
    """Return the missing commands and the Debian package of each."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return {name: package for name, package in COMMANDS.items() if not shutil.which(name, path=path)}


def missing_abilities() -> list[str]:
    """Return what the kernel or the sandbox does not let us do, as sentences; needs root and the commands."""
    wrong = []
    if run(["unshare", "--net", "--pid", "--fork", "--mount", "true"], check=False).returncode:
        wrong.append("namespaces: unshare is refused; run on a virtual machine or in a privileged container")
    else:
        if run(["unshare", "--net", "nft", "list", "ruleset"], check=False).returncode:
            wrong.append("nft does not work in a network namespace: load the kernel module nf_tables")
        if run(["unshare", "--net", "ip", "link", "add", "veth-lab", "type", "veth"], check=False).returncode:
            wrong.append("no veth links: load the kernel module veth")
        if run(["unshare", "--net", "ip", "link", "add", "br-lab", "type", "bridge"], check=False).returncode:
            wrong.append("no bridges: load the kernel module bridge")
    if not _overlay_works():
        wrong.append("overlay mounts on tmpfs are refused: load the kernel module overlay, or leave the container")
    if not Path("/sys/fs/cgroup").is_dir():
        wrong.append("/sys/fs/cgroup is not mounted")
    return wrong


def _overlay_works() -> bool:
    with tempfile.TemporaryDirectory() as top:
        script = (
            "mount -t tmpfs none $0 && mkdir $0/l $0/u $0/w $0/m && "
            "mount -t overlay none -o lowerdir=$0/l,upperdir=$0/u,workdir=$0/w $0/m"
        )
        return run(["unshare", "--mount", "sh", "-c", script, top], check=False).returncode == 0


def require(install: bool = False) -> None:
    """Raise one LabError that names everything missing; with install, get missing Debian packages first."""
    if os.geteuid() != 0:
        raise LabError("the lab boots real hosts and must run as root")
    lost = missing_commands()
    if lost and install:
        packages = sorted(set(lost.values()))
        say("installing " + " ".join(packages))
        run(["apt-get", "update", "-q"], timeout=600)
        run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
            timeout=1200,
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
        lost = missing_commands()
    if lost:
        raise LabError(
            f"missing commands {' '.join(sorted(lost))}: run 'lab.py check --install' or "
            f"'apt-get install {' '.join(sorted(set(lost.values())))}'"
        )
    wrong = missing_abilities()
    if wrong:
        raise LabError("; ".join(wrong))


def room_for(hosts: int) -> None:
    """Raise a LabError when the kernel has not enough inotify instances for so many hosts.

    A systemd that gets none boots without its services, which would look like a host that is broken.
    """
    allowed = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text(encoding="ascii"))
    if hosts * INOTIFY_EACH + INOTIFY_OTHERS > allowed:
        raise LabError(
            f"{hosts} hosts need {hosts * INOTIFY_EACH} inotify instances, and this machine allows {allowed}: "
            f"ask for fewer hosts, or raise the sysctl fs.inotify.max_user_instances"
        )
