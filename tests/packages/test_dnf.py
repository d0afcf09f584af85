# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""package_update with a real dnf and a real rpm: security updates by advisory, frozen versions, and back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import rpms
from ownroot import OwnRoot

ADVISORIES = (
    ("TEST-2026:0001", "security", "dovecot-lab", "1.1"),
    ("TEST-2026:0002", "bugfix", "maillib", "1.1"),
)
FROZEN = {"dovecot-lab": "1.1-1", "maildep": "1.1-1"}


def update(root: OwnRoot, state: str, **more):
    """What the module answers, without what it was asked."""
    more.setdefault("guard", {"run": "night-1", "wait": 0})
    answer = root.module("package_update", state=state, backend="dnf", **more)
    answer.pop("invocation", None)
    return answer


def pending(answer) -> dict[str, str]:
    """Candidate of each pending package."""
    return {one["package"]: one["candidate"] for one in answer["pending"]}


@pytest.fixture
def host(root: OwnRoot) -> Iterator[OwnRoot]:
    """Three packages at 1.0; newer ones are in the repositories."""
    server = rpms.prepare(root)
    for name in ("dovecot-lab", "maillib", "maildep"):
        rpms.build(root, "base", name, "1.0")
    rpms.publish(root)
    root.run("dnf", "-q", "-y", "install", "dovecot-lab", "maillib", "maildep")
    for name, version, requires in (
        ("dovecot-lab", "1.1", ""),
        ("dovecot-lab", "1.2", ""),
        ("maillib", "1.1", ""),
        ("maildep", "1.1", "mailnew"),
        ("mailnew", "1.0", ""),
    ):
        rpms.build(root, "updates", name, version, requires)
    rpms.publish(root, *ADVISORIES)
    yield root
    server.kill()
    server.wait()


def test_what_is_pending(host):
    everything = update(host, "listed", select="all", refresh=True)
    assert pending(everything) == {"dovecot-lab": "1.2-1", "maillib": "1.1-1", "maildep": "1.1-1"}
    assert everything["backend"] == "dnf" and not everything["changed"] and everything["room"]["enough"]
    first = everything["pending"][0]
    assert (first["package"], first["installed"], first["daemon"]) == ("dovecot-lab", "1.0-1", "dovecot")
    assert first["security"] and first["mail_path"] and first["origin"] == "updates"
    # The version that the advisory names, and no more; a newer one without an advisory stays pending.
    security = update(host, "listed")
    assert pending(security) == {"dovecot-lab": "1.1-1"}
    assert security["pending"][0]["origin"] == "TEST-2026:0001 Important/Sec."
    assert update(host, "applied", _ansible_check_mode=True)["state"] == "planned"
    applied = update(host, "applied")
    assert applied["state"] == "done" and rpms.versions(host)["dovecot-lab"] == "1.1", applied
    assert update(host, "applied")["state"] == "nothing"
    assert pending(update(host, "listed", select="all"))["dovecot-lab"] == "1.2-1"


def test_frozen_versions_forth_and_back(host):
    host.run("dnf", "-q", "-y", "makecache", "--refresh")
    loaded = update(host, "downloaded", only=FROZEN)
    assert loaded["state"] == "done" and loaded["changed"] and loaded["room"]["needed_download"] > 0, loaded
    assert {one["package"]: one["version"] for one in loaded["kept_debs"] if one["path"]} == {
        "dovecot-lab": "1.0-1",
        "maildep": "1.0-1",
    }
    again = update(host, "downloaded", only=FROZEN)
    assert again["state"] == "nothing" and not again["changed"], again

    host.run("mv", "/srv/base", "/srv/updates", "/tmp")
    host.write("/etc/maildep/maildep.conf", "mine\n")
    applied = update(host, "applied", only=FROZEN)
    assert applied["state"] == "done", applied
    assert applied["changed_packages"] == [
        {"package": "dovecot-lab", "from": "1.0-1", "to": "1.1-1"},
        {"package": "maildep", "from": "1.0-1", "to": "1.1-1"},
        {"package": "mailnew", "from": None, "to": "1.0-1"},
    ]
    assert applied["conffiles_left"].count("/etc/maildep/maildep.conf.rpmnew") == 1
    assert rpms.versions(host) == {"dovecot-lab": "1.1", "maillib": "1.0", "maildep": "1.1", "mailnew": "1.0"}
    assert update(host, "applied", only=FROZEN)["state"] == "nothing"
    back = update(host, "rolled_back")
    assert back["state"] == "done", back
    assert rpms.versions(host) == {"dovecot-lab": "1.0", "maillib": "1.0", "maildep": "1.0", "mailnew": "1.0"}
    assert update(host, "rolled_back")["state"] == "nothing"


