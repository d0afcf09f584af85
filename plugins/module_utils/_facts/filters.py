# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users' own mail filters (Sieve) that do not compile, by what Pigeonhole leaves beside them.

The files belong to users, and this runs as root: no link is followed into a log, and of its text only the number of the
line leaves this file, so that nobody can have a secret shown.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import stat

from ansible_collections.mailops.triage.plugins.module_utils._facts import accounts
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_SCRIPT = re.compile(r"^\s*(?:sieve|sieve_script_active_path)\s*=\s*(.+?)\s*$", re.MULTILINE)
_LOG = re.compile(r"^\s*sieve_user_log\s*=\s*(.+?)\s*$", re.MULTILINE)
_ERROR = re.compile(r"^[^\n]{0,200}?\bline (\d{1,6}): error: ", re.MULTILINE)
_FAILED = re.compile(r"^[^\n]{0,200}?\berror: ", re.MULTILINE)
_LOG_BYTES = 16384


def places(text):
    """(script, log) with variables, by doveconf's output."""
    match = _SCRIPT.search(text)
    script = match.group(1) if match else "~/.dovecot.sieve"
    active = [part[7:] for part in script.split(";") if part.startswith("active=")]
    if active:
        script = active[0]
    elif script.startswith("file:"):
        script = script[5:].split(";")[0]
    match = _LOG.search(text)
    return script, match.group(1) if match else script + ".log"


def broken(account, script, log):
    """Does this user's filter fail to compile?

    :param account: accounts.Account
    :param script: place of the script, see places()
    :returns: None when there is no filter or nothing is known against it, else {user, script, since, line}
    """
    script = accounts.fill(script, account.user, account.home)
    log = accounts.fill(log, account.user, account.home)
    try:
        written = os.stat(script).st_mtime
        failed, text = _read_own(log, account.uid)
    except (OSError, TypeError):
        return None
    compiled = _modified(os.path.splitext(script)[0] + ".svbin")
    # A script that was mended later is newer than the complaint, or has been compiled since.
    if failed < written or compiled >= failed or not _FAILED.search(text):
        return None
    lines = _ERROR.findall(text)
    return {
        "user": clean(account.user, 120),
        "script": clean(script, 200),
        "since": round(written, 3),
        "line": int(lines[-1]) if lines else None,
    }


def _modified(path) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _read_own(path, owner):
    """(time of change, end of the text) of a plain file that belongs to this user.

    :raises OSError: when it is anything else
    """
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        info = os.fstat(number)
        if not stat.S_ISREG(info.st_mode) or (owner is not None and info.st_uid != owner) or info.st_nlink != 1:
            raise OSError("not the user's own file")
        os.lseek(number, max(0, info.st_size - _LOG_BYTES), os.SEEK_SET)
        return info.st_mtime, os.read(number, _LOG_BYTES).decode("utf-8", "replace")
    finally:
        os.close(number)
