# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages on Red Hat's family: what is pending, and the commands that change it.

Questions are answered from dnf's cache, never over the network. A security update is the version that the newest
advisory names: what C(dnf upgrade-minimal --security) takes, not the newest version there is.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import glob
import os
import re

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import patches, versions
from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import (
    Installed,
    Move,
    Pending,
    Sizes,
    Trouble,
)

CACHE = "/var/cache/dnf"
_FORMAT = r"%{NAME}\t%{ARCH}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{SIZE}\n"
_QUERY = "%{name}\t%{arch}\t%{evr}\t%{repoid}\t%{size}\t%{installsize}"
_ADVISORY = re.compile(r"^(\S+)\s+(\S*Sec\.)\s+(\S+)$", re.M)
_NEVRA = re.compile(r"(.+)-((?:\d+:)?[^-\s]+-[^-\s]+)\.(\w+)$")
_COMES = re.compile(r"^(?:Upgrading|Installing|Installing dependencies|Downgrading|Reinstalling):$")
_GOES = re.compile(r"^Removing dependent packages:$")
_REASON = re.compile(r"^\s+\* (.+)$", re.M)
# Of these a host has several versions side by side: the one before is still there.
_SIDE_BY_SIDE = re.compile(r"(?:kernel(?:-.*)?|gpg-pubkey)$")
_OTHER_WORD = re.compile(r"i[3-6]86$")
_ASK = ["dnf", "-C", "-q"]
_DO = ["dnf", "-y", "--setopt=clean_requirements_on_remove=0"]
_PATIENCE = ["--setopt=timeout=20", "--setopt=retries=2"]
_LOOK_S, _MOST_BYTES = 120.0, 8 << 20


def parse_installed(text):
    """What C(rpm -qa) says, see Dnf.installed.

    A package that is there twice was left so by a transaction that broke off. Its old version is the one that counts.
    """
    found = {}
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) != 4:
            continue
        name, arch, version, size = words
        version = version[2:] if version.startswith("0:") else version
        key = name + "." + arch if _OTHER_WORD.match(arch) else name
        known = found.get(key)
        if known is not None and _SIDE_BY_SIDE.match(name):
            version = version if versions.newer(version, known.version) else known.version
        state = "installed twice" if known is not None and not _SIDE_BY_SIDE.match(name) else ""
        if state and versions.newer(version, known.version):
            version = known.version
        found[key] = Installed(version, arch, whole(size, 0), False, state)
    return found


def parse_upgrades(text):
    """What C(dnf repoquery --upgrades) says, as a list of Pending without what was installed."""
    found = []
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) == 6:
            name, arch, version, repository = words[:4]
            key = name + "." + arch if _OTHER_WORD.match(arch) else name
            found.append(Pending(key, arch, None, version, repository, False, False, None))
    return found


def parse_advisories(text):
    """Security advisories: dict of package to (newest version that one names, what names it)."""
    found = {}
    for advisory, severity, nevra in _ADVISORY.findall(text):
        match = _NEVRA.match(nevra)
        if match is None:
            continue
        name, version, arch = match.groups()
        key = name + "." + arch if _OTHER_WORD.match(arch) else name
        if key not in found or versions.newer(version, found[key][0]):
            found[key] = version, "{0} {1}".format(advisory, severity)
    return found


def parse_plan(text):
    """What C(dnf --assumeno) would do: (list of (name, arch, version) that come, true when something would go).

    The table has six columns, and a long name pushes the others to the next line.
    """
    found, row, coming, goes = [], [], False, False
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            coming, row = bool(_COMES.match(line)), []
            goes = goes or bool(_GOES.match(line))
        elif not line.strip() or not line.startswith(" ") or line.startswith("     replacing "):
            row = []
        elif coming:
            row += line.split()
            if len(row) >= 6:
                found.append((row[0], row[1], row[2]))
                row = []
    return found, goes


