# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with a real systemd: this one once more, in a container, writing into a layer of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from world import ROOT, run_module, until


class Booted:
    """The machine.

    :param folder: where it writes; lasts from one boot to the next
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.leader = 0
        for name in ("root", "upper", "work"):
            (folder / name).mkdir()
        layers = f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(folder / "root")], check=True)

    def boot(self) -> None:
        """Power on, and wait until its timers run."""
        line = [
            *("systemd-nspawn", "--quiet", "--keep-unit", "--register=no", f"--directory={self.folder}/root"),
            *(f"--machine=quiet-{os.getpid()}", "--private-network"),
            *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            *(f"--bind-ro={ROOT}", f"--bind-ro={sys.base_prefix}", f"--bind-ro={sys.prefix}"),
            *("--console=pipe", "--boot", "systemd.unit=basic.target"),
        ]
        with (self.folder / "console").open("ab") as console:
            self._nspawn = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        assert until(self._is_up, 90), (self.folder / "console").read_text(errors="replace")[-2000:]

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text(encoding="ascii")
        self.leader = int((children.split() or ["0"])[0])
        return bool(self.leader) and "active" in self.sh("systemctl is-active basic.target || true").split()

    def cut(self) -> None:
        """Cut the power."""
        if self._nspawn is not None:
            os.kill(self.leader, signal.SIGKILL)
            self._nspawn.wait()
            self._nspawn = None

    def sh(self, script: str) -> str:
        """Standard output of a shell there."""
        inside = ["nsenter", "-t", str(self.leader), "-a", "sh", "-c", script]
        return subprocess.run(inside, capture_output=True, text=True, timeout=60, check=False).stdout

    def module(self, module: str, **options: Any) -> dict[str, Any]:
        """The result of a module there."""
        return run_module(["nsenter", "-t", str(self.leader), "-a"], module, False, options)

    def close(self) -> None:
        """Leave nothing behind."""
        self.cut()
        subprocess.run(["umount", "--lazy", str(self.folder / "root")], check=True)


def wait_for(moment: float) -> None:
    """Let the time pass until a moment."""
    time.sleep(max(0.0, moment - time.time()))
