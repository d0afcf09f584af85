# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal is made smaller by journald's own tool: oldest archived files first, never those in use.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import units, walk

FOLDER = "/var/log/journal"
TIMEOUT_S = 60.0
WHY = "archived journal files; the newest {0} stay"

# target: bytes that the journal may keep; size: bytes that go by that; folder: of the journal
Vacuum = namedtuple("Vacuum", "folder target size files age")


def plan(place, wanted, keep, folder=FOLDER):
    """How far the journal has to shrink, or None when it cannot help.

    :param place: the Place that needs room
    :param wanted: bytes
    :param keep: bytes that stay in any case
    """
    start = place.start(folder)
    if wanted <= 0 or start != folder:
        return None
    steps = walk.Walk(place, walk.Pace(float("inf")), depth=1)
    files = [one for path, one in steps.below(folder) if path.endswith((".journal", ".journal~"))]
    total = sum(one.bytes for one in files)
    target = max(keep, total - wanted)
    archived = sorted(
        (one for one in files if "@" in one.name or one.name.endswith("~")), key=lambda one: (one.mtime_ns, one.name)
    )
    gone = []
    for one in archived:
        if total <= target:
            break
        total -= one.bytes
        gone.append(one)
    if not gone:
        return None
    return Vacuum(folder, target, sum(one.bytes for one in gone), len(gone), gone[0].mtime_ns / 1e9)


def shrink(vacuum):
    """Let journald's tool do it.

    :returns: an empty text, or what went wrong
    """
    command = ["journalctl", "--directory", vacuum.folder, "--vacuum-size={0}".format(vacuum.target)]
    result = _run.run(command, timeout=TIMEOUT_S, limit_bytes=1 << 16)
    if result.status != "ok":
        return "journalctl: {0}".format(result.status)
    if result.rc:
        words = result.err.decode("utf-8", "replace").strip().splitlines()
        return "journalctl: {0}".format(words[-1] if words else "exit status {0}".format(result.rc))
    return ""


def why(keep):
    """Why this is safe, as one sentence."""
    return WHY.format(units.spell(keep))
