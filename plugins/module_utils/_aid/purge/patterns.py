# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site adds to the list, and what it must not add.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import fnmatch
import os

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import bars, kinds, names, units
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import open_folder
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

OPTIONS = {
    "path": {"type": "str", "required": True},
    "glob": {"type": "str", "default": "*"},
    "min_age": {"type": "str"},
    "reason": {"type": "str"},
    "recurse": {"type": "bool", "default": False},
}
"""Suboptions of the option C(patterns)."""

_LEAST_AGE_S = 3600.0
_DEEP = 12


class Dangerous(Exception):
    """A pattern that could do harm; the message says why."""


def read(given, known):
    """Kinds of the patterns that are harmless, ages in seconds by their option, and the refused ones with the reason.

    :param given: list of dicts, see OPTIONS
    :param known: what is never touched, see bars.paths
    :returns: (list of Kind, dict of age option to seconds, list of {path, why})
    """
    found, ages, refused = [], {}, []
    for number, one in enumerate(given):
        try:
            age = _checked(one, known)
        except Dangerous as error:
            refused.append({"path": clean(one.get("path") or "", 300), "why": clean(error, 300)})
            continue
        option = "site_{0}".format(number)
        ages[option] = age
        match = fnmatch.translate(one.get("glob") or "*")
        if one.get("recurse"):
            match = "(?:.*/)?" + match
        found.append(
            kinds.kind(
                "site",
                clean(one["reason"], 200),
                [one["path"].rstrip("/")],
                match,
                depth=_DEEP if one.get("recurse") else 0,
                age=option,
                basis="touched",
                order="oldest",
                enters=names.no_mailbox,
            )
        )
    return found, ages, refused


def _checked(one, known):
    """Least age in seconds of a pattern.

    :raises Dangerous: when it must not be used
    """
    path, glob = one.get("path") or "", one.get("glob") or "*"
    if not path.startswith("/"):
        raise Dangerous("the path must be absolute")
    if ".." in path.split("/"):
        raise Dangerous("the path must not go up by '..'")
    if any(sign in path for sign in "*?[\0"):
        raise Dangerous("the path must name one directory; what is meant in it is said by glob")
    if "/" in glob or "\0" in glob or glob in (".", ".."):
        raise Dangerous("glob must be a pattern for names, without '/'")
    if not (one.get("reason") or "").strip():
        raise Dangerous("a reason is missing: why may this be removed?")
    plain = os.path.normpath(path).replace("//", "/")
    against = bars.against(plain, known)
    if against:
        raise Dangerous(against)
    try:
        age = units.age(one.get("min_age") or "")
    except ValueError as error:
        raise Dangerous("min_age: {0}".format(error)) from error
    if age < _LEAST_AGE_S:
        raise Dangerous("min_age must be an hour or more")
    _no_links(plain)
    for folder in (plain, os.path.dirname(plain)):
        if names.is_mailbox(folder):
            raise Dangerous("{0} is a mailbox".format(folder))
    return age


def _no_links(path):
    """A path that is there must be reached without symbolic links; one that is not there holds nothing.

    :raises Dangerous: when there is one
    """
    try:
        os.close(open_folder(path))
    except FileNotFoundError:
        return
    except OSError as error:
        for end in range(2, len(path.split("/")) + 1):
            part = "/".join(path.split("/")[:end])
            if os.path.islink(part):
                raise Dangerous("{0} is a symbolic link".format(part)) from error
        raise Dangerous("{0}: {1}".format(path, error.strerror or error)) from error
