# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart of a daemon, with real processes under a stand-in for systemd."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import restart, state, unit
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Guard

NAME = "triage-test.service"
# What systemctl does with one unit; the job goes on when the next one asks, as if somebody were at work all the time.
SYSTEMCTL = r"""#!{python}
import json, os, signal, subprocess, sys
place = {place!r}
told = json.load(open(place))
words = [word for word in sys.argv[1:] if not word.startswith("--")]

def runs(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

def begin(unit):
    command = unit["command"]
    child = subprocess.Popen(command, env=dict(os.environ, TRIAGE_TEST=unit["mark"]), start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    unit["starts"] += 1
    unit.update(ActiveState="active", SubState="running", Result="success", MainPID=child.pid, Job=0)

def move(unit):
    if not unit["MainPID"] or runs(unit["MainPID"]):
        return
    if unit["ActiveState"] == "deactivating":
        begin(unit)
    elif unit["ActiveState"] == "active":
        unit.update(ActiveState="failed", SubState="failed", Result="signal", MainPID=0)

for unit in told.values():
    move(unit)
verb, names = words[0], words[1:]
with open(place + ".log", "a") as log:
    log.write(verb + "\n" if verb != "show" else "")
if verb == "show":
    for name in sys.argv[sys.argv.index("--") + 1:]:
        unit = told.get(name, dict(Id=name, LoadState="not-found", ActiveState="inactive"))
        for key, value in unit.items():
            if key[0].isupper():
                print("%s=%s" % (key, value))
        print()
else:
    unit = told[names[0]]
    if verb == "reset-failed":
        unit.update(ActiveState="inactive", SubState="dead", Result="success")
    elif verb == "start" and unit["ActiveState"] != "active":
        begin(unit)
    elif verb == "restart":
        unit.update(ActiveState="deactivating", SubState="stop-sigterm", Job=7)
        os.kill(unit["MainPID"], signal.SIGTERM)
        move(unit)
draft = place + ".%d" % os.getpid()
json.dump(told, open(draft, "w"))
os.replace(draft, place)
"""


