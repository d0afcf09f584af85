# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marker of maintenance as a measure with an end: it is taken away by whoever comes first, run or timer.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils._aid import marker
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Failed, remove, replace

KIND = "marker"
ACTION = "maintenance"


def path(here):
    """Where the marker is on this host."""
    return here.etc + "/mailops-triage/maintenance"


def check(here, data):
    """Nothing can be in the way that the gate would not have seen."""


def present(here, data) -> bool:
    """Does it stand there as it was meant to?"""
    return _text(here) == data["text"]


def apply(here, data):
    """Write it, whole or not at all."""
    place = path(here)
    try:
        os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
        replace(place, data["text"].encode("utf-8"), 0o644)
    except OSError as error:
        raise Failed("{0}: {1}".format(place, error.strerror or error)) from error
    return ["{0} keeps other runs away".format(place)]


def undo(here, data):
    """Take it away; one that somebody else has written since stays."""
    text = _text(here)
    if not text:
        return ["the marker was gone"]
    if marker.owner(text) != data["run"]:
        return ["{0} was written by somebody else since, and stays".format(path(here))]
    remove(path(here))
    return ["{0} is removed".format(path(here))]


def diff(here, data):
    """(before, after) as lines."""
    return _text(here).splitlines(), data["text"].splitlines()


def _text(here):
    try:
        return marker.read(path(here))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Failed("{0}: {1}".format(path(here), error.strerror or error)) from error
