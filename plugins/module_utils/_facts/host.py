# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(host): what machine this is.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import platform
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean


def parse_os_release(text):
    """{id, version_id, name} of an os-release file; absent values are None."""
    values = {}
    for line in text.splitlines():
        name, sign, value = line.strip().partition("=")
        if sign:
            values[name] = value.strip().strip("\"'")
    return {
        "id": clean(values["ID"], 40) if "ID" in values else None,
        "version_id": clean(values["VERSION_ID"], 40) if "VERSION_ID" in values else None,
        "name": clean(values["PRETTY_NAME"], 120) if "PRETTY_NAME" in values else None,
    }


def parse_fqdn(hostname, hosts):
    """The full name of this host without asking DNS (which may be what is broken).

    :param hostname: the kernel's node name
    :param hosts: text of /etc/hosts
    :returns: a name with a dot where /etc/hosts knows one, else the host name
    """
    if "." in hostname:
        return hostname
    for line in hosts.splitlines():
        names = line.split("#")[0].split()[1:]
        if hostname in names:
            for name in names:
                if name.startswith(hostname + "."):
                    return name
    return hostname


def collect(context):
    """The C(host) part of the document; times are epoch seconds, uptime_s is seconds."""
    hostname = clean(os.uname().nodename, 255)
    words = procfs.try_text(context.proc + "/uptime", 256).split()
    uptime = float(words[0]) if words else None
    release = procfs.try_text(context.path("/etc/os-release")) or procfs.try_text(context.path("/usr/lib/os-release"))
    return {
        "hostname": hostname,
        "fqdn": clean(parse_fqdn(hostname, procfs.try_text(context.path("/etc/hosts"), 1 << 20)), 255),
        "os": parse_os_release(release),
        "kernel": clean(os.uname().release, 120),
        "architecture": clean(os.uname().machine, 40),
        "uptime_s": uptime,
        "boot_time": round(context.now - uptime) if uptime is not None else None,
        "cpus": cpu_count(),
        "python": platform.python_version(),
        "time": round(time.time(), 3),
    }


def cpu_count() -> int:
    """Processors that this host's processes may use."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1
