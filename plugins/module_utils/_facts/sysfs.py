# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files of /sys, and the way every source of hardware facts says whether it could look.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

PRESENT, ABSENT, UNSEEN = "present", "absent", "unseen"


def source(status, why="", **values):
    """The record of one source.

    :param status: C(present): looked, it is there; C(absent): looked, there is no such hardware here, which is an
        answer; C(unseen): could not look
    :param why: reason for C(absent) or C(unseen)
    """
    return dict(values, status=status, why=clean(why, 200))


def listing(folder, most=512):
    """Sorted names in a directory; None when there is no such directory.

    :raises OSError: when it is there and cannot be read
    """
    try:
        return sorted(os.listdir(folder))[:most]
    except (FileNotFoundError, NotADirectoryError):
        return None


def text(path, limit=4096):
    """Content of a small file without the white space around it; an empty text when it cannot be read."""
    return procfs.try_text(path, limit).strip()


def number(path):
    """Content of a file that holds one whole number, or None."""
    try:
        return int(text(path, 64))
    except ValueError:
        return None
