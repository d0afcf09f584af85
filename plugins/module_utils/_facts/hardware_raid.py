# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Software RAID: what /sys/block/md*/md and /proc/mdstat say of each array.

The attributes in /sys are the kernel's interface for programs and are read first; mdstat adds how far a recovery
is, and the arrays of kernels that show less.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs, sysfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST_ARRAYS, _MOST_MEMBERS = 64, 64
_ARRAY = re.compile(r"(md\S*) : (\S+)(?: \([^)]*\))*((?: [a-z]+\d*)?)((?: \S+\[\d+\](?:\([A-Z]\))*)*)\s*$")
_MEMBER = re.compile(r"(\S+?)\[\d+\]((?:\([A-Z]\))*)")
_SLOTS = re.compile(r"\[(\d+)/(\d+)\] \[[U_]+\]")
_ACTION = re.compile(r"(recovery|resync|reshape|check)\s*=\s*(?:(\d+(?:\.\d+)?)%|(DELAYED|PENDING))")
# Members that may be lost before data is.
_SPARE_MEMBERS = {"raid4": 1, "raid5": 1, "raid6": 2, "raid10": 1}


def collect(context):
    """The C(raid) part of the hardware facts."""
    arrays = {}
    try:
        blocks = sysfs.listing(context.path("/sys/block"), 4096)
    except OSError as error:
        return sysfs.source(sysfs.UNSEEN, "/sys/block: %s" % error.strerror, arrays=None)
    table = procfs.try_text(context.proc + "/mdstat", 1 << 16)
    if blocks is None and not table:
        return sysfs.source(sysfs.UNSEEN, "neither /sys/block nor /proc/mdstat can be read", arrays=None)
    for array in parse_mdstat(table):
        arrays[array["name"]] = array
    for name in blocks or []:
        folder = context.path("/sys/block/%s/md" % name)
        if os.path.isdir(folder) and len(arrays) < _MOST_ARRAYS:
            arrays[name] = merged(from_sysfs(name, folder), arrays.get(name))
    if not arrays:
        return sysfs.source(sysfs.ABSENT, "no software RAID here", arrays=[])
    return sysfs.source(sysfs.PRESENT, arrays=[arrays[name] for name in sorted(arrays)][:_MOST_ARRAYS])


def parse_mdstat(table):
    """The arrays of a /proc/mdstat, in its order."""
    found = []
    for line in table.splitlines():
        head = _ARRAY.match(line)
        if head:
            members = [
                (clean(name, 60), "faulty" if "(F)" in marks else "spare" if "(S)" in marks else "in_sync")
                for name, marks in _MEMBER.findall(head.group(4))
            ]
            found.append(_record(head.group(1), head.group(3).strip() or None, head.group(2), members))
            continue
        if not found or not line.startswith(" "):
            continue
        slots = _SLOTS.search(line)
        if slots:
            _count(found[-1], int(slots.group(1)), int(slots.group(1)) - int(slots.group(2)))
        action = _ACTION.search(line)
        if action:
            percent = float(action.group(2)) if action.group(2) else 0.0
            found[-1]["recovery"] = {"action": action.group(1), "percent": percent, "waits": bool(action.group(3))}
    return found[:_MOST_ARRAYS]


def from_sysfs(name, folder):
    """One array from its md directory."""
    members = []
    for entry in (sysfs.listing(folder) or [])[: 4 * _MOST_MEMBERS]:
        if entry.startswith("dev-") and len(members) < _MOST_MEMBERS:
            states = sysfs.text("%s/%s/state" % (folder, entry)).split(",")
            state = next((word for word in ("faulty", "in_sync", "spare") if word in states), states[0] or "unknown")
            members.append((clean(entry[4:], 60), clean(state, 20)))
    array = _record(name, sysfs.text(folder + "/level") or None, sysfs.text(folder + "/array_state"), members)
    _count(array, sysfs.number(folder + "/raid_disks"), sysfs.number(folder + "/degraded"))
    action = sysfs.text(folder + "/sync_action")
    if action not in ("", "idle", "frozen"):
        done, slash, total = sysfs.text(folder + "/sync_completed").partition(" / ")
        known = slash and done.isdigit() and total.isdigit() and int(total)
        percent = round(100.0 * int(done) / int(total), 1) if known else 0.0
        name = {"recover": "recovery"}.get(action, clean(action, 20))
        array["recovery"] = {"action": name, "percent": percent, "waits": not known}
    return array


def merged(array, other):
    """What /sys says, completed with what mdstat knows better."""
    if other is not None:
        for key, value in other.items():
            if array[key] in (None, [], ""):
                array[key] = value
    return array


def _record(name, level, state, members):
    return {
        "name": clean(name, 40),
        "level": clean(level, 20) if level else None,
        "state": clean(state, 40),
        "size": None,
        "missing": None,
        "redundancy_left": None,
        "members": [member for member, word in members if word != "faulty"],
        "spares": [member for member, word in members if word == "spare"],
        "failed": [{"device": member, "serial": None, "model": None} for member, word in members if word == "faulty"],
        "recovery": None,
    }


def _count(array, size, missing):
    """How many members it should have, how many it misses, and how many more it may lose."""
    array["size"], array["missing"] = size, missing
    level = array["level"]
    if size is None or missing is None:
        return
    spare = size - 1 if level == "raid1" else _SPARE_MEMBERS.get(level or "")
    if spare is not None:
        array["redundancy_left"] = max(0, spare - missing)
