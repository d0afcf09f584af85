# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in namespaces of its own: its network, its processes, its /etc, /var and /run; and a client outside it.

What is done there is real: the kernel's packet filter, sockets, programs, the modules themselves and the program that
they leave behind for the timer. Only systemd is not there: a small program stands for systemctl and notes its calls.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE, THERE = ("192.0.2.1", "2001:db8::1"), ("192.0.2.2", "2001:db8::2")
"""Addresses of the machine and of the client."""
_MODULE = """
import sys
sys.path[:] = {path!r}
from ansible.module_utils import basic
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[{collections!r}])._install()
basic._ANSIBLE_ARGS = {arguments!r}
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.mailops.triage.plugins.modules import {name}
{name}.main()
"""
_SERVER = """
import select, socket, sys
listening = []
for port in map(int, sys.argv[1:]):
    one = socket.socket(socket.AF_INET6)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("::", port))
    one.listen(50)
    listening.append(one)
print("ready", flush=True)
talking = []
while True:
    for one in select.select(listening + talking, [], [])[0]:
        if one in listening:
            talking.append(one.accept()[0])
            talking[-1].sendall(b"220 hello\\r\\n")
            continue
        try:
            said = one.recv(100)
        except ConnectionResetError:
            said = b""
        if said and not said.startswith(b"hush"):
            one.sendall(said)
        if not said:
            one.close()
            talking.remove(one)
"""
_CLIENT = """
import socket, sys, time
found = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
print(found.recv(100).decode().strip(), flush=True)
for line in sys.stdin:
    # The kernel knows who spoke last only where it was not at the same instant.
    time.sleep(0.1)
    found.sendall(line.encode())
    if not line.startswith("hush"):
        found.recv(100)
    print("said", flush=True)
"""
_SYSTEMCTL = """\
#!/bin/sh
echo "systemctl $*" >> /run/calls
case "$*" in
  "is-enabled --quiet "*) test -e "/run/enabled-$3" ;;
  "is-active --quiet "*) test -e "/run/running-$3" ;;
  "enable --quiet "*) touch "/run/enabled-$3" ;;
  "restart "*) touch "/run/running-$2" ;;
  "disable --now --quiet "*) rm -f "/run/enabled-$4" "/run/running-$4" ;;
  "show --property=ActiveState --value "*) cat "/run/active-${4}" 2>/dev/null || echo inactive ;;
  "stop monit.service") echo inactive > /run/active-monit.service ;;
  "start monit.service") echo active > /run/active-monit.service ;;
esac
"""


