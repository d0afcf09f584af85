# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module and the role patch_window as plays run them."""

from __future__ import annotations

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

import plays
import pytest

HOUR, DAY = 3600, 86400
# So far ahead that the proposal does not depend on the time of the test.
MONDAY = datetime.datetime.combine(
    datetime.date.today() + datetime.timedelta(days=14 - datetime.date.today().weekday()),
    datetime.time(),
    datetime.timezone.utc,
)
INVENTORY = """
all:
  hosts:
    mx1: {mail_redundancy_group: mx}
    mx2: {mail_redundancy_group: "{{ 'm' ~ 'x' }}"}
    store: {}
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - mailops.triage.patch_window:
        weeks: "{{ (lookup('file', dir ~ '/weeks.json') | from_json) }}"
        timezone: UTC
        not_before: "{{ begin }}"
        not_after: "{{ end }}"
        holidays: "{{ holidays | default([]) }}"
        page: "{{ dir }}/window.html"
      run_once: true
      register: window
    - ansible.builtin.copy: {content: "{{ window | to_json }}", dest: "{{ dir }}/result", mode: "0600"}
      run_once: true
      check_mode: false
"""


def week() -> dict[str, Any]:
    """Quiet from 01:00 to 04:00 UTC."""
    begin = int(MONDAY.timestamp()) - 35 * DAY
    hours = [
        {"at": at, "connections": 0, "delivered": 4 if HOUR <= at % DAY < 4 * HOUR else 400, "logins": 0}
        for at in range(begin, begin + 28 * DAY, HOUR)
    ]
    return {"hours": hours, "gaps": [], "timezone": "UTC", "notes": []}


def play(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a play for three hosts."""
    (folder / "play.yml").write_text(text, encoding="utf-8")
    (folder / "inventory.yml").write_text(INVENTORY, encoding="utf-8")
    collections = str(plays.ROOT / "playbooks" / "collections")
    variables, inventory = ("-e", f"dir={folder}", *words), str(folder / "inventory.yml")
    return plays.play(
        folder, folder / "play.yml", *variables, inventory=inventory, ANSIBLE_COLLECTIONS_PATH=collections
    )


@pytest.fixture(name="asked")
def _asked(tmp_path: Path) -> list[str]:
    (tmp_path / "weeks.json").write_text(json.dumps({name: week() for name in ("mx1", "mx2", "store")}))
    begin, end = (int((MONDAY + datetime.timedelta(days=days)).timestamp()) for days in (0, 2))
    return ["-e", json.dumps({"begin": begin, "end": end})]


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result").read_text(encoding="utf-8"))
    return found


def test_the_proposal(tmp_path: Path, asked: list[str]):
    done = play(tmp_path, PLAY, *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    found = result(tmp_path)
    best = found["windows"][0]
    assert best["begin"] == int(MONDAY.timestamp()) + HOUR and best["end"] - best["begin"] == 2 * HOUR
    # The groups are those of the inventory.
    assert {slot["host"]: slot["groups"] for slot in best["slots"]} == {"mx1": ["mx"], "mx2": ["mx"], "store": []}
    assert "[][]" in found["picture"] and "[][]" in done.stdout
    assert found["changed"] and (tmp_path / "window.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert play(tmp_path, PLAY, *asked).returncode == 0
    assert result(tmp_path)["changed"] is False


def test_check_mode_writes_no_page(tmp_path: Path, asked: list[str]):
    assert play(tmp_path, PLAY, *asked, "--check").returncode == 0
    assert result(tmp_path)["changed"] and not (tmp_path / "window.html").exists()


def test_what_is_not_understood(tmp_path: Path, asked: list[str]):
    done = play(tmp_path, PLAY, *asked, "-e", json.dumps({"holidays": [{"start": "Christmas"}]}))
    assert done.returncode == 2 and "holiday calendar, entry 1: 'Christmas' is no time" in plays.said(done)


ROLE = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: mailops.triage.patch_window}
      vars:
        patch_window_days: 1
        # As people write them: YAML makes dates and a number of these.
        patch_window_freezes: [{name: end of the year, start: 2026-12-23, end: 2027-01-02}]
        patch_window_not_before: 2036-12-01
        patch_window_not_after: 2036-12-20
        patch_window_rules:
          tz: Europe/Berlin
          windows: [{days: [mon-thu, sun], start: 22:00, duration: 7h, cutoff: 30m}]
          blackouts: [{name: audit, start: 2036-12-08}]
    - ansible.builtin.copy: {content: "{{ patch_window_result | to_json }}", dest: "{{ dir }}/result", mode: "0600"}
      run_once: true
      check_mode: false
"""


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_the_role(tmp_path: Path, words: tuple[str, ...]):
    """Every host is asked, and is either in the proposal or named with the reason why not."""
    done = play(tmp_path, ROLE, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    found = result(tmp_path)
    assert found["hosts"] == ["mx1", "mx2", "store"] and set(found["without_data"]) <= set(found["hosts"])
    assert found["timezone"] == "Europe/Berlin" and found["changed"] is False
    assert found["until"] - found["from"] == 19 * DAY
