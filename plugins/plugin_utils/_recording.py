# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report directory: everything a run saw, and therefore everything a replay needs.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

C(run.json) when and with what; C(sweep.json) what the vantage points saw; C(facts/HOST.json) inventory, login and
facts of one host. C(plan.json) is what the examination of each host should know of the sweep: a task argument for it
would be templated for every host, at twice the cost. C(ticket.json) is the event that asked for the run, where there is
one. A live diagnosis and a replay read the same files, so they cannot judge differently.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
import shutil
import tempfile
import typing as t
import urllib.parse
from pathlib import Path

Document = dict[str, t.Any]

PLAN = "plan.json"
REPORT = "triage.json"
PAGE = "index.html"
TICKET = "ticket.json"
BEFORE = "before"
AFTER = "after"
"""Where a remediation keeps its first diagnosis in the end, and its last one until that is complete."""

_DIAGNOSIS = ("run.json", "sweep.json", PLAN, "facts", "trace.json", PAGE, REPORT)
_REMEDIATION = ("remedies.json", "approved.json", "proofs.json", "actions", "evidence", BEFORE, AFTER)


class RecordingError(ValueError):
    """A recording that cannot be read or written; the message names the file."""


class Recording:
    """A report directory.

    :param path: where it is, or shall be
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def create(self) -> None:
        """Make the directories, readable by their owner only: mail logs are nobody else's business.

        Facts of an earlier run in the same place go: they must not be taken for those of a host that is silent today.
        What it did goes as well, and what it was asked: it must not be taken for what this one does.

        :raises RecordingError: when they cannot be made
        """
        try:
            (self.path / "facts").mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            for stale in (self.path / "facts").glob("*.json"):
                stale.unlink()
            for name in (TICKET, *_REMEDIATION):
                _remove(self.path / name)
        except OSError as exc:
            raise RecordingError(f"report directory {self.path}: {exc.strerror or exc}") from exc

    def supersede(self) -> None:
        """Put the diagnosis in C(after) in the place of this one, which goes to C(before).

        Whoever opens the report meanwhile sees the one or the other, and never none.

        :raises RecordingError: when a file cannot be moved
        """
        try:
            _remove(self.path / BEFORE)
            (self.path / BEFORE).mkdir(mode=0o700)
            for name in _DIAGNOSIS:
                here, last = self.path / name, self.path / AFTER / name
                if here.is_dir():
                    os.replace(here, self.path / BEFORE / name)
                elif here.exists():
                    shutil.copy2(here, self.path / BEFORE / name)
                if last.exists():
                    os.replace(last, here)
            _remove(self.path / AFTER)
        except OSError as exc:
            raise RecordingError(f"report directory {self.path}: {exc.strerror or exc}") from exc

    def write(self, name: str, content: Document | str) -> Path:
        """Write one file whole or not at all.

        :param name: path within the directory
        :param content: text, or what becomes JSON with sorted keys; a date of the inventory becomes its text
        """
        target = self.path / name
        text = content if isinstance(content, str) else json.dumps(content, sort_keys=True, default=str) + "\n"
        try:
            with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False, encoding="utf-8") as draft:
                draft.write(text)
            os.replace(draft.name, target)
        except OSError as exc:
            raise RecordingError(f"{target}: {exc.strerror or exc}") from exc
        return target

    def write_host(self, host: str, record: Document) -> str:
        """Write a host's part; returns the file's name within the directory."""
        name = host_file(host)
        self.write(name, record)
        return name

    def read(self, name: str) -> Document:
        """Read one JSON file.

        :raises RecordingError: naming the file and, for bad JSON, the line
        """
        target = self.path / name
        try:
            found = json.loads(target.read_text(encoding="utf-8"))
        except OSError as exc:
            raise RecordingError(f"{target}: {exc.strerror or exc}") from exc
        except UnicodeDecodeError as exc:
            raise RecordingError(f"{target}: not UTF-8 text: {exc.reason}") from exc
        except json.JSONDecodeError as exc:
            raise RecordingError(f"{target}:{exc.lineno}: not JSON: {exc.msg}") from exc
        if not isinstance(found, dict):
            raise RecordingError(f"{target}: holds a {type(found).__name__}, not a mapping")
        return found

    def load(self) -> tuple[Document, Document, dict[str, Document]]:
        """Read everything a diagnosis needs: run, sweep and hosts.

        :raises RecordingError: when this is no recording, or a file of it cannot be used
        """
        if not self.path.is_dir():
            raise RecordingError(f"{self.path}: this directory does not exist")
        run = self.read("run.json")
        if not isinstance(run.get("started"), (int, float)):
            raise RecordingError(f"{self.path / 'run.json'}: 'started' (epoch seconds) is missing")
        sweep = self.read("sweep.json")
        if not isinstance(sweep.get("vantages"), dict):
            raise RecordingError(f"{self.path / 'sweep.json'}: 'vantages' is missing")
        names = run.get("hosts")
        if not isinstance(names, list) or not names:
            raise RecordingError(f"{self.path / 'run.json'}: 'hosts' is missing: no host is recorded here")
        return run, sweep, {name: self._host(str(name)) for name in names}

    def _host(self, host: str) -> Document:
        name = host_file(host)
        if not (self.path / name).exists():
            login = {"outcome": "skipped", "text": "the run ended before the host was examined"}
            return {"host": host, "inventory": {}, "login": login, "facts": None, "facts_file": None}
        return {**self.read(name), "facts_file": name}


def new_run_id(started: float) -> str:
    """Name of a run, and of its report directory unless another one is wanted.

    :param started: epoch seconds
    """
    moment = datetime.datetime.fromtimestamp(started, datetime.timezone.utc)
    return f"{moment.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(2)}"


def report_directory(wanted: str | None, run_id: str, check_mode: bool) -> str:
    """Where the report of a run goes. Check mode leaves nothing behind: it gets a temporary directory."""
    if check_mode:
        return tempfile.mkdtemp(prefix=f"mailops-triage-{run_id}-")
    return os.path.abspath(wanted or os.path.join("triage-reports", run_id))


def _remove(path: Path) -> None:
    """Remove a file or a directory of ours; a link is removed, and not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def host_file(host: str) -> str:
    """Name of a host's file; an inventory name may hold anything, a file name may not."""
    return f"facts/{urllib.parse.quote(host, safe='')}.json"