class Host:
    """One unit, its processes, and the memory of the remedies."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mark = folder, uuid.uuid4().hex
        self.place = folder / "units.json"
        script = folder / "systemctl"
        script.write_text(SYSTEMCTL.replace("{python}", sys.executable).replace("{place!r}", repr(str(self.place))))
        script.chmod(0o755)
        (folder / "maind").symlink_to("/bin/sleep")
        (folder / "helper").symlink_to("/bin/sleep")
        self.systemd = unit.Systemd(str(script))
        self.set(command=[str(folder / "maind"), "300"])

    def set(self, **properties: Any) -> None:
        """Change what the stand-in knows of the unit."""
        known = {
            "Id": NAME,
            "LoadState": "loaded",
            "ActiveState": "inactive",
            "SubState": "dead",
            "Result": "success",
            "UnitFileState": "enabled",
            "Type": "simple",
            "MainPID": 0,
            "Job": 0,
            "CanReload": "yes",
            "mark": self.mark,
            "starts": 0,
        }
        if self.place.exists():
            known = json.loads(self.place.read_text())[NAME]
        self.place.write_text(json.dumps({NAME: {**known, **properties}}))

    def known(self) -> dict[str, Any]:
        """What the stand-in knows of the unit."""
        found: dict[str, Any] = json.loads(self.place.read_text())[NAME]
        return found

    def told(self) -> list[str]:
        """What was told to systemd, show left out."""
        log = Path(str(self.place) + ".log")
        return log.read_text().split() if log.exists() else []

    def belongs(self, pid: int) -> bool:
        """Stands in for the control group."""
        try:
            return self.mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    def running(self, *command: str) -> int:
        """Start the unit's main process, and let systemd know; its process id."""
        child = self.process(*(command or ("maind", "300")))
        self.set(ActiveState="active", SubState="running", MainPID=child.pid)
        return child.pid

    def process(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """A process of the unit."""
        program = str(self.folder / name) if (self.folder / name).exists() else name
        return subprocess.Popen([program, *words], env={**os.environ, "TRIAGE_TEST": self.mark})

    def ask(self, how: str, check: bool = False, **options: Any) -> dict[str, Any]:
        """Call the remedy."""
        asked = {
            "service": NAME,
            "how": how,
            "settle": 6.0,
            "stop_timeout": 2.0,
            "guard": {"run": "run-1", "wait": 0.0, **options.pop("guard", {})},
            **options,
        }

        def guard(words: dict[str, Any], action: str, subject: str, check: bool) -> Guard:
            memory = state.State(str(self.folder / "state"))
            marker = str(self.folder / "maintenance")
            return Guard(words, action, subject, check, memory=memory, names=set, marker_path=marker)

        remedy = restart.DaemonRestart(asked, check, self.systemd, guard, self.belongs)
        answer: dict[str, Any] = remedy.run()
        return answer


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose processes are gone afterwards."""
    found = Host(tmp_path)
    yield found
    for entry in os.listdir("/proc"):
        if entry.isdigit() and found.belongs(int(entry)):
            os.kill(int(entry), signal.SIGKILL)


def letter(pid: int) -> str:
    """State of a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def stop(pid: int) -> None:
    """Stop a process, and wait until the kernel has done it."""
    os.kill(pid, signal.SIGSTOP)
    while letter(pid) != "T":
        time.sleep(0.01)


def test_what_is_down_is_started_once(host: Host) -> None:
    host.set(ActiveState="failed", SubState="failed", Result="signal")
    planned = host.ask("start", check=True)
    assert (planned["state"], planned["changed"]) == ("planned", True)
    assert host.told() == []
    done = host.ask("start")
    assert (done["state"], done["changed"], done["code"]) == ("done", True, "")
    assert host.told() == ["reset-failed", "start"]
    assert [step["what"] for step in planned["steps"]] == ["reset-failed", "start"]
    assert done["before"]["main"] is None and done["after"]["main"]["name"] == "maind"
    assert "0 processes" in done["evidence"]["processes"]
    again = host.ask("start")
    assert (again["state"], again["changed"], again["evidence"]) == ("nothing", False, {})
    assert host.known()["starts"] == 1


def test_a_restart_when_it_is_down_is_a_start(host: Host) -> None:
    assert host.ask("restart")["state"] == "done"
    assert host.told() == ["start"]


def test_a_second_restart_waits_for_its_grace_and_then_finds_nothing(host: Host) -> None:
    found_at = time.time()
    first = host.running()
    time.sleep(0.05)
    done = host.ask("restart")
    assert done["state"] == "done"
    assert done["before"]["main"]["pid"] == first != done["after"]["main"]["pid"]
    refused = host.ask("restart")
    assert (refused["state"], refused["code"], refused["changed"]) == ("refused", "grace", False)
    assert refused["retry_at"] == pytest.approx(time.time() + 120, abs=60)
    assert host.ask("restart", found_at=found_at)["state"] == "nothing"
    assert host.ask("restart", found_at=time.time() + 5)["state"] == "refused"
    assert host.known()["starts"] == 1


def test_a_stopped_daemon_goes_on_and_loses_nobody(host: Host) -> None:
    pid = host.running()
    stop(pid)
    assert host.ask("restart", check=True)["steps"][0]["what"] == "continue"
    done = host.ask("restart")
    assert done["state"] == "done"
    assert (done["before"]["main"]["state"], done["after"]["main"]["pid"]) == ("T", pid)
    again = host.ask("restart")
    assert (again["code"], again["changed"]) == ("grace", False)
    assert host.ask("restart", found_at=time.time() - 60)["state"] == "nothing"
    assert host.told() == []


def test_one_that_is_stopped_again_is_restarted(host: Host) -> None:
    """A stopped process does not take TERM: it is woken for that."""
    pid = host.running()
    stop(pid)
    assert host.ask("restart")["state"] == "done"
    stop(pid)
    done = host.ask("restart")
    assert done["state"] == "done"
    assert host.told() == ["restart"]
    assert done["after"]["main"]["pid"] != pid
    assert any(step["what"].startswith("CONT") for step in done["steps"])


def test_one_that_does_not_obey_is_killed(host: Host) -> None:
    script = "trap '' TERM; while :; do sleep 0.2; done"
    pid = host.running("/bin/sh", "-c", script)
    bystander = subprocess.Popen(["/bin/sleep", "300"])
    done = host.ask("restart")
    assert done["state"] == "done"
    assert [step["what"].split()[0] for step in done["steps"]] == ["systemctl", "TERM", "KILL", "wait"]
    assert done["after"]["main"]["pid"] != pid
    assert bystander.poll() is None
    bystander.kill()


def test_helpers_of_one_name_that_hang_and_no_others(host: Host) -> None:
    pid = host.running()
    well, hung, other = host.process("helper", "300"), host.process("helper", "300"), host.process("maind", "300")
    stop(hung.pid)
    stop(other.pid)
    done = host.ask("kill_helper", process="helper")
    assert done["state"] == "done", done
    assert f"({hung.pid})" in done["why"] and f"({well.pid})" not in done["why"]
    assert hung.wait(5) == -signal.SIGTERM
    assert (letter(well.pid), letter(other.pid), letter(pid)) == ("S", "T", "S")
    assert host.ask("kill_helper", process="helper")["state"] == "nothing"


def test_a_helper_that_is_none_is_refused(host: Host) -> None:
    host.running()
    for name in ("maind", "../maind", "a b", ""):
        refused = host.ask("kill_helper", process=name)
        assert (refused["state"], refused["code"]) == ("refused", "unknown_process")


def test_a_reload_ends_the_helpers_that_hung_before(host: Host) -> None:
    pid = host.running()
    hung = host.process("helper", "300")
    stop(hung.pid)
    done = host.ask("reload")
    assert done["state"] == "done"
    assert hung.wait(5) == -signal.SIGTERM
    assert letter(pid) == "S"
    assert (host.ask("reload")["code"], host.told()) == ("grace", ["reload"])


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"LoadState": "masked", "UnitFileState": "masked"}, "masked"),
        ({"UnitFileState": "disabled"}, "disabled"),
        ({"RefuseManualStart": "yes"}, "not_ours"),
        ({"LoadState": "bad-setting"}, "syntax"),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, "busy"),
        ({"Job": 12}, "busy"),
    ],
)
def test_refused_with_its_own_word_and_nothing_told(host: Host, properties: dict[str, Any], code: str) -> None:
    host.set(**properties)
    planned, refused = host.ask("start", check=True), host.ask("start")
    assert (refused["state"], refused["code"], refused["changed"]) == ("refused", code, False)
    assert (planned["state"], planned["code"]) == ("refused", code)
    assert refused["why"] and host.told() == []


