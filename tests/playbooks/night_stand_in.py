# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet for a patch night that is none: the modules that act on hosts write down what they were told, and answer.

What decides, records, looks and reports is the collection's own; a tree of links stands in for its place, with the
stand-ins in their modules' places.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import plays
from plays import ROOT

STAND_INS = ("package_update", "maintenance", "service_drain", "daemon_restart")

MODULE = """#!/usr/bin/python
import json, os, time
from ansible.module_utils.basic import AnsibleModule

NAME = "%s"
SPEC = dict.fromkeys(("state", "run", "until", "reason", "ticket", "select", "service", "how"), {"type": "str"})
SPEC.update(only={"type": "dict"}, guard={"type": "dict"}, exclude={"type": "list"}, refresh={"type": "bool"})
SPEC.update(time_limit={"type": "float"}, deadline={"type": "float"}, expires={"type": "int"}, prolong={"type": "bool"})
SPEC.update(wait={"type": "float"})


def main():
    module = AnsibleModule(SPEC, supports_check_mode=True)
    told = {key: value for key, value in module.params.items() if value is not None}
    # A folder for each host; which one it is, the environment says.
    folder = os.environ["NIGHT_HOST"]
    what = NAME + ("" if NAME == "daemon_restart" else "." + str(told.get("state")))
    try:
        with open(folder + "/script.json") as stream:
            answer = json.load(stream).get(what, {})
    except OSError:
        answer = {}
    with open(folder + "/told", "a") as stream:
        line = {"at": time.time(), "what": what, "told": told, "check": module.check_mode}
        stream.write(json.dumps(line) + "\\n")
    for name, text in answer.pop("writes", {}).items():
        if not module.check_mode:
            with open(folder + "/" + name, "w") as stream:
                stream.write(text)
    time.sleep(answer.pop("takes", 0))
    state = answer.get("state") or ("planned" if module.check_mode else "done")
    defaults = {"changed": state in ("done", "planned"), "state": state, "code": "", "why": "", "steps": []}
    if answer.pop("fails", False):
        module.fail_json(msg=answer.get("why", "it broke"), **answer)
    module.exit_json(**dict(defaults, **answer))


if __name__ == "__main__":
    main()
"""
PENDING = {
    "package": "dovecot-core",
    "arch": "amd64",
    "installed": "1:2.3.19-1",
    "candidate": "1:2.3.19-2",
    "origin": "Debian-Security",
    "security": True,
    "held": False,
    "mail_path": True,
    "daemon": "dovecot",
}
LISTED = {
    "state": "done",
    "changed": False,
    "pending": [PENDING],
    "restarts": [],
    "reboot": {"required": False, "why": [], "advised": []},
    "half_configured": [],
}
APPLIED = {
    "changed_packages": [{"package": "dovecot-core", "from": "1:2.3.19-1", "to": "1:2.3.19-2"}],
    "restarts": ["postfix@-.service"],
    "reboot": {"required": False, "why": [], "advised": ["dbus.service"]},
    "half_configured": [],
    "conffiles_left": ["/etc/dovecot/dovecot.conf.dpkg-dist"],
}
BACK = {
    "changed_packages": [{"package": "dovecot-core", "from": "1:2.3.19-2", "to": "1:2.3.19-1"}],
    "restarts": [],
    "half_configured": [],
}
RULE = """
- id: software.stand_in
  title: Something is wrong with {inventory.site}
  category: software
  severity: critical
  subject: stand-in
  when: "inventory.site == 'sick'"
  confidence: 0.95
  remedy:
    action: none
    do: Mend it.
- id: patch.stand_in
  title: An update is what {inventory.site} needs
  category: patch
  severity: critical
  subject: stand-in
  when: "inventory.site == 'unpatched'"
  confidence: 0.95
  remedy:
    action: none
    do: Patch it.
"""


GONE = """
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = '''
name: gone
short_description: A host that nobody reaches
author: nobody
options: {}
'''


class Connection(ConnectionBase):
    transport = "gone"

    def _connect(self):
        raise AnsibleConnectionFailure("no route to host")

    def exec_command(self, cmd, in_data=None, sudoable=True):
        self._connect()

    def put_file(self, in_path, out_path):
        self._connect()

    def fetch_file(self, in_path, out_path):
        self._connect()

    def close(self):
        pass
"""


