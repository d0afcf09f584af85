# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of packages on Red Hat's family: the advisories that dnf has in its cache, and its log.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs

# "RHSA-2026:1234 Important/Sec.  dovecot-1:2.3.16-14.el9.x86_64", or FEDORA-..., ALSA-...
_ADVISORY = re.compile(r"^\S+\s+(?:\w+/)?Sec\.\s+(\S+)$", re.M)
_NEVRA = re.compile(r"(.+)-((?:\d+:)?[^-\s]+-[^-\s]+)\.(\w+)$")
_LOGGED = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([+-]\d{4}|Z)\s+\S+\s+(Upgraded?|Installed): (\S+)$", re.M)
LOG = "/var/log/dnf.rpm.log"
HISTORY = "/var/lib/dnf/history.sqlite"
_LOCKS, _CACHE = "/etc/dnf/plugins/versionlock.list", "/var/cache/dnf"
# "postfix-2:3.5.25-1.el9.*", or with a "!" before it for a version that is shut out.
_LOCK = re.compile(r"^([^\s#!][^\s:]*?)-(?:\d+:)?[^-\s]+-[^-\s]+$")
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


def broke_off(path):
    """True when the last transaction of dnf's history began and never ended.

    :param path: the history, an SQLite database
    """
    try:
        import sqlite3
    except ImportError:
        return False
    try:
        connection = sqlite3.connect("file:{0}?mode=ro".format(path), timeout=0.5, uri=True)
    except sqlite3.Error:
        return False
    try:
        row = connection.execute("SELECT dt_end FROM trans ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.Error:
        return False
    finally:
        connection.close()
    return row is not None and not row[0]


def locked(context):
    """Names of packages under a version lock, in their order."""
    found = set()
    for line in procfs.try_text(context.path(_LOCKS)).splitlines():
        match = _LOCK.match(line.strip())
        if match:
            found.add(match.group(1))
    return sorted(found)


def fetched(context):
    """When the lists of the repositories were fetched last, as an epoch second, or None."""
    times = []
    try:
        names = os.listdir(context.path(_CACHE))
    except OSError:
        return None
    for name in names[:200]:
        try:
            times.append(os.stat(context.path("{0}/{1}/repodata/repomd.xml".format(_CACHE, name))).st_ctime)
        except OSError:
            continue
    return max(times) if times else None


def updateinfo(context):
    """Shared look: the advisories in dnf's cache as a _run.Result; at the lowest priority, never over the network."""
    return context.run(_QUESTION, timeout=6.0, limit_bytes=1 << 20)
