# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""package_update with a real apt and a real dpkg: from the list to the new versions and back."""

from __future__ import annotations

import debs
import pytest
from ownroot import OwnRoot

FROZEN = {"dovecot-lab": "1.1", "maillib": "1.1", "maildep": "1.1"}


def update(root: OwnRoot, state: str, run: str = "night-1", **more):
    """What the module answers, without what it was asked."""
    answer = root.module("package_update", state=state, guard={"run": run, "wait": 0}, **more)
    answer.pop("invocation", None)
    return answer


def pending(answer) -> dict[str, str]:
    """Candidate of each pending package."""
    return {one["package"]: one["candidate"] for one in answer["pending"]}


@pytest.fixture
def host(root: OwnRoot) -> OwnRoot:
    """Four packages at 1.0, one of them on hold and one that came by itself; newer ones are in the archives."""
    for name in ("dovecot-lab", "maillib", "maildep", "mailheld"):
        debs.build(root, "main", name, "1.0")
    debs.publish(root)
    root.run("apt-get", "install", "-q", "-y", "dovecot-lab", "maillib", "maildep", "mailheld")
    root.run("apt-mark", "auto", "maillib")
    root.run("apt-mark", "hold", "mailheld")
    for archive, name, version in (
        ("security", "dovecot-lab", "1.1"),
        ("main", "dovecot-lab", "1.2"),
        ("main", "maillib", "1.1"),
        ("main", "mailheld", "1.1"),
        ("main", "mailnew", "1.0"),
    ):
        debs.build(root, archive, name, version)
    debs.build(root, "main", "maildep", "1.1", depends="mailnew")
    debs.publish(root, update=False)
    return root


def test_what_is_pending(host):
    assert update(host, "listed", select="all")["pending"] == []
    everything = update(host, "listed", select="all", refresh=True)
    assert pending(everything) == {"dovecot-lab": "1.2", "maillib": "1.1", "maildep": "1.1", "mailheld": "1.1"}
    assert not everything["changed"] and everything["backend"] == "apt"
    first = everything["pending"][0]
    assert first["package"] == "dovecot-lab" and first["mail_path"] and first["daemon"] == "dovecot"
    assert first["security"] and first["installed"] == "1.0" and first["arch"] == "all"
    assert [one["package"] for one in everything["pending"] if one["held"]] == ["mailheld"]
    assert everything["room"]["enough"] and everything["room"]["needed_download"] > 4096
    # The security archive's version is the one that brings the fix and no more, though another archive is ahead of it.
    security = update(host, "listed")
    assert pending(security) == {"dovecot-lab": "1.1"}
    assert security["pending"][0]["origin"] == "Debian-Security:oldstable-security"
    assert pending(update(host, "listed", select="mail")) == {"dovecot-lab": "1.2"}


def test_frozen_versions_forth_and_back(host):
    host.run("apt-get", "update")
    planned = update(host, "downloaded", only=FROZEN, _ansible_check_mode=True)
    assert planned["state"] == "planned" and planned["changed"]
    assert host.run("ls", "/var/lib/mailops-triage") == ""
    loaded = update(host, "downloaded", only=FROZEN)
    assert loaded["state"] == "done" and loaded["changed"]
    kept = {one["package"]: one["version"] for one in loaded["kept_debs"] if one["path"]}
    assert kept == {"dovecot-lab": "1.0", "maillib": "1.0", "maildep": "1.0"}
    again = update(host, "downloaded", only=FROZEN)
    assert again["state"] == "nothing" and not again["changed"]

    # From here on no archive is needed, neither for the way there nor for the way back.
    host.run("mv", "/srv/main", "/srv/security", "/tmp")
    planned = update(host, "applied", only=FROZEN, _ansible_check_mode=True, _ansible_diff=True)
    assert planned["state"] == "planned" and "maillib 1.1\n" in planned["diff"]["after"]
    assert debs.version(host, "maillib") == "installed 1.0"
    applied = update(host, "applied", only=FROZEN, _ansible_diff=True)
    assert applied["state"] == "done" and applied["changed"], applied
    assert applied["changed_packages"] == [
        {"package": "dovecot-lab", "from": "1.0", "to": "1.1"},
        {"package": "maildep", "from": "1.0", "to": "1.1"},
        {"package": "maillib", "from": "1.0", "to": "1.1"},
        {"package": "mailnew", "from": None, "to": "1.0"},
    ]
    assert applied["diff"]["before"] == "dovecot-lab 1.0\nmaildep 1.0\nmaillib 1.0\n"
    assert applied["half_configured"] == [] and "Setting up maillib (1.1)" in applied["log"]
    assert debs.version(host, "dovecot-lab") == "installed 1.1"
    assert debs.version(host, "mailheld") == "installed 1.0"
    assert "maillib" in host.run("apt-mark", "showauto").split()
    again = update(host, "applied", only=FROZEN)
    assert again["state"] == "nothing" and not again["changed"]

    # The lists still name the versions that the kept files have, and the archive is not there to give them.
    host.run("apt-get", "clean")
    back = update(host, "rolled_back")
    assert back["state"] == "done", back
    assert {"package": "dovecot-lab", "from": "1.1", "to": "1.0"} in back["changed_packages"]
    assert [debs.version(host, name) for name in FROZEN] == ["installed 1.0"] * 3
    assert "maillib" in host.run("apt-mark", "showauto").split()
    assert any("mailnew" in note for note in back["notes"])
    assert update(host, "rolled_back")["state"] == "nothing"


