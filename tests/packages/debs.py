# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny Debian packages, and the archives that have them: a plain one and one of security updates."""

from __future__ import annotations

from ownroot import OwnRoot

ARCHIVES = {"main": ("Debian", "oldstable"), "security": ("Debian-Security", "oldstable-security")}


def build(
    root: OwnRoot,
    archive: str,
    name: str,
    version: str,
    postinst: str = "",
    depends: str = "",
    kib: int = 4,
    files: dict[str, str] | None = None,
    preinst: str = "",
) -> None:
    """Put one package into an archive.

    :param postinst: script that dpkg runs after it was unpacked
    :param depends: names of other packages
    :param kib: how much it says that it takes, and what its data file takes
    :param files: path in the package, and the file of this machine that it is a copy of
    :param preinst: script that dpkg runs before it is unpacked
    """
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: lab <lab@example.test>\n"
    control += f"Description: a package of the tests\nInstalled-Size: {kib}\n"
    control += f"Depends: {depends}\n" if depends else ""
    folder = f"/tmp/build/{name}"
    root.write(f"{folder}/DEBIAN/control", control)
    root.write(f"{folder}/DEBIAN/conffiles", f"/etc/{name}/{name}.conf\n")
    root.write(f"{folder}/etc/{name}/{name}.conf", f"version = {version}\n")
    for script, lines in (("preinst", preinst), ("postinst", postinst)):
        if lines:
            root.write(f"{folder}/DEBIAN/{script}", f"#!/bin/sh\nset -e\n{lines}\n", 0o755)
    for target, source in (files or {}).items():
        root.run("install", "-D", source, folder + target)
    root.sh(
        f"mkdir -p {folder}/usr/lib/{name} /srv/{archive}\n"
        f"head -c {kib * 1024} /dev/urandom > {folder}/usr/lib/{name}/data\n"
        f"echo {version} > {folder}/usr/lib/{name}/version\n"
        f"dpkg-deb -Znone -b --root-owner-group {folder} /srv/{archive}/ && rm -rf {folder}"
    )


def publish(root: OwnRoot, update: bool = True) -> None:
    """Make the archives anew from what lies in them."""
    for name, (label, suite) in ARCHIVES.items():
        says = f"-o APT::FTPArchive::Release::Origin=Debian -o APT::FTPArchive::Release::Label={label} "
        says += f"-o APT::FTPArchive::Release::Suite={suite}"
        root.sh(
            f"mkdir -p /srv/{name} && cd /srv/{name} && apt-ftparchive packages . > Packages\n"
            f"apt-ftparchive {says} release . > /tmp/Release && mv /tmp/Release Release"
        )
    lines = "".join(f"deb [trusted=yes] copy:/srv/{name} ./\n" for name in ARCHIVES)
    root.write("/etc/apt/sources.list", lines)
    if update:
        root.run("apt-get", "update")


def version(root: OwnRoot, name: str) -> str:
    """What dpkg says: state and version."""
    return root.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name, check=False)
