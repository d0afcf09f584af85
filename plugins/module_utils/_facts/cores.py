# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Core dumps in the places where they are kept, by their names alone: none is opened, and no command is run.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import stat

from ansible_collections.mailops.triage.plugins.module_utils._facts import filesystems, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# systemd-coredump: core.NAME.UID.BOOT.PID.MICROSECONDS.zst
_SYSTEMD = re.compile(r"core\.(.+)\.\d+\.[0-9a-f]{32}\.(\d+)\.\d{10,}(?:\.\w+)?$")
# Plain ones: core, core.PID, core.NAME.PID, NAME.core
_PLAIN = re.compile(r"core(?:\.([A-Za-z][\w-]*))?(?:\.(\d+))?$")
# apport: _usr_sbin_dovecot.0.crash
_APPORT = re.compile(r"_([\w-]+)\.\d+\.crash$")
_MOST_ENTRIES, _MOST = 2000, 10


def parse_name(name):
    """(program, pid) of a file name that is a core dump's, each None where the name does not tell; None for others."""
    match = _SYSTEMD.match(name)
    if match:
        return match.group(1), int(match.group(2))
    match = _PLAIN.match(name)
    if match:
        return match.group(1), int(match.group(2)) if match.group(2) else None
    match = _APPORT.match(name)
    return (match.group(1).rpartition("_")[2], None) if match else None


def places(pattern, queue_directory):
    """Directories where cores of mail daemons are found.

    :param pattern: text of /proc/sys/kernel/core_pattern
    :param queue_directory: where Postfix daemons run, or None
    """
    found = ["/var/lib/systemd/coredump", "/var/crash", "/run/dovecot", "/"]
    if queue_directory:
        found.append(queue_directory)
    if pattern.startswith("/"):
        folder = pattern.split()[0].rpartition("/")[0] or "/"
        if "%" not in folder:
            found.insert(0, folder)
    return list(dict.fromkeys(found))


def listing(context, queue_directory, since):
    """Core dumps younger than a moment, newest first, at most ten.

    :param since: epoch second
    :returns: list of {path, program, pid, bytes, at}
    """
    pattern = procfs.try_text(context.proc + "/sys/kernel/core_pattern", 1024).strip()
    found = []
    for folder in places(pattern, queue_directory):
        try:
            entries = os.scandir(context.path(folder))
        except OSError:
            continue
        for number, entry in enumerate(filesystems.readable(entries)):
            if number >= _MOST_ENTRIES:
                break
            parsed = parse_name(entry.name)
            if parsed is None:
                continue
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(info.st_mode) and info.st_mtime >= since:
                found.append(
                    {
                        "path": clean(os.path.join(folder, entry.name), 300),
                        "program": clean(parsed[0], 40) if parsed[0] else None,
                        "pid": parsed[1],
                        "bytes": info.st_size,
                        "at": round(info.st_mtime, 3),
                    }
                )
    return sorted(found, key=lambda core: (-core["at"], core["path"]))[:_MOST]