class Dnf(object):
    """dnf and rpm, by their commands."""

    name, archives = "dnf", CACHE

    def refresh(self, timeout):
        """Fetch what the repositories have; an empty text, or why that failed."""
        return _why(_run.run(["dnf", "-q", "-y", "makecache", "--refresh"] + _PATIENCE, timeout, _MOST_BYTES))

    def installed(self):
        """Every package that is there.

        :returns: dict of name (of a 32 bit one on a 64 bit host C(name.arch)) to Installed
        :raises Trouble: when rpm cannot be asked
        """
        result = _run.run(["rpm", "-qa", "--qf", _FORMAT], _LOOK_S, _MOST_BYTES)
        if result.status != "ok" or result.rc:
            raise Trouble("no_answer", "rpm: " + _why(result))
        return parse_installed(result.out.decode("utf-8", "replace"))

    def pending(self, installed):
        """What is not up to date, as a list of Pending; what a lock or an exclusion holds back is held.

        :raises Trouble: when dnf does not tell
        """
        free = self._query(["--upgrades", "--latest-limit", "1"])
        everything = self._query(
            ["--upgrades", "--latest-limit", "1", "--disableexcludes=all", "--disableplugin=versionlock"]
        )
        loose = {(one.package, one.candidate) for one in parse_upgrades(free)}
        result = _run.run(_ASK + ["updateinfo", "list", "--security"], _LOOK_S, _MOST_BYTES)
        secure = parse_advisories(result.out.decode("utf-8", "replace"))
        return [
            one._replace(
                installed=installed[one.package].version,
                held=(one.package, one.candidate) not in loose,
                security=one.package in secure,
                secure=secure.get(one.package),
            )
            for one in parse_upgrades(everything)
            if one.package in installed
        ]

    def plan(self, wanted):
        """What dnf would do to get these versions and no others.

        :param wanted: dict of package to version
        :returns: list of Move; packages that these need come with them
        :raises Trouble: C(version_gone), or C(unmet) when it cannot be done without removing something
        """
        there = self.installed()
        result = _run.run(["dnf", "-C", "--assumeno"] + self._upgrade(wanted, there), _LOOK_S, _MOST_BYTES)
        text = result.out.decode("utf-8", "replace")
        comes, goes = parse_plan(text)
        if goes:
            raise Trouble("unmet", "something would have to be removed")
        moves = []
        for name, arch, version in comes:
            key = name + "." + arch if _OTHER_WORD.match(arch) else name
            before = there[key].version if key in there and not _SIDE_BY_SIDE.match(name) else None
            moves.append(Move(key, arch, before, version))
        coming = {(one.package, one.to) for one in moves}
        lost = ["{0} {1}".format(name, wanted[name]) for name in sorted(wanted) if (name, wanted[name]) not in coming]
        if lost:
            gone = "No match for argument" in (result.out + result.err).decode("utf-8", "replace")
            words = "{0}: {1}".format(", ".join(lost[:5]), _words(result))
            raise Trouble("version_gone" if gone else "unmet", clean(words, 400))
        return moves

    def sizes(self, wanted, moves):
        """What the moves take, as Sizes.

        :raises Trouble: when dnf does not tell
        """
        names = [self._nevra(one.package, one.to, one.arch) for one in moves]
        places = self._ask(["repoquery", "--location"] + names).split()
        local = {os.path.basename(place) for place in places if place.startswith("file:")}
        known = {}
        for line in self._query(names).splitlines():
            words = line.split("\t")
            if len(words) == 6:
                # The same package may stand in several repositories.
                known[self.locate(words[0], words[2], words[1])[0]] = whole(words[4], 0), whole(words[5], 0)
        missing = [known[name][0] for name in known if name not in local and self.cached(name) is None]
        return Sizes(
            sum(missing), sum(size for size, dummy in known.values()), [size for dummy, size in known.values()]
        )

    def fetch(self, wanted, timeout):
        """Download; an empty text, or why that failed."""
        return _why(
            _run.run(
                _DO + _PATIENCE + ["--downloadonly"] + self._upgrade(wanted, self.installed()), timeout, _MOST_BYTES
            )
        )

    def unfinished(self, installed):
        """Packages that a transaction left half done, as a list of {package, state}."""
        return [{"package": name, "state": one.state} for name, one in sorted(installed.items()) if one.state]

    def interrupted(self):
        """Whether something broke off is seen from the packages alone."""
        return False

    def reboot(self):
        """Reasons to restart the host that dnf's own plugin knows."""
        result = _run.run(_ASK + ["needs-restarting", "-r"], 30.0)
        text = result.out.decode("utf-8", "replace")
        if result.status != "ok" or result.rc != 1 or "eboot is required" not in text:
            return []
        return [clean("updated since the start: " + ", ".join(_REASON.findall(text)), 300)]

    def finish(self, wanted):
        """The commands that finish what is half done: (steps, last), see job.script.

        :param wanted: dict of package to the version that the update was going to; dnf needs no word about it
        """
        return [[_DO + ["remove", "--duplicates"]]], []

    def forward(self, wanted, moves):
        """The commands of an update: (steps, last), see job.script."""
        return [[_DO + ["-C"] + self._upgrade(wanted, self.installed())]], []

    def back(self, paths, targets, broken):
        """The commands of the way back to these package files: (steps, last), see job.script.

        By files, since C(dnf history undo) takes the old versions from repositories, which may not have them any more.
        """
        return [[_DO + ["-C", "downgrade"] + paths] + ([["rpm", "-U", "--oldpackage"] + paths] if broken else [])], []

    def stays(self, package):
        """Is there no way back for a package because its versions lie side by side?"""
        return bool(_SIDE_BY_SIDE.match(package))

    def locate(self, package, version, arch):
        """Names that the package's file may have in a directory, the likeliest first."""
        name = package.rpartition(".")[0] if package.endswith("." + arch) else package
        return ["{0}-{1}.{2}.rpm".format(name, version.rpartition(":")[2], arch)]

    def cached(self, filename):
        """Where dnf itself has such a file, or None."""
        found = glob.glob("{0}/*/packages/{1}".format(CACHE, glob.escape(filename)))
        return found[0] if found else None

    def obtain(self, versions, folder):
        """The command that brings the files of versions into a directory; one of them that is gone may keep all away.

        :param versions: list of (package, version, arch)
        """
        return ["dnf", "-q", "download", "--destdir", folder] + [self._nevra(*one) for one in versions]

    def libraries_changed(self, installed):
        """When a library that mail daemons load was installed last, as an epoch second; None when that is not known."""
        names = [name for name in installed if patches.daemon_of(name.partition(".")[0]) == "library"]
        if not names:
            return None
        result = _run.run(["rpm", "-q", "--qf", "%{INSTALLTIME}\n", "--"] + names, _LOOK_S, _MOST_BYTES)
        return max([whole(word, 0) for word in result.out.decode("ascii", "replace").split()] or [0]) or None

    def files(self, names):
        """Files of packages: dict of name to a set of paths."""
        found = {}
        if not names:
            return found
        result = _run.run(
            ["rpm", "-q", "--qf", "[%{=NAME}\t%{=ARCH}\t%{FILENAMES}\n]", "--"] + names, _LOOK_S, 32 << 20
        )
        for line in result.out.decode("utf-8", "replace").splitlines():
            words = line.split("\t")
            if len(words) == 3:
                key = words[0] + "." + words[1] if _OTHER_WORD.match(words[1]) else words[0]
                found.setdefault(key, set()).add(words[2])
        return found

    def _upgrade(self, wanted, there):
        words = [self._nevra(name, wanted[name], there[name].arch) for name in sorted(wanted) if name in there]
        return ["upgrade"] + words

    def _nevra(self, package, version, arch):
        name = package.rpartition(".")[0] if package.endswith("." + arch) else package
        return "{0}-{1}.{2}".format(name, version, arch)

    def _query(self, words):
        return self._ask(["repoquery", "--qf", _QUERY] + words)

    def _ask(self, words):
        result = _run.run(_ASK + words, _LOOK_S, _MOST_BYTES)
        if result.status != "ok" or result.rc:
            raise Trouble("no_answer", "dnf {0}: {1}".format(words[0], _why(result)))
        return result.out.decode("utf-8", "replace")


def _why(result):
    """What was wrong, as one line; nothing when it went well."""
    return "" if result.status == "ok" and result.rc == 0 else _words(result)


def _words(result):
    """What dnf said of what it could not do, as one line."""
    text = (result.err + b"\n" + result.out[-2000:]).decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.startswith(("Error", "No match", " Problem", "  - "))]
    return clean("; ".join(line.strip() for line in lines[:4]) or text or result.status, 400)
