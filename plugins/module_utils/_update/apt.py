# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages on Debian's family: what is pending, and the commands that change it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import re

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import patches, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import (
    Installed,
    Move,
    Pending,
    Sizes,
    Trouble,
)

ARCHIVES = "/var/cache/apt/archives"
_INST = re.compile(r"^Inst (\S+)(?: \[([^\]]*)\])? \((\S+)(?: (.*?))? \[([\w-]+)\]\)", re.M)
_RELEASE = re.compile(r"\b([al])=([^,]*)")
_SECURITY = re.compile(r"security", re.I)
_URI = re.compile(r"^'[^']*' (\S+) (\d+)", re.M)
_FIELD = re.compile(r"^(Installed-Size|Size): (.+)$", re.M)
_AUTO = re.compile(r"^Package: (\S+)\nArchitecture: (\S+)\nAuto-Installed: 1$", re.M)
_QUERY = r"${Package}\t${Architecture}\t${Version}\t${Installed-Size}\t"
_QUERY += r"${db:Status-Want}\t${db:Status-Status}\t${db:Status-Eflag}\n"
_LOOK_S, _MOST_BYTES = 120.0, 8 << 20
# Configuration that somebody changed stays, and dpkg never asks.
_KEEP = ("--force-confdef", "--force-confold")
_GET = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "APT::Color=0", "-o", "DPkg::Lock::Timeout=60"]
_GET += [word for one in _KEEP for word in ("-o", "Dpkg::Options::=" + one)]
# An archive that does not answer must not take the time of those that do.
_PATIENCE = ("Acquire::http::Timeout=20", "Acquire::https::Timeout=20", "Acquire::Retries=1")
_FETCH = _GET + [word for one in _PATIENCE for word in ("-o", one)]


def parse_installed(text, native):
    """What C(dpkg-query) says, see Apt.installed.

    :param native: the host's architecture
    """
    found = {}
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) != 7 or words[5] in ("not-installed", "config-files"):
            continue
        name, arch, version, size, want, now, error = words
        key = name if arch in (native, "all", "") else name + ":" + arch
        state = "" if now == "installed" or now.startswith("triggers-") else now
        found[key] = Installed(version, arch, whole(size, 0) << 10, want == "hold", state if error == "ok" else error)
    return found


def parse_simulation(text):
    """What C(apt-get -s) would install, as a list of Pending."""
    found = []
    for name, installed, version, origin, arch in _INST.findall(text):
        security = bool(_SECURITY.search(origin))
        found.append(Pending(name, arch, installed or None, version, origin, security, False, None))
    return found


def parse_sources(text):
    """The security archives of C(apt-cache policy): dict of the text that stands for one to its origin."""
    found, name = {}, ""
    for line in text.partition("Pinned packages:")[0].splitlines():
        words = line.split()
        if words and words[0].lstrip("-").isdigit():
            name = " ".join(words[1:])
        elif words and words[0] == "release" and _SECURITY.search(line):
            says = dict(_RELEASE.findall(line))
            found[name] = "{0}:{1}".format(says.get("l", ""), says.get("a", ""))
    return found


def parse_tables(text, sources):
    """The newest version from a security archive above what is installed: dict of package to (version, origin).

    :param text: C(apt-cache policy PACKAGE...), which lists the newest version first
    :param sources: see parse_sources
    """
    found, name, version, newer = {}, "", "", False
    for line in text.splitlines():
        words = line.split()
        if line[:1].strip():
            name, newer = line.rstrip(":"), True
        elif line.startswith(" *** "):
            newer = False
        elif newer and line.startswith("     ") and line[5:6].strip() and len(words) == 2:
            version = words[0]
        elif newer and words and words[0].lstrip("-").isdigit() and " ".join(words[1:]) in sources:
            found.setdefault(name, (version, sources[" ".join(words[1:])]))
    return found