class World:
    """The machine, and the client.

    :param folder: for what is written there
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[subprocess.Popen[str]] = []
        keep = ["sh", "-c", "echo ready; exec sleep 3600"]
        self.client = self._start(["unshare", "--net", *keep]).pid
        first = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *keep]
        self.machine = _child(self._start(first).pid)
        (folder / "sbin").mkdir()
        (folder / "sbin" / "systemctl").write_text(_SYSTEMCTL, encoding="utf-8")
        (folder / "sbin" / "systemctl").chmod(0o755)
        for name in ("etc", "var"):
            (folder / f"{name}-upper").mkdir()
            (folder / f"{name}-work").mkdir()
        self._lay_out()

    def _lay_out(self) -> None:
        layers = "".join(
            f"mount -t overlay overlay -o lowerdir=/{name},upperdir=/scratch/{name}-upper,workdir=/scratch/{name}-work"
            f" /{name}\n"
            for name in ("etc", "var")
        ).replace("/scratch", str(self.folder))
        self.sh(
            "set -e; mount --make-rprivate /\n"
            f"{layers}mount --bind {self.folder}/sbin /usr/local/sbin\n"
            "mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system /etc/systemd/system\n"
            "mkdir -m 700 -p /var/lib/mailops-triage; chmod 700 /var/lib/mailops-triage"
        )
        wire = ["ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", str(self.client)]
        self._enter(self.machine, "--net", wire)
        for pid, addresses in ((self.machine, HERE), (self.client, THERE)):
            for line in (
                f"address add {addresses[0]}/24 dev wire",
                f"address add {addresses[1]}/64 dev wire nodad",
                "link set wire up",
                "link set lo up",
            ):
                self._enter(pid, "--net", ["ip", *line.split()])

    def _start(self, argv: list[str], **more: Any) -> subprocess.Popen[str]:
        """A program that says a word when it is ready."""
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **more)
        self._children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline(), argv
        return child

    def _enter(self, pid: int, what: str, argv: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["nsenter", "-t", str(pid), *what.split(), *argv],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **more,
        )
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done

    def sh(self, script: str) -> str:
        """Standard output of a shell on the machine; it has to succeed."""
        return self._enter(self.machine, "--net --mount --pid", ["sh", "-c", script]).stdout

    def module(self, module: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of a module on the machine."""
        inside = ["nsenter", "-t", str(self.machine), "--net", "--mount", "--pid"]
        return run_module(inside, module, check, options)

    def timer(self) -> None:
        """What the timer on the machine does when it looks, word for word as its unit says."""
        command = self.sh("sed -n 's/^ExecStart=//p' /etc/systemd/system/mailops-triage-undo.service").strip()
        self.sh(command)

    def serve(self, *ports: int) -> None:
        """Servers on the machine that greet, and say what they are told; nothing to C(hush)."""
        inside = ["nsenter", "-t", str(self.machine), "--net", "--pid", sys.executable, "-c", _SERVER]
        self._start([*inside, *map(str, ports)])

    def session(self, port: int, address: str = HERE[0]) -> subprocess.Popen[str]:
        """A session of the client that is greeted and stays."""
        inside = ["nsenter", "-t", str(self.client), "--net", sys.executable, "-c", _CLIENT, address, str(port)]
        return self._start(inside, stdin=subprocess.PIPE)

    def answers(self, port: int, address: str = HERE[0], local: bool = False) -> str:
        """C(open), or how a new connection fails."""
        pid = self.machine if local else self.client
        code = (
            "import socket, sys\n"
            "try:\n"
            "    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).recv(10); print('open')\n"
            "except OSError as error:\n"
            "    print(type(error).__name__)\n"
        )
        return self._enter(pid, "--net", [sys.executable, "-c", code, address, str(port)]).stdout.strip()

    def measures(self) -> list[dict[str, Any]]:
        """What the machine remembers."""
        found: list[dict[str, Any]] = json.loads(self.sh("cat /var/lib/mailops-triage/state.json"))["measures"]
        return found

    def hurry(self) -> None:
        """Let the time of every measure be over."""
        path = "/var/lib/mailops-triage/state.json"
        self.sh(
            f'{sys.executable} -c \'import json; found = json.load(open("{path}"))\n'
            'for one in found["measures"]: one["until"] = 1.0 + one["since"] * 0\n'
            f'json.dump(found, open("{path}", "w"))\''
        )

    def close(self) -> None:
        """End everything that was started here, and nothing else."""
        for child in reversed(self._children):
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.machine, signal.SIGKILL)


def run_module(inside: list[str], module: str, check: bool, options: dict[str, Any]) -> dict[str, Any]:
    """The result of a module.

    :param inside: command that goes to where it runs
    """
    asked = {"_ansible_tmpdir": "/run", "_ansible_check_mode": check, "_ansible_diff": True, **options}
    encoded = json.dumps({"ANSIBLE_MODULE_ARGS": asked}).encode()
    collections = str(ROOT / "playbooks" / "collections")
    program = _MODULE.format(path=sys.path, collections=collections, arguments=encoded, name=module)
    line = [*inside, sys.executable, "-c", program]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _child(pid: int) -> int:
    """The only child of a process."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])


def until(what: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until something is true; false when it did not come."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def unpacked(package: str) -> Path:
    """Where the programs of a Debian package are, without installing it: that would start its daemon."""
    cache = ROOT / ".cache" / "packages" / package
    if not cache.is_dir():
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
            words = ["apt-get", "-o", "APT::Sandbox::User=root", "download", package]
            subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=600)
            archive = next(Path(folder).glob("*.deb"))
            subprocess.run(["dpkg-deb", "-x", str(archive), f"{folder}/whole"], check=True, timeout=600)
            # Another process may have been faster.
            with contextlib.suppress(OSError):
                os.rename(f"{folder}/whole", cache)
    return cache
