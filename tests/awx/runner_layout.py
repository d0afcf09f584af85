# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook as a job of AWX runs it: ansible-runner in a private data directory laid out as AWX lays it out.

AWX itself is in no registry of packages. What it puts there was read off real jobs of AWX 24.6: the files in env/, the
inventory as a script, the variables about the job itself, and each text among the extra variables marked as unsafe.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import launches
import yaml

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-awx"
COLLECTIONS = VENV / "collections"
"""Where awx.awx is."""
_GIVEN = ("command", "env.list")
"""What ansible-runner keeps of what it was given; AWX removes it with the whole directory."""


def install() -> None:
    """Have ansible-runner, ansible-builder and awx.awx, each in the locked version."""
    subprocess.run(["sh", str(ROOT / "tools" / "extra.sh"), "awx"], check=True)


def about(job: int, launched: str, **more: Any) -> dict[str, Any]:
    """The variables about a job that AWX adds, each under both of its names.

    :param launched: manual, relaunch, webhook, scheduled, workflow ...
    :param more: further ones, without awx_ before their names
    """
    known = {
        "job_id": job,
        "job_launch_type": launched,
        "job_template_id": 9,
        "job_template_name": "Mail triage",
        "inventory_id": 2,
        "inventory_name": "Mail hosts",
        "project_revision": "0123456789abcdef0123456789abcdef01234567",
        "project_scm_branch": "",
        "execution_node": "awx-task-1",
        **more,
    }
    return {f"{twin}_{name}": value for name, value in known.items() for twin in ("awx", "tower")}


def manual(job: int = 21, **answers: Any) -> dict[str, Any]:
    """The extra variables of a launch by a person; `answers` are those of the survey, "" where nothing was written."""
    user = {"user_id": 4, "user_name": "alice", "user_email": "alice@example.com"}
    return {**about(job, "manual", **user, user_first_name="Alice", user_last_name="Example"), **answers}


def webhook(payload: Any, job: int = 22, event: str = "Ticket", **answers: Any) -> dict[str, Any]:
    """The extra variables of a launch by the receiver of webhooks; `answers` are the defaults of the survey."""
    more = {
        "webhook_event_type": event,
        "webhook_event_guid": "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "webhook_event_ref": None,
        "webhook_status_api": None,
        "webhook_payload": payload,
    }
    return {**about(job, "webhook", **more), **answers}


def node(artifacts: Mapping[str, Any], launch: Mapping[str, Any], job: int = 24, **answers: Any) -> dict[str, Any]:
    """The extra variables of a node of a workflow: what came before it, and what the workflow was launched with.

    AWX lets the variables of the workflow win over artifacts, and those over what the node itself sets.
    """
    flow = {"workflow_job_id": 30, "workflow_job_name": "Mail ticket", "workflow_job_launch_type": "webhook"}
    return {**answers, **artifacts, **launch, **about(job, "workflow", **flow)}


