# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network interfaces: carrier, how often it was lost, and what arrives damaged.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import fcntl
import os
import socket
import struct

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs, sysfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST = 64
_ETHERNET, _UP, _RUNNING = 1, 0x1, 0x40
_SIOCGIFFLAGS, _SIOCGIFADDR, _SIOCGIFHWADDR = 0x8913, 0x8915, 0x8927


def collect(context):
    """The C(links) part of the hardware facts."""
    top = context.path("/sys/class/net")
    try:
        names = sysfs.listing(top, 4096)
    except OSError as error:
        return sysfs.source(sysfs.UNSEEN, "/sys/class/net: %s" % error.strerror, interfaces=None)
    if names is None:
        return sysfs.source(sysfs.UNSEEN, "there is no /sys/class/net", interfaces=None)
    if not context.root and not ours(top):
        # In a container /sys may show the interfaces of the machine around it.
        found = [_by_question(name) for dummy, name in socket.if_nameindex()]
        found = [record for record in found if record is not None]
    else:
        six = procfs.try_text(context.proc + "/net/if_inet6", 1 << 16)
        lines = [line.split() for line in six.splitlines()]
        with_six = {fields[-1] for fields in lines if len(fields) >= 6 and fields[3] != "20"}
        ether = [name for name in names if sysfs.number("%s/%s/type" % (top, name)) == _ETHERNET]
        # Those with hardware behind them first: a host of containers has hundreds of others.
        ether.sort(key=lambda name: (not os.path.exists("%s/%s/device" % (top, name)), name))
        found = [_by_sysfs("%s/%s" % (top, name), name, name in with_six) for name in ether[:_MOST]]
    if not found:
        return sysfs.source(sysfs.ABSENT, "no network interface here", interfaces=[])
    return sysfs.source(sysfs.PRESENT, interfaces=found[:_MOST])


def ours(top):
    """Does this directory show the interfaces of this process's own network?"""
    for index, name in socket.if_nameindex():
        if sysfs.number("%s/%s/ifindex" % (top, name)) != index:
            return False
        mine, shown = _ask(_SIOCGIFHWADDR, name), sysfs.text("%s/%s/address" % (top, name))
        if mine and name != "lo" and shown and bytes.fromhex(shown.replace(":", ""))[:6] != mine[18:24]:
            return False
    return True


def _by_sysfs(folder, name, six):
    try:
        flags = int(sysfs.text(folder + "/flags"), 16)
    except ValueError:
        flags = 0
    # Asking an interface that is down for its carrier is an error.
    carrier = sysfs.number(folder + "/carrier")
    changes = sysfs.number(folder + "/carrier_changes")
    downs = sysfs.number(folder + "/carrier_down_count")
    return _record(
        name,
        bool(flags & _UP),
        bool(carrier) if carrier is not None else None,
        six or _ask(_SIOCGIFADDR, name) is not None,
        physical=os.path.exists(folder + "/device"),
        carrier_lost=downs if downs is not None else (changes // 2 if changes is not None else None),
        master=clean(procfs.try_link(folder + "/master").rsplit("/", 1)[-1], 40) or None,
        speed=sysfs.number(folder + "/speed"),
        duplex=clean(sysfs.text(folder + "/duplex"), 20) or None,
        rx_errors=sysfs.number(folder + "/statistics/rx_errors"),
        tx_errors=sysfs.number(folder + "/statistics/tx_errors"),
        crc_errors=sysfs.number(folder + "/statistics/rx_crc_errors"),
        rx_packets=sysfs.number(folder + "/statistics/rx_packets"),
    )


def _by_question(name):
    """What the kernel answers about an interface; None when it is no Ethernet."""
    kind, flags = _ask(_SIOCGIFHWADDR, name), _ask(_SIOCGIFFLAGS, name)
    if kind is None or flags is None or struct.unpack_from("H", kind, 16)[0] != _ETHERNET:
        return None
    bits = struct.unpack_from("H", flags, 16)[0]
    up = bool(bits & _UP)
    return _record(name, up, bool(bits & _RUNNING) if up else None, _ask(_SIOCGIFADDR, name) is not None)


def _record(name, up, carrier, addressed, **known):
    record = dict.fromkeys(
        ("carrier_lost", "master", "speed", "duplex", "rx_errors", "tx_errors", "crc_errors", "rx_packets")
    )
    record.update(name=clean(name, 40), up=up, carrier=carrier, addressed=addressed, physical=False)
    record.update(known)
    return record


def _ask(question, name):
    """The kernel's answer about an interface, or None."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            return fcntl.ioctl(asking.fileno(), question, struct.pack("256s", name.encode()[:15]))
    except OSError:
        return None
