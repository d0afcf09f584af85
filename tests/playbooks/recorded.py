# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of any size that is recorded: the playbooks are the real ones, and a connection plugin answers from a file.

What the vantage points and the hosts answer is what six real mail hosts once did, dealt out to as many names as wanted.
Nothing leaves the machine, and two runs see the very same fleet. Only the prober of the controller, which would open
real connections, has a stand-in, in a copy of the collection.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import plays

CONNECTION = '''
import base64, json, os, re
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: recorded
short_description: Answers as a host has answered before
author: nobody
options:
  name:
    description: Name of the host.
    type: str
    vars:
      - name: inventory_hostname
"""


class Connection(ConnectionBase):
    transport = "ssh"
    has_pipelining = True

    def _connect(self):
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        name = self.get_option("name")
        with open(os.environ["RECORDED_WORLD"]) as stream:
            world = json.load(stream)
        kinds, hosts = world["kinds"], world["hosts"]
        if in_data is None:
            # The temporary directory that Ansible asks for, without which it would call the host lost.
            return 0, b"/tmp\\n", b""
        if name in world["vantages"]:
            told = re.findall(rb"b64decode\\('([A-Za-z0-9+/=]+)'\\)", in_data)[-1]
            targets = json.loads(base64.b64decode(told))[0]
            seen = {one["name"]: kinds[hosts[one["name"]][name]]["seen"][name] for one in targets}
            answer = {"vantage": name, "started": 0.0, "seconds": 1.0, "hosts": seen}
        else:
            answer = kinds[hosts[name]["inside"]]["facts"]
            if answer is None:
                raise AnsibleConnectionFailure("no route to host")
        text = "\\n<<<mailops.triage " + json.dumps(answer) + " mailops.triage>>>\\n"
        return 0, text.encode(), b""

    def put_file(self, in_path, out_path):
        raise AnsibleConnectionFailure("nothing is ever put here")

    fetch_file = put_file

    def close(self):
        pass
'''

PROBE = """
import json, os


def sweep(targets, options):
    name = options["vantage"]
    with open(os.environ["RECORDED_WORLD"]) as stream:
        world = json.load(stream)
    kinds, hosts = world["kinds"], world["hosts"]
    seen = {one["name"]: kinds[hosts[one["name"]][name]]["seen"][name] for one in targets}
    return {"vantage": name, "started": 0.0, "seconds": 1.0, "hosts": seen}
"""

VANTAGES = ("dept-a", "dept-b")
SEEN_FROM = ("controller", *VANTAGES)


class World:
    """Hosts by name, each of a kind that a recorded host was: C(mail1) was well, C(mail2) broken, C(mail5) dark.

    :param place: of inventory and plugin
    :param hosts: for each its site and its kind
    :param seen_as: for a host and a vantage point another kind than the host's own
    """

    def __init__(
        self, place: Path, hosts: dict[str, tuple[str, str]], seen_as: dict[tuple[str, str], str] | None = None
    ) -> None:
        self.place = place
        self.hosts = hosts
        sweep = json.loads((plays.RECORDING / "sweep.json").read_text(encoding="utf-8"))["vantages"]
        recorded_at = json.loads((plays.RECORDING / "run.json").read_text(encoding="utf-8"))["started"]
        _later(sweep, time.time() - recorded_at)
        kinds = {}
        for path in (plays.RECORDING / "facts").glob("*.json"):
            seen = {name: sweep[name]["hosts"][path.stem] for name in SEEN_FROM}
            kinds[path.stem] = {"seen": seen, "facts": json.loads(path.read_text(encoding="utf-8"))["facts"]}
        ways = {
            name: {"inside": kind, **{one: (seen_as or {}).get((name, one), kind) for one in SEEN_FROM}}
            for name, (dummy, kind) in hosts.items()
        }
        world = {"kinds": kinds, "hosts": ways, "vantages": VANTAGES}
        (place / "world.json").write_text(json.dumps(world), encoding="utf-8")
        (place / "connections").mkdir()
        (place / "connections" / "recorded.py").write_text(CONNECTION, encoding="utf-8")
        self.collection = place / "ansible_collections" / "mailops" / "triage"
        self._copy()

    def _copy(self) -> None:
        self.collection.mkdir(parents=True)
        for name in ("roles", "meta", "rules", "docs", "galaxy.yml", "playbooks"):
            (self.collection / name).symlink_to(plays.ROOT / name)
        # What finds its neighbours by its own place must find the stand-in, which a link would not let it.
        shutil.copytree(
            plays.ROOT / "plugins", self.collection / "plugins", ignore=shutil.ignore_patterns("__pycache__")
        )
        stand_in = self.collection / "plugins" / "module_utils" / "_probe" / "sweep.py"
        assert "def sweep(" in stand_in.read_text(encoding="utf-8")
        stand_in.write_text(PROBE, encoding="utf-8")

    def inventory(self, name: str, hosts: list[str]) -> Path:
        """An inventory of some of the hosts and vantage points, as AWX makes one for each slice."""
        lines = ["[mailservers]", *(f"{host} mail_site={self.hosts[host][0]}" for host in hosts if host in self.hosts)]
        lines += ["[vantage_points]", *(host for host in hosts if host in VANTAGES)]
        lines += ["[all:vars]", "ansible_connection=recorded", "mail_roles=['mta', 'submission', 'imap', 'pop3']"]
        path = self.place / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def everything(self) -> Path:
        """The inventory of those who see it all."""
        return self.inventory("everything", [*self.hosts, *VANTAGES])

    def slices(self, count: int) -> list[Path]:
        """The inventories of the slices: all there is, vantage points too, dealt out in turn by name as AWX does it."""
        names = sorted([*self.hosts, *VANTAGES])
        return [self.inventory(f"slice{number + 1}", names[number::count]) for number in range(count)]

    def play(self, playbook: str, inventory: Path, *words: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection on an inventory of this world."""
        return plays.play(
            self.place,
            self.collection / "playbooks" / playbook,
            "-e",
            json.dumps(variables),
            *words,
            inventory=str(inventory),
            ANSIBLE_COLLECTIONS_PATH=str(self.place),
            ANSIBLE_CONNECTION_PLUGINS=str(self.place / "connections"),
            RECORDED_WORLD=str(self.place / "world.json"),
            ANSIBLE_FORKS="10",
        )


def _later(node: Any, seconds: float) -> None:
    """Certificates live on, whenever this is run."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "not_after" and value is not None:
            node[key] = value + seconds
        else:
            _later(value, seconds)


def report(folder: Path) -> dict[str, Any]:
    """The report that lies in a directory."""
    found: dict[str, Any] = json.loads((folder / "triage.json").read_text(encoding="utf-8"))
    return found
