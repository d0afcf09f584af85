# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line in the host's journal for everything that is done, under one identifier.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import socket

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

IDENTIFIER = "mailops-triage"
_SOCKET = "/dev/log"
# Facility daemon, severity notice.
_PRIORITY = 3 * 8 + 5
_PATIENCE_S = 0.5


def tell(text, path=_SOCKET):
    """Write one line; never waits for a logger that is hung, as syslog(3) would.

    :returns: false when nobody took it
    """
    line = "<{0}>{1}[{2}]: {3}".format(_PRIORITY, IDENTIFIER, os.getpid(), clean(text, 900))
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.settimeout(_PATIENCE_S)
            channel.connect(path)
            channel.send(line.encode("utf-8", "replace"))
    except OSError:
        return False
    return True
