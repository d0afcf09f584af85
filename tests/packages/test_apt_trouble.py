# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates that go wrong: each ends in a state that is named, and the same call goes on from there."""

from __future__ import annotations

import subprocess
import time

import debs
from ownroot import OwnRoot

GATE = "while [ ! -e /tmp/gate ]; do sleep 0.05; done"


def update(root: OwnRoot, state: str, run: str = "night-1", **more):
    """What the module answers."""
    return root.module("package_update", state=state, select="all", guard={"run": run, "wait": 0}, **more)


def offer(root: OwnRoot, name: str, postinst: str = "", kib: int = 4) -> None:
    """A package at 1.0, and 1.1 in the archive."""
    debs.build(root, "main", name, "1.0")
    debs.publish(root)
    root.run("apt-get", "install", "-q", "-y", name)
    debs.build(root, "main", name, "1.1", postinst=postinst, kib=kib)
    debs.publish(root)


def until(true, what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_a_failing_script_is_named_and_the_way_back_is_open(root):
    offer(root, "maillib", postinst="echo the script is sick >&2; [ -e /tmp/cured ]")
    offer(root, "mailtest")
    answer = update(root, "applied")
    assert (answer["state"], answer["code"]) == ("failed", "half_configured") and answer["changed"]
    assert answer["half_configured"] == [{"package": "maillib", "state": "half-configured"}]
    assert "the script is sick" in answer["log"] and "maillib" in answer["why"]
    assert debs.version(root, "mailtest") == "installed 1.1"

    back = update(root, "rolled_back")
    assert back["state"] == "done" and back["half_configured"] == [], back
    assert [debs.version(root, name) for name in ("maillib", "mailtest")] == ["installed 1.0"] * 2

    # The same call once more finds the same trouble; when the cause is mended, it goes on where it stood.
    assert update(root, "applied")["code"] == "half_configured"
    root.run("touch", "/tmp/cured")
    cured = update(root, "applied")
    assert cured["state"] == "done" and cured["half_configured"] == []
    assert {"package": "maillib", "from": "1.0", "to": "1.1"} in cured["changed_packages"]
    assert update(root, "applied")["state"] == "nothing"


def test_a_killed_controller_does_not_cut_dpkg_off(root):
    offer(root, "maillib", postinst=GATE)
    child = root.start("package_update", state="applied", select="all", guard={"run": "night-1", "wait": 0})
    until(lambda: debs.version(root, "maillib") == "half-configured 1.1", "dpkg does not get to the script")
    root.kill(child)

    other = update(root, "applied", run="night-2")
    assert (other["state"], other["code"]) == ("refused", "locked") and "night-1" in other["why"]
    assert update(root, "applied", _ansible_check_mode=True)["code"] == "locked"
    late = update(root, "applied", time_limit=0.5)
    assert (late["state"], late["code"]) == ("running", "time_limit") and not late["changed"]
    root.run("touch", "/tmp/gate")
    told = update(root, "applied")
    assert told["state"] == "done" and told["changed"], told
    assert told["changed_packages"] == [{"package": "maillib", "from": "1.0", "to": "1.1"}]
    assert told["half_configured"] == []
    again = update(root, "applied")
    assert again["state"] == "nothing" and not again["changed"]
    assert update(root, "rolled_back")["changed_packages"] == [{"package": "maillib", "from": "1.1", "to": "1.0"}]


def test_a_killed_dpkg_is_finished_first(root):
    offer(root, "maillib", postinst=GATE)
    offer(root, "mailtest")
    child = root.start("package_update", state="applied", only={"maillib": "1.1"}, guard={"run": "night-1", "wait": 0})
    until(lambda: debs.version(root, "maillib") == "half-configured 1.1", "dpkg does not get to the script")
    # As a power cut would: all of it at once.
    root.sh("read -r pid rest < /run/mailops-triage/update/pid; pkill -KILL --session $(ps -o sid= -p $pid)")
    out, dummy = child.communicate(timeout=60)
    assert '"code": "interrupted"' in out and "maillib" in out
    root.run("touch", "/tmp/gate")
    facts = root.module("mail_facts", gather_subset=["patches"])["mail_facts"]["patches"]
    assert [one["package"] for one in facts["unfinished"]] == ["maillib"]
    answer = update(root, "applied")
    assert answer["state"] == "done" and answer["half_configured"] == [], answer
    assert [debs.version(root, name) for name in ("maillib", "mailtest")] == ["installed 1.1"] * 2
    assert {one["package"]: one["from"] for one in answer["changed_packages"]} == {"maillib": "1.0", "mailtest": "1.0"}


def test_a_dpkg_that_was_killed_between_packages_that_need_each_other(root):
    for version, preinst in (("1.0", ""), ("1.1", "[ $1 != upgrade ] || " + GATE)):
        debs.build(root, "main", "mailcore", version, preinst=preinst)
        debs.build(root, "main", "mailtool", version, depends=f"mailcore (= {version})")
        if version == "1.0":
            debs.publish(root)
            root.run("apt-get", "install", "-q", "-y", "mailcore", "mailtool")
    debs.publish(root)
    child = root.start("package_update", state="applied", select="all", guard={"run": "night-1", "wait": 0})
    until(lambda: debs.version(root, "mailtool") == "unpacked 1.1", "dpkg does not unpack the first one")
    until(lambda: root.run("pgrep", "-f", "tmp.ci/preinst", check=False), "dpkg does not get to the second one")
    root.sh("read -r pid rest < /run/mailops-triage/update/pid; pkill -KILL --session $(ps -o sid= -p $pid)")
    child.communicate(timeout=60)
    root.run("touch", "/tmp/gate")
    # A newer version that came meanwhile is not what was frozen.
    for name in ("mailcore", "mailtool"):
        debs.build(root, "main", name, "1.2", depends="" if name == "mailcore" else "mailcore (= 1.2)")
    debs.publish(root)
    answer = update(root, "applied", only={"mailcore": "1.1", "mailtool": "1.1"})
    assert answer["state"] == "done" and answer["half_configured"] == [], answer
    assert [debs.version(root, name) for name in ("mailcore", "mailtool")] == ["installed 1.1"] * 2
    assert [one["from"] for one in answer["changed_packages"]] == ["1.0", "1.0"]


def test_no_room_is_seen_before_anything_is_done(root):
    offer(root, "maillib", kib=20000)
    answer = update(root, "applied")
    assert (answer["state"], answer["code"]) == ("refused", "no_room") and not answer["changed"]
    assert answer["room"]["missing"] > 0 and not answer["room"]["enough"] and answer["room"]["where"] == "/"
    assert debs.version(root, "maillib") == "installed 1.0"
    assert root.run("find", "/var/cache/apt/archives", "-name", "maillib_1.1*") == ""
    assert update(root, "applied", _ansible_check_mode=True)["code"] == "no_room"


def test_a_disk_that_fills_up_while_unpacking(root):
    offer(root, "maillib", kib=4000)
    root.write(
        "/etc/apt/apt.conf.d/99fill",
        'DPkg::Pre-Invoke {"[ -e /tmp/room ] || dd if=/dev/zero of=/fill bs=64k || true";};',
    )
    answer = update(root, "applied")
    assert (answer["state"], answer["code"]) == ("failed", "disk_full"), answer
    root.sh("touch /tmp/room; rm /fill")
    answer = update(root, "applied")
    assert answer["state"] == "done" and answer["half_configured"] == [], answer
    assert debs.version(root, "maillib") == "installed 1.1"


def test_an_archive_that_is_away_is_named_and_keeps_nobody_up(root):
    offer(root, "maillib")
    root.write("/etc/apt/sources.list.d/away.list", "deb [trusted=yes] copy:/srv/away ./\n")
    answer = update(root, "applied", refresh=True)
    assert answer["state"] == "done" and debs.version(root, "maillib") == "installed 1.1"
    assert any("could not be renewed" in note and "/srv/away" in note for note in answer["notes"])


def test_somebody_else_works_at_the_packages(root):
    offer(root, "maillib")
    script = "import fcntl, sys; file = open('/var/lib/dpkg/lock-frontend', 'r+'); fcntl.lockf(file, fcntl.LOCK_EX)\n"
    command = root.command(["python3", "-c", script + "print(flush=True); sys.stdin.read()"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        answer = update(root, "applied")
        assert (answer["state"], answer["code"]) == ("refused", "busy") and "lock-frontend" in answer["why"]
        assert update(root, "listed")["pending"][0]["candidate"] == "1.1"
        holder.stdin.close()
    assert update(root, "applied")["state"] == "done"


def test_the_gate_holds(root):
    offer(root, "maillib")
    root.write("/etc/mailops-triage/maintenance", "reason: the operator works here\n")
    answer = update(root, "applied")
    assert (answer["state"], answer["code"]) == ("refused", "maintenance")
    assert update(root, "listed")["pending"][0]["package"] == "maillib"
    assert debs.version(root, "maillib") == "installed 1.0"
    # The run that has put the host into maintenance is the one that works there.
    root.write("/etc/mailops-triage/maintenance", "until: 2099-01-01T00:00Z\nrun: night-1\n")
    assert update(root, "applied", run="night-2")["code"] == "maintenance"
    assert update(root, "applied")["state"] == "done"
