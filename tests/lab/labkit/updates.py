# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real security updates inside the base image, for lab hosts that have no network.

The base is made without the security archive, so its packages have real updates pending. What is pending on the day
the base is built is put into two flat archives in the image: the new packages, and the ones they replace, for the way
back. Both are switched off: a test that wants them copies SOURCES over the host's list of archives and fetches the
lists. Which packages these are changes from day to day, so no test names one, or counts them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from .shell import run, say

VERSION = 1
"""Part of the base's cache key: counts up when the archives are made in another way."""
FOLDER = "srv/updates"
SOURCES = f"/{FOLDER}/sources.list"
_ARCHIVES = {"security": ("Debian-Security", "oldstable-security"), "main": ("Debian", "oldstable")}


def add(target: Path, suite: str, mirror: str) -> None:
    """Put the updates that are pending for a system into it.

    :param target: root of the system
    :param suite: name of its Debian release
    :param mirror: a Debian archive; the security archive beside it is MIRROR-security (MAILOPS_LAB_SECURITY overrides)
    :raises LabError: an archive does not answer
    """
    say("fetching the security updates of today")
    security = os.environ.get("MAILOPS_LAB_SECURITY") or f"{mirror}-security"
    folder = target / FOLDER
    with tempfile.TemporaryDirectory(prefix="lab-updates-") as name:
        work = Path(name)
        for part in ("lists/partial", "archives/partial"):
            (work / part).mkdir(parents=True)
        lines = f"deb {mirror} {suite} main\ndeb {security} {suite}-security main\n"
        (work / "sources.list").write_text(lines)
        apt = _apt(target, work)
        run([*apt, "update"], timeout=300)
        plan = run([*apt, "-s", "dist-upgrade"], timeout=120).stdout
        run([*apt, "-y", "--download-only", "dist-upgrade"], timeout=900)
        for archive in _ARCHIVES:
            (folder / archive).mkdir(parents=True)
        for path in (work / "archives").glob("*.deb"):
            shutil.copy(path, folder / "security")
        there = [
            f"{words[1]}={words[2].strip('[]')}" for words in map(str.split, plan.splitlines()) if _replaces(words)
        ]
        if there:
            run(["env", "-C", str(folder / "main"), *apt, "download", *there], timeout=900)
    for archive, (label, name) in _ARCHIVES.items():
        _index(folder / archive, label, name)
    lines = "".join(f"deb [trusted=yes] copy:/{FOLDER}/{archive} ./\n" for archive in _ARCHIVES)
    (target / SOURCES.lstrip("/")).write_text(lines)


def _replaces(words: list[str]) -> bool:
    """True for a line of the plan that says what is there: C(Inst NAME [VERSION] ...)."""
    return len(words) > 2 and words[0] == "Inst" and words[2].startswith("[")


def _apt(target: Path, work: Path) -> list[str]:
    """This machine's apt, working at the packages of another system, with lists and downloads of its own."""
    options = {
        "Dir::State": f"{target}/var/lib/apt",
        "Dir::State::status": f"{target}/var/lib/dpkg/status",
        "Dir::State::lists": f"{work}/lists",
        "Dir::Cache": str(work),
        "Dir::Cache::archives": f"{work}/archives",
        "Dir::Etc::sourcelist": f"{work}/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::trustedparts": f"{target}/etc/apt/trusted.gpg.d",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
        "Debug::NoLocking": "1",
    }
    return ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]


def _index(folder: Path, label: str, suite: str) -> None:
    """Make a directory of packages an archive, as apt wants it."""
    inside = ["env", "-C", str(folder), "apt-ftparchive"]
    (folder / "Packages").write_text(run([*inside, "packages", "."], timeout=120).stdout)
    says = {"Origin": "Debian", "Label": label, "Suite": suite}
    words = [word for name, value in says.items() for word in ("-o", f"APT::FTPArchive::Release::{name}={value}")]
    release = run([*inside, *words, "release", "."], timeout=120).stdout
    (folder / "Release").write_text(release)