class Apt(object):
    """apt and dpkg, by their commands."""

    name, archives = "apt", ARCHIVES

    def refresh(self, timeout):
        """Fetch the package lists; an empty text, or why that failed."""
        return _why(_run.run(_FETCH + ["update", "-o", "APT::Update::Error-Mode=any"], timeout, _MOST_BYTES))

    def installed(self):
        """Every package that is there.

        :returns: dict of name (of a foreign architecture C(name:arch)) to Installed
        :raises Trouble: when dpkg cannot be asked
        """
        result = _run.run(["dpkg-query", "-W", "-f", _QUERY], _LOOK_S, _MOST_BYTES)
        if result.status != "ok" or result.rc:
            raise Trouble("no_answer", "dpkg-query: " + _why(result))
        return parse_installed(result.out.decode("utf-8", "replace"), self._native())

    def pending(self, installed):
        """What is not up to date, as a list of Pending.

        :raises Trouble: when apt finds no way
        """
        result = self._ask(["-s", "--ignore-hold", "--allow-change-held-packages", "dist-upgrade"])
        if result.status != "ok" or result.rc:
            raise Trouble("unmet", "apt-get -s dist-upgrade: " + _why(result))
        found = [one for one in parse_simulation(result.out.decode("utf-8", "replace")) if one.installed]
        others = [one.package for one in found if not one.security]
        steps = self._security_steps(others) if others else {}
        return [
            one._replace(
                held=installed[one.package].held if one.package in installed else False,
                security=one.security or one.package in steps,
                secure=(one.candidate, one.origin) if one.security else steps.get(one.package),
            )
            for one in found
        ]

    def _security_steps(self, names):
        """Where something else is newer than the security archive's version, that one, see parse_tables."""
        sources = parse_sources(self._cache(["policy"]))
        return parse_tables(self._cache(["policy"] + names), sources) if sources else {}

    def plan(self, wanted):
        """What apt would do to get these versions and no others.

        :param wanted: dict of package to version
        :returns: list of Move; packages that these need come with them
        :raises Trouble: C(version_gone), or C(unmet) when it cannot be done without removing something
        """
        result = self._ask(["-s"] + self._install(wanted))
        if result.status != "ok" or result.rc:
            said = _why(result)
            raise Trouble("version_gone" if "was not found" in said else "unmet", said)
        return [
            Move(one.package, one.arch, one.installed, one.candidate)
            for one in parse_simulation(result.out.decode("utf-8", "replace"))
        ]

    def sizes(self, wanted, moves):
        """What the moves take, as Sizes.

        :raises Trouble: when apt does not tell
        """
        result = self._ask(["--print-uris"] + self._install(wanted))
        if result.status != "ok" or result.rc:
            raise Trouble("unmet", _why(result))
        download = sum(int(size) for dummy, size in _URI.findall(result.out.decode("utf-8", "replace")))
        shown = self._cache(["show", "--"] + [one.package + "=" + one.to for one in moves])
        fields = _FIELD.findall(shown)
        unpacked = [whole(value, 0) << 10 for name, value in fields if name == "Installed-Size"]
        return Sizes(download, sum(whole(value, 0) for name, value in fields if name == "Size"), unpacked)

    def fetch(self, wanted, timeout):
        """Download; an empty text, or why that failed."""
        return _why(_run.run(_FETCH + ["-d"] + self._install(wanted), timeout, _MOST_BYTES))

    def unfinished(self, installed):
        """Packages that an upgrade left half done, as a list of {package, state}."""
        return [
            {"package": name, "state": installed[name].state} for name in sorted(installed) if installed[name].state
        ]

    def reboot(self):
        """Reasons to restart the host beside those that every system has."""
        return []

    def finish(self, wanted):
        """The commands that finish what is half done: (steps, last), see job.script.

        :param wanted: dict of package to the version that the update was going to
        """
        # Packages that are unpacked without the others of their version cannot be configured before these are there.
        configure = [["dpkg"] + list(_KEEP) + ["--configure", "-a"], ["true"]]
        names = ["{0}={1}".format(name, wanted[name]) for name in sorted(wanted)]
        return [configure, [_FETCH + ["--no-remove", "--fix-broken", "install"] + names]], self._marks(list(wanted))

    def forward(self, wanted, moves):
        """The commands of an update: (steps, last), see job.script."""
        return [[_GET + ["--no-download"] + self._install(wanted)]], self._marks([one.package for one in moves])

    def back(self, paths, targets, broken):
        """The commands of the way back to these package files: (steps, last), see job.script.

        :param broken: true where packages are half done, so that apt may refuse to touch them: then dpkg may do it
        """
        # Without any archive: one that still has these versions would be preferred to the files, and asked for them.
        alone = ["Dir::Etc::sourcelist=/dev/null", "Dir::Etc::sourceparts=/dev/null"]
        alone += ["Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache="]
        get = _GET + [word for option in alone for word in ("-o", option)]
        get += ["--allow-downgrades", "--no-remove", "install"] + paths
        return [[get] + ([["dpkg"] + list(_KEEP) + ["-i"] + paths] if broken else [])], self._marks(list(targets))

    def stays(self, dummy):
        """Is there no way back for a package because its versions lie side by side?

        No: here a kernel beside the one before is a package of its own.
        """
        return False

    def locate(self, package, version, arch):
        """Names that the package's file may have in a directory, the likeliest first."""
        name = package.partition(":")[0]
        return ["{0}_{1}_{2}.deb".format(name, version.replace(":", "%3a"), arch)]

    def cached(self, filename):
        """Where apt itself would have such a file."""
        return os.path.join(ARCHIVES, filename)

    def obtain(self, versions, folder):
        """The command that brings the files of versions into a directory; one of them that is gone may keep all away.

        :param versions: list of (package, version, arch)
        """
        argv = ["env", "-C", folder, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"]
        return argv + ["{0}={1}".format(*one) for one in versions]

    def libraries_changed(self, installed):
        """When a library that mail daemons load was unpacked last, as an epoch second; None when that is not known."""
        times = []
        for name in installed:
            if patches.daemon_of(name.partition(":")[0]) == "library":
                for path in self._lists(name):
                    try:
                        times.append(os.stat(path).st_mtime)
                    except OSError:
                        continue
        return max(times) if times else None

    def files(self, names):
        """Files of packages: dict of name to a set of paths."""
        found = {}
        for name in names:
            for path in self._lists(name):
                text = procfs.try_text(path, 4 << 20)
                if text:
                    found[name] = set(text.splitlines())
                    break
        return found

    def _lists(self, name):
        """Where dpkg may have the list of a package's files."""
        plain, dummy, arch = name.partition(":")
        names = ("{0}:{1}".format(plain, arch or self._native()), plain)
        return ["/var/lib/dpkg/info/{0}.list".format(one) for one in names]

    def _install(self, wanted):
        words = ["--no-remove", "--only-upgrade", "install"]
        return words + ["{0}={1}".format(name, wanted[name]) for name in sorted(wanted)]

    def interrupted(self):
        """True when a dpkg ended in the middle of a step."""
        try:
            return any(name.isdigit() for name in os.listdir("/var/lib/dpkg/updates"))
        except OSError:
            return False

    def _marks(self, names):
        """Asking for a package by name makes it one that somebody wanted; those that came by themselves stay so."""
        text = procfs.try_text("/var/lib/apt/extended_states", 4 << 20)
        auto = {name if arch == self._native() else name + ":" + arch for name, arch in _AUTO.findall(text)}
        mine = sorted(auto.intersection(names))
        return [["apt-mark", "auto"] + mine] if mine else []

    def _native(self):
        if not hasattr(self, "_arch"):
            result = _run.run(["dpkg", "--print-architecture"], 10.0)
            self._arch = result.out.decode("ascii", "replace").strip()
        return self._arch

    def _ask(self, words):
        return _run.run(_GET + words, _LOOK_S, _MOST_BYTES)

    def _cache(self, words):
        return _run.run(["apt-cache"] + words, _LOOK_S, _MOST_BYTES).out.decode("utf-8", "replace")


def _why(result):
    """What was wrong, as one line; nothing when it went well."""
    if result.status == "ok" and result.rc == 0:
        return ""
    lines = [line for line in result.err.decode("utf-8", "replace").splitlines() if line.startswith("E: ")]
    return clean("; ".join(line[3:] for line in lines[:4]) or result.err or result.out[-300:] or result.status, 400)
