# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is there room to download and to unpack?

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re

RESERVE = 32 << 20
"""What stays free on each file system: Postfix refuses mail below 15 MB, and packages write caches and logs."""
_BOOT = 150 << 20
"""What a kernel and its image for the start take."""
_KERNEL = re.compile(r"(?:linux-image-|kernel-core$|kernel$)")


def needed(sizes, moves, installed, archives, store):
    """What is needed, for each place.

    :param sizes: Sizes
    :param moves: list of Move
    :param installed: dict of package to Installed
    :param archives: directory of the package manager's downloads
    :param store: directory of the packages that are kept for the way back
    :returns: (dict of path to bytes, bytes for unpacking)
    """
    there = sum(installed[one.package].bytes for one in moves if one.package in installed)
    # New files lie beside the old ones until a package is complete.
    unpack = max(0, sum(sizes.unpacked) - there) + max(sizes.unpacked or [0])
    places = {archives: sizes.download, store: sizes.packed, "/usr": unpack + unpack // 20}
    if any(one.before is None and _KERNEL.match(one.package) for one in moves):
        places["/boot"] = _BOOT
    return places, unpack


def judge(places):
    """Whether it is there, file system by file system.

    :param places: see needed
    :returns: {enough, available, missing, where}: of the file system where it is tightest
    """
    wanted, spots = {}, {}
    for path in sorted(places):
        if places[path] <= 0:
            continue
        spot = _nearest(path)
        device = os.stat(spot).st_dev
        wanted[device] = wanted.get(device, 0) + places[path]
        spots.setdefault(device, spot)
    tightest = None
    for device, spot in spots.items():
        found = os.statvfs(spot)
        available = found.f_bavail * found.f_frsize
        left = available - wanted[device] - RESERVE
        if tightest is None or left < tightest[0]:
            tightest = left, available, _mount(spot)
    if tightest is None:
        return {"enough": True, "available": None, "missing": 0, "where": None}
    left, available, where = tightest
    return {"enough": left >= 0, "available": available, "missing": max(0, -left), "where": where}


def _nearest(path):
    """The directory, or the first one above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _mount(path):
    """Where the file system of a directory is mounted."""
    path = os.path.realpath(path)
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path
