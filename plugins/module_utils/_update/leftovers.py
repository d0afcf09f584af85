# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an update leaves beside: configuration of the new version that was not taken.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import time

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

SUFFIXES = (".dpkg-dist", ".dpkg-new", ".ucf-dist", ".ucf-new", ".rpmnew", ".rpmsave")
_MOST, _SECONDS, _MOST_FOLDERS = 50, 3.0, 5000


def configuration(root="/etc"):
    """Paths of configuration files that lie beside the ones in use, in their order."""
    found, until = [], time.monotonic() + _SECONDS
    for number, (folder, dummy, names) in enumerate(os.walk(root)):
        found += [os.path.join(folder, name) for name in names if name.endswith(SUFFIXES)]
        if number >= _MOST_FOLDERS or time.monotonic() >= until:
            break
    return [clean(path, 200) for path in sorted(found)[:_MOST]]
