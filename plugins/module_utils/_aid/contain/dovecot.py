# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Dovecot that are changed for a while: a file of their own, read last.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re
import shutil

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed, remove, replace
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

KIND = "dovecot"
_FILE = re.compile(r"^# .*: (/\S+)$", re.M)


def main_file(here):
    """Path of Dovecot's main configuration file, as it says itself.

    :raises Cannot: when its configuration cannot be read
    """
    result = here.run(["doveconf", "-n"])
    if result.status == "missing":
        raise Cannot("tool", "there is no Dovecot on this host")
    if result.status != "ok" or result.rc:
        raise Cannot("syntax", "Dovecot's configuration cannot be read ({0})".format(here.said(["doveconf"], result)))
    match = _FILE.search(result.out.decode("utf-8", "replace"))
    if match is None:
        raise Cannot("tool", "Dovecot does not say where its configuration is")
    return os.path.realpath(match.group(1))


def check(here, data):
    """Can it be done here?

    :raises Cannot: when not
    """
    path = main_file(here)
    if path != data["config"]:
        raise Cannot("state", "Dovecot's configuration has moved to {0}".format(path))


def present(here, data) -> bool:
    """Is the file there, and read?"""
    try:
        with open(_own(data), "r") as stream:
            return stream.read() == data["text"] and _line(data) in _lines(data["config"])
    except OSError:
        return False


def apply(here, data):
    """Write the file, have it read, check, and reload.

    A reload ends idle sessions that a login process hands through, and no others; their clients come back.
    """
    check(here, data)
    try:
        replace(_own(data), data["text"].encode("utf-8"), 0o644)
        if _line(data) not in _lines(data["config"]):
            _append(data["config"], _line(data))
    except OSError as error:
        raise Failed("{0}: {1}".format(data["config"], error.strerror or error)) from error
    try:
        main_file(here)
    except Cannot as error:
        _take_out(data)
        raise Failed("Dovecot does not take it: {0}".format(error.why)) from error
    return ["{0} is read last: {1}".format(_own(data), "; ".join(data["says"])), reload(here)]


def undo(here, data):
    """Take the file out again, and reload."""
    if not _take_out(data):
        return ["it was gone"]
    try:
        main_file(here)
    except Cannot as error:
        # With a broken configuration the running Dovecot goes on, and a reload would be one more risk.
        return ["{0} is removed; Dovecot was not reloaded: {1}".format(_own(data), error.why)]
    return ["{0} is removed".format(_own(data)), reload(here)]


def diff(here, data):
    """(before, after) as lines."""
    return list(data["former"]), list(data["says"])


def data(config, name, text, says, former):
    """The data of a change.

    :param name: of the file, without a directory
    :param says: what it sets, as lines for people; former: the same before
    """
    return {"config": config, "name": name, "text": text, "says": says, "former": former}


def reload(here):
    """Let Dovecot read its settings; tells what came of it."""
    result = here.run(["doveadm", "reload"])
    if result.status == "ok" and not result.rc:
        return "Dovecot was reloaded"
    words = clean(result.err, 200)
    return "Dovecot was not reloaded" + (": " + words if words else "")


def _own(data):
    return os.path.join(os.path.dirname(data["config"]), data["name"])


def _line(data):
    return "!include_try " + data["name"]


def _lines(path):
    with open(path, "r", errors="surrogateescape") as stream:
        return stream.read().splitlines()


def _append(path, line):
    """One more line at the end of a file."""
    with open(path, "rb") as stream:
        content = stream.read()
    end = b"" if content.endswith(b"\n") or not content else b"\n"
    _rewrite(path, content + end + line.encode("utf-8") + b"\n")


def _take_out(data):
    """Remove the line and the file; false when neither was there."""
    path, line = data["config"], _line(data).encode("utf-8") + b"\n"
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except FileNotFoundError:
        return remove(_own(data))
    found = content.endswith(b"\n" + line) or b"\n" + line in content or content.startswith(line)
    if found:
        place = content.rindex(line)
        _rewrite(path, content[:place] + content[place + len(line) :])
    return remove(_own(data)) or found


def _rewrite(path, content):
    """Put new content in place of the old, whole or not at all, with the old file's owner, mode and labels."""
    old, draft = os.stat(path), path + ".mailops-new"
    replace(draft, content, old.st_mode & 0o7777)
    shutil.copystat(path, draft)
    os.utime(draft, None)
    os.chown(draft, old.st_uid, old.st_gid)
    os.replace(draft, path)
