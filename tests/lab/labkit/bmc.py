# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BMCs on the loopback of the controller: real emulators of Redfish (sushy-tools) and IPMI (OpenIPMI's ipmi_sim).

What a BMC says is a few words: power on or off, and what is broken (psu, ecc, link).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import net, plan
from .shell import CLEAN_ENV, LabError, run

ADDRESS = "127.0.0.1"
USER, PASSWORD = "inspector", "lab-Inspector-42"
PORTS = {"redfish": 18443, "ipmi": 18623}

_CHASSIS = """\
#!/bin/sh
# chassis.sh MC get|set WHAT [VALUE ...]
shift; op=$1; shift
while [ $# -gt 0 ]; do
  case $op in
    get) case $1 in power) echo "power:{power}" ;; boot) echo boot:default ;; *) echo "$1:0" ;; esac; shift ;;
    set) shift; shift ;;
    check) exit 0 ;;
  esac
done
"""
_LAN = """\
name "labbmc"
set_working_mc 0x20
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  user 1 true "" "test" user 10 none md2 md5 straight
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
  chassis_control "{chassis} 0x20"
"""
_EMULATION = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
"""


def _sensor(number: int, kind: int, entity: int, states: int, name: str) -> str:
    """A discrete sensor and its data record; a length that is wrong keeps ipmi_sim from ever listening."""
    name = name[:8].ljust(8)
    record = [number - 1, 0, 0x51, 0x02, 0x23, 0x20, 0, number, entity, 1, 3, 0x40, kind, 0x6F, states, 0, states, 0]
    record += [states, 0, 0xC0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xC0 | len(name), *name.encode()]
    mask = f"{states:015b}"
    return (
        f"main_sdr_add 0x20 {' '.join(f'{byte:#04x}' for byte in record)}\n"
        f"sensor_add 0x20 0 {number} {kind:#04x} 0x6f\n"
        f"sensor_set_event_support 0x20 0 {number} enable scanning per-state {mask} {mask} {mask} {mask}\n"
    )


_MEMORY = _sensor(2, 0x0C, 0x20, 0b0111, "DIMM ECC")
# Bit 0 says that the supply is there, bit 1 that it has failed.
_PSU = _sensor(3, 0x08, 0x0A, 0b1111, "PSU1 Sta") + "sensor_set_bit 0x20 0 3 0 1 0\n"
_PSU_FAILED = "sensor_set_bit 0x20 0 3 1 1 0\nsel_add 0x20 0x02 {when} 0x20 0x00 0x04 0x08 0x03 0x6f 0xa1 0xff 0xff\n"
_ECC = "sel_add 0x20 0x02 {when} 0x20 0x00 0x04 0x0c 0x02 0x6f 0xa1 0xff 0xff\n"


def start(kind: str, words: Iterable[str], port: int | None = None) -> dict[str, Any]:
    """Start a BMC and wait until it listens.

    :param kind: C(redfish) or C(ipmi)
    :param words: C(on) or C(off), and of C(psu), C(ecc), C(link) what is broken
    :returns: the inventory's C(mail_hardware.bmc) for it
    """
    stop(kind)
    said, port = set(words), port or PORTS[kind]
    folder = _folder(kind)
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    command = _redfish(folder, port, said) if kind == "redfish" else _ipmi(folder, port, said)
    log = open(folder / "log", "w")
    child = subprocess.Popen(
        ["ip", "netns", "exec", plan.namespace(plan.CONTROLLER), *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd=folder,
        env=CLEAN_ENV,
    )
    log.close()
    (folder / "pid").write_text(str(child.pid))
    _wait(kind, port, child, folder)
    found = {"type": kind, "address": ADDRESS, "port": port, "user": USER, "password": PASSWORD}
    return {**found, "ca": str(folder / "cert.pem")} if kind == "redfish" else {**found, "cipher": 3}


def stop(kind: str) -> None:
    """End the BMC of a kind; harmless when there is none."""
    folder = _folder(kind)
    with contextlib.suppress(OSError, ValueError):
        number = int((folder / "pid").read_text())
        # The number may be somebody else's by now: only a process that works in this directory is ours.
        if os.readlink(f"/proc/{number}/cwd") == str(folder):
            os.killpg(number, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def _folder(kind: str) -> Path:
    return (plan.STATE_DIR / f"bmc-{kind}").absolute()


def _wait(kind: str, port: int, child: subprocess.Popen, folder: Path) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end and child.poll() is None:
        if net.in_namespace(plan.namespace(plan.CONTROLLER), lambda: _listens(kind, port)):
            return
        time.sleep(0.1)
    lines = (folder / "log").read_text(errors="replace").strip().splitlines() or ["no message"]
    raise LabError(f"the {kind} emulator does not listen: {lines[-1][:300]}")


def _listens(kind: str, port: int) -> bool:
    if kind == "redfish":
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, port)) == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return True
    return False


def install() -> None:
    """Install the Redfish emulator and the collection that speaks to it, where they are missing."""
    run(["sh", str(plan.REPOSITORY / "tools" / "extra.sh"), "emulators"], timeout=600)


def _ipmi(folder: Path, port: int, said: set[str]) -> list[str]:
    chassis = folder / "chassis.sh"
    chassis.write_text(_CHASSIS.format(power=0 if "off" in said else 1))
    chassis.chmod(0o755)
    lan = _LAN.format(address=ADDRESS, port=port, user=USER, password=PASSWORD, chassis=chassis)
    (folder / "lan.conf").write_text(lan)
    when = " ".join(f"{byte:#04x}" for byte in int(time.time() - 300).to_bytes(4, "little"))
    text = _EMULATION + _MEMORY + _PSU
    text += _PSU_FAILED.format(when=when) if "psu" in said else ""
    text += _ECC.format(when=when) if "ecc" in said else ""
    (folder / "sim.emu").write_text(text + "mc_enable 0x20\n")
    (folder / "state").mkdir()
    return [
        "ipmi_sim",
        "-c",
        str(folder / "lan.conf"),
        "-f",
        str(folder / "sim.emu"),
        "-s",
        str(folder / "state"),
        "-n",
    ]


def _redfish(folder: Path, port: int, said: set[str]) -> list[str]:
    for place, content in tree(said).items():
        # The emulator serves the directory as /redfish/v1.
        target = folder / "tree" / place.removeprefix("redfish/v1").strip("/") / "index.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"@odata.id": "/" + place, **content}))
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=lab bmc"]
    run(
        [
            *request,
            *("-addext", f"subjectAltName=IP:{ADDRESS}"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ]
    )
    install()
    return [
        *(
            str(plan.REPOSITORY / ".venv-emulators/bin/sushy-static"),
            "-i",
            ADDRESS,
            "-p",
            str(port),
            "-m",
            str(folder / "tree"),
        ),
        *("-c", str(folder / "cert.pem"), "-k", str(folder / "key.pem")),
    ]


def tree(said: set[str]) -> dict[str, dict[str, Any]]:
    """The resources of a server with one system, two supplies, two modules and one link."""
    system, chassis, manager = (f"redfish/v1/{name}/1" for name in ("Systems", "Chassis", "Managers"))
    sick = bool(said & {"psu", "ecc"})

    def link(place: str) -> dict[str, str]:
        return {"@odata.id": "/" + place}

    def members(*places: str) -> dict[str, Any]:
        return {"Members": [link(place) for place in places], "Members@odata.count": len(places)}

    def status(good: bool = True) -> dict[str, str]:
        return {"State": "Enabled", "Health": "OK" if good else "Critical"}

    entries = []
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 300))
    if "psu" in said:
        text = "Power Supply PSU1: failure detected, input lost"
        entries.append({"Severity": "Critical", "Created": when, "Message": text, "EntryType": "SEL"})
    if "ecc" in said:
        text = "Uncorrectable ECC error detected on DIMM_A2"
        entries.append({"Severity": "Critical", "Created": when, "Message": text, "EntryType": "SEL"})
    logs = f"{manager}/LogServices"
    return {
        "redfish/v1": {
            "Id": "RootService",
            "RedfishVersion": "1.6.0",
            "Systems": link("redfish/v1/Systems"),
            "Chassis": link("redfish/v1/Chassis"),
            "Managers": link("redfish/v1/Managers"),
        },
        "redfish/v1/Systems": members(system),
        system: {
            "Id": "1",
            "Name": "mail server",
            "PowerState": "Off" if "off" in said else "On",
            "Status": status(not sick),
            "Memory": link(f"{system}/Memory"),
            "EthernetInterfaces": link(f"{system}/EthernetInterfaces"),
        },
        f"{system}/Memory": members(f"{system}/Memory/A1", f"{system}/Memory/A2"),
        f"{system}/Memory/A1": {"Id": "A1", "Name": "DIMM_A1", "Status": status(), "SerialNumber": "M-0001"},
        f"{system}/Memory/A2": {
            "Id": "A2",
            "Name": "DIMM_A2",
            "Status": status("ecc" not in said),
            "SerialNumber": "M-0002",
        },
        f"{system}/EthernetInterfaces": members(f"{system}/EthernetInterfaces/1"),
        f"{system}/EthernetInterfaces/1": {
            "Id": "1",
            "Name": "NIC.1",
            "MACAddress": "02:00:5e:00:53:01",
            "LinkStatus": "LinkDown" if "link" in said else "LinkUp",
            "Status": status(),
        },
        "redfish/v1/Chassis": members(chassis),
        chassis: {"Id": "1", "Power": link(f"{chassis}/Power"), "Thermal": link(f"{chassis}/Thermal")},
        f"{chassis}/Power": {
            "PowerSupplies": [
                {"Name": "PSU1", "SerialNumber": "P-0001", "Status": status("psu" not in said)},
            ]
        },
        f"{chassis}/Thermal": {"Fans": [{"Name": "Fan1", "Reading": 5400, "ReadingUnits": "RPM", "Status": status()}]},
        "redfish/v1/Managers": members(manager),
        manager: {"Id": "1", "LogServices": link(logs)},
        logs: members(f"{logs}/SEL"),
        f"{logs}/SEL": {"Id": "SEL", "Entries": link(f"{logs}/SEL/Entries")},
        f"{logs}/SEL/Entries": {"Description": "event log", "Members": entries},
    }
