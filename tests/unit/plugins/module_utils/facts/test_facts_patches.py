# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages, replaced libraries, kernels and core dumps, read from texts recorded on real hosts."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    context,
    cores,
    dpkg,
    patches,
    postfix,
    rpm,
    spool,
    versions,
)
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    HOSTILE,
    Quiet,
    result,
    text,
)

NOBODY = SimpleNamespace(members={}, masters={"postfix": None, "dovecot": None})
# What "dpkg --compare-versions" says: each is lower than the next.
RISING = [
    "0.9",
    "1.0~rc1",
    "1.0",
    "1.0-1",
    "1.0-1+deb12u1",
    "1.0a",
    "1.0+b",
    "1.0.",
    "2~",
    "2",
    "3.7.11-0+deb12u1",
    "3.7.11-0+deb12u10",
    "6.1.0-9-amd64",
    "6.1.0-21-amd64",
    "1:0.1",
]


@pytest.mark.parametrize(("lower", "higher"), list(zip(RISING, RISING[1:])))
def test_versions_are_in_the_order_of_dpkg(lower, higher):
    assert versions.newer(higher, lower) and not versions.newer(lower, higher)
    assert not versions.newer(lower, lower)


def test_dpkg_status():
    installed, held, unfinished = dpkg.parse_status(text("dpkg-status"))
    assert installed["postfix"] == "3.7.11-0+deb12u1" and set(installed) == {"dovecot-core", "libssl3", "postfix"}
    # Triggers that wait are everyday business, and what was removed is gone.
    assert (held, unfinished) == ({"postfix"}, [])


def test_the_journal_of_a_dpkg_that_was_killed_counts_last():
    installed, dummy, unfinished = dpkg.parse_status(text("dpkg-status") + text("dpkg-journal"))
    assert unfinished == [{"package": "dovecot-core", "state": "half-configured"}]
    assert "dovecot-core" not in installed


