# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights that go wrong on real hosts: each ends in a state that is named, and the next one finishes the job.

The first host of a pair is the canary, which the trouble strikes; the second, in another redundancy group, is
not touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import offers
import peers
import pytest
import scenario
from labkit import host as machine
from labkit import plan
from labkit.lab import Lab
from nights import Night

PAIR = ("mail21", "mail22")
MARKER = "/etc/mailops-triage/maintenance"


@pytest.fixture
def pair(lab: Lab) -> Iterator[tuple[str, str]]:
    """Two hosts that have the policy."""
    for host in PAIR:
        offers.first(lab, host)
    yield PAIR
    lab.reset(*PAIR)


def night_of(folder: Path, pair: tuple[str, str], **more: object) -> Night:
    """A night over the two, which does not wait for what will not come."""
    return Night(folder, {"east": pair[:1], "west": pair[1:]}, patch_night_patience=5, **more)


def traces(lab: Lab, host: str) -> dict[str, str]:
    """What a night would leave on a host that it has touched."""
    lines = {
        "policy": f"dpkg-query -W {offers.NAME}",
        "daemons": "for p in $(pidof master dovecot); do cut -d' ' -f1,22 /proc/$p/stat; done",
        "boot": "cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1",
    }
    return {what: str(lab.run(host, line, check=True).stdout) for what, line in lines.items()}


def closed(lab: Lab, host: str) -> str:
    """What keeps people or watchers away from a host: nothing does after a night, however it went."""
    return str(lab.run(host, f"nft list tables | grep mailops; cat {MARKER} 2>/dev/null").stdout)


def finishes(lab: Lab, night: Night, pair: tuple[str, str], version: str) -> None:
    """The cause is gone, and the same command finishes the job."""
    done = night.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(night.states().values()) <= {"done", "nothing"}, night.states()
    for host in pair:
        assert offers.version(lab, host) == f"installed {version}"
        assert lab.run(host, "dpkg --audit").stdout == ""
        assert peers.broken(lab, host) == [] and closed(lab, host) == ""


def test_a_script_that_fails(lab: Lab, tmp_path: Path, pair: tuple[str, str]) -> None:
    sick, other = pair
    for host in pair:
        offers.publish(lab, host, "1.1", postinst="echo the policy is sick >&2; [ -e /root/cured ]")
    night, before = night_of(tmp_path, pair), traces(lab, other)
    failed = night.run()
    assert failed.returncode != 0
    said = night.report()
    assert night.states() == {sick: "rolled_back", other: "left"}, failed.stdout
    assert "the policy is sick" in str(said["hosts"][sick]) and offers.NAME in said["stopped"]["why"]
    assert offers.version(lab, sick) == "installed 1.0" and lab.run(sick, "dpkg --audit").stdout == ""
    assert traces(lab, other) == before
    assert [closed(lab, host) for host in pair] == ["", ""] and peers.broken(lab, sick) == []
    for host in pair:
        lab.run(host, "touch /root/cured", check=True)
    finishes(lab, night, pair, "1.1")


def test_a_disk_that_fills_up_while_unpacking(lab: Lab, tmp_path: Path, pair: tuple[str, str]) -> None:
    sick, other = pair
    for host in pair:
        offers.publish(lab, host, "1.1")
    # Something else takes all the room in the moment in which dpkg begins.
    fill = 'DPkg::Pre-Invoke {"[ -e /root/room ] || dd if=/dev/zero of=/fill bs=64k || true";};'
    (plan.root_dir(sick) / "etc/apt/apt.conf.d/99fill").write_text(fill)
    night, before = night_of(tmp_path, pair), traces(lab, other)
    failed = night.run()
    assert failed.returncode != 0
    assert night.states()[other] == "left" and night.states()[sick] in ("rolled_back", "failed"), failed.stdout
    assert "full" in night.report()["stopped"]["why"]
    assert traces(lab, other) == before
    assert [closed(lab, host) for host in pair] == ["", ""]
    lab.run(sick, "touch /root/room; rm -f /fill", check=True)
    assert peers.settle(lab, sick, time.monotonic()) == []
    finishes(lab, night, pair, "1.1")


def test_a_host_that_does_not_come_back(lab: Lab, tmp_path: Path, pair: tuple[str, str]) -> None:
    """It is told to boot anew, and switches itself off."""
    sick, other = pair
    lab.run(
        sick,
        "rm /etc/systemd/system/systemd-logind.service; mkdir /etc/systemd/system/systemd-reboot.service.d\n"
        "printf '[Unit]\\nSuccessAction=poweroff-force\\n' > /etc/systemd/system/systemd-reboot.service.d/off.conf\n"
        "systemctl daemon-reload",
        check=True,
    )
    offers.publish(lab, sick, "1.1", postinst="touch /run/reboot-required")
    offers.publish(lab, other, "1.1")
    night, before = night_of(tmp_path, pair, patch_night_reboot_timeout=15), traces(lab, other)
    failed = night.run()
    assert failed.returncode != 0
    said = night.report()
    assert night.states() == {sick: "failed", other: "left"}, failed.stdout
    assert any("console or its BMC" in line for line in said["hosts"][sick]["next"]), said["hosts"][sick]
    assert traces(lab, other) == before and closed(lab, other) == ""
    # Somebody goes there and switches it on.
    machine.power_cut(sick)
    lab.wait_ready(sick)
    # Until the maintenance ends by itself, it says whose it was.
    assert night.folders()[-1].name in lab.run(sick, f"cat {MARKER}", check=True).stdout
    lab.run(sick, f"rm {MARKER}", check=True)
    assert offers.version(lab, sick) == "installed 1.1"
    finishes(lab, night, pair, "1.1")


def test_an_update_that_breaks_the_configuration_of_dovecot(lab: Lab, tmp_path: Path, pair: tuple[str, str]) -> None:
    sick, other = pair
    for host in pair:
        offers.publish(lab, host, "1.1", "bogus_setting = yes\n", "systemctl restart dovecot || true")
    night, before = night_of(tmp_path, pair), traces(lab, other)
    failed = night.run()
    assert failed.returncode != 0
    said = night.report()
    assert night.states() == {sick: "rolled_back", other: "left"}, failed.stdout
    assert sick in said["stopped"]["why"] and said["stopped"]["code"] == "worse", said["stopped"]
    assert offers.version(lab, sick) == "installed 1.0" and peers.settle(lab, sick, time.monotonic()) == []
    assert traces(lab, other) == before
    assert [closed(lab, host) for host in pair] == ["", ""]
    for host in pair:
        offers.publish(lab, host, "1.2", postinst="systemctl restart dovecot")
    finishes(lab, night, pair, "1.2")


def test_a_killed_controller(lab: Lab, tmp_path: Path, pair: tuple[str, str]) -> None:
    """It dies while dpkg is at work on the host, which goes on by itself; the same command goes on with the night."""
    sick, other = pair
    for host in pair:
        offers.publish(lab, host, "1.1", postinst="touch /root/begun; while [ ! -e /root/gate ]; do sleep 0.1; done")
    night, before = night_of(tmp_path, pair), traces(lab, other)
    run = subprocess.Popen(
        night.command(),
        env=scenario.environment(),
        cwd=scenario.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: lab.run(sick, "test -e /root/begun").returncode == 0, 120, "dpkg has not begun")
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert traces(lab, other) == before
    for host in pair:
        lab.run(host, "touch /root/gate", check=True)
    until(lambda: offers.version(lab, sick) == "installed 1.1", 60, "dpkg was cut off")
    finishes(lab, night, pair, "1.1")
    assert len(night.folders()) == 1, "it was the same night"


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.2)
