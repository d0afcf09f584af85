# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(hardware): disks, arrays, memory, sensors, links, storage that hangs, and the last boot.

Each source says whether it could look: C(present), C(absent) (no such hardware here, which is an answer) or C(unseen)
with the reason. One that fails does not take the others with it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    hardware_boot,
    hardware_disks,
    hardware_links,
    hardware_memory,
    hardware_raid,
    hardware_sensors,
    hardware_storage,
    sysfs,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_SOURCES = (
    ("boot", hardware_boot.collect),
    ("links", hardware_links.collect),
    ("raid", hardware_raid.collect),
    ("memory", hardware_memory.edac),
    ("ras", hardware_memory.rasdaemon),
    ("sensors", hardware_sensors.collect),
    ("storage", hardware_storage.collect),
    ("disks", hardware_disks.collect),
)


def collect(context):
    """The C(hardware) part of the document."""
    found = {}
    for name, look in _SOURCES:
        try:
            found[name] = look(context)
        except Exception as error:
            found[name] = None
            context.note("hardware", "%s: %s: %s" % (name, type(error).__name__, clean(error, 120)))
            continue
        if found[name]["status"] == sysfs.UNSEEN:
            context.note("hardware", "%s: %s" % (name, found[name]["why"]))
    _name_failed_members(found)
    return found


def _name_failed_members(found):
    """Give the failed member of an array its serial number: what is pulled out must be the right one."""
    devices = (found["disks"] or {}).get("devices") or []
    for array in (found["raid"] or {}).get("arrays") or []:
        for member in array["failed"]:
            for device in devices:
                if _lies_on(member["device"], device["device"].rsplit("/", 1)[-1]):
                    member.update(serial=device["serial"], model=device["model"])


def _lies_on(member, disk) -> bool:
    """Is this the disk itself, or a partition of it? sdab1 is none of sda, nor nvme10n1 a part of nvme1."""
    if not disk[-1:].isdigit():
        parts = "[0-9]*"
    elif re.match("nvme[0-9]+$", disk):
        # smartctl names the controller, an array the namespace on it.
        parts = "n[0-9]+(?:p[0-9]+)?"
    else:
        parts = "(?:p[0-9]+)?"
    return bool(disk) and re.match(re.escape(disk) + parts + "$", member) is not None
