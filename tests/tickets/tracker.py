# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ticket system on loopback: a Roundup tracker of its own, with a webhook for new issues.

It refuses to run as root, so everything of it runs as nobody then, in a directory that belongs to nobody.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-roundup"
USER = "ansible"
"""The user that answers tickets; C(reporter) is the one that writes them."""
_NOBODY = 65534

_DETECTOR = '''
"""Posts every new issue to the address in the file webhook.url of the tracker, if there is one."""
import json
import os
import urllib.request

def post(db, cl, nodeid, oldvalues):
    try:
        with open(os.path.join(db.config.TRACKER_HOME, "webhook.url")) as file:
            url, token = file.read().split()
    except (OSError, ValueError):
        return
    messages = db.issue.get(nodeid, "messages")
    creator = db.issue.get(nodeid, "creator")
    priority, status = db.issue.get(nodeid, "priority"), db.issue.get(nodeid, "status")
    ticket = {
        "tracker": "roundup",
        "id": nodeid,
        "title": db.issue.get(nodeid, "title"),
        "text": db.msg.get(messages[0], "content") if messages else "",
        "creator": db.user.get(creator, "username"),
        "address": db.user.get(creator, "address"),
        "priority": db.priority.get(priority, "name") if priority else None,
        "status": db.status.get(status, "name") if status else None,
        "created": db.issue.get(nodeid, "creation").formal(),
        "url": "%sissue%s" % (db.config.TRACKER_WEB, nodeid),
    }
    body = json.dumps({"ticket": ticket}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + token}
    request = urllib.request.Request(url, body, headers)
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5).close()
    except OSError as error:
        print("webhook:", error)


def init(db):
    db.issue.react("create", post)
'''


def fetch() -> None:
    """Have Roundup, where it is missing: this needs a network."""
    subprocess.run(["sh", str(ROOT / "tools" / "extra.sh"), "roundup"], check=True, timeout=600)


class TrackerError(RuntimeError):
    """The ticket system does not do what a test needs."""


