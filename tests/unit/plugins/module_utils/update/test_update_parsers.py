# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt, dnf and rpm print, read from lines as they were printed."""

from __future__ import annotations

from ansible_collections.mailops.triage.plugins.module_utils._update import apt, dnf
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import Installed

SIMULATION = """\
NOTE: This is only a simulation!
Inst linux-image-6.1.0-44-amd64 (6.1.164-1 Debian-Security:12/oldstable-security [amd64])
Inst linux-image-amd64 [6.1.158-1] (6.1.164-1 Debian-Security:12/oldstable-security [amd64])
Inst libssl3:i386 [3.0.17-1~deb12u2] (3.0.18-1~deb12u1 Debian:12.15/oldstable, Debian-Security:12/x-security [i386]) []
Inst libssl3 [3.0.17-1~deb12u2] (3.0.18-1~deb12u1 Debian:12.15/oldstable [amd64]) [libssl3:i386 ]
Inst openssl [3.0.2-0ubuntu1.18] (3.0.2-0ubuntu1.20 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])
Inst ours [1.0] (1.1 localhost [all])
Remv mutt [2.2.12-0.1~deb12u1]
Conf libssl3 (3.0.18-1~deb12u1 Debian:12.15/oldstable [amd64])
"""
POLICY = """\
Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 http://mirror.example/debian-security bookworm-security/main amd64 Packages
     release v=12,o=Debian,a=oldstable-security,n=bookworm-security,l=Debian-Security,c=main,b=amd64
     origin mirror.example
 100 http://mirror.example/debian bookworm-backports/main amd64 Packages
     release v=,o=Debian Backports,a=oldstable-backports,n=bookworm-backports,l=Debian Backports,c=main,b=amd64
     origin mirror.example
Pinned packages:
     release-notes -> 1.0 with priority 1001
"""
SECURITY = "http://mirror.example/debian-security bookworm-security/main amd64 Packages"
TABLES = f"""\
unbound:
  Installed: 1.17.1-2+deb12u2
  Candidate: 1.20.0-1~bpo12+1
  Version table:
     1.20.0-1~bpo12+1 500
        500 http://mirror.example/debian bookworm-backports/main amd64 Packages
     1.17.1-2+deb12u3 500
        500 {SECURITY}
 *** 1.17.1-2+deb12u2 500
        500 http://mirror.example/debian bookworm/main amd64 Packages
        500 {SECURITY}
        100 /var/lib/dpkg/status
postgrey:
  Installed: 1.37-1.1
  Candidate: 1.37-2
  Version table:
     1.37-2 500
        500 http://mirror.example/debian bookworm-backports/main amd64 Packages
 *** 1.37-1.1 500
        500 {SECURITY}
        100 /var/lib/dpkg/status
"""


def test_what_dpkg_has():
    lines = (
        "libssl3\tamd64\t3.0.17-1\t6020\tinstall\tinstalled\tok\nlibssl3\ti386\t3.0.17-1\t6000\thold\tinstalled\tok\n"
        "dovecot-core\tamd64\t1:2.3.19\t9000\tinstall\thalf-configured\tok\n"
        "mutt\tamd64\t2.2\t\tdeinstall\tconfig-files\tok\nman-db\tall\t2.11\t2\tinstall\ttriggers-pending\tok\n"
        "vim\tamd64\t9\t1\tinstall\tinstalled\treinstreq\nnonsense\n"
    )
    found = apt.parse_installed(lines, "amd64")
    assert found["libssl3"] == Installed("3.0.17-1", "amd64", 6020 << 10, False, "")
    assert found["libssl3:i386"].held and "mutt" not in found
    assert {name: one.state for name, one in found.items() if one.state} == {
        "dovecot-core": "half-configured",
        "vim": "reinstreq",
    }


def test_what_apt_would_install():
    found = {one.package: one for one in apt.parse_simulation(SIMULATION)}
    assert list(found) == [
        "linux-image-6.1.0-44-amd64",
        "linux-image-amd64",
        "libssl3:i386",
        "libssl3",
        "openssl",
        "ours",
    ]
    assert found["linux-image-6.1.0-44-amd64"].installed is None
    assert (found["libssl3:i386"].arch, found["libssl3:i386"].candidate) == ("i386", "3.0.18-1~deb12u1")
    assert [name for name in found if found[name].security] == [
        "linux-image-6.1.0-44-amd64",
        "linux-image-amd64",
        "libssl3:i386",
        "openssl",
    ]
    assert found["openssl"].origin == "Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security"