def test_what_stays(host):
    host.run("apt-get", "update")
    answer = update(host, "applied", select="all", exclude=["mailli*"])
    assert answer["state"] == "done"
    assert [debs.version(host, name) for name in ("maillib", "mailheld")] == ["installed 1.0"] * 2
    assert debs.version(host, "dovecot-lab") == "installed 1.2"
    assert {"maillib is left out, as was asked", "mailheld is on hold and stays at 1.0"} <= set(answer["notes"])
    assert pending(answer) == {"maillib": "1.1", "mailheld": "1.1"}


def test_a_frozen_version_that_is_gone_is_no_reason_to_take_another(host):
    host.run("apt-get", "update")
    answer = update(host, "applied", only={"maillib": "1.0.5"})
    assert (answer["state"], answer["code"]) == ("failed", "version_gone")
    # Nor is one that no list has, of a package that is not pending at all.
    answer = update(host, "applied", only={"dpkg": "999.0"})
    assert (answer["state"], answer["code"]) == ("failed", "version_gone")
    assert pending(answer) == {"dpkg": "999.0"}
    assert debs.version(host, "maillib") == "installed 1.0"


def test_no_way_back_is_said_before_anything_is_done(host):
    host.sh("apt-get update && find /srv /var/cache/apt/archives -name '*_1.0_*' -delete")
    debs.publish(host)
    applied = update(host, "applied", only={"maillib": "1.1"})
    assert applied["state"] == "done" and any("no way back for: maillib" in note for note in applied["notes"])
    back = update(host, "rolled_back")
    assert (back["state"], back["code"]) == ("refused", "no_way_back") and "maillib 1.0" in back["why"]
    assert debs.version(host, "maillib") == "installed 1.1"


def test_what_came_along_goes_back_along(host):
    for version in ("1.0", "1.1"):
        debs.build(host, "main", "mailcore", version)
        debs.build(host, "main", "mailtool", version, depends=f"mailcore (= {version})")
    debs.publish(host)
    host.run("apt-get", "install", "-q", "-y", "mailcore=1.0", "mailtool=1.0")
    applied = update(host, "applied", only={"mailcore": "1.1"})
    assert [one["package"] for one in applied["changed_packages"]] == ["mailcore", "mailtool"], applied
    back = update(host, "rolled_back", only={"mailcore": "1.0"})
    assert back["state"] == "done", back
    assert [debs.version(host, name) for name in ("mailcore", "mailtool")] == ["installed 1.0"] * 2


def test_own_configuration_stays_and_the_new_one_is_named(host):
    host.run("apt-get", "update")
    host.write("/etc/maillib/maillib.conf", "mine\n")
    answer = update(host, "applied", only={"maillib": "1.1"})
    assert answer["state"] == "done" and host.read("/etc/maillib/maillib.conf") == "mine\n"
    assert "/etc/maillib/maillib.conf.dpkg-dist" in answer["conffiles_left"]


@pytest.mark.parametrize("only", [{"--allow-remove": "1"}, {"maillib": "1.1 maildep-"}, {"maillib": "$(id)"}])
def test_hostile_versions(root, only):
    answer = update(root, "listed", only=only)
    assert answer["failed"] and "not a package with its version" in answer["msg"]
