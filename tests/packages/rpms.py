# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny RPM packages, and repositories that have them, served over HTTP inside the test's own system."""

from __future__ import annotations

import subprocess
import time

from ownroot import OwnRoot

_SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: a package of the tests
License: GPL-3.0-or-later
BuildArch: noarch
{tags}
%description
A package of the tests.
%install
mkdir -p %{{buildroot}}/usr/lib/{name} %{{buildroot}}/etc/{name}
echo {version} > %{{buildroot}}/usr/lib/{name}/version
echo version = {version} > %{{buildroot}}/etc/{name}/{name}.conf
{post}
%files
/usr/lib/{name}/version
%config(noreplace) /etc/{name}/{name}.conf
"""
_ADVISORY = """\
<update from="security@example.test" status="final" type="{kind}" version="1"><id>{number}</id><title>{name}</title>
<issued date="2026-01-01 00:00:00"/><severity>Important</severity><references/><pkglist><collection><name>x</name>
<package name="{name}" version="{version}" release="1" epoch="0" arch="noarch" src="{name}.src.rpm">
<filename>{name}-{version}-1.noarch.rpm</filename></package></collection></pkglist></update>
"""


def prepare(root: OwnRoot) -> subprocess.Popen:
    """Make the system one of rpm and dnf, with two repositories; return the web server that has them."""
    root.write("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n")
    root.write("/etc/dnf/dnf.conf", "[main]\ngpgcheck=0\ncachedir=/var/cache/dnf\n")
    root.sh("rm -rf /etc/dnf/plugins/local.conf /var/lib/rpm /var/cache/dnf /var/log/dnf*; ip link set lo up")
    for name in ("base", "updates"):
        text = f"[{name}]\nname={name}\nbaseurl=http://127.0.0.1:8000/{name}\ngpgcheck=0\nenabled=1\n"
        root.write(f"/etc/yum.repos.d/{name}.repo", text)
        root.run("mkdir", "-p", f"/srv/{name}")
    server = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/srv", "8000"]
    child = subprocess.Popen(root.command(server), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while "8000" not in root.run("ss", "-ltnH"):
        assert time.monotonic() < end, "the web server does not listen"
        time.sleep(0.05)
    return child


def build(root: OwnRoot, repository: str, name: str, version: str, requires: str = "", post: str = "") -> None:
    """Put one package into a repository.

    :param requires: name of another package
    :param post: script that rpm runs after it was installed
    """
    tags = f"Requires: {requires}\n" if requires else ""
    # A package with a script needs a shell, and none of ours is one.
    tags += "Provides: /bin/sh\n" if post else ""
    root.write(
        "/tmp/rpm.spec",
        _SPEC.format(name=name, version=version, tags=tags, post=f"%post\n{post}" if post else ""),
    )
    root.sh(
        'rpmbuild -bb --quiet --define "_buildhost lab" --define "_topdir /tmp/rpm" /tmp/rpm.spec\n'
        f"mv /tmp/rpm/RPMS/noarch/*.rpm /srv/{repository}/"
    )


def publish(root: OwnRoot, *advisories: tuple[str, str, str, str]) -> None:
    """Make the repositories anew.

    :param advisories: each (number, kind, package, version); kind is C(security) or C(bugfix)
    """
    root.sh("for name in base updates; do createrepo_c -q /srv/$name; done")
    if advisories:
        each = [_ADVISORY.format(number=a, kind=b, name=c, version=d) for a, b, c, d in advisories]
        root.write("/tmp/updateinfo.xml", f"<updates>{''.join(each)}</updates>\n")
        root.run("modifyrepo_c", "/tmp/updateinfo.xml", "/srv/updates/repodata")


def versions(root: OwnRoot) -> dict[str, str]:
    """What rpm says is installed."""
    lines = root.run("rpm", "-qa", "--qf", "%{NAME} %{VERSION}\\n").splitlines()
    return dict(line.split() for line in lines)