def test_what_is_held_and_what_is_gone(host):
    host.write("/etc/dnf/dnf.conf", host.read("/etc/dnf/dnf.conf") + "excludepkgs=maillib\n")
    host.run("dnf", "-q", "-y", "makecache", "--refresh")
    listed = update(host, "listed", select="all")
    assert [one["package"] for one in listed["pending"] if one["held"]] == ["maillib"]
    answer = update(host, "applied", only={"maillib": "1.1-1"})
    assert answer["state"] == "nothing" and "maillib is on hold and stays at 1.0-1" in answer["notes"]
    answer = update(host, "applied", only={"dovecot-lab": "1.5-1"})
    assert (answer["state"], answer["code"]) == ("failed", "version_gone"), answer
    rpms.build(host, "updates", "dovecot-lab", "1.3", requires="nowhere")
    rpms.publish(host, *ADVISORIES)
    answer = update(host, "applied", only={"dovecot-lab": "1.3-1"}, refresh=True)
    assert (answer["state"], answer["code"]) == ("failed", "unmet") and "nothing provides nowhere" in answer["why"]
    assert rpms.versions(host) == {"dovecot-lab": "1.0", "maillib": "1.0", "maildep": "1.0"}


def test_a_killed_dnf_is_finished_first(host):
    rpms.build(host, "updates", "maillib", "1.2", post="while [ ! -e /tmp/gate ]; do sleep 0.05; done")
    rpms.publish(host, *ADVISORIES)
    host.run("dnf", "-q", "-y", "makecache", "--refresh")
    asked = {"state": "applied", "backend": "dnf", "only": {"maillib": "1.2-1"}, "guard": {"run": "night-1", "wait": 0}}
    child = host.start("package_update", **asked)
    end = time.monotonic() + 60
    while not host.run("pgrep", "-f", "rpm-tmp", check=False):
        assert time.monotonic() < end and child.poll() is None, child.communicate()
        time.sleep(0.05)
    host.sh("read -r pid rest < /run/mailops-triage/update/pid; pkill -KILL --session $(ps -o sid= -p $pid)")
    out, dummy = child.communicate(timeout=60)
    answer = json.loads(out)
    assert (answer["state"], answer["code"]) == ("failed", "interrupted"), answer
    assert answer["half_configured"] == [{"package": "maillib", "state": "installed twice"}]
    host.run("touch", "/tmp/gate")
    answer = update(host, "applied", only={"maillib": "1.2-1"})
    assert answer["state"] == "done" and answer["half_configured"] == [], answer
    assert answer["changed_packages"] == [{"package": "maillib", "from": "1.0-1", "to": "1.2-1"}]
    assert rpms.versions(host)["maillib"] == "1.2"


def test_the_fifth_dnf_is_another_program(root):
    root.sh("printf '#!/bin/sh\n' > /usr/bin/dnf5; chmod 755 /usr/bin/dnf5; ln -sf dnf5 /usr/bin/dnf")
    answer = update(root, "listed")
    assert answer["failed"] and "dnf 4" in answer["msg"]


def test_what_a_transaction_left_half_done_is_finished_first(host):
    host.run("dnf", "-q", "-y", "makecache", "--refresh")
    # As it is when a transaction broke off: the new version is there, and the old one was not taken away.
    host.sh("rpm -i --force --nodeps /srv/updates/maillib-1.1-1.noarch.rpm")
    listed = update(host, "listed")
    assert listed["half_configured"] == [{"package": "maillib", "state": "installed twice"}]
    facts = host.module("mail_facts", gather_subset=["patches"])["mail_facts"]["patches"]
    assert facts["manager"] == "apt"
    answer = update(host, "applied")
    assert answer["state"] == "done" and answer["half_configured"] == [], answer
    assert rpms.versions(host) == {"dovecot-lab": "1.1", "maillib": "1.1", "maildep": "1.0"}
    assert {"package": "maillib", "from": "1.0-1", "to": "1.1-1"} in answer["changed_packages"]
