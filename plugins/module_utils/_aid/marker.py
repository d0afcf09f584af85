# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker by which an operator at the host keeps every remedy away.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

PATH = "/etc/mailops-triage/maintenance"
_UNTIL = re.compile(r"^until: *(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?Z? *$", re.M)
_MOST_BYTES = 4096


def active(now, path=PATH):
    """Why remedies have to stay away, or an empty text.

    The file may be empty. A line C(until: 2026-12-31T06:00Z) (UTC) gives it an end; the rest is for people. One that
    cannot be read, or whose end cannot be understood, holds.

    :param now: epoch seconds
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(number, "rb") as stream:
            text = stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return "{0} is there ({1})".format(path, error.strerror or error)
    end = _UNTIL.search(text)
    if end:
        parts = [int(part or 0) for part in end.groups()]
        try:
            over = calendar.timegm((parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], 0, 0, 0)) <= now
            time.strptime("{0}-{1}-{2}".format(*parts[:3]), "%Y-%m-%d")
        except (ValueError, OverflowError):
            over = False
        if over:
            return ""
    says = clean(text, 200)
    return "the host is in maintenance: {0}{1}".format(path, " says: " + says if says else " is there")
