# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role patch_schedule towards AWX: what awx.awx.schedule is told. Timers and at are tried in tests/quiet."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import plays

# The options of awx.awx.schedule 24.6.1 that the role may use; what it is told is left in a file.
_MODULE = """\
import json, os
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(
    dict(
        name=dict(required=True), state=dict(choices=["present", "absent", "exists"], default="present"),
        unified_job_template=dict(), rrule=dict(), extra_data=dict(type="dict"), limit=dict(),
        enabled=dict(type="bool"), description=dict(), inventory=dict(),
    ),
    supports_check_mode=True,
)
path = os.environ["TOLD"]
told = {name: value for name, value in module.params.items() if value is not None}
before = json.load(open(path)) if os.path.exists(path) else {}
if not module.check_mode:
    json.dump(told, open(path, "w"))
module.exit_json(changed=told != before)
"""
_LOOKUP = """\
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **options):
        assert terms == ["schedules"] and options["query_params"] == {"unified_job_template__name": "Patch night"}
        return [{"id": 3, "name": "patch-night", "enabled": True, "next_run": "2026-11-29T02:00:00Z", "rrule": "R",
                 "summary_fields": {"big": True}}]
"""
_PLAY = """\
- hosts: all
  gather_facts: false
  roles: [mailops.triage.patch_schedule]
  post_tasks:
    - ansible.builtin.copy: {content: "{{ patch_schedule_result | to_json }}", dest: "{{ answer }}", mode: "0600"}
      delegate_to: localhost
      run_once: true
      check_mode: false
"""
SUNDAY = {"days": "sun", "start": "03:00", "duration": "2h", "cutoff": "30m"}


def stub(folder: Path) -> None:
    """What stands for the collection awx.awx."""
    awx = folder / "ansible_collections" / "awx" / "awx" / "plugins"
    for kind, name, text in (("modules", "schedule", _MODULE), ("lookup", "controller_api", _LOOKUP)):
        (awx / kind).mkdir(parents=True, exist_ok=True)
        (awx / kind / f"{name}.py").write_text(text, encoding="utf-8")


def play(
    folder: Path, *words: str, collection: bool = True, **variables: Any
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the role; what ansible-playbook says, and the role's result."""
    if collection:
        stub(folder)
    (folder / "play.yml").write_text(_PLAY, encoding="utf-8")
    given = {f"patch_schedule_{name}": value for name, value in variables.items()}
    given.update(patch_schedule_with="awx", patch_schedule_awx_template="Patch night", answer=str(folder / "answer"))
    given["patch_schedule_timezone"] = "Europe/Berlin"
    paths = f"{folder}:{plays.ROOT / 'playbooks' / 'collections'}"
    done = plays.play(
        folder,
        folder / "play.yml",
        *("-e", json.dumps(given), *words),
        inventory="mail1,mail2,",
        ANSIBLE_COLLECTIONS_PATH=paths,
        TOLD=str(folder / "told"),
    )
    answer = folder / "answer"
    return done, json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {}


def test_awx_is_told_rule_and_windows_once_and_again_nothing_changes(tmp_path: Path) -> None:
    more = {"windows": [SUNDAY], "awx_extra_vars": {"triage_ticket": "INC-1"}, "awx_limit": "mailservers"}
    done, planned = play(tmp_path, "--check", **more)
    assert (done.returncode, planned["changed"], (tmp_path / "told").exists()) == (0, True, False), done.stdout
    done, result = play(tmp_path, **more)
    assert (done.returncode, result["changed"], result["state"]) == (0, True, "done"), done.stdout
    assert json.loads((tmp_path / "told").read_text(encoding="utf-8")) == {
        "name": "patch-night",
        "state": "present",
        "unified_job_template": "Patch night",
        "rrule": "DTSTART;TZID=Europe/Berlin:20260104T030000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU",
        "extra_data": {
            "patch_night_scheduled": {
                "tz": "Europe/Berlin",
                "windows": [{"days": ["sun"], "start": "03:00", "duration": 120, "cutoff": 30}],
            },
            "triage_ticket": "INC-1",
        },
        "limit": "mailservers",
        "enabled": True,
    }
    assert result["schedules"][0]["next"][0]["text"].startswith("Sun ")
    assert play(tmp_path, **more)[1]["changed"] is False


def test_awx_is_told_to_forget_it(tmp_path: Path) -> None:
    done, result = play(tmp_path, state="cancelled", name="other")
    assert (done.returncode, result["changed"]) == (0, True), done.stdout
    told = json.loads((tmp_path / "told").read_text(encoding="utf-8"))
    assert told == {"name": "other", "state": "absent", "unified_job_template": "Patch night", "enabled": True}


def test_what_awx_has_is_listed(tmp_path: Path) -> None:
    done, result = play(tmp_path, state="listed")
    assert (done.returncode, result["changed"]) == (0, False), done.stdout
    assert result["schedules"] == [
        {
            "name": "patch-night",
            "enabled": True,
            "next_run": "2026-11-29T02:00:00Z",
            "rrule": "R",
            "with": "awx",
        }
    ]


def test_the_playbook_shows_them(tmp_path: Path) -> None:
    stub(tmp_path)
    done = plays.play(
        tmp_path,
        plays.ROOT / "playbooks" / "patch_schedule.yml",
        *("-e", "patch_schedule_state=listed", "-e", "patch_schedule_with=awx"),
        *("-e", json.dumps({"patch_schedule_awx_template": "Patch night"})),
        ANSIBLE_COLLECTIONS_PATH=str(tmp_path),
    )
    assert done.returncode == 0, plays.said(done)
    assert '"next_run": "2026-11-29T02:00:00Z"' in done.stdout


def test_without_the_collection_it_is_said_what_to_install(tmp_path: Path) -> None:
    done, result = play(tmp_path, collection=False, windows=[SUNDAY])
    assert (done.returncode != 0, result) == (True, {})
    assert "install the collection awx.awx on the controller" in done.stdout


def test_more_than_one_time_of_the_day_is_refused(tmp_path: Path) -> None:
    done, dummy = play(tmp_path, windows=[SUNDAY, dict(SUNDAY, start="23:00")])
    assert done.returncode != 0
    assert "give each window a schedule of its own" in done.stdout
