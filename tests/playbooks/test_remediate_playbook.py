# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""First aid as a user runs it, against this very machine: a rule that always fires, and a role that stands in.

The stand-in writes down what it was told and answers like the module of a remedy. Nothing else is done anywhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import plays
from plays import RECORDING, ROOT

PLAYBOOK = ROOT / "playbooks" / "remediate.yml"
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
HOSTILE = "{{ lookup('pipe', 'touch ' ~ inventory_dir ~ '/pwned') }}"

RULE = """
- id: software.always
  title: Something is always wrong with {inventory.site}
  category: software
  severity: major
  subject: stand-in
  when: "run.now > `0`"
  confidence: 0.95
  remedy:
    action: restart_daemon
    auto: %s
    args: {service: "{inventory.site}", how: start}
    do: Start it.
"""
MODULE = """
import json, os
from ansible.module_utils.basic import AnsibleModule
def main():
    module = AnsibleModule(
        {
            **{"told": {"type": "dict"}, "guard": {"type": "dict"}, "into": {"type": "path"}},
            **{"breaks": {"type": "bool"}, "refuses": {"type": "bool"}},
        },
        supports_check_mode=True,
    )
    if module.params["breaks"]:
        module.fail_json(msg="it broke: " + module.params["told"]["service"])
    if not module.check_mode:
        with open(module.params["into"], "a") as stream:
            stream.write(json.dumps([module.params["told"], module.params["guard"]]) + "\\n")
    answer = {"changed": True, "action": "restart_daemon", "subject": "x", "code": "", "retry_at": None}
    answer.update(state="planned" if module.check_mode else "done", why="said " + module.params["told"]["service"])
    answer.update(steps=[{"at": 1.0, "what": "start", "result": "up"}], before={"up": False}, after={"up": True})
    if module.params["refuses"]:
        answer.update(changed=False, state="refused", code="budget", why="started too often")
    answer.update(notes=[], evidence={"../../journal": "evidence of " + module.params["told"]["service"]})
    module.exit_json(**answer)
if __name__ == "__main__":
    main()
"""
TASKS = """
- name: Stand in
  ansible.legacy.stand_in:
    told: "{{ restart_daemon_args }}"
    guard: "{{ restart_daemon_guard }}"
    into: "{{ inventory_dir }}/told-{{ inventory_hostname }}"
    breaks: "{{ inventory_hostname == 'broken' }}"
    refuses: "{{ refuses | default(false) }}"
  register: restart_daemon_result
"""