def test_dpkg_log(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    found = dpkg.parse_log(text("dpkg.log"), 0)
    assert [(one["package"], one["from"]) for one in found] == [
        ("rspamd", None),
        ("dovecot-core", "1:2.3.19.1+dfsg1-2.1+deb12u6"),
    ]
    assert found[1]["at"] == 1795604059
    assert dpkg.parse_log(text("dpkg.log"), 1795604059 + 1)[1:] == []


def test_dnf():
    assert rpm.parse_updateinfo(text("dnf-updateinfo.txt")) == {
        "kernel-core": "5.14.0-503.14.1.el9_5",
        "openssl-libs": "1:3.2.2-6.el9_5",
        "dovecot": "1:2.3.16-14.el9",
    }
    new, old = rpm.parse_log(text("dnf.rpm.log"), 0)
    assert (new["package"], new["from"]) == ("rspamd", None)
    assert old == {"package": "dovecot", "from": "1:2.3.16-11.el9", "to": "1:2.3.16-14.el9", "at": 1731474849.0}
    assert rpm.parse_log(text("dnf.rpm.log"), 1731474850.0) == [new]


def host(tmp_path: Path, **files: str) -> Quiet:
    """A context over a root with some files."""
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    looks = {context.processes: {}, postfix.mail: NOBODY}
    return Quiet(root=str(tmp_path), proc=str(tmp_path / "proc"), looks=looks)


RELEASE = "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nDate: Fri, 13 Nov 2026 10:00:00 UTC\n"
LISTS = "var/lib/apt/lists/"


def test_security_updates_come_from_the_lists_that_lie_there(tmp_path):
    packages = "Package: postfix\nVersion: 3.7.11-0+deb12u2\n\nPackage: libssl3\nVersion: 3.0.20-1~deb12u1\n"
    packages += "\nPackage: mutt\nVersion: 9\n"
    files = {
        "var/lib/dpkg/status": text("dpkg-status"),
        LISTS + "x_debian-security_dists_bookworm-security_InRelease": RELEASE,
        LISTS + "x_debian-security_dists_bookworm-security_main_binary-amd64_Packages": packages,
        LISTS + "x_debian_dists_bookworm_InRelease": "Origin: Debian\nLabel: Debian\nSuite: stable\n",
        LISTS + "x_debian_dists_bookworm_main_binary-amd64_Packages": "Package: dovecot-core\nVersion: 9:1\n",
    }
    here = host(tmp_path, **files)
    found = patches.collect(here)
    assert found["security"] == [
        {
            "package": "postfix",
            "daemon": "postfix",
            "installed": "3.7.11-0+deb12u1",
            "available": "3.7.11-0+deb12u2",
            "held": True,
        }
    ]
    assert found["security_total"] == 1
    assert found["published_age_s"] == round(max(0.0, here.now - 1794564000))
    assert here.notes("patches") == [] and here.asked == []


def test_without_lists_pending_updates_are_not_known(tmp_path):
    here = host(tmp_path, **{"var/lib/dpkg/status": text("dpkg-status")})
    (tmp_path / LISTS).mkdir(parents=True)
    found = patches.collect(here)
    assert (found["security"], found["security_total"], found["unfinished"]) == (None, None, [])
    assert here.notes("patches") == ["no package lists here"]


def test_a_package_that_broke_off_is_named(tmp_path):
    journal = {"var/lib/dpkg/updates/0000": text("dpkg-journal"), "var/lib/dpkg/updates/tmp.i": "#padding\n"}
    here = host(tmp_path, **{"var/lib/dpkg/status": text("dpkg-status"), **journal})
    found = patches.collect(here)
    assert found["unfinished"] == [{"package": "dovecot-core", "state": "half-configured", "daemon": "dovecot"}]
    assert found["interrupted"] is True


def test_red_hat(tmp_path):
    here = host(tmp_path, **{"usr/bin/dnf": "", "var/log/dnf.rpm.log": text("dnf.rpm.log")})
    here.answers["nice"] = result(text("dnf-updateinfo.txt"))
    found = patches.collect(here)
    assert [one["package"] for one in found["security"]] == ["dovecot", "openssl-libs", "kernel-core"]
    assert found["unfinished"] is None and here.notes("patches") == ["unfinished packages are not looked for with rpm"]
    assert found["last_update"] == rpm.parse_log(text("dnf.rpm.log"), 0)[0]["at"] and found["interrupted"] is False
    assert (found["held"], found["lists_age_s"]) == ([], None)


def test_what_dnf_left_behind(tmp_path):
    locks = "# a comment\n\npostfix-2:3.5.25-1.el9.*\n!dovecot-1:2.3.16-14.el9.*\nmutt-0:2.0-1.*\n"
    repomd = "var/cache/dnf/baseos-1/repodata/repomd.xml"
    here = host(tmp_path, **{"usr/bin/dnf": "", repomd: "", "etc/dnf/plugins/versionlock.list": locks})
    (tmp_path / "var/lib/dnf").mkdir(parents=True)
    history = sqlite3.connect(tmp_path / "var/lib/dnf/history.sqlite")
    history.execute("CREATE TABLE trans (id INTEGER PRIMARY KEY, dt_begin INTEGER, dt_end INTEGER, state INTEGER)")
    history.execute("INSERT INTO trans VALUES (1, 1731474849, 1731474850, 1), (2, 1731474900, NULL, 0)")
    history.commit()
    found = patches.collect(here)
    assert found["interrupted"] is True and found["held"] == ["postfix"] and 0 <= found["lists_age_s"] < 60
    history.execute("UPDATE trans SET dt_end = 1731474901 WHERE id = 2")
    history.commit()
    assert patches.collect(here)["interrupted"] is False
    history.close()


def test_who_waits_for_updates_is_not_at_work(tmp_path):
    here = host(tmp_path, **{"var/lib/dpkg/status": text("dpkg-status"), "var/lib/dpkg/lock-frontend": ""})
    names = ("unattended-upgr", "packagekitd")
    here.looks[context.processes] = {pid: SimpleNamespace(name=name) for pid, name in enumerate(names)}
    assert patches.collect(here)["at_work"] is False
    script = "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.lockf(file, fcntl.LOCK_EX)\n"
    script += "print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(tmp_path / "var/lib/dpkg/lock-frontend")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert patches.collect(here)["at_work"] is True
        holder.stdin.close()
    assert patches.collect(here)["at_work"] is False


def test_the_last_update_is_looked_for_in_the_log_before_too(tmp_path):
    files = {
        "var/lib/dpkg/status": text("dpkg-status"),
        "var/log/dpkg.log": "2026-11-25 06:00:01 startup archives unpack\n",
    }
    here = host(tmp_path, **files, **{"var/log/dpkg.log.1": text("dpkg.log")})
    found = patches.collect(here)
    assert found["last_update"] == dpkg.parse_log(text("dpkg.log"), 0)[0]["at"]
    assert found["held"] == ["postfix"]


def test_an_unknown_manager_is_named(tmp_path):
    here = host(tmp_path)
    assert patches.collect(here)["manager"] == "unknown"
    assert here.notes("patches") == ["no package manager that is known here (apt, dnf)"]


def test_the_flag_for_a_reboot(tmp_path):
    files = {"run/reboot-required": "", "run/reboot-required.pkgs": "linux-image-6.1.0-30-amd64\nlibc6\nlibc6\n"}
    found = patches.collect(host(tmp_path, **files))["reboot"]
    assert found["required"] and found["packages"] == ["libc6", "linux-image-6.1.0-30-amd64"]
    assert found["kernel_outdated"] is None


def test_a_newer_kernel_counts_only_beside_the_one_that_runs(tmp_path):
    running = os.uname().release
    here = host(tmp_path, **{"boot/vmlinuz-999.1.0-1-amd64": "", "boot/vmlinuz-0-rescue-abc": ""})
    assert patches.collect(here)["reboot"]["kernel_outdated"] is None
    (tmp_path / "boot" / ("vmlinuz-" + running)).touch()
    found = patches.collect(here)["reboot"]
    assert (found["newest_kernel"], found["kernel_outdated"]) == ("999.1.0-1-amd64", True)


MAPS = """\
7f1c4a000000-7f1c4a0a0000 r-xp 00000000 00:a9 5117   /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
7f1c4a0a0000-7f1c4a0b0000 r--p 000a0000 00:a9 5117   /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
7f1c4a200000-7f1c4a3d0000 r-xp 00000000 00:a9 4711   /usr/lib/x86_64-linux-gnu/libc.so.6
7f1c4a400000-7f1c4a401000 rw-s 00000000 00:01 1024   /dev/zero (deleted)
7f1c4a500000-7f1c4a501000 rw-s 00000000 00:01 1025   /memfd:libx (deleted)
"""


def test_replaced_libraries_are_named_once():
    assert patches.stale_files(MAPS) == ["/usr/lib/x86_64-linux-gnu/libssl.so.3"]


def test_a_hostile_status_costs_nothing(tmp_path):
    broken = (
        "Package: postfix" + HOSTILE + "\nStatus: install ok half-configured\nVersion: 1\n\n" + "Package: \n" * 1000
    )
    found = patches.collect(host(tmp_path, **{"var/lib/dpkg/status": broken}))
    assert "\x1b" not in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("core.imap.1000.0123456789abcdef0123456789abcdef.221.1795604059000000.zst", ("imap", 221)),
        ("core.221", (None, 221)),
        ("core.smtpd.7", ("smtpd", 7)),
        ("core", (None, None)),
        ("_usr_lib_dovecot_imap.1000.crash", ("imap", None)),
        ("core.c", ("c", None)),
        ("corefile.txt", None),
        ("encore", None),
    ],
)
def test_names_of_core_dumps(name, parsed):
    assert cores.parse_name(name) == parsed


