# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Temperatures, fans and supplies as the kernel's hwmon shows them, and how often processors had to slow down.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils._facts import sysfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST_SENSORS, _MOST_CPUS = 128, 1024
_CHANNEL = re.compile(
    r"(temp|fan|power|in|curr)(\d+)_(input|average|alarm|fault|crit_alarm|max_alarm|min_alarm|lcrit_alarm)$"
)
_SCALE = {"temp": 1000.0, "in": 1000.0, "curr": 1000.0, "power": 1000000.0, "fan": 1.0}


def collect(context):
    """The C(sensors) part of the hardware facts."""
    try:
        chips = sysfs.listing(context.path("/sys/class/hwmon"))
    except OSError as error:
        return sysfs.source(sysfs.UNSEEN, "/sys/class/hwmon: %s" % error.strerror, sensors=None, throttled=None)
    throttled = throttle_count(context)
    sensors = []
    for chip in chips or []:
        sensors.extend(_chip(context.path("/sys/class/hwmon/" + chip)))
    if not sensors and throttled is None:
        return sysfs.source(sysfs.ABSENT, "no sensor here", sensors=[], throttled=None)
    # Alarms first: where there are too many sensors, those that complain stay.
    sensors.sort(key=lambda entry: not entry["alarm"])
    return sysfs.source(sysfs.PRESENT, sensors=sensors[:_MOST_SENSORS], throttled=throttled)


def _chip(folder):
    channels = {}
    for name in sysfs.listing(folder) or []:
        parts = _CHANNEL.match(name)
        if parts:
            channels.setdefault((parts.group(1), int(parts.group(2))), set()).add(parts.group(3))
    found = []
    for (kind, place), attributes in sorted(channels.items()):
        base = "%s/%s%d_" % (folder, kind, place)
        raw = sysfs.number(base + ("input" if "input" in attributes else "average"))
        crit, top = sysfs.number(base + "crit"), sysfs.number(base + "max")
        limit = sysfs.number(base + "min") if kind == "fan" else crit if crit is not None else top
        alarms = [word for word in sorted(attributes) if word.endswith(("alarm", "fault"))]
        scale = _SCALE[kind]
        found.append(
            {
                "chip": clean(sysfs.text(folder + "/name") or folder.rsplit("/", 1)[-1], 40),
                "label": clean(sysfs.text(base + "label") or "%s%d" % (kind, place), 60),
                "kind": kind,
                "value": raw / scale if raw is not None else None,
                "limit": limit / scale if limit is not None else None,
                "alarm": any(sysfs.number(base + word) for word in alarms),
            }
        )
    return found


def throttle_count(context):
    """How often the processors were slowed down for their heat since the boot; None where it is not counted."""
    top, total = context.path("/sys/devices/system/cpu"), None
    packages = {}
    for name in (sysfs.listing(top, _MOST_CPUS + 64) or [])[: _MOST_CPUS + 64]:
        folder = "%s/%s/thermal_throttle" % (top, name)
        core = sysfs.number(folder + "/core_throttle_count") if re.match(r"cpu\d+$", name) else None
        if core is None:
            continue
        total = (total or 0) + core
        # Every processor of a package shows the package's count.
        package = sysfs.number("%s/%s/topology/physical_package_id" % (top, name))
        packages[package] = max(packages.get(package, 0), sysfs.number(folder + "/package_throttle_count") or 0)
    return None if total is None else total + sum(packages.values())
