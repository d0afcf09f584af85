# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(patches): what is not up to date, what an upgrade left half done, and what was upgraded lately.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re

from ansible_collections.mailops.triage.plugins.module_utils._aid import busy
from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import dpkg, postfix, procfs, rpm, versions
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_DAEMONS = (
    ("postfix", re.compile(r"postfix")),
    ("dovecot", re.compile(r"dovecot")),
    (
        "companion",
        re.compile(r"(?:opendkim|opendmarc|rspamd|clam|spamassassin|amavis|postgrey|unbound|dnsmasq|bind9?$)"),
    ),
    (
        "library",
        re.compile(
            r"(?:openssl|libssl|libc6$|glibc$|libsasl2|cyrus-sasl|libpam0g$|libpam-modules$|pam$|libmilter|libldap|openldap)"
        ),
    ),
    ("system", re.compile(r"(?:openssh-server$|systemd$|linux-image|kernel(?:-core)?$)")),
)
_NOT_AT_RUN_TIME = ("-dev", "-devel", "-doc", "-dbgsym", "-debuginfo")
_WEEK = 7 * 86400.0
_MOST = 20
_MOST_MAPS = 40


def daemon_of(package):
    """Which part of a mail host a package belongs to: postfix, dovecot, companion, library, system, or None."""
    if package.endswith(_NOT_AT_RUN_TIME):
        return None
    for name, pattern in _DAEMONS:
        if pattern.match(package):
            return name
    return None


def stale_files(maps):
    """Shared libraries of a /proc/PID/maps whose files have been replaced or removed since they were loaded."""
    found = set()
    for line in maps.splitlines():
        if line.endswith(" (deleted)") and ".so" in line:
            path = line[:-10].split(None, 5)[-1]
            if re.search(r"\.so(?:\.[\w.]+)?$", path):
                found.add(path)
    return sorted(found)


def newest_kernel(names):
    """The highest version among names like C(vmlinuz-6.1.0-21-amd64); rescue images do not count. None without any."""
    found = [name[8:] for name in names if name.startswith("vmlinuz-") and "rescue" not in name and name[8:9].isdigit()]
    return max(found, key=versions.key) if found else None


def collect(context):
    """The C(patches) part of the document; times are epoch seconds, ages seconds."""
    document = {
        "manager": _manager(context),
        "at_work": _at_work(context),
        "lists_age_s": None,
        "published_age_s": None,
        "security_total": None,
        "security": None,
        "unfinished": None,
        "interrupted": False,
        "held": None,
        "last_update": None,
        "upgrades": [],
        "reboot": reboot(context),
        "stale": _stale(context),
    }
    if document["manager"] == "apt":
        _debian(context, document)
    elif document["manager"] == "dnf":
        _redhat(context, document)
    else:
        context.note("patches", "no package manager that is known here (apt, dnf)")
    return document


def _manager(context):
    if os.path.exists(context.path(dpkg.STATUS)):
        return "apt"
    return "dnf" if any(os.path.exists(context.path(name)) for name in ("/usr/bin/dnf", "/usr/bin/yum")) else "unknown"


def _at_work(context):
    """A lock is held, or a tool runs that has none; who waits all day for updates to come has neither."""
    names = {process.name for process in context.shared(shared.processes).values()}
    return bool(busy.packages(names, [context.path(name) for name in busy.PACKAGE_LOCKS]))


def _debian(context, document):
    installed, held, unfinished = dpkg.status(context)
    document["unfinished"] = [
        {"package": clean(one["package"], 80), "state": clean(one["state"], 40), "daemon": daemon_of(one["package"])}
        for one in unfinished
    ]
    document["unfinished"].sort(key=lambda one: (one["daemon"] is None, one["package"]))
    del document["unfinished"][_MOST:]
    document["interrupted"] = bool(dpkg.journal(context))
    document["upgrades"] = _upgrades(dpkg.upgrades(context, context.now - _WEEK))
    document["held"] = [clean(name, 80) for name in sorted(held) if daemon_of(name)][:_MOST]
    document["last_update"] = dpkg.last_change(context)
    known = dpkg.security(context, installed)
    if known["lists_at"]:
        document["lists_age_s"] = round(max(0.0, context.now - known["lists_at"]))
    if known["newer"] is None:
        context.note("patches", known["reason"])
        return
    if known["reason"]:
        context.note("patches", known["reason"])
    _pending(document, known["newer"], installed, held)
    if known["published_at"] is not None:
        document["published_age_s"] = round(max(0.0, context.now - known["published_at"]))


