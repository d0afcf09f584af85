# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a BMC by IPMI, through ipmitool.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The IPMI modules of Ansible only set things (C(community.general.ipmi_power), C(ipmi_boot)); nothing here does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._outofband import answer

Document = dict[str, t.Any]

PROGRAM = "ipmitool"
_SECONDS = 8.0
_MOST_OUTPUT = 65536
_FAILED = re.compile(r"failure detected|input lost|ac lost|out-of-range|non-?recoverable|critical", re.IGNORECASE)


def ask(bmc: Document, found: Document) -> None:
    """Ask, and put what it says into the answer as it comes.

    :param bmc: see C(hardware.bmc)
    :raises NoAnswer: when it does not even tell the power state
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise answer.NoAnswer("ipmitool is not installed on the controller")
    status = _run(program, bmc, "chassis", "status")
    found["power"], found["health"] = read_chassis(status)
    found["asked"] = True
    try:
        found["log"] = answer.newest(read_events(_run(program, bmc, "sel", "elist", "last", str(answer.MOST_LINES))))
        found["psus"] = read_sensors(_run(program, bmc, "sdr", "type", "Power Supply"))
    except answer.NoAnswer as exc:
        found["reason"] = str(exc)


def _run(program: str, bmc: Document, *words: str) -> str:
    # The password goes by the environment (-E): a command line can be read by everybody.
    options = ["-I", "lanplus", "-H", bmc["address"], "-p", str(bmc["port"]), "-N", "2", "-R", "2"]
    login = ["-U", str(bmc["user"])] if bmc["user"] else []
    # An old BMC that does not tell its cipher suites costs seconds of waiting each time, unless the inventory says one.
    login += ["-C", str(bmc["cipher"])] if bmc["cipher"] is not None else []
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "TZ": "UTC",
        "IPMI_PASSWORD": str(bmc["password"] or ""),
    }
    try:
        done = subprocess.run(
            [program, *options, *login, "-E", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise answer.NoAnswer(f"no answer to '{' '.join(words)}' within {_SECONDS:g} s") from exc
    except OSError as exc:
        raise answer.NoAnswer(f"ipmitool: {exc.strerror or exc}") from exc
    if done.returncode:
        raise answer.NoAnswer(clean(done.stderr or done.stdout or f"ipmitool ended with {done.returncode}", 200))
    return done.stdout[:_MOST_OUTPUT].decode("utf-8", "replace")


def read_chassis(text: str) -> tuple[str, str]:
    """Power state and health of C(chassis status)."""
    values = {}
    for row in text.splitlines():
        name, colon, value = row.partition(":")
        if colon:
            values[name.strip().lower()] = value.strip().lower()
    power = values.get("system power", "unknown")
    faults = [name for name, value in values.items() if name.endswith("fault") and value == "true"]
    health = "critical" if faults else "ok" if "main power fault" in values else "unknown"
    return power if power in ("on", "off") else "unknown", health


def read_events(text: str) -> list[Document]:
    """The entries of C(sel elist): number, date, time, sensor, event, direction."""
    found = []
    for row in text.splitlines():
        fields = [field.strip() for field in row.split("|")]
        if len(fields) < 5:
            continue
        if len(fields) >= 6:
            when = _moment(fields[1], fields[2].split())
            sensor, event = fields[3], " ".join(fields[4:])
        else:
            when, sensor, event = None, fields[2], " ".join(fields[3:])
        found.append(answer.line(when, "event", f"{sensor}: {event}"))
    return found


def _moment(date: str, clock: list[str]) -> float | None:
    """Releases differ: two or four digits of the year, 12 or 24 hours, with the zone behind them or not."""
    form = "%m/%d/%Y" if len(date) == 10 else "%m/%d/%y"
    if clock[1:2] in (["AM"], ["PM"]):
        return answer.moment(f"{date} {clock[0]} {clock[1]}", f"{form} %I:%M:%S %p")
    return answer.moment(f"{date} {clock[0] if clock else ''}", f"{form} %H:%M:%S")


def read_sensors(text: str) -> list[Document]:
    """The supplies of C(sdr type "Power Supply"): name, number, status, entity, what it says."""
    found = []
    for row in text.splitlines():
        fields = [field.strip() for field in row.split("|")]
        if len(fields) < 5:
            continue
        said, status = fields[4], fields[2].lower()
        if status == "ns":
            state = "unknown"
        elif status in ("cr", "nr") or _FAILED.search(said):
            state = "failed"
        else:
            state = "warning" if status == "nc" else "ok"
        found.append(answer.part(fields[0], state, said))
    return found[: answer.MOST_PARTS]
