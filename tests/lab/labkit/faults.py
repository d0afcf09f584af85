# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults as data: load a scenario, inject it, wait until a user would notice, take it away.

A scenario is tests/lab/faults/<ID>_<name>.yml; README.md describes its fields.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from . import client, host, inventory, net, pki, plan, state
from .shell import LabError, run

DIRECTORY = plan.LAB_DIR / "faults"
FIELDS = {
    "id",
    "name",
    "title",
    "category",
    "kind",
    "needs",
    "inventory",
    "inject",
    "settle",
    "undo",
    "expect",
    "remedy",
    "forbidden",
}
SETTLE_S = 30
"""Seconds in which the symptoms must come, where the scenario does not say."""
EXPECT = {"verdict", "root_causes", "category", "scope"}
ACTIONS = {"restart_daemon", "purge_spool", "patch_window", "contain_surge", "escalate", "none"}
VERDICTS = {"healthy", "degraded", "down", "maintenance", "unknown"}


def names() -> list[str]:
    """Return all scenario ids, sorted."""
    return sorted(path.name.split("_")[0] for path in _files())


def _files() -> list[Path]:
    """Return the scenarios of the lab, and those of the directory that MAILOPS_LAB_FAULTS names."""
    more = os.environ.get("MAILOPS_LAB_FAULTS")
    folders = [DIRECTORY, *([Path(more)] if more else [])]
    return [path for folder in folders for path in folder.glob("*.yml")]


def load(fault: str) -> dict[str, Any]:
    """Return one scenario by its id ("F041") or its file's stem.

    :raises LabError: there is none, or it does not have the agreed shape
    """
    files = [path for path in _files() if fault in (path.stem, path.name.split("_")[0])]
    if len(files) != 1:
        raise LabError(f"no fault {fault}: 'lab.py faults' lists them")
    scenario = yaml.safe_load(files[0].read_text())
    problem = _problem(scenario, files[0])
    if problem:
        raise LabError(f"{files[0].name}: {problem}")
    return scenario


def _problem(scenario: Any, path: Path) -> str | None:
    if not isinstance(scenario, dict) or set(scenario) != FIELDS:
        return f"fields must be exactly {' '.join(sorted(FIELDS))}"
    if path.stem != f"{scenario['id']}_{scenario['name']}":
        return "id and name must make the file name"
    steps = scenario["inject"] + (scenario["undo"] if isinstance(scenario["undo"], list) else [])
    if not all(len(step) == 1 and set(step) <= {"host", "machine", "router"} for step in steps):
        return "a step is one of host, machine, router"
    expect = scenario["expect"]
    if not EXPECT <= set(expect) <= EXPECT | {"risks", "symptoms_explained", "offenders"}:
        return "expect has unknown or missing fields"
    if not set(expect["verdict"]) <= VERDICTS or not isinstance(expect["root_causes"], list):
        return "expect.verdict or expect.root_causes is wrong"
    if not set(expect.get("offenders", {})) <= set(expect["root_causes"]):
        return "expect.offenders names a finding that is not expected"
    forbidden = {one.split(":")[0] for one in scenario["forbidden"]}  # "restart_daemon:mta": this daemon only
    if not {scenario["remedy"]["action"], *forbidden} <= ACTIONS:
        return "remedy.action or forbidden names an unknown action"
    return None


def inject(scenario: dict[str, Any], name: str) -> float:
    """Run the inject steps on a host and wait for the symptom; return the seconds from the last step to the symptom.

    :raises LabError: a step failed or the symptom did not come
    """
    state.set_host(name, fault=scenario["id"], inventory=inventory.absolute(scenario["inventory"]) or None)
    _steps(scenario["inject"], name)
    return _settle(scenario, name)


def undo(scenario: dict[str, Any], name: str) -> bool:
    """Run the undo steps and wait until all is well; False when only a reset helps."""
    if not isinstance(scenario["undo"], list):
        return False
    _steps(scenario["undo"], name)
    state.set_host(name, fault=None, inventory=None)
    host.wait_ready(name)
    return True