def play(tmp_path: Path, *words: str, hosts: str = "here", auto: str = "true") -> subprocess.CompletedProcess[str]:
    """Run the playbook from an empty directory with the rule and the role."""
    for name, text in (
        ("rules/always.yml", RULE % auto),
        ("stand_in/tasks/main.yml", "---" + TASKS),
        ("library/stand_in.py", MODULE),
        ("hosts", f"[mailservers]\n{hosts}\n[all:vars]\nansible_connection=local\nansible_host=127.0.0.1\n"),
        ("group_vars/all.yml", f'mail_site: !unsafe "{HOSTILE}"\nansible_python_interpreter: {sys.executable}\n'),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    variables = json.dumps(settings(tmp_path))
    return plays.play(
        tmp_path, PLAYBOOK, "-e", variables, *words, inventory=str(tmp_path / "hosts"), **library(tmp_path)
    )


def settings(tmp_path: Path) -> dict[str, Any]:
    """The variables that every test gives."""
    return {
        "triage_rules_dirs": [str(tmp_path / "rules")],
        "remediate_roles": {"restart_daemon": str(tmp_path / "stand_in")},
        "remediate_watch_seconds": 0,
        "remediate_patience": 1,
        "triage_gather_subset": ["host", "memory"],
    }


def library(tmp_path: Path) -> dict[str, str]:
    """Where the module of the stand-in lies."""
    return {"ANSIBLE_LIBRARY": str(tmp_path / "library")}


def report(tmp_path: Path, done: subprocess.CompletedProcess[str]) -> tuple[Path, dict[str, Any]]:
    """Where the report lies, and what it holds; it follows the schema, and nothing in it was ever run."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "pwned").exists()
    (folder,) = (tmp_path / "triage-reports").iterdir()
    found: dict[str, Any] = json.loads((folder / "triage.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, SCHEMA)
    return folder, found


def told(tmp_path: Path, host: str = "here") -> list[Any]:
    """What the stand-in was told, each time it was called."""
    path = tmp_path / f"told-{host}"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_what_is_safe_is_done_once_and_told(tmp_path: Path) -> None:
    done = play(tmp_path, "-e", "triage_ticket=4711")
    folder, found = report(tmp_path, done)
    ((args, guard),) = told(tmp_path)
    assert args == {"service": HOSTILE, "how": "start"}
    assert (guard["run"], guard["ticket"], guard["finding"]) == (found["run"]["id"], "4711", "software.always")
    (action,) = [one for one in found["hosts"]["here"]["actions"] if one["finding"] == "software.always"]
    assert (action["state"], action["subject"], action["why"]) == ("done", HOSTILE, f"said {HOSTILE}")
    assert action["proof"]["state"] == "not_healed" and action["proof"]["by"] == "diagnosis"
    assert found["fleet"]["actions"]["done"] >= 1
    (evidence,) = action["evidence"]
    assert (folder / evidence).read_text(encoding="utf-8") == f"evidence of {HOSTILE}"
    assert (folder / evidence).resolve().is_relative_to(folder / "evidence" / "here")
    first = json.loads((folder / "before" / "triage.json").read_text(encoding="utf-8"))
    assert first["run"]["id"] == found["run"]["id"] and first["run"]["started"] < found["run"]["started"]
    assert not (folder / "after").exists()
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "did not cure it" in page
    # The report is a recording as any other.
    again = play(tmp_path, "-e", f"triage_replay={folder}", "-e", f"triage_report_dir={tmp_path}/again")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(told(tmp_path)) == 1


def test_check_mode_shows_the_plan_and_changes_nothing(tmp_path: Path) -> None:
    done = play(tmp_path, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "triage-reports").exists()
    assert not (tmp_path / "pwned").exists()
    assert told(tmp_path) == []
    assert "Will do" in done.stdout and "planned restart_daemon" in done.stdout


def test_what_asks_is_left_alone_where_nobody_is_there(tmp_path: Path) -> None:
    folder, found = report(tmp_path, play(tmp_path, auto="false"))
    (action,) = [one for one in found["hosts"]["here"]["actions"] if one["finding"] == "software.always"]
    assert action["state"] == "planned"
    assert action["why"] == "this remedy always asks; to do it: -e remediate_auto=all -l here"
    assert told(tmp_path) == []
    assert not (folder / "before").exists()


def test_all_does_what_asks(tmp_path: Path) -> None:
    report(tmp_path, play(tmp_path, "-e", "remediate_auto=all", auto="false"))
    assert len(told(tmp_path)) == 1


def test_none_does_nothing(tmp_path: Path) -> None:
    report(tmp_path, play(tmp_path, "-e", "remediate_auto=none"))
    assert told(tmp_path) == []


def test_hosts_that_stand_in_for_each_other_take_turns(tmp_path: Path) -> None:
    hosts = "a mail_redundancy_group=mx\nb mail_redundancy_group=mx\nc"
    done = play(tmp_path, hosts=hosts)
    dummy, found = report(tmp_path, done)
    assert [len(told(tmp_path, host)) for host in "abc"] == [1, 1, 1]
    ended = {host: found["hosts"][host]["actions"][0]["finished"] for host in "abc"}
    begun = {host: found["hosts"][host]["actions"][0]["started"] for host in "abc"}
    assert ended["a"] < begun["b"]
    assert begun["c"] < begun["b"]
    assert "one host of the group mx at a time, and a comes first" in " ".join(done.stdout.split())


def test_a_host_that_refuses_keeps_nobody_of_its_group_waiting_and_the_run_ends(tmp_path: Path) -> None:
    hosts = "a mail_redundancy_group=mx refuses=true\nb mail_redundancy_group=mx\nc mail_redundancy_group=mx\nd"
    dummy, found = report(tmp_path, play(tmp_path, hosts=hosts))
    assert [len(told(tmp_path, host)) for host in "abcd"] == [1, 1, 1, 1]
    states = {host: [action["state"] for action in found["hosts"][host]["actions"]] for host in "abcd"}
    assert "refused" in states["a"] and {"done"} <= set(states["b"]) & set(states["c"]) & set(states["d"])


def test_a_remedy_that_breaks_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    dummy, found = report(tmp_path, play(tmp_path, hosts="broken\nhere"))
    action = found["hosts"]["broken"]["actions"][0]
    assert (action["state"], action["code"], action["why"]) == ("failed", "error", f"it broke: {HOSTILE}")
    assert found["hosts"]["here"]["actions"][0]["state"] == "done"


def test_a_recording_can_only_be_planned(tmp_path: Path) -> None:
    done = play(tmp_path, "-e", f"triage_replay={RECORDING}", "-e", "remediate_auto=all")
    dummy, found = report(tmp_path, done)
    states = {action["state"] for host in found["hosts"].values() for action in host["actions"]}
    assert states <= {"planned", "refused"} and "planned" in states
    assert "a recording: nothing is done" in done.stdout


def test_watching_alone_tells_of_outages(tmp_path: Path) -> None:
    play(tmp_path, "--syntax-check")
    playbook = ROOT / "playbooks" / "watch.yml"
    done = plays.play(tmp_path, playbook, "-e", "watch_seconds=1", inventory=str(tmp_path / "hosts"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Watched" in done.stdout


def test_the_report_of_an_interrupted_run_tells_what_was_done(tmp_path: Path) -> None:
    """The controller is killed while it watches."""
    play(tmp_path, "--syntax-check")
    (tmp_path / "settings.yml").write_text("remediate_watch_seconds: 600\n", encoding="utf-8")
    more = ["-e", json.dumps(settings(tmp_path)), "-e", f"@{tmp_path}/settings.yml"]
    with subprocess.Popen(
        [*plays.PROGRAM, "-i", str(tmp_path / "hosts"), str(PLAYBOOK), *more],
        cwd=tmp_path,
        env=plays.environment(tmp_path, **library(tmp_path)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        assert run.stdout is not None
        seen = next((text for text in run.stdout if "Watching 1 hosts" in text), "")
        run.kill()
        # The pipe ends when the last process of the run has ended: whoever watches notices that nobody waits.
        run.stdout.read()
    assert seen
    (folder,) = (tmp_path / "triage-reports").iterdir()
    found = json.loads((folder / "triage.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, SCHEMA)
    assert [action["state"] for action in found["hosts"]["here"]["actions"]] == ["done"]
    assert HOSTILE.replace("'", "&#39;") in (folder / "index.html").read_text(encoding="utf-8")
