# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening TCP sockets, by netlink or /proc, and which process each belongs to.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import socket
import struct
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix, procfs

# queued: connections that wait to be accepted; backlog: how many may, or None when unknown
Listener = namedtuple("Listener", "family address port queued backlog inode")
# One file that is deleted but still open.
Deleted = namedtuple("Deleted", "pid path bytes device")
# sockets: dict of inode to pid; deleted: list of Deleted; complete: false when time ran out
OpenFiles = namedtuple("OpenFiles", "sockets deleted complete")

_SOCK_DIAG = 4
_BY_FAMILY = 20
_LISTEN = 10
_ERROR, _DONE = 2, 3
_SCAN_SECONDS = 0.3
# Deleted on purpose, and no space of a file system.
_NO_FILES = ("/memfd:", "/SYSV", "/dev/", "/[", "/proc/", "anon_inode:")


def parse_diag(data):
    """Listeners of one buffer of sock_diag answers.

    :returns: (list of Listener, done); done is true when the kernel has said everything
    :raises OSError: when the kernel answers with an error
    """
    found, place = [], 0
    while place + 16 <= len(data):
        size, kind = struct.unpack_from("=IH", data, place)
        if kind == _DONE or size < 16 or place + size > len(data):
            return found, True
        if kind == _ERROR and size >= 20:
            raise OSError(-struct.unpack_from("=i", data, place + 16)[0], "sock_diag")
        if kind == _BY_FAMILY and size >= 16 + 72:
            family, state = struct.unpack_from("=BB", data, place + 16)
            (port,) = struct.unpack_from("!H", data, place + 20)
            raw = data[place + 24 : place + 40]
            queued, backlog, uid, inode = struct.unpack_from("=IIII", data, place + 16 + 56)
            if state == _LISTEN and family in (socket.AF_INET, socket.AF_INET6):
                address = socket.inet_ntop(family, raw[:4] if family == socket.AF_INET else raw)
                name = "ipv4" if family == socket.AF_INET else "ipv6"
                found.append(Listener(name, address, port, queued, backlog, inode))
        place += (size + 3) & ~3
    return found, False


def dump(states, extensions: int = 0, most: int = 1000):
    """Buffers of what the kernel says of TCP sockets in some states, by netlink: quick however many there are.

    :param states: bit mask of TCP states
    :param extensions: bit mask of the attributes asked for
    :param most: buffers taken of each address family
    :raises OSError: when the kernel does not offer it here
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _SOCK_DIAG) as link:
        link.settimeout(1.0)
        for family in (socket.AF_INET, socket.AF_INET6):
            request = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, extensions, states)
            link.sendto(struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, 0x301, 1, 0) + request, (0, 0))
            for _turn in range(most):
                data = link.recv(65536)
                yield data
                if is_last(data):
                    break


def is_last(data) -> bool:
    """Does this buffer end the kernel's answer?"""
    place = 0
    while place + 16 <= len(data):
        size, kind = struct.unpack_from("=IH", data, place)
        if kind in (_DONE, _ERROR) or size < 16:
            return True
        place += (size + 3) & ~3
    return False


def ask_kernel():
    """Listeners by netlink.

    :raises OSError: when the kernel does not offer it here
    """
    found = []
    for data in dump(1 << _LISTEN):
        found += parse_diag(data)[0]
    return found


def parse_proc_net(text, family):
    """Listeners of a /proc/net/tcp or tcp6; backlog is not told there."""
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 10 or words[3] != "0A":
            continue
        place, colon, port = words[1].rpartition(":")
        try:
            raw = bytes(bytearray.fromhex(place))
            # Each 32-bit word is printed in the byte order of the machine.
            raw = b"".join(struct.pack("!I", word) for word in struct.unpack("=%dI" % (len(raw) // 4), raw))
            address = socket.inet_ntop(socket.AF_INET if family == "ipv4" else socket.AF_INET6, raw)
            queued = int(words[4].partition(":")[2], 16)
            found.append(Listener(family, address, int(port, 16), queued, None, int(words[9])))
        except (ValueError, struct.error, OSError):
            continue
    return found


def listening(context):
    """Shared look: the listening TCP sockets of this network namespace, as a list of Listener.

    :raises OSError: when neither way works
    """
    try:
        return ask_kernel()
    except OSError:
        pass
    found = parse_proc_net(procfs.read_text(context.proc + "/net/tcp", 8 << 20), "ipv4")
    return found + parse_proc_net(procfs.try_text(context.proc + "/net/tcp6", 8 << 20), "ipv6")


def is_loopback(address) -> bool:
    """True for 127.0.0.0/8 and ::1 (also as ::ffff:127.x)."""
    return address.startswith(("127.", "::ffff:127.")) or address == "::1"


def open_files(context):
    """Shared look: one walk over every process's descriptors for socket owners and deleted files.

    Masters come first: their children hold the same listening sockets, and the master is who listens.
    """
    mail = context.shared(postfix.mail)
    masters = sorted(record.pid for record in mail.masters.values() if record is not None)
    others = [pid for pid in sorted(context.shared(shared.processes)) if pid not in masters]
    # The many sessions of a busy mail server come last: they hold nothing of interest, and time may run out.
    sessions = [pid for pid in others if pid in mail.members]
    order = masters + [pid for pid in others if pid not in mail.members] + sessions
    wanted = {"socket:[%d]" % listener.inode for listener in context.shared(listening)}
    sockets, deleted, seen = {}, [], set()
    deadline = time.monotonic() + min(_SCAN_SECONDS, context.left())
    for pid in order:
        if time.monotonic() >= deadline:
            return OpenFiles(sockets, deleted, False)
        folder = "{0}/{1}/fd".format(context.proc, pid)
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names[:4096]:
            target = procfs.try_link(folder + "/" + name)
            if target in wanted:
                sockets.setdefault(int(target[8:-1]), pid)
            elif target.endswith(" (deleted)") and not target.startswith(_NO_FILES):
                _add_deleted(deleted, seen, pid, folder + "/" + name, target)
    return OpenFiles(sockets, deleted, True)


def _add_deleted(deleted, seen, pid, path, target):
    try:
        info = os.stat(path)
    except OSError:
        return
    # Only files whose last name is gone hold space that nobody can see.
    if info.st_nlink == 0 and info.st_blocks and (info.st_dev, info.st_ino) not in seen and len(deleted) < 500:
        seen.add((info.st_dev, info.st_ino))
        deleted.append(Deleted(pid, target[:-10], info.st_blocks * 512, info.st_dev))