def test_core_dumps_within_the_window(tmp_path):
    folder = tmp_path / "var/lib/systemd/coredump"
    folder.mkdir(parents=True)
    for name, age in (("core.10", 100), ("core.11", 10), ("core.12", 90000)):
        (folder / name).write_text("x")
        os.utime(folder / name, (time.time() - age,) * 2)
    here = host(tmp_path)
    found = cores.listing(here, None, here.now - 86400)
    assert [core["pid"] for core in found] == [11, 10]
    assert found[0]["path"] == "/var/lib/systemd/coredump/core.11"


def test_core_dumps_on_a_sick_disk(tmp_path, monkeypatch):
    (tmp_path / "var/crash").mkdir(parents=True)
    (tmp_path / "var/crash/core.10").write_text("x")

    def sick(folder, scandir=os.scandir):
        yield from scandir(folder)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", sick)
    here = host(tmp_path)
    assert [core["pid"] for core in cores.listing(here, None, here.now - 86400)] == [10]


def test_where_cores_are_looked_for():
    assert cores.places("/var/cores/core.%e.%p", "/var/spool/postfix")[0] == "/var/cores"
    assert cores.places("|/usr/lib/systemd/systemd-coredump %P", None)[0] == "/var/lib/systemd/coredump"


def waiting(address: str, reason: str) -> bytes:
    people = [{"address": address, "delay_reason": reason}]
    return json.dumps({"queue_name": "deferred", "sender": "a@b", "recipients": people}).encode() + b"\n"


def test_domains_whose_servers_do_not_take_the_connection():
    silent = "connect to mx.{0}[192.0.2.9]:25: Connection timed out"
    lines = [waiting("x@" + name, silent.format(name)) for name in ("a.test", "b.test", "a.test")]
    lines += [
        waiting("x@c.test", "connect to mx.c.test[192.0.2.9]:25: Connection refused"),
        waiting("x@d.test", "host mx said: 450 connect to y[1.2.3.4]:25: Connection timed out"),
    ]
    found = spool.parse_postqueue(b"".join(lines))["connect_timeouts"]
    assert found == {"destinations": 2, "recipients": 3, "share": 0.6, "names": ["a.test", "b.test"]}
