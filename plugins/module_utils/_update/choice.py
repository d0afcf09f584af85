# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the pending packages are meant, and which of them serve mail.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import fnmatch
import re

from ansible_collections.mailops.triage.plugins.module_utils._facts import patches, versions
from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import Pending

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:-]{0,150}$")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+:~^_-]{0,150}$")
SELECTS = ("security", "mail", "all")
_MAIL = ("postfix", "dovecot", "companion", "library")
"""Parts of a mail host that serve mail; the rest is the system's."""


def wrong(only):
    """Why frozen versions cannot be meant, or an empty text: both words are given to programs.

    YAML makes a number of a version such as 1.10, and forgets its last digit.
    """
    for name, version in sorted(only.items(), key=str):
        texts = isinstance(name, str) and isinstance(version, str)
        if not texts or not _NAME.match(name) or not _VERSION.match(version):
            said = clean("{0}: {1}".format(name, version), 120)
            return "only: {0} is not a package with its version, as text in quotes".format(said)
    return ""


def on_mail_path(package, users):
    """True for what belongs to the mail system, and for what one of its processes has loaded.

    :param users: units that have files of the package loaded
    """
    return patches.daemon_of(package.partition(":")[0]) in _MAIL or any(serves_mail(unit) for unit in users)


def serves_mail(unit):
    """True for the unit of a mail daemon or one of its companions."""
    return patches.daemon_of(unit.partition("@")[0].partition(".")[0]) in _MAIL[:3]


def choose(pending, asked, mail, installed):
    """What is to be done, of what is pending.

    :param pending: list of Pending
    :param asked: dict with select, only and exclude
    :param mail: names of packages on the mail path
    :param installed: dict of package to Installed
    :returns: (list of Pending, with the version to go to as candidate; list of sentences on what stays as it is)
    """
    chosen = _frozen(pending, asked["only"], installed) if asked["only"] else _selected(pending, asked["select"], mail)
    kept, notes = [], []
    for one in chosen:
        if any(fnmatch.fnmatchcase(one.package, pattern) for pattern in asked["exclude"]):
            notes.append("{0} is left out, as was asked".format(one.package))
        elif one.held:
            notes.append("{0} is on hold and stays at {1}".format(one.package, one.installed))
        elif versions.newer(one.installed, one.candidate):
            notes.append("{0} stays at {1}, which is newer than {2}".format(one.package, one.installed, one.candidate))
        else:
            kept.append(one)
    return kept, [clean(note, 300) for note in notes]


def shown(pending, asked, mail, installed):
    """What is pending of what was asked for, also where it is on hold or left out."""
    if asked["only"]:
        return _frozen(pending, asked["only"], installed)
    return _selected(pending, asked["select"], mail)


def _selected(pending, select, mail):
    if select == "security":
        return [one._replace(candidate=one.secure[0], origin=one.secure[1]) for one in pending if one.secure]
    return [one for one in pending if select == "all" or one.package in mail]


def _frozen(pending, only, installed):
    """The frozen versions that are not there yet; what is not installed comes only where others need it."""
    known, found = {one.package: one for one in pending}, []
    for name in sorted(only):
        if name not in installed or installed[name].version == only[name]:
            continue
        there = installed[name]
        like = known.get(name) or Pending(name, there.arch, there.version, None, "", False, there.held, None)
        found.append(like._replace(candidate=only[name]))
    return found
