# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of packages on Debian's family, from the files that apt and dpkg keep: no lock is taken, no network asked.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs, versions
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

STATUS = "/var/lib/dpkg/status"
_LISTS, _LOG, _UPDATES = "/var/lib/apt/lists", "/var/log/dpkg.log", "/var/lib/dpkg/updates"
_STATUS_BYTES, _LIST_BYTES, _LOG_BYTES = 32 << 20, 32 << 20, 256 << 10
_LIST_SECONDS = 0.7
_FINISHED = ("installed", "config-files", "not-installed")
_STANZA = re.compile(r"^Package: (\S+)\n((?:.+\n)*)", re.M)
_VERSION = re.compile(r"^Version: (\S+)$", re.M)
_STATE = re.compile(r"^Status: (\S+) (\S+) (\S+)$", re.M)
_SECURITY = re.compile(r"^(?:Suite|Label|Codename|Archive): .*security", re.M | re.I)
_DATE = re.compile(r"^Date: (.+)$", re.M)
_UPGRADE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:upgrade|install) ([^\s:]+)\S* (\S+) (\S+)$", re.M)


def parse_status(text):
    """What /var/lib/dpkg/status says; of two stanzas of a package the later one counts.

    :returns: (dict of installed package to version, set of packages on hold, list of {package, state} unfinished)
    """
    installed, held, unfinished = {}, set(), {}
    for match in _STANZA.finditer(text):
        name = match.group(1)
        state = _STATE.search(match.group(2))
        version = _VERSION.search(match.group(2))
        if state is None:
            continue
        want, flag, now = state.groups()
        installed.pop(name, None)
        unfinished.pop(name, None)
        if now == "installed" and version is not None:
            installed[name] = version.group(1)
        if want == "hold":
            held.add(name)
        if flag != "ok" or now not in _FINISHED and not now.startswith("triggers-"):
            unfinished[name] = now if flag == "ok" else flag
    return installed, held, [{"package": name, "state": unfinished[name]} for name in sorted(unfinished)]


def parse_newer(text, installed):
    """Packages of an index file that are newer than what is installed, as a dict of name to version."""
    found = {}
    for match in _STANZA.finditer(text):
        name = match.group(1)
        version = _VERSION.search(match.group(2)) if name in installed else None
        if version is not None and versions.newer(version.group(1), found.get(name, installed[name])):
            found[name] = version.group(1)
    return found


def parse_release_date(text):
    """Epoch second of the C(Date) of a Release file, or None."""
    match = _DATE.search(text)
    try:
        return calendar.timegm(time.strptime(match.group(1).strip(), "%a, %d %b %Y %H:%M:%S %Z")) if match else None
    except ValueError:
        return None


def parse_log(text, since):
    """Upgrades and installations of a dpkg.log since a moment, newest first; its times are the host's local ones."""
    found = []
    for match in _UPGRADE.finditer(text):
        try:
            at = time.mktime(time.strptime(match.group(1), "%Y-%m-%d %H:%M:%S"))
        except (ValueError, OverflowError):
            continue
        if at >= since:
            before = None if match.group(3) == "<none>" else match.group(3)
            found.append({"package": match.group(2), "from": before, "to": match.group(4), "at": at})
    return sorted(found, key=lambda one: (-one["at"], one["package"]))


def journal(context):
    """Names of the journal that a dpkg which ended in the middle left behind, oldest first."""
    try:
        return sorted(name for name in os.listdir(context.path(_UPDATES)) if name.isdigit())
    except OSError:
        return []


def tail(path, limit):
    """The last bytes of a file, from a beginning of a line on; an empty text when it cannot be read."""
    try:
        with open(path, "rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - limit))
            data = handle.read(limit)
    except OSError:
        return ""
    return (data if size <= limit else data.partition(b"\n")[2]).decode("utf-8", "replace")


def upgrades(context, since):
    """Shared reading of dpkg.log, see parse_log."""
    return parse_log(tail(context.path(_LOG), _LOG_BYTES), since)


def last_change(context):
    """When packages were last upgraded or installed, as an epoch second; None when no log tells."""
    for name in (_LOG, _LOG + ".1"):
        found = parse_log(tail(context.path(name), _LOG_BYTES), 0)
        if found:
            return found[0]["at"]
    return None


def status(context):
    """See parse_status; what stands in dpkg's journal is newer than the status file.

    :raises OSError: when the file cannot be read
    """
    text = procfs.read_text(context.path(STATUS), _STATUS_BYTES)
    for name in journal(context)[:200]:
        text += "\n" + procfs.try_text(os.path.join(context.path(_UPDATES), name))
    return parse_status(text)


def security(context, installed):
    """What the package lists that lie on this host know of security updates.

    :returns: {newer, lists_at, published_at, reason}: newer is a dict, or None when there is no list; the times are
        epochs, or None
    """
    folder = context.path(_LISTS)
    answer: dict = {"newer": None, "lists_at": None, "published_at": None, "reason": ""}
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        answer["reason"] = clean(error.strerror or error, 120)
        return answer
    answer["reason"] = "no package lists here"
    deadline, left = time.monotonic() + min(_LIST_SECONDS, context.left()), _LIST_BYTES
    for name in names:
        if not name.endswith(("_InRelease", "_Release")):
            continue
        head = procfs.try_text(os.path.join(folder, name), 8192)
        answer["lists_at"] = max(answer["lists_at"] or 0, _modified(os.path.join(folder, name)))
        if "security" not in name and not _SECURITY.search(head):
            continue
        prefix, date = name.rpartition("_")[0], parse_release_date(head)
        for index in names:
            if not index.startswith(prefix + "_") or "_Packages" not in index:
                continue
            if time.monotonic() >= deadline or left <= 0:
                answer["reason"] = "not every package list was read in time"
                continue
            text = _index(context, os.path.join(folder, index), left)
            left -= len(text)
            answer["newer"] = dict(answer["newer"] or {}, **parse_newer(text, installed))
            answer["reason"] = ""
            if date is not None:
                answer["published_at"] = min(date, answer["published_at"] or date)
    if answer["newer"] is None and answer["lists_at"] is not None and answer["reason"] == "no package lists here":
        answer["reason"] = "no list of a security archive here"
    return answer


def _index(context, path, limit):
    """Text of a package list; one that is packed is unpacked by apt's own helper, which takes no lock."""
    if path.endswith("_Packages"):
        return procfs.try_text(path, limit)
    result = context.run(["/usr/lib/apt/apt-helper", "cat-file", path], timeout=3.0, limit_bytes=limit)
    return result.out.decode("utf-8", "replace")


def _modified(path):
    # The time of the file's content is the server's; when it was fetched is told by the inode.
    try:
        return round(os.stat(path).st_ctime, 3)
    except OSError:
        return 0
