# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update of the site's own for one host of the lab: a policy of Dovecot, and whatever else a test wants.

The archive lies on the host, and says that it is a security archive.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from labkit import plan
from labkit.lab import Lab
from labkit.shell import run

NAME = "mail-policy"
POLICY = "etc/dovecot/conf.d/99-policy.conf"
GOOD = "login_greeting = Ready.\n"
_ARCHIVE = "srv/policy"


def first(lab: Lab, host: str) -> None:
    """The host has the policy at 1.0, and an archive that has nothing else."""
    publish(lab, host, "1.0")
    lab.run(host, f"apt-get -q -y install {NAME}", check=True, timeout=120)


def publish(lab: Lab, host: str, version: str, policy: str = GOOD, postinst: str = "") -> None:
    """Put a version into the archive of a host.

    :param policy: text of the file that Dovecot reads; not a configuration file in the eyes of dpkg
    :param postinst: script that dpkg runs after it was unpacked
    """
    archive = plan.root_dir(host) / _ARCHIVE
    archive.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lab-offer-") as name:
        folder = Path(name)
        (folder / POLICY).parent.mkdir(parents=True)
        (folder / POLICY).write_text(policy)
        (folder / "DEBIAN").mkdir(mode=0o755)
        control = f"Package: {NAME}\nVersion: {version}\nArchitecture: all\nMaintainer: lab <lab@example.test>\n"
        (folder / "DEBIAN/control").write_text(control + "Description: a policy of the site\nInstalled-Size: 4\n")
        script = folder / "DEBIAN/postinst"
        script.write_text(f"#!/bin/sh\nset -e\n{postinst}\n")
        script.chmod(0o755)
        run(["dpkg-deb", "-b", "--root-owner-group", name, str(archive)])
    index = run(["env", "-C", str(archive), "apt-ftparchive", "packages", "."]).stdout
    (archive / "Packages").write_text(index)
    says = {"Origin": "Debian", "Label": "Debian-Security", "Suite": "oldstable-security"}
    words = [word for key, value in says.items() for word in ("-o", f"APT::FTPArchive::Release::{key}={value}")]
    release = run(["env", "-C", str(archive), "apt-ftparchive", *words, "release", "."]).stdout
    (archive / "Release").write_text(release)
    lines = f"deb [trusted=yes] copy:/{_ARCHIVE} ./\n"
    (plan.root_dir(host) / "etc/apt/sources.list").write_text(lines)
    lab.run(host, "apt-get -q update", check=True, timeout=120)


def version(lab: Lab, host: str) -> str:
    """What dpkg says of the policy: state and version."""
    return str(lab.run(host, ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", NAME]).stdout)
