# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ansible-rulebook that listens on loopback: start it, send it events, see what it started."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-eda"
PATIENCE = 300.0
"""Seconds until something that must happen counts as not happening: the JVM of a busy machine takes its time."""


class RulebookError(RuntimeError):
    """It did not come up, or what was waited for did not happen; the message ends with its log."""


def install() -> None:
    """Install ansible-rulebook and Java where they are missing.

    :raises RulebookError: saying what is missing, when it cannot be installed
    """
    done = subprocess.run(
        ["sh", str(ROOT / "tools" / "extra.sh"), "eda"], capture_output=True, text=True, check=False, timeout=1200
    )
    if done.returncode:
        raise RulebookError(done.stderr.strip() or f"tools/extra.sh ended with {done.returncode}")


def _descendants(pid: int) -> list[int]:
    """Processes that a process has started, and those that these have."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def free_port() -> int:
    """A port of loopback that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Rulebook:
    """ansible-rulebook with one rulebook, from :meth:`start` to :meth:`stop`, or as a context.

    :param rulebook: full name in the collection, or a path
    :param inventory: path of the inventory that the playbooks get
    :param folder: an empty directory for all that it writes
    :param token: what a sender has to show; None leaves it undefined
    :param variables: more variables of the rulebook
    :param before: words before the command, such as those that enter a network namespace
    :param environment: more variables of the environment, such as where the collection lies
    """

    def __init__(
        self,
        rulebook: str,
        inventory: Path,
        folder: Path,
        *,
        port: int | None = None,
        token: str | None = "sesame",
        variables: dict[str, Any] | None = None,
        before: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.port = port or free_port()
        self.token = token
        self.folder = folder
        self.reports = folder / "reports"
        self._log = folder / "rulebook.log"
        self._child: subprocess.Popen[bytes] | None = None
        (folder / "tmp").mkdir(parents=True)
        told = {"triage_webhook_port": self.port, "triage_reports_dir": str(self.reports), **(variables or {})}
        if token is not None:
            told["triage_webhook_token"] = token
        (folder / "vars.yml").write_text(json.dumps(told), encoding="utf-8")
        self._command = [
            *before,
            *(str(VENV / "bin" / "ansible-rulebook"), "--rulebook", rulebook, "--inventory", str(inventory)),
            *("--vars", str(folder / "vars.yml"), "--shutdown-delay", "1", "--verbose", *options),
        ]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "EDA_"))}
        self._environment = {
            **kept,
            "PATH": f"{VENV / 'bin'}:{ROOT / '.venv' / 'bin'}:{kept.get('PATH', '')}",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        }

    def __enter__(self) -> Rulebook:
        self.start()
        return self

    def __exit__(self, *dummy: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """All that it and the playbooks have said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def start(self, ready: Callable[[], bool] | None = None) -> None:
        """Start it and wait until it listens.

        :param ready: tells whether it listens, where that cannot be seen from here
        :raises RulebookError: when it ends instead
        """
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait(ready or self._listens, "it listens")
        except RulebookError:
            self.stop()
            raise

    def stop(self) -> None:
        """End it with all that it has started: a playbook that still runs is in a session of its own."""
        if self._child is None:
            return
        started = _descendants(self._child.pid)
        for strength in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._child.pid, strength)
                self._child.wait(timeout=60)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._child = None

    def wait(self, happened: Callable[[], bool], what: str) -> None:
        """Wait until something has happened.

        :raises RulebookError: when it does not, or when ansible-rulebook has ended
        """
        end = time.monotonic() + PATIENCE
        while not happened():
            if self._child is None or self._child.poll() is not None or time.monotonic() > end:
                raise RulebookError(f"waited for: {what}\n{self.log[-4000:]}")
            time.sleep(0.2)

    def post(self, payload: Any, *, token: str | None = "", path: str = "/") -> int:
        """Send one event and return the HTTP status.

        :param payload: what becomes JSON, or bytes as they are
        :param token: another token than the right one; None sends none
        """
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {"Content-Type": "application/json"}
        shown = self.token if token == "" else token
        if shown is not None:
            headers["Authorization"] = f"Bearer {shown}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def finished(self) -> list[dict[str, Any]]:
        """The reports of the triages that have come to their end, the oldest first."""
        found = [json.loads(path.read_text(encoding="utf-8")) for path in self.reports.glob("*/triage.json")]
        return sorted(found, key=lambda report: float(report["run"]["started"]))

    def wait_for(self, number: int) -> list[dict[str, Any]]:
        """Wait until so many triages have come to their end, and return their reports.

        Triages run one after the other, in the order of their events: when the one that was asked for last has ended,
        so have all others that were started.
        """
        self.wait(lambda: len(self.finished()) >= number, f"{number} triages")
        return self.finished()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