def _redhat(context, document):
    # Which packages a transaction left half done, rpm tells only at a price; it is not asked.
    context.note("patches", "unfinished packages are not looked for with rpm")
    done = rpm.parse_log(dpkg.tail(context.path(rpm.LOG), 256 << 10), 0)
    document["upgrades"] = _upgrades([one for one in done if one["at"] >= context.now - _WEEK])
    document["last_update"] = done[0]["at"] if done else None
    document["interrupted"] = rpm.broke_off(context.path(rpm.HISTORY))
    document["held"] = [clean(name, 80) for name in rpm.locked(context) if daemon_of(name)][:_MOST]
    fetched = rpm.fetched(context)
    document["lists_age_s"] = round(max(0.0, context.now - fetched)) if fetched else None
    result = context.shared(rpm.updateinfo)
    if result.status != "ok" or result.rc:
        context.note("patches", "dnf updateinfo: " + clean(result.err, 120) if result.err else "dnf: " + result.status)
        return
    _pending(document, rpm.parse_updateinfo(result.out.decode("utf-8", "replace")), {}, set())


def _pending(document, newer, installed, held):
    document["security_total"] = len(newer)
    relevant = [
        {
            "package": clean(name, 80),
            "daemon": daemon_of(name),
            "installed": clean(installed[name], 80) if name in installed else None,
            "available": clean(newer[name], 80),
            "held": name in held,
        }
        for name in newer
        if daemon_of(name)
    ]
    order = [name for name, _pattern in _DAEMONS]
    document["security"] = sorted(relevant, key=lambda one: (order.index(one["daemon"]), one["package"]))[:_MOST]


def _upgrades(found):
    relevant = [dict(one, daemon=daemon_of(one["package"])) for one in found if daemon_of(one["package"])]
    for one in relevant:
        for name in ("package", "from", "to"):
            one[name] = clean(one[name], 80) if one[name] else None
    return relevant[:_MOST]


def reboot(context):
    """Whether the host asks for a restart, and whether its kernel is the newest one that it has."""
    flag = any(os.path.exists(context.path(name)) for name in ("/run/reboot-required", "/var/run/reboot-required"))
    packages = procfs.try_text(context.path("/run/reboot-required.pkgs"), 4096).split()
    try:
        names = os.listdir(context.path("/boot"))
    except OSError:
        names = []
    running, newest = os.uname().release, newest_kernel(names)
    # A kernel that does not lie in /boot came from elsewhere (a container's, a cloud's): then files say nothing of it.
    own = "vmlinuz-" + running in names
    return {
        "required": flag,
        "packages": [clean(name, 80) for name in sorted(set(packages))][:_MOST],
        "running_kernel": clean(running, 120),
        "newest_kernel": clean(newest, 120) if newest and own else None,
        "kernel_outdated": versions.newer(newest, running) if newest and own else None,
    }


def _stale(context):
    """Mail processes that run on replaced files: the masters and one process of each role stand for all."""
    mail = context.shared(postfix.mail)
    chosen = {}
    for pid in sorted(mail.members):
        chosen.setdefault(mail.members[pid], pid)
    found = []
    for (daemon, role), pid in sorted(chosen.items())[:_MOST_MAPS]:
        folder = "{0}/{1}".format(context.proc, pid)
        files = stale_files(procfs.try_text(folder + "/maps", 256 << 10))
        program = procfs.try_link(folder + "/exe")
        if program.endswith(" (deleted)"):
            files.insert(0, program[:-10])
        if files:
            found.append(
                {
                    "pid": pid,
                    "daemon": clean(role, 40) if daemon == "other" else daemon,
                    "role": clean(role, 40),
                    "files": [clean(os.path.basename(name), 80) for name in files[:10]],
                }
            )
    return found[:_MOST]
