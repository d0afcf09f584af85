# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of packages on Red Hat's family: the advisories that dnf has in its cache, and its log.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import re
import time

# "RHSA-2026:1234 Important/Sec.  dovecot-1:2.3.16-14.el9.x86_64", or FEDORA-..., ALSA-...
_ADVISORY = re.compile(r"^\S+\s+(?:\w+/)?Sec\.\s+(\S+)$", re.M)
_NEVRA = re.compile(r"(.+)-((?:\d+:)?[^-\s]+-[^-\s]+)\.(\w+)$")
_LOGGED = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([+-]\d{4}|Z)\s+\S+\s+(Upgraded?|Installed): (\S+)$", re.M)
LOG = "/var/log/dnf.rpm.log"
_QUESTION = ["nice", "-n", "19", "dnf", "-C", "-q", "updateinfo", "list", "--security"]


def split(nevra):
    """(name, version) of C(name-epoch:version-release.arch), or None."""
    match = _NEVRA.match(nevra)
    return (match.group(1), match.group(2)) if match else None


def parse_updateinfo(text):
    """Security updates of C(dnf updateinfo list --security), as a dict of name to the last version named."""
    found = {}
    for match in _ADVISORY.finditer(text):
        pair = split(match.group(1))
        if pair is not None:
            found[pair[0]] = pair[1]
    return found


def parse_log(text, since):
    """Upgrades and installations of a dnf.rpm.log since a moment, newest first."""
    found, before = [], {}
    for match in _LOGGED.finditer(text):
        pair = split(match.group(4))
        try:
            at = calendar.timegm(time.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S"))
        except ValueError:
            continue
        zone = match.group(2)
        if zone != "Z":
            at -= (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
        if pair is None:
            continue
        if match.group(3) == "Upgraded":
            # What went: dnf says "Upgrade" of the new package and "Upgraded" of the old one.
            before[pair[0]] = pair[1]
        elif at >= since:
            found.append({"package": pair[0], "from": None, "to": pair[1], "at": float(at)})
    for one in found:
        one["from"] = before.get(one["package"])
    return sorted(found, key=lambda one: (-one["at"], one["package"]))


def updateinfo(context):
    """Shared look: the advisories in dnf's cache as a _run.Result; at the lowest priority, never over the network."""
    return context.run(_QUESTION, timeout=6.0, limit_bytes=1 << 20)
