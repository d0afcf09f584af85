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
_ETHERNET, _UP = 1, 1
_SIOCGIFADDR = 0x8915


def collect(context):
    """The C(links) part of the hardware facts."""
    top = context.path("/sys/class/net")
    try:
        names = sysfs.listing(top, 4096)
    except OSError as error:
        return sysfs.source(sysfs.UNSEEN, "/sys/class/net: %s" % error.strerror, interfaces=None)
    if names is None:
        return sysfs.source(sysfs.UNSEEN, "there is no /sys/class/net", interfaces=None)
    ether = [name for name in names if sysfs.number("%s/%s/type" % (top, name)) == _ETHERNET]
    if not ether:
        return sysfs.source(sysfs.ABSENT, "no network interface here", interfaces=[])
    six = procfs.try_text(context.proc + "/net/if_inet6", 1 << 16)
    with_six = {line.split()[-1] for line in six.splitlines() if len(line.split()) >= 6 and line.split()[3] != "20"}
    # Those with hardware behind them first: a host of containers has hundreds of others.
    ether.sort(key=lambda name: (not os.path.exists("%s/%s/device" % (top, name)), name))
    found = [_interface(top, name, name in with_six) for name in ether[:_MOST]]
    return sysfs.source(sysfs.PRESENT, interfaces=found)


def _interface(top, name, six):
    folder = "%s/%s" % (top, name)
    try:
        flags = int(sysfs.text(folder + "/flags"), 16)
    except ValueError:
        flags = 0
    # Asking an interface that is down for its carrier is an error.
    carrier = sysfs.number(folder + "/carrier")
    changes = sysfs.number(folder + "/carrier_changes")
    downs = sysfs.number(folder + "/carrier_down_count")
    master = procfs.try_link(folder + "/master").rsplit("/", 1)[-1]
    return {
        "name": clean(name, 40),
        "physical": os.path.exists(folder + "/device"),
        "up": bool(flags & _UP),
        "carrier": bool(carrier) if carrier is not None else None,
        "carrier_lost": downs if downs is not None else (changes // 2 if changes is not None else None),
        "addressed": six or has_address(name),
        "master": clean(master, 40) or None,
        "speed": sysfs.number(folder + "/speed"),
        "duplex": clean(sysfs.text(folder + "/duplex"), 20) or None,
        "rx_errors": sysfs.number(folder + "/statistics/rx_errors"),
        "tx_errors": sysfs.number(folder + "/statistics/tx_errors"),
        "crc_errors": sysfs.number(folder + "/statistics/rx_crc_errors"),
        "rx_packets": sysfs.number(folder + "/statistics/rx_packets"),
    }


def has_address(name):
    """Has this interface an IPv4 address? The kernel's answer; no other program is asked."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as question:
            fcntl.ioctl(question.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
    except OSError:
        return False
    return True