def test_what_hangs_is_not_started_and_not_reloaded(host: Host) -> None:
    pid = host.running()
    stop(pid)
    assert host.ask("start")["code"] == "hung"
    assert host.ask("reload")["code"] == "hung"
    os.kill(pid, signal.SIGCONT)


def test_what_is_down_has_nothing_to_reload(host: Host) -> None:
    assert host.ask("reload")["code"] == "down"
    assert host.ask("kill_helper", process="helper")["code"] == "down"


def test_maintenance_keeps_it_away(host: Host) -> None:
    (host.folder / "maintenance").write_text("disk swap\n")
    refused = host.ask("start")
    assert (refused["state"], refused["code"]) == ("refused", "maintenance")
    assert "disk swap" in refused["why"] and host.told() == []


@pytest.mark.parametrize("check", [False, True])
def test_in_maintenance_nothing_of_the_host_is_looked_into(
    host: Host, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    """Looking for hazards writes into the spool and walks it: an operator may have taken it away."""

    def look(*dummy_words: Any, **dummy_more: Any) -> None:
        raise AssertionError("it was looked into")

    monkeypatch.setattr(restart.hazards, "refuse", look)
    (host.folder / "maintenance").write_text("disk swap\n")
    assert host.ask("start", check=check)["code"] == "maintenance"


def test_a_plan_lets_the_check_of_the_configuration_know(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []

    def look(dummy_context: Any, dummy_product: str, dummy_note: Any, plans: bool = False) -> str:
        told.append(plans)
        return ""

    monkeypatch.setattr(restart.hazards.syntax, "check", look)
    assert host.ask("start", check=True)["state"] == "planned"
    assert host.ask("start")["state"] == "done"
    assert told == [True, False]


def test_what_falls_over_at_once_has_not_come_up(host: Host) -> None:
    host.set(command=["/bin/sleep", "0.5"])
    failed = host.ask("start")
    assert (failed["state"], failed["code"], failed["changed"]) == ("failed", "start_failed", True)
    assert "signal" in failed["why"]


def test_a_crash_loop_gets_its_budget_and_then_its_pauses(host: Host) -> None:
    host.set(command=["/bin/sleep", "0.5"])
    patient = {"grace": 0.0, "starts_per_hour": 2}
    assert [host.ask("start", guard=patient)["state"] for _turn in range(2)] == ["failed", "failed"]
    refused = host.ask("start", guard=patient)
    assert (refused["state"], refused["code"]) == ("refused", "budget")
    assert host.known()["starts"] == 2
    # The pause goes by: the host remembers the same starts from a quarter of an hour ago.
    memory = state.State(str(host.folder / "state"))
    known = memory.read()
    for act in known["acts"]:
        act["at"] -= 901
    memory.write(known)
    assert host.ask("start", guard=patient)["state"] == "failed"
    assert host.ask("start", guard=patient)["code"] == "budget"
    assert host.known()["starts"] == 3


@pytest.mark.parametrize("name", ["a/../b", "x;reboot", "-x", "", "postfix@-.service\nx"])
def test_names_that_are_none(host: Host, name: str) -> None:
    refused = host.ask("start", service=name)
    assert (refused["state"], refused["code"]) == ("refused", "unknown_unit")
    assert host.told() == []


@pytest.mark.parametrize("name", ["ssh", "sshd.service", "dbus.service", "systemd-logind.service", "user@0.service"])
def test_what_no_remedy_touches(host: Host, name: str) -> None:
    assert host.ask("restart", service=name)["code"] == "not_ours"


def test_unknown_unit(host: Host) -> None:
    assert host.ask("start", service="inet:127.0.0.1:8892")["code"] in ("unknown_unit",)
    assert host.ask("start", service="opendkim")["code"] == "unknown_unit"


def test_diff_shows_the_same_before_and_the_plan_after(host: Host) -> None:
    planned = restart.diff(host.ask("start", check=True))
    done = restart.diff(host.ask("start"))
    assert planned["before"] == done["before"] == f"{NAME}: inactive\nmain process: none\n"
    assert planned["after"].startswith(f"{NAME}: active\nmain process: runs\n")
    assert done["after"].startswith(f"{NAME}: active\nmain process: runs\n")
    nothing = restart.diff(host.ask("start"))
    assert nothing["before"] == nothing["after"]