class Fleet:
    """Hosts that are this machine, each with a folder of its own.

    :param place: of everything
    :param hosts: for each its redundancy group; one whose name begins with a dot is in none
    """

    def __init__(self, place: Path, hosts: dict[str, str]) -> None:
        self.place = place
        self.collection = place / "ansible_collections" / "mailops" / "triage"
        self._link()
        lines = [f"{name} {f'mail_redundancy_group={group}' if group else ''}" for name, group in hosts.items()]
        common = "[all:vars]\nansible_host=127.0.0.1\nansible_become=false\nmail_roles=[]\n"
        (place / "hosts").write_text("[mailservers]\n" + "\n".join(lines) + "\n" + common, encoding="utf-8")
        look = "{{ lookup('ansible.builtin.file', inventory_dir ~ '/on/' ~ inventory_hostname ~ '/%s') }}"
        variables = {"mail_site": look % "site", "ansible_connection": look % "connection"}
        variables["ansible_python_interpreter"] = sys.executable
        (place / "connections").mkdir()
        (place / "connections" / "gone.py").write_text(GONE, encoding="utf-8")
        (place / "group_vars").mkdir()
        (place / "group_vars" / "all.yml").write_text(json.dumps(variables), encoding="utf-8")
        (place / "rules").mkdir()
        (place / "rules" / "stand_in.yml").write_text("---" + RULE, encoding="utf-8")
        for name in hosts:
            (place / "on" / name).mkdir(parents=True)
            self.put(name, site="well", connection="local")
            self.script(name)

    def _link(self) -> None:
        """The collection, with the stand-ins in the places of the modules that act on hosts."""
        (self.collection / "plugins" / "modules").mkdir(parents=True)
        (self.collection / "playbooks").mkdir()
        for name in ("roles", "meta", "rules", "docs", "galaxy.yml"):
            (self.collection / name).symlink_to(ROOT / name)
        for path in (ROOT / "plugins").iterdir():
            if path.name != "modules":
                (self.collection / "plugins" / path.name).symlink_to(path)
        for path in (ROOT / "plugins" / "modules").glob("*.py"):
            if path.stem not in STAND_INS:
                (self.collection / "plugins" / "modules" / path.name).symlink_to(path)
        for name in STAND_INS:
            (self.collection / "plugins" / "modules" / f"{name}.py").write_text(MODULE % name, encoding="utf-8")
        text = (ROOT / "playbooks" / "patch_night.yml").read_text(encoding="utf-8")
        told = '  environment: {NIGHT_HOST: "{{ inventory_dir }}/on/{{ inventory_hostname }}"}\n'
        marked = "  gather_facts: false\n  # A host that is lost"
        assert marked in text
        text = text.replace(marked, f"{told}{marked}")
        (self.collection / "playbooks" / "patch_night.yml").write_text(text, encoding="utf-8")

    def put(self, host: str, **words: str) -> None:
        """Make a host C(well), C(sick) or C(unpatched) (C(site)), and reach it or not (C(connection): C(gone))."""
        for name, word in words.items():
            (self.place / "on" / host / name).write_text(word, encoding="utf-8")

    def script(self, host: str, **answers: dict[str, Any]) -> None:
        """What the stand-ins answer on a host; a key such as C(package_update__applied) names module and state."""
        known = {"package_update.listed": LISTED, "package_update.applied": APPLIED, "package_update.rolled_back": BACK}
        more = {key.replace("__", "."): value for key, value in answers.items()}
        script = {key: {**known.get(key, {}), **more.get(key, {})} for key in {*known, *more}}
        (self.place / "on" / host / "script.json").write_text(json.dumps(script), encoding="utf-8")

    def line(self, **more: Any) -> list[str]:
        """The command line of the night."""
        settings = {
            "triage_rules_dirs": [str(self.place / "rules")],
            "triage_gather_subset": ["host"],
            "patch_night_settle": 0,
            "patch_night_soak": 0,
            "patch_night_patience": 0,
            "patch_night_at_once": "10",
            **more,
        }
        playbook = str(self.collection / "playbooks" / "patch_night.yml")
        return [*plays.PROGRAM, "-i", str(self.place / "hosts"), playbook, "-e", json.dumps(settings)]

    def environment(self) -> dict[str, str]:
        """What the night is run with; the collection is the tree of links."""
        places = {"ANSIBLE_COLLECTIONS_PATH": self.place, "ANSIBLE_CONNECTION_PLUGINS": self.place / "connections"}
        return plays.environment(self.place, **{name: str(path) for name, path in places.items()})

    def night(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            [*self.line(**more), *words],
            cwd=self.place,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def told(self, host: str) -> list[dict[str, Any]]:
        """What the stand-ins were told on a host, in order."""
        path = self.place / "on" / host / "told"
        return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def acts(self, host: str) -> list[str]:
        """The same in words, without what only looks."""
        return [one["what"] for one in self.told(host) if one["what"] != "package_update.listed"]

    def ledgers(self) -> list[dict[str, Any]]:
        """The ledgers of all nights, in their order."""
        found = sorted((self.place / "patch-nights").glob("*/night.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in found]