class Tracker:
    """A running Roundup.

    :ivar url: its address, as C(ticket_url) takes it
    :ivar password: of USER
    :ivar log: the file with what it said
    """

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="mailops-roundup-"))
        self._child: subprocess.Popen[bytes] | None = None
        self.password = secrets.token_urlsafe(16)
        self._admin = secrets.token_urlsafe(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/desk"
        self.log = self._home / "log"
        self._begin: list[str] = []

    def install(self) -> None:
        """Make a tracker with the users admin, USER and reporter."""
        fetch()
        packages = next(VENV.glob("lib/python3*/site-packages"))
        shutil.copytree(packages / "roundup", self._home / "packages" / "roundup")
        # Beside the package is where it looks for templates.
        shutil.copytree(VENV / "share" / "roundup" / "templates", self._home / "packages/share/roundup/templates")
        self._own()
        self._begin = _as_nobody()
        desk = self._home / "desk"
        self._admin_command("install", "classic", "sqlite")
        config = (desk / "config.ini").read_text()
        config = _set(config, "tracker", "web", f"{self.url}/")
        # Mail about changes goes into a file.
        mail = {"domain": "localhost", "host": "127.0.0.1", "debug": str(self._home / "mail")}
        for name, value in mail.items():
            config = _set(config, "mail", name, value)
        (desk / "config.ini").write_text(config)
        (desk / "detectors" / "webhook.py").write_text(_DETECTOR)
        self._own()
        self._admin_command("initialise", self._admin)
        for name, password in ((USER, self.password), ("reporter", "reporter-of-the-tests")):
            self._admin_command(
                *("create", "user", f"username={name}", f"password={password}"),
                *(f"address={name}@localhost", "roles=User"),
            )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*self._begin, "-m", "roundup.scripts.roundup_server", *self._where(), f"desk={self._home / 'desk'}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
                env=self._environment(),
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while time.monotonic() < end and self._child.poll() is None:
            with contextlib.suppress(OSError):
                self.ask("GET", "/rest/data/status")
                return
            time.sleep(0.1)
        raise TrackerError(f"Roundup does not answer: {self.log.read_text(errors='replace')[-500:]}")

    def stop(self) -> None:
        """End it; the tickets stay."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait(20)
            self._child = None

    def remove(self) -> None:
        """End it and remove its traces."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def webhook(self, url: str | None, token: str = "none") -> None:
        """Post each new issue to an address, with a bearer token; None posts nothing any more.

        Whoever takes it must answer at once: the issue is written only after that.
        """
        file = self._home / "desk" / "webhook.url"
        if url is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(f"{url} {token}")
            self._own()

    def issue(self, title: str, text: str) -> str:
        """Write an issue as a reporter, through the tracker's own interface; returns its number."""
        login = ("reporter", "reporter-of-the-tests")
        message = self.ask("POST", "/rest/data/msg", {"content": text, "author": "reporter"}, login)["data"]["id"]
        body = {"title": title, "messages": [message], "priority": "urgent"}
        return str(self.ask("POST", "/rest/data/issue", body, login)["data"]["id"])

    def status(self, issue: str) -> str:
        """The name of an issue's status."""
        return str(self._attributes("issue", issue)["status"]["name"])

    def comments(self, issue: str) -> list[dict[str, str]]:
        """The messages of an issue with C(author) and C(content), but for the first one, which is the report."""
        found = []
        for link in self._attributes("issue", issue)["messages"]:
            message = self._attributes("msg", str(link["id"]))
            content = self.ask("GET", f"/rest/data/msg/{link['id']}/content")["data"]["data"]
            found.append({"id": str(link["id"]), "author": message["author"]["username"], "content": content})
        return found[1:]

    def ask(self, method: str, path: str, body: Any = None, login: tuple[str, str] | None = None) -> dict[str, Any]:
        """Make a request to the tracker."""
        user, password = login or ("admin", self._admin)
        coded = base64.b64encode(f"{user}:{password}".encode()).decode()
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Basic {coded}",
                "Content-Type": "application/json",
                "X-Requested-With": "rest",
                "Origin": f"http://127.0.0.1:{self.port}",
                "Referer": f"{self.url}/",
            },
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            said = error.read(500).decode(errors="replace")
            raise TrackerError(f"{method} {path}: {error.code} {said}") from error

    def _attributes(self, kind: str, number: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/rest/data/{kind}/{number}?@verbose=2")["data"]["attributes"]
        return found

    def _where(self) -> list[str]:
        return ["-n", "127.0.0.1", "-p", str(self.port)]

    def _environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self._home), "PYTHONPATH": str(self._home / "packages")}

    def _admin_command(self, *words: str) -> None:
        done = subprocess.run(
            [*self._begin, "-m", "roundup.scripts.roundup_admin", "-i", str(self._home / "desk"), *words],
            cwd=self._home,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise TrackerError(f"roundup-admin {words[0]}: {done.stdout}{done.stderr}")

    def _own(self) -> None:
        """Give all of it to whom it runs as."""
        if os.geteuid():
            return
        for path in (self._home, *self._home.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def _as_nobody() -> list[str]:
    """The beginning of a command that runs a Python which the user it runs as can execute."""
    if os.geteuid():
        return [sys.executable]
    drop = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    for python in (sys.executable, "/usr/bin/python3"):
        command = [*drop, python]
        done = subprocess.run([*command, "-c", "import sqlite3"], cwd="/", capture_output=True, check=False)
        if done.returncode == 0:
            return command
    raise TrackerError("no Python that the user nobody can run: apt-get install python3")


def _set(config: str, section: str, name: str, value: str) -> str:
    """Set an option of config.ini, where it stands commented out or not."""
    lines = config.splitlines()
    begin = lines.index(f"[{section}]")
    for number, line in enumerate(lines[begin:], begin):
        if line.lstrip("# ").startswith((f"{name} =", f"{name}=")):
            lines[number] = f"{name} = {value}"
            return "\n".join(lines) + "\n"
    raise TrackerError(f"config.ini has no option {name}")
