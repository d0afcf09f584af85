# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an update says of the host: changed packages, services to restart, what is left half done.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import patches
from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.module_utils._update import leftovers

_MOST, _MOST_USERS = 2000, 20
"""As many packages as a night freezes."""
_ERRORS = ("E: ", "dpkg: error", "Error", "error: ")
_PROGRESS = ("dpkg: ", "Setting up ", "Unpacking ", "Preparing to unpack ", "Selecting ", "(Reading database ")


def empty(backend):
    """An answer that says nothing yet."""
    return {
        "backend": backend,
        "changed": False,
        "state": "failed",
        "code": "",
        "why": "",
        "retry_at": None,
        "pending": [],
        "pending_more": 0,
        "changed_packages": [],
        "room": {
            "needed_download": 0,
            "needed_unpack": 0,
            "available": None,
            "missing": 0,
            "enough": None,
            "where": None,
        },
        "restarts": [],
        "stale_left": [],
        "reboot": {"required": False, "why": [], "advised": []},
        "conffiles_left": [],
        "half_configured": [],
        "kept_debs": [],
        "log": "",
        "steps": [],
        "notes": [],
    }


def pending(answer, found, mail, users):
    """Put pending packages into the answer, in the order of what hurts mail most; return remarks."""
    listed = []
    for one in sorted(found, key=lambda one: (one.package not in mail, not one.security, one.package))[:_MOST]:
        listed.append(
            {
                "package": clean(one.package, 80),
                "arch": clean(one.arch, 20),
                "installed": clean(one.installed, 80),
                "candidate": clean(one.candidate, 80),
                "origin": clean(one.origin, 120),
                "security": one.security,
                "held": one.held,
                "mail_path": one.package in mail,
                "daemon": patches.daemon_of(one.package.partition(":")[0]),
                "used_by": [clean(name, 120) for name in sorted(users[one.package])[:_MOST_USERS]],
            }
        )
    more = len(found) - len(listed)
    answer.update(pending=listed, pending_more=more)
    return ["{0} more packages are pending than are listed".format(more)] if more else []


def changes(record, installed):
    """Packages whose version is another one than the record has, as a list of {package, from, to}."""
    found = []
    for name in sorted(record["moved"]):
        now = installed[name].version if name in installed else None
        if now != record["moved"][name]:
            before = record["moved"][name]
            found.append(
                {
                    "package": clean(name, 80),
                    "from": clean(before, 80) if before else None,
                    "to": clean(now, 80) if now else None,
                }
            )
    return found[:_MOST]


def diff(answer):
    """The answer as Ansible shows differences."""
    found = answer["changed_packages"]
    if answer["state"] == "planned":
        found = [dict(one, **{"from": one["installed"], "to": one["candidate"]}) for one in answer["pending"]]
    sides = {"before": "", "after": ""}
    for one in found:
        for side, key in (("before", "from"), ("after", "to")):
            sides[side] += "{0} {1}\n".format(one["package"], one[key]) if one[key] else ""
    return sides


def _words(lines):
    """What the log says of the trouble: its last errors; before one of dpkg's, what the script itself has said."""
    said = []
    for number, line in enumerate(lines):
        if line.startswith("dpkg: error") and number and not lines[number - 1].startswith(_PROGRESS):
            said.append(lines[number - 1])
        if line.startswith(_ERRORS):
            said.append(line)
    return clean("; ".join(said[:2] + said[2:][-2:]), 400)


def trouble(job, unfinished, late):
    """Why the work did not come out as it should: (code, why), both empty when it did.

    :param job: a Job that has ended
    :param unfinished: list of {package, state}
    :param late: packages that are not at the version they should have
    """
    status, log = job.result(), job.log()
    broken = ", ".join("{package} ({state})".format(**one) for one in unfinished[:10])
    words = _words(log.splitlines())
    if status == 0 and not unfinished and not late:
        return "", ""
    if "No space left on device" in log:
        return "disk_full", "the disk is full; make room, then the same call goes on. " + (broken or words)
    if status is None:
        return "interrupted", "it was ended from outside; the same call goes on. " + broken
    if unfinished:
        return "half_configured", "not completely installed: {0}. {1}".format(broken, words)
    if status:
        return "failed", words or "the package manager ended with {0}".format(status)
    return "not_done", "not at the version that they should have: " + ", ".join(late[:10])


def look(answer, backend, record, run, usage):
    """Fill in what is true of the host now; return remarks.

    :param record: the record of the last update, or None
    :param run: identifier of the run that asks
    :param usage: a Usage
    :raises Trouble: when the package manager cannot be asked
    """
    installed = backend.installed()
    answer["half_configured"] = backend.unfinished(installed)[:_MOST]
    answer["conffiles_left"] = leftovers.configuration()
    if record is not None and record["run"] == run:
        answer["changed_packages"] = changes(record, installed)
    verdict = usage.verdict(backend.libraries_changed(installed))
    answer["restarts"], answer["stale_left"] = verdict["restarts"], verdict["left"]
    answer["reboot"] = reboot(backend, verdict["advised"])
    return [] if usage.whole else ["there was no time to look at every process"]


def reboot(backend, advised):
    """Whether the host has to be restarted: {required, why, advised}."""
    found = patches.reboot(shared.Context())
    why = []
    if found["required"]:
        why.append("the host asks for it" + (": " + ", ".join(found["packages"]) if found["packages"] else ""))
    if found["kernel_outdated"]:
        why.append("kernel {newest_kernel} is installed, {running_kernel} runs".format(**found))
    why += backend.reboot()
    return {"required": bool(why), "why": why, "advised": advised}
