# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a daemon write where it has to? Asked by writing, because mount flags and free bytes tell half of it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import errno
import os
import re
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._aid import aside
from ansible_collections.mailops.triage.plugins.module_utils._facts import dovecot, filesystems, postfix, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# floor: free bytes that must be left; what: for people
Place = namedtuple("Place", "path floor what")

PATIENCE_S = 3.0
"""Seconds after which a file system that takes no write counts as hung."""
LEAST_INODES = 10
_LEAST_BYTES = 1 << 20
# Below it the daemons' own state files fail, whatever the queue says.
_LEAST_ROOT_BYTES = 4 << 20
_NO_LIMIT = "{0} 0 0".format(1 << 40)
_PAGE = b"\0" * 4096
_LISTENER = re.compile(r"^\s*(?:unix|fifo)_listener\s+(/\S+)\s*\{", re.MULTILINE)
_MOST_PLACES = 12
_FULL = (errno.ENOSPC, errno.EDQUOT)
# The superuser of an NFS client is nobody on the server, and that says nothing of the daemon.
_NOT_TOLD = (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR)
# Unnamed files: nothing to see and nothing to clear away. Not every file system has them.
_NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS)


def places(context, product):
    """Where a daemon of this product writes, as a list of Place.

    :param context: a _facts.context.Context
    """
    found = [
        Place("/", _LEAST_ROOT_BYTES, "the root file system"),
        Place("/run", _LEAST_BYTES, "sockets and process ids"),
        Place("/var/lib", 65536, "the state of programs"),
    ]
    if product == "postfix":
        queue = context.path(postfix.value(context, "queue_directory"))
        largest = postfix.number(context, "message_size_limit", 10240000)
        floor = max(int(1.5 * largest), postfix.number(context, "queue_minfree", 0))
        found.append(Place(queue, floor, "the queue"))
        data = context.path(postfix.value(context, "data_directory"))
        found.append(Place(data, 65536, "Postfix's own data"))
    elif product == "dovecot":
        text = dovecot.text(context)
        base = dovecot.parse_settings(text).get("base_dir", "/run/dovecot")
        found.append(Place(base, 65536, "Dovecot's sockets"))
        for path in _LISTENER.findall(text):
            # It ends with a fatal error when it cannot make one of them: also the ones in Postfix's queue.
            found.append(Place(os.path.dirname(path), 65536, "the socket " + path))
        found += [Place(path, _LEAST_BYTES, "the mailboxes") for path in dovecot.mail_store(context)]
    unique = {}
    for place in found:
        if os.path.isabs(place.path) and (place.path not in unique or unique[place.path].floor < place.floor):
            unique[place.path] = place
    return list(unique.values())[:_MOST_PLACES]


def ask(wanted, patience=PATIENCE_S):
    """Try each place; what is wrong with the first that is not fit, as (code, why), or None.

    :param wanted: list of Place
    :returns: code is storage_hung, storage_error, spool_readonly or spool_full
    """
    answers = aside.gather({place.path: _work(place) for place in wanted}, patience, 4096)
    found = [_judge(place, *answers[place.path]) for place in wanted]
    for code in ("storage_hung", "storage_error", "spool_readonly", "spool_full"):
        for wrong in found:
            if wrong is not None and wrong[0] == code:
                return wrong
    return None


def _work(place):
    return lambda: _try(place.path)


def _judge(place, status, text):
    where = clean(place.path, 120)
    if status == "timeout":
        why = "{0} ({1}) does not answer: a write there has not come back, and a daemon would hang in it too"
        return "storage_hung", why.format(where, place.what)
    if status != "ok":
        # A file system that was shut down, a handle of NFS that the server does not know any more.
        why = "{0} ({1}) answers with an error, and a daemon would get it too: {2}"
        return "storage_error", why.format(where, place.what, clean(text, 200))
    words = text.split()
    if len(words) != 4:
        return None
    kind, available, inodes, inodes_free = words[0], int(words[1]), int(words[2]), int(words[3])
    if kind == "readonly":
        return "spool_readonly", "{0} ({1}) is read-only".format(where, place.what)
    if inodes and inodes_free < LEAST_INODES:
        return "spool_full", "{0} ({1}) has no inodes left, though bytes may be free".format(where, place.what)
    if kind == "full" or available < place.floor:
        why = "{0} ({1}) is full: {2} bytes free, {3} needed"
        return "spool_full", why.format(where, place.what, available, place.floor)
    return None


def _try(path):
    """In a child: C(KIND AVAILABLE INODES INODES_FREE); kind is ok, readonly, full or unknown."""
    try:
        found = os.statvfs(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return "unknown " + _NO_LIMIT
        raise
    room = "{0} {1} {2}".format(found.f_bavail * found.f_frsize, found.f_files, found.f_favail)
    if not found.f_blocks:
        # Some that live in memory have no limit and say so with zeros.
        room = _NO_LIMIT
    if path == "/":
        # A root that is read-only by design, with what is written mounted over it, is a good one.
        mounts = filesystems.parse_mountinfo(procfs.try_text("/proc/self/mountinfo", 1 << 20))
        own = filesystems.mount_of("/", mounts)
        return "ok " + (_NO_LIMIT if own is not None and own.readonly else room)
    try:
        _write(path)
    except OSError as error:
        if error.errno == errno.EROFS:
            return "readonly " + room
        if error.errno in _FULL:
            return "full " + room
        if error.errno in _NOT_TOLD:
            return "unknown " + room
        raise
    return "ok " + room


def _write(folder):
    """Write one page into a file of our own that is gone afterwards.

    :raises OSError: when it cannot be written
    """
    flags = os.O_RDWR | os.O_CLOEXEC
    name = None
    try:
        number = os.open(folder, flags | os.O_TMPFILE, 0o600)
    except OSError as error:
        if error.errno not in _NO_UNNAMED:
            raise
        name = os.path.join(folder, ".mailops-triage.{0}".format(os.getpid()))
        number = os.open(name, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(number, _PAGE)
        os.fsync(number)
    finally:
        if name is not None:
            os.unlink(name)
        os.close(number)
