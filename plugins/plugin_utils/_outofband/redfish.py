# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a BMC by Redfish, through M(community.general.redfish_info).

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._outofband import answer

Document = dict[str, t.Any]
Call = t.Callable[[str, Document], Document]

MODULE = "community.general.redfish_info"
_TIMEOUT = 5
# One call each: the module takes only commands that all of the named categories know. What matters most comes first.
_QUESTIONS = (
    ("Systems", ["GetSystemInventory", "GetNicInventory", "GetMemoryInventory", "GetDiskInventory"]),
    ("Chassis", ["GetPsuInventory", "GetFanInventory"]),
    ("Manager", ["GetLogs"]),
)
_HEALTH = {"OK": "ok", "Warning": "warning", "Critical": "critical"}
_STATES = {"OK": "ok", "Warning": "warning", "Critical": "failed"}
_LINKS = {"LinkUp": "ok", "LinkDown": "down", "NoLink": "down"}


def ask(bmc: Document, call: Call, found: Document) -> None:
    """Ask, and put what it says into the answer as it comes: a BMC that stops half-way has still said something.

    :param bmc: see C(hardware.bmc)
    :param call: runs a module on the controller
    :raises NoAnswer: when not even the first question was answered
    """
    options = {
        "baseuri": f"{bmc['address']}:{bmc['port']}",
        "username": bmc["user"] or "",
        "password": bmc["password"] or "",
        "timeout": _TIMEOUT,
        "validate_certs": bool(bmc["verify"]),
        **({"ca_path": bmc["ca"]} if bmc["ca"] else {}),
    }
    for category, commands in _QUESTIONS:
        said = call(MODULE, {**options, "category": [category], "command": commands})
        facts = said.get("redfish_facts")
        if said.get("failed") or not isinstance(facts, dict):
            why = clean(said.get("msg") or "no answer", 200)
            if not found["asked"]:
                raise answer.NoAnswer(why)
            found["reason"] = f"{category}: {why}"
            continue
        if category == "Systems" and (facts.get("system") or {}).get("ret") is not True:
            raise answer.NoAnswer(clean((facts.get("system") or {}).get("msg") or "it names no system", 200))
        found["asked"] = True
        read(facts, bmc["system"], found)


def read(facts: Document, system: str | None, found: Document) -> None:
    """Put what the module found into the answer.

    :param system: last part of the system's address, where one BMC serves several
    """
    inventory = _one(facts.get("system"), system)
    if isinstance(inventory, dict):
        power = inventory.get("PowerState")
        found["power"] = {"On": "on", "Off": "off", "PoweringOn": "on", "PoweringOff": "on"}.get(str(power), "unknown")
        found["health"] = _HEALTH.get(_health(inventory), "unknown")
    for key, name in (("memory", "memory"), ("disk", "drives")):
        entries = _one(facts.get(key), system)
        parts = [_part(entry) for entry in _flat(entries)]
        found[name] = (found[name] + parts)[: answer.MOST_PARTS]
    for entry in _flat(_one(facts.get("nic"), system)):
        status = entry.get("LinkStatus")
        state = _LINKS.get(str(status), "unknown")
        found["links"].append(answer.part(entry.get("Name") or entry.get("Id"), state, status, entry.get("MACAddress")))
    for key, name in (("psu", "psus"), ("fan", "fans")):
        found[name] += [_part(entry) for entry in _flat((facts.get(key) or {}).get("entries"))][: answer.MOST_PARTS]
    lines = []
    for log in (facts.get("log") or {}).get("entries") or []:
        for entries in log.values() if isinstance(log, dict) else []:
            for entry in entries if isinstance(entries, list) else []:
                text = entry.get("Message") or entry.get("MessageId")
                lines.append(answer.line(answer.moment(entry.get("Created")), entry.get("Severity"), text))
    found["log"] = answer.newest(found["log"] + lines)


def _one(inventory: t.Any, system: str | None) -> t.Any:
    """Of what was found per system, that of ours."""
    entries = (inventory or {}).get("entries") or []
    pairs = [pair for pair in entries if isinstance(pair, (list, tuple)) and len(pair) == 2]
    for where, what in pairs:
        if system is None or str(where.get("system_uri", "")).rstrip("/").endswith("/" + system):
            return what
    return None


def _flat(entries: t.Any) -> list[Document]:
    """Entries may lie in lists per controller."""
    found: list[Document] = []
    for entry in entries or []:
        if isinstance(entry, dict) and isinstance(entry.get("Drives"), list):
            found.extend(_flat(entry["Drives"]))
        elif isinstance(entry, dict):
            found.append(entry)
        elif isinstance(entry, list):
            found.extend(_flat(entry))
    return found


def _health(entry: Document) -> str:
    status = entry.get("Status")
    return str(status.get("Health")) if isinstance(status, dict) else ""


def _part(entry: Document) -> Document:
    status = entry.get("Status") if isinstance(entry.get("Status"), dict) else {}
    state = _STATES.get(_health(entry), "unknown")
    if entry.get("FailurePredicted") is True and state == "ok":
        state = "warning"
    said = [str(value) for value in (status or {}).values() if isinstance(value, str)]
    if entry.get("FailurePredicted") is True:
        said.append("failure predicted")
    name = entry.get("Name") or entry.get("FanName") or entry.get("Id")
    return answer.part(name, state, ", ".join(said), entry.get("SerialNumber"))
