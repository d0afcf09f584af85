# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names of files and directories mean: rotated, still in use, of which program, part of a mailbox.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re

from ansible_collections.mailops.triage.plugins.module_utils._facts import cores, procfs

LOGINS = r"(?:.*/)?(?:wtmp|btmp|lastlog|faillog|tallylog)[^/]*"
ROTATED = r"(.*[^/.-])(?:\.[1-9]\d{0,2}|[.-]\d{8}(?:-\d{2,10})?|\.old)(?:\.(?:gz|xz|bz2|zst|lz4))?"
"""Binary logs of databases, which are data, count with leading zeros: they are no rotated logs."""
VMCORE = r"[^/]+/(?:vmcore|dump\.\d+)"
TEMPORARY = r"(?!\.X\d+-lock$)(?!krb5cc)(?!.*\.(?:lock|lck|pid|sock)$).+"
"""Locks, process ids and tickets are read without being touched: their age says nothing."""

_ROTATED = re.compile(ROTATED)
_VMCORE = re.compile(VMCORE)
_LOG_BARS = re.compile(r"(?:journal|audit|installer)(?:/|$)")
_TMP_BARS = re.compile(
    r"(?:\.(?:X11|ICE|XIM|font|Test)-unix|tmux-\d+|screens?|uscreens|ssh-[^/]*|agent\.[^/]*|snap-private-tmp|\.snap"
    r"|systemd-private-(?P<boot>[0-9a-f]{32})-[^/]*|lost\+found)(?:/|$)"
)
_INDEXES = ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.map.index", "dbox-Mails")
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def log_of(path, dummy=None):
    """The log that a rotated one belongs to."""
    match = _ROTATED.match(path)
    return match.group(1) if match else path


def program_of(path, found=None):
    """The program that a core dump or a crash report is of: by its content, else by its name.

    :param found: what the content says, or None when nobody looked
    """
    parsed = cores.parse_name(path.rpartition("/")[2])
    if found or (parsed and parsed[0]):
        return found or parsed[0]
    return "kernel" if _VMCORE.match(path) else path.rpartition(".")[0]


def plain_logs(path, dummy):
    """Directories below the logs that hold nothing but logs of programs."""
    return not _LOG_BARS.match(path)


def not_in_use(path, folder):
    """Directories of sessions and of units of this boot belong to somebody, however old they look; so do mailboxes."""
    owned = _TMP_BARS.match(path)
    if not owned:
        return no_mailbox(path, folder)
    boot = procfs.try_text(_BOOT_ID, 64).strip().replace("-", "")
    return bool(owned.group("boot") and boot and owned.group("boot") != boot)


def no_mailbox(dummy, folder):
    """False for a mailbox, wherever it lies: a copy that somebody restores, for example."""
    return not is_mailbox(folder.path)


def is_mailbox(path) -> bool:
    """Does a directory look like a mailbox of Dovecot, or like a Maildir?"""
    maildir = all(os.path.isdir(path + "/" + name) for name in ("cur", "new", "tmp"))
    return maildir or any(os.path.lexists(path + "/" + name) for name in _INDEXES)


def maildir_tmp(path, folder):
    """The C(tmp) of a Maildir or of one of its subfolders, and the way there; never C(cur) or C(new)."""
    name = path.rpartition("/")[2]
    if name != "tmp":
        return "/" not in path and name.startswith(".")
    above = folder.path.rpartition("/")[0]
    return os.path.isdir(above + "/cur") and os.path.isdir(above + "/new")