def test_a_security_version_below_the_candidate():
    sources = apt.parse_sources(POLICY)
    assert sources == {SECURITY: "Debian-Security:oldstable-security"}
    # What is installed came from there as well; that is no update.
    assert apt.parse_tables(TABLES, sources) == {
        "unbound": ("1.17.1-2+deb12u3", "Debian-Security:oldstable-security"),
    }
    assert apt.parse_tables("unbound:\n     1 500\n        500 x\n", sources) == {}


def test_what_rpm_has():
    lines = (
        "dovecot\tx86_64\t1:2.3.16-11.el9\t18000000\n"
        "openssl-libs\tx86_64\t1:3.2.2-6.el9_5\t6000000\nopenssl-libs\ti686\t1:3.2.2-6.el9_5\t6000000\n"
        "postfix\tx86_64\t2:3.5.25-1.el9\t4000000\npostfix\tx86_64\t2:3.5.25-2.el9\t4100000\n"
        "kernel-core\tx86_64\t0:5.14.0-503.el9\t90\nkernel-core\tx86_64\t0:5.14.0-427.el9\t80\n"
    )
    found = dnf.parse_installed(lines)
    assert found["dovecot"] == Installed("1:2.3.16-11.el9", "x86_64", 18000000, False, "")
    assert found["openssl-libs.i686"].arch == "i686" and found["openssl-libs"].arch == "x86_64"
    # The old version is what a transaction that broke off has not taken away.
    assert (found["postfix"].version, found["postfix"].state) == ("2:3.5.25-1.el9", "installed twice")
    assert (found["kernel-core"].version, found["kernel-core"].state) == ("5.14.0-503.el9", "")


def test_the_newest_advisory_counts():
    lines = (
        "RHSA-2026:0100 Moderate/Sec.  dovecot-1:2.3.16-12.el9.x86_64\n"
        "RHSA-2026:0200 Important/Sec. dovecot-1:2.3.16-14.el9.x86_64\n"
        "RHSA-2026:0150 Low/Sec.       dovecot-1:2.3.16-13.el9.x86_64\n"
        "RHSA-2026:0300 Important/Sec. openssl-libs-1:3.2.2-7.el9.i686\n"
        "RHBA-2026:0400 bugfix         postfix-2:3.5.25-2.el9.x86_64\n"
        "RHSA-2026:0500 Critical/Sec. nonsense\n"
    )
    assert dnf.parse_advisories(lines) == {
        "dovecot": ("1:2.3.16-14.el9", "RHSA-2026:0200 Important/Sec."),
        "openssl-libs.i686": ("1:3.2.2-7.el9", "RHSA-2026:0300 Important/Sec."),
    }


PLAN = """\
Dependencies resolved.
================================================================================
 Package             Arch         Version                 Repository       Size
================================================================================
Upgrading:
 dovecot             x86_64       1:2.3.16-14.el9         appstream       4.6 M
 python3-policycoreutils-with-a-long-name
                     noarch       3.6-2.1.el9             appstream       2.1 M
     replacing  python3-old.noarch 3.5-1.el9
Installing dependencies:
 dovecot-new         x86_64       1:2.3.16-14.el9         appstream        10 k
{more}
Transaction Summary
================================================================================
Upgrade  2 Packages

Total download size: 6.7 M
"""


def test_what_dnf_would_do():
    comes, goes = dnf.parse_plan(PLAN.format(more=""))
    assert comes == [
        ("dovecot", "x86_64", "1:2.3.16-14.el9"),
        ("python3-policycoreutils-with-a-long-name", "noarch", "3.6-2.1.el9"),
        ("dovecot-new", "x86_64", "1:2.3.16-14.el9"),
    ]
    assert goes is False
    gone = "Removing dependent packages:\n mutt    x86_64    5:2.2.6-2.el9    @appstream    5.4 M\n"
    comes, goes = dnf.parse_plan(PLAN.format(more=gone))
    assert goes is True and "mutt" not in {one[0] for one in comes}
    assert dnf.parse_plan("Nothing to do.\nComplete!\n") == ([], False)


def test_names_of_package_files():
    assert apt.Apt().locate("dovecot-core", "1:2.3.19.1+dfsg1-2.1", "amd64") == [
        "dovecot-core_1%3a2.3.19.1+dfsg1-2.1_amd64.deb"
    ]
    assert apt.Apt().locate("libssl3:i386", "3.0.18-1", "i386") == ["libssl3_3.0.18-1_i386.deb"]
    assert dnf.Dnf().locate("dovecot", "1:2.3.16-14.el9", "x86_64") == ["dovecot-2.3.16-14.el9.x86_64.rpm"]
    assert dnf.Dnf().locate("openssl-libs.i686", "1:3.2.2-7.el9", "i686") == ["openssl-libs-3.2.2-7.el9.i686.rpm"]