@dataclass
class AwxJob:
    """A job: where it is laid out, and what it is given."""

    folder: Path
    playbook: str
    """Path in the project, such as playbooks/triage.yml."""
    hosts: dict[str, dict[str, Any]]
    """Variables of each host."""
    groups: dict[str, list[str]]
    extra: dict[str, Any] = field(default_factory=dict)
    template: dict[str, Any] = field(default_factory=dict)
    """Extra variables of the job template itself: the only ones that AWX lets be templates."""
    credential: dict[str, str] = field(default_factory=dict)
    """Environment that credentials inject."""
    injected: dict[str, Any] = field(default_factory=dict)
    """Extra variables that credentials inject, in a file of their own."""
    words: str = "-u root"
    """Of the command line: --check, -l mail4 ..."""
    fact_cache: bool = True
    project: Path = ROOT
    ident: int = 21

    def run(self, timeout: int = 300) -> Done:
        """Lay the job out and have ansible-runner run it."""
        install()
        self._lay_out()
        path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            [
                str(VENV / "bin" / "ansible-runner"),
                "run",
                str(self.folder),
                "-p",
                self.playbook,
                "--ident",
                str(self.ident),
            ],
            env={"PATH": path, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        return Done(self.folder, self.folder / "artifacts" / str(self.ident))

    def _lay_out(self) -> None:
        for name in ("env", "inventory", "project", "artifacts", "cp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self.project.iterdir():
            # AWX has a copy of the repository. Links will do: what the job writes lies beside them.
            link = self.folder / "project" / path.name
            if not path.name.startswith(".") and not os.path.lexists(link):
                link.symlink_to(path)
        words = self.words
        if self.injected:
            self._write("env/tmp_injected", yaml.safe_dump(self.injected))
            words += f" -e @{self.folder / 'env' / 'tmp_injected'}"
        self._write("env/cmdline", words)
        self._write(
            "env/extravars", (yaml.safe_dump(self.template) if self.template else "") + launches.as_awx(self.extra)
        )
        self._write("env/envvars", yaml.safe_dump({**self._environment(), **self.credential}))
        settings: dict[str, Any] = {"job_timeout": 0, "suppress_ansible_output": True}
        if self.fact_cache:
            settings.update(fact_cache="fact_cache", fact_cache_type="jsonfile")
        self._write("env/settings", json.dumps(settings))
        script = self.folder / "inventory" / "hosts"
        script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(self._inventory())!r})\n", encoding="utf-8")
        script.chmod(0o700)

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        return {
            "JOB_ID": str(self.ident),
            "INVENTORY_ID": "2",
            "PROJECT_REVISION": "0123456789abcdef0123456789abcdef01234567",
            "AWX_HOST": "https://awx.example.com",
            "AWX_PRIVATE_DATA_DIR": str(self.folder),
            "MAX_EVENT_RES": "700000",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_UNSAFE_WRITES": "1",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "cp"),
        }

    def _inventory(self) -> dict[str, Any]:
        added = {"remote_tower_enabled": "true", "remote_host_enabled": "true"}
        hosts = {
            name: {**variables, **added, "remote_tower_id": number, "remote_host_id": number}
            for number, (name, variables) in enumerate(self.hosts.items(), 1)
        }
        groups = {name: {"hosts": members} for name, members in self.groups.items()}
        return {"all": {"hosts": list(hosts), "children": list(groups)}, **groups, "_meta": {"hostvars": hosts}}


@dataclass
class Done:
    """A job that has ended."""

    folder: Path
    place: Path
    """What ansible-runner left."""

    @property
    def rc(self) -> int:
        """Exit status of ansible-playbook; -1 when it did not even start."""
        path = self.place / "rc"
        return int(path.read_text()) if path.exists() else -1

    @property
    def stdout(self) -> str:
        """What AWX shows of it."""
        return (self.place / "stdout").read_text(encoding="utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events, in their order."""
        found = [json.loads(path.read_text(encoding="utf-8")) for path in (self.place / "job_events").glob("*.json")]
        return sorted(found, key=lambda event: event["counter"])

    @property
    def artifacts(self) -> dict[str, Any]:
        """What AWX keeps as artifacts of the job, and hands on to later nodes of a workflow."""
        stats = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(stats[-1].get("artifact_data") or {}) if stats else {}

    @property
    def facts(self) -> dict[str, str]:
        """What AWX keeps as facts of each host, for whoever may read the inventory, as it is kept."""
        folder = self.place / "fact_cache"
        files = list(folder.iterdir()) if folder.is_dir() else []
        # ansible-core 2.19 and newer write the version of the format before the name.
        return {path.name.removeprefix("s1_"): path.read_text(encoding="utf-8") for path in files}

    def left(self) -> Iterator[Path]:
        """All files that the job left: output, events, facts, and whatever it wrote into its project."""
        for top in (self.place, self.folder / "project"):
            for here, folders, files in os.walk(top):
                folders[:] = [name for name in folders if not (Path(here) / name).is_symlink()]
                yield from (Path(here) / name for name in files if name not in _GIVEN)

    def leaks(self, *secrets: str) -> list[str]:
        """Names of files in which one of the secrets can be read."""
        return [
            str(path.relative_to(self.folder))
            for path in self.left()
            if not path.is_symlink() and any(secret.encode() in path.read_bytes() for secret in secrets)
        ]