def _steps(steps: list[dict[str, str]], name: str) -> None:
    for step in steps:
        ((where, text),) = step.items()
        if where == "host":
            host.enter(name, ["bash", "-eu", "-c", text], check=True, timeout=180)
        elif where == "router":
            run(["ip", "netns", "exec", plan.namespace(plan.ROUTER), "bash", "-eu", "-c", text], env=_names(name))
        else:
            run(["bash", "-eu", "-c", text], env=_names(name))


def _names(name: str) -> dict[str, str]:
    """Return what machine and router steps may refer to."""
    record = state.load()["hosts"].get(name, {})
    groups = {path.parent.name: str(path) for path in plan.cgroup_dirs(name)}
    if "freezer" in groups:
        freeze = {"FREEZE_FILE": groups["freezer"] + "/freezer.state", "FREEZE_VALUE": "FROZEN", "THAW_VALUE": "THAWED"}
    else:
        only = plan.cgroup_dirs(name)[0]
        freeze = {"FREEZE_FILE": f"{only}/cgroup.freeze", "FREEZE_VALUE": "1", "THAW_VALUE": "0"}
    return {
        "HOST": name,
        "ADDRESS": plan.address(name),
        "LEADER": str(record.get("leader", "")),
        "NETNS": plan.namespace(name),
        "CTLNS": plan.namespace(plan.CONTROLLER),
        "ROUTERNS": plan.namespace(plan.ROUTER),
        "PORT": f"v-{name}",
        "TABLE": f"lab_{name}",
        "ROOT": str(plan.root_dir(name)),
        "PKI": str(pki.directory()),
        "VANTAGENS": plan.namespace("dept-b"),
        "LAB": str(plan.LAB_DIR),
        "PYTHON": sys.executable,
        "MEMORY": groups.get("memory", ""),
        **freeze,
    }


def look(name: str, protocol: str, vantage: str, timeout: float, user: str = "probe") -> str:
    """Say in a few words what a user at a vantage sees of one service of a host."""
    inside = name if vantage == "self" else vantage
    address = "127.0.0.1" if vantage == "self" else plan.address(name)
    verify = protocol.endswith("+verify")
    cafile = str(pki.directory() / "ca.pem") if verify else None
    recipient = f"{user}@{name}.{plan.DOMAIN}"
    return net.in_namespace(
        plan.namespace(inside),
        lambda: client.probe(
            address, protocol.removesuffix("+verify"), user, plan.ACCOUNTS[user], recipient, timeout, cafile
        ),
    )


def _settle(scenario: dict[str, Any], name: str) -> float:
    """Poll until every condition holds at once."""
    begin = time.monotonic()
    limit = scenario["settle"].get("timeout", SETTLE_S)
    while True:
        unmet = next((text for text in (_unmet(one, name) for one in scenario["settle"]["all"]) if text), None)
        if unmet is None:
            return round(time.monotonic() - begin, 1)
        if time.monotonic() - begin > limit:
            raise LabError(f"{scenario['id']} on {name}: no symptom after {limit} s: {unmet}")
        time.sleep(0.2)


def _unmet(condition: dict[str, Any], name: str) -> str | None:
    """Return None when a condition holds, else what was seen instead."""
    if "host" in condition:
        done = host.enter(name, ["bash", "-eu", "-c", condition["host"]], timeout=60)
        wrong = f"rc {done.returncode} of: {condition['host']} {done.stderr.strip()[-200:]}"
        return None if done.returncode == 0 else wrong
    vantage = condition.get("from", plan.CONTROLLER)
    seen = look(name, condition["probe"], vantage, condition.get("wait", 4), condition.get("user", "probe"))
    wrong = f"{condition['probe']} from {vantage} is '{seen}', not {condition['is']}"
    return None if re.match(condition["is"], seen) else wrong
