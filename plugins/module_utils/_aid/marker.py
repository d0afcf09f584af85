# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker that keeps every remedy away: written by an operator at the host, or by a run that works there itself.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import calendar
import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

PATH = "/etc/mailops-triage/maintenance"
_UNTIL = re.compile(r"^until: *(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?Z? *$", re.M)
_RUN = re.compile(r"^run: *(\S.*?) *$", re.M)
_MOST_BYTES = 4096


def active(now, path=PATH, run=""):
    """Why remedies have to stay away, or an empty text.

    The file may be empty. A line C(until: 2026-12-31T06:00Z) (UTC) gives it an end, a line C(run: ID) lets that run
    act; the rest is for people. One that cannot be read, or whose end cannot be understood, holds.

    :param now: epoch seconds
    :param run: the run that asks
    """
    try:
        text = read(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return "{0} is there ({1})".format(path, error.strerror or error)
    over = end(text)
    if (over is not None and over <= now) or (run and owner(text) == clean(run, 120)):
        return ""
    says = clean(text, 200)
    return "the host is in maintenance: {0}{1}".format(path, " says: " + says if says else " is there")


def read(path=PATH):
    """The text of the marker.

    :raises OSError: when it is not there, or cannot be read
    """
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(number, "rb") as stream:
        return stream.read(_MOST_BYTES).decode("utf-8", "replace")


def end(text):
    """Epoch second at which the marker ends; None when it has no end, or none that can be understood."""
    found = _UNTIL.search(text)
    if not found:
        return None
    parts = [int(part or 0) for part in found.groups()]
    try:
        time.strptime("{0}-{1}-{2}".format(*parts[:3]), "%Y-%m-%d")
        return calendar.timegm((parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], 0, 0, 0))
    except (ValueError, OverflowError):
        return None


def owner(text):
    """The run that wrote the marker, or an empty text: then a person did."""
    found = _RUN.search(text)
    return found.group(1) if found else ""


def compose(until, run, reason="", by="", ticket=""):
    """The text of a marker.

    :param until: epoch seconds
    """
    lines = ["until: " + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until)), "run: " + clean(run, 120)]
    lines += [
        "{0}: {1}".format(name, clean(said, 200))
        for name, said in (("reason", reason), ("by", by), ("ticket", ticket))
        if said
    ]
    return "".join(line + "\n" for line in lines)
