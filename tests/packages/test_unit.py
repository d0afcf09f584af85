# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""package_update where systemd is: the unit that does the work, and the services that run on replaced files."""

from __future__ import annotations

import time

import debs
from ownroot import OwnRoot

UNIT = "mailops-triage-update.service"
LIBRARY = "/usr/lib/libmail/libmail.so.1"
SERVICE = f"""\
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/python3 -c "import ctypes, time; ctypes.CDLL('{LIBRARY}'); time.sleep(10**6)"
"""
GATE = "while [ ! -e /srv/gate ]; do sleep 0.05; done"


def update(root: OwnRoot, state: str, **more):
    """What the module answers."""
    return root.module("package_update", state=state, select="all", guard={"run": "night-1", "wait": 0}, **more)


def until(true, what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_a_unit_of_systemd_does_the_work_and_stale_services_are_named(root):
    files = {LIBRARY: "/lib/x86_64-linux-gnu/libz.so.1"}
    debs.build(root, "main", "libmail", "1.0", files=files)
    debs.publish(root)
    root.run("apt-get", "install", "-q", "-y", "libmail")
    debs.build(root, "main", "libmail", "1.1", files=files, postinst=GATE)
    debs.publish(root)
    for name in ("postgrey", "dbus", "ssh"):
        root.write(f"/etc/systemd/system/{name}.service", SERVICE)
    root.boot()
    root.run("systemctl", "start", "postgrey", "dbus", "ssh")
    until(lambda: "libmail" in root.sh("cat /proc/*/maps 2>/dev/null || true"), "the services do not start")
    listed = update(root, "listed")
    assert listed["restarts"] == [] and not listed["reboot"]["required"]
    # It is on the mail path because a service of the mail system has it loaded.
    assert listed["pending"][0]["used_by"] == ["dbus.service", "postgrey.service", "ssh.service"]
    assert listed["pending"][0]["mail_path"] and listed["pending"][0]["daemon"] is None

    child = root.start("package_update", state="applied", select="all", guard={"run": "night-1", "wait": 0})
    until(lambda: debs.version(root, "libmail") == "half-configured 1.1", "dpkg does not get to the script")
    shown = root.run("systemctl", "show", UNIT, "-p", "ActiveState,KillMode,Transient")
    assert set(shown.split()) == {"ActiveState=active", "KillMode=process", "Transient=yes"}
    inside = root.sh("cat /proc/$(pgrep -x dpkg)/cgroup")
    assert UNIT in inside
    root.kill(child)
    # Whoever stops the unit, the host on its way down included, waits for it.
    root.run("systemctl", "stop", "--no-block", UNIT)
    until(lambda: "deactivating" in root.run("systemctl", "show", UNIT, "-p", "ActiveState"), "it is not told to stop")
    assert debs.version(root, "libmail") == "half-configured 1.1"
    # A second call of the same run, as when the controller is started again, learns how it ended.
    second = root.start("package_update", state="applied", select="all", guard={"run": "night-1", "wait": 0})
    root.run("touch", "/srv/gate")
    out, err = second.communicate(timeout=120)
    assert '"state": "done"' in out and '"from": "1.0"' in out, out + err
    assert "LoadState=not-found" in root.run("systemctl", "show", UNIT, "-p", "LoadState")

    after = update(root, "listed")
    assert after["restarts"] == ["postgrey.service"], after
    assert after["reboot"] == {"required": False, "why": [], "advised": ["dbus.service"]}
    assert after["stale_left"] == ["ssh.service"]
    root.run("systemctl", "restart", "postgrey")
    root.write("/run/reboot-required.pkgs", "linux-image-lab\n")
    root.write("/run/reboot-required", "*** System restart required ***\n")
    last = update(root, "listed")
    assert last["restarts"] == []
    assert last["reboot"]["required"] and last["reboot"]["why"] == ["the host asks for it: linux-image-lab"]
