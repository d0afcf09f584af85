# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system of its own for each test: this machine's root seen through an overlay on a small tmpfs.

The package managers in it are the real ones, at their usual places, and work at tiny packages. What they write lands in
the tmpfs. All of it lives in namespaces, without a network, and ends with the process that holds them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "apt-ftparchive": "apt-utils",
    "dnf": "dnf",
    "rpmbuild": "rpm",
    "createrepo_c": "createrepo-c",
    "nsenter": "util-linux",
    "systemd-nspawn": "systemd-container",
    "systemctl": "systemd",
}
"""Command: Debian package."""
FILES = {"/usr/lib/python3/dist-packages/dnf-plugins/download.py": "dnf-plugins-core"}
"""File: Debian package."""

_HOLD = """
set -e
mount -t tmpfs -o size="$2",mode=755 own "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay own -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"
cd "$1/root"
[ -d "./$3" ] || { mkdir -p "./$3"; }
mount --rbind "$3" "./$3"
mount -t proc proc /proc
mount -t tmpfs -o size=8m,mode=755 run /run
mount --rbind /proc proc
mount --rbind /dev dev
mount -t tmpfs -o size=8m,mode=755 run run
mount -t tmpfs -o size=64m,mode=1777 tmp tmp
mount -t tmpfs -o size=256m,mode=755 srv srv
for folder in etc/apt/apt.conf.d etc/apt/preferences.d etc/apt/sources.list.d etc/dpkg/dpkg.cfg.d etc/yum.repos.d \
  var/cache/apt/archives var/lib/apt/lists var/lib/mailops-triage var/lib/dnf; do
  mkdir -p "$folder" && find "$folder" -mindepth 1 -delete
done
rm -f etc/apt/sources.list etc/apt/apt.conf etc/apt/preferences etc/mailops-triage/maintenance
mkdir -p var/cache/apt/archives/partial var/lib/apt/lists/partial
echo ready
# Process 1 of these namespaces: it takes in what others leave behind.
sleep 600 &
wait
"""
_MODULE = """
import sys
sys.path[:] = {path!r}
sys.dont_write_bytecode = True
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = {arguments!r}
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.mailops.triage.plugins.modules import {name}
{name}.main()
"""


def install() -> None:
    """Install what is missing on this machine, as the lab does."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    lost = {package for name, package in COMMANDS.items() if not shutil.which(name, path=path)}
    lost |= {package for name, package in FILES.items() if not os.path.exists(name)}
    if not lost:
        return
    print("installing " + " ".join(sorted(lost)), file=sys.stderr, flush=True)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "update", "-q"], check=True, timeout=600, stdout=subprocess.DEVNULL, env=quiet)
    command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *sorted(lost)]
    subprocess.run(command, check=True, timeout=1200, stdout=subprocess.DEVNULL, env=quiet)


def _children(pid: int | str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def _leader(pid: int | str) -> str:
    """Process 1 of a system, among the descendants of what started it; nothing as long as there is none."""
    for child in _children(pid):
        try:
            status = Path(f"/proc/{child}/status").read_text()
        except OSError:
            continue
        if status.startswith("Name:\tsystemd\n") and status.partition("NSpid:")[2].split("\n")[0].split()[-1] == "1":
            return child
        found = _leader(child)
        if found:
            return found
    return ""


class OwnRoot:
    """One such system, from C(open) to C(close).

    :param size: size of its disk, as mount(8) takes it
    """

    def __init__(self, size: str = "96m") -> None:
        self.size = size
        self.top = Path(tempfile.mkdtemp(prefix="ownroot-"))
        self.root = self.top / "root"
        namespaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--net"]
        self._holder = subprocess.Popen(
            [*namespaces, "sh", "-c", _HOLD, "sh", str(self.top), size, str(CHECKOUT)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None and self._holder.stdout.readline() == "ready\n"
        self._inner = _children(self._holder.pid)[0]
        self._enter = ["nsenter", "--target", self._inner, "--mount", "--pid", "--net", "--", "chroot", str(self.root)]

    def close(self) -> None:
        """End every process in it; the mounts go with the last one."""
        self._holder.kill()
        self._holder.wait()
        for dummy in range(100):
            try:
                self.top.rmdir()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"{self.top} is not empty")

    def boot(self) -> None:
        """Start a systemd in it, with nothing but what is asked of it; what lies in /tmp and /run is gone then."""
        self.write("/etc/systemd/system/own.target", "[Unit]\nDescription=systemd alone\nDefaultDependencies=no\n")
        outside = ["nsenter", "--target", self._inner, "--mount", "--pid", "--net", "--"]
        subprocess.run([*outside, "sh", "-ec", 'cd "$0"; umount -R dev proc run tmp', str(self.root)], check=True)
        options = "--quiet --keep-unit --register=no --resolv-conf=off --timezone=off --link-journal=no --console=pipe"
        log = tempfile.TemporaryFile()
        nspawn = subprocess.Popen(
            [*outside, "systemd-nspawn", *options.split(), f"--directory={self.root}", "--machine=own"]
            + ["--boot", "systemd.unit=own.target"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"),
        )
        end = time.monotonic() + 60
        while True:
            leader = _leader(nspawn.pid)
            if leader:
                namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root", "--wd"]
                self._enter = ["nsenter", "--target", leader, *namespaces, "--"]
                if "own.target" in self.run("systemctl", "list-units", "--no-legend", "own.target", check=False):
                    return
            if time.monotonic() > end or nspawn.poll() is not None:
                log.seek(0)
                raise AssertionError(f"systemd does not come up: {log.read()[-1000:]!r}")
            time.sleep(0.1)

    def command(self, argv: list[str]) -> list[str]:
        """The words by which a command runs in it."""
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
        return [*self._enter, *clean, *argv]

    def run(self, *argv: str, text: str | None = None, check: bool = True) -> str:
        """Run a command in it; its output."""
        done = subprocess.run(
            self.command(list(argv)), input=text or "", capture_output=True, text=True, timeout=120, check=False
        )
        assert not check or done.returncode == 0, f"{argv}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
        return done.stdout

    def sh(self, script: str) -> str:
        """Run a shell script in it; its output."""
        return self.run("sh", "-e", text=script)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in it."""
        script = 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"'
        self.run("sh", "-c", script, "sh", path, f"{mode:o}", text=text)

    def read(self, path: str) -> str:
        """The content of a file in it, or nothing when it is not there."""
        return self.run("cat", path, check=False)

    def start(self, name: str, **arguments: Any) -> subprocess.Popen:
        """Begin a module in it, as Ansible does: arguments in, JSON out."""
        path = [str(CHECKOUT / "playbooks" / "collections"), *(one for one in sys.path if one)]
        encoded = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_tmpdir": "/tmp", **arguments}}).encode()
        program = _MODULE.format(path=path, arguments=encoded, name=name)
        return subprocess.Popen(
            self.command([sys.executable, "-c", program]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self, child: subprocess.Popen) -> None:
        """End a module that was begun, as if its controller were gone: nothing is left of it but what it let go of."""
        for pid in _children(child.pid):
            os.kill(int(pid), signal.SIGKILL)
        child.communicate(timeout=30)

    def module(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Run a module to its end; what it answers."""
        child = self.start(name, **arguments)
        out, err = child.communicate(timeout=180)
        assert out, err
        return json.loads(out)
