# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook awx_configure.yml with the real modules of awx.awx, against a stand-in of AWX that is strict."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plays
import pytest
import runner_layout
import stand_in
from plays import said
from stand_in import Awx

PLAYBOOK = plays.ROOT / "playbooks" / "awx_configure.yml"
PLAYBOOKS = {f"playbooks/{path.name}" for path in PLAYBOOK.parent.glob("*.yml")}
SITE: dict[str, Any] = {
    "awx_configure_organization": "Example",
    "awx_configure_inventory": "Mail hosts",
    "awx_configure_credentials": ["Mail login"],
    "awx_configure_environment_image": "registry.example.com/mailops/triage:1",
    "awx_configure_notification_url": "https://chat.example.com/hook",
    "awx_configure_event_team": "Rulebooks",
    "awx_configure_diagnosis_rrule": "DTSTART;TZID=Europe/Berlin:20260101T060000 RRULE:FREQ=DAILY;INTERVAL=1",
    "awx_configure_patch_rrule": "DTSTART;TZID=Europe/Berlin:20260104T030000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU",
    "awx_configure_patch_window": {
        "tz": "Europe/Berlin",
        "windows": [{"days": "sun", "start": "03:00", "duration": "2h", "cutoff": "30m"}],
    },
}


def configure(folder: Path, awx: Awx, *words: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run the playbook; what AWX is asked then is on its record alone."""
    awx.requests.clear()
    return plays.play(
        folder,
        PLAYBOOK,
        *("-e", json.dumps({**SITE, **variables}), *words),
        CONTROLLER_HOST=awx.url,
        CONTROLLER_OAUTH_TOKEN=stand_in.TOKEN,
        ANSIBLE_COLLECTIONS_PATH=str(runner_layout.COLLECTIONS),
        ANSIBLE_PIPELINING="1",
    )


@dataclass
class Story:
    """An AWX and what has happened to it: planned, configured, and configured again."""

    awx: Awx
    planned: subprocess.CompletedProcess[str]
    planned_writes: list[Any]
    done: subprocess.CompletedProcess[str]
    again: subprocess.CompletedProcess[str]
    again_requests: list[Any]
    again_writes: list[Any]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Told once for all tests that only look."""
    runner_layout.install()
    folder = tmp_path_factory.mktemp("story")
    with stand_in.running(PLAYBOOKS) as awx:
        planned = configure(folder, awx, "--check")
        planned_writes = awx.written()
        done = configure(folder, awx)
        again = configure(folder, awx)
        yield Story(awx, planned, planned_writes, done, again, list(awx.requests), awx.written())


@pytest.fixture
def empty() -> Iterator[Awx]:
    """An AWX that nothing has been done to."""
    runner_layout.install()
    with stand_in.running(PLAYBOOKS) as awx:
        yield awx


def test_check_mode_tells_what_would_be_made_and_writes_nothing(story: Story) -> None:
    assert story.planned.returncode == 0, said(story.planned)
    assert story.planned_writes == []
    assert "changed: [localhost] => (item=Mail ticket system)" in story.planned.stdout
    assert "What the step 'templates' makes comes when there is mailops.triage" in said(story.planned)


def test_the_second_run_changes_nothing(story: Story) -> None:
    assert story.done.returncode == 0, said(story.done)
    assert story.again.returncode == 0, said(story.again)
    assert "changed=0" in story.again.stdout
    assert story.again_writes == [] and len(story.again_requests) > 100


def test_the_token_is_nowhere_in_the_output(story: Story) -> None:
    for done in (story.planned, story.done, story.again):
        assert stand_in.TOKEN not in done.stdout + done.stderr


def test_the_service_desk_may_launch_a_triage_and_nothing_else(story: Story) -> None:
    assert story.awx.granted("Service desk") == {("Mail triage", "execute_role")}
    assert story.awx.granted("Rulebooks") == {("Mail event", "execute_role")}
    mail = story.awx.granted("Mail operations")
    assert {
        ("Mail remediate", "execute_role"),
        ("Mail ticket", "execute_role"),
        ("Mail ticket", "approval_role"),
    } <= mail
    assert ("Mail event", "execute_role") not in mail


def test_nobody_but_rulebooks_and_mail_people_can_set_any_variable(story: Story) -> None:
    """Who may set any variable may set remediate_auto. A survey lets nothing through but its own questions."""
    templates = [item for item in story.awx.objects.values() if item["type"].endswith("job_template")]
    asking = {item["name"] for item in templates if item["ask_variables_on_launch"]}
    assert asking == {"Mail event", "Mail patch night"}
    surveyed = {
        item["name"]: {question["variable"] for question in story.awx.surveys[item["id"]].get("spec", [])}
        for item in templates
        if item["survey_enabled"]
    }
    assert {name for name, questions in surveyed.items() if "remediate_auto" in questions} == {
        "Mail remediate",
        "Mail remedy",
    }
    assert "Mail triage" in surveyed and "Mail ticket" in surveyed


def test_no_patch_night_is_sliced_and_no_facts_are_kept(story: Story) -> None:
    slices = {
        item["name"]: item["job_slice_count"] for item in story.awx.objects.values() if item["type"] == "job_template"
    }
    assert slices.pop("Mail fleet diagnosis") == 4
    assert set(slices.values()) == {1}
    templates = [item for item in story.awx.objects.values() if item["type"] == "job_template"]
    assert not any(item["use_fact_cache"] or item["ask_job_slice_count_on_launch"] for item in templates)


def test_webhooks_are_received_where_a_ticket_may_start_something(story: Story) -> None:
    received = {item["name"] for item in story.awx.objects.values() if item.get("webhook_service")}
    assert received == {"Mail triage", "Mail ticket"}


def test_what_outlasts_a_job_is_named_after_the_job(story: Story) -> None:
    triage = json.loads(story.awx.named("job_templates", "Mail triage")["extra_vars"])
    assert triage["triage_report_dir"] == "/srv/mailops/reports/{{ awx_job_id }}"
    assert triage["ticket_outbox_dir"] == "/srv/mailops/outbox"
    assert json.loads(story.awx.named("job_templates", "Mail approval")["extra_vars"]) == {
        "approval_unattended": "safe"
    }


def test_the_patch_night_gets_its_window(story: Story) -> None:
    schedule = story.awx.named("schedules", "Mail patch night")
    assert schedule["extra_data"] == {"patch_night_window": SITE["awx_configure_patch_window"]}
    assert schedule["unified_job_template"] == story.awx.named("job_templates", "Mail patch night")["id"]


def test_the_notification_tells_job_and_artifact(story: Story) -> None:
    told = story.awx.named("notification_templates", "Mail job in trouble")
    assert "{{ job.artifacts | tojson }}" in told["messages"]["error"]["body"]
    number = story.awx.named("job_templates", "Mail triage")["id"]
    assert story.awx.links[("job_templates", number, "notification_templates_error")] == [told["id"]]


def walk(awx: Awx, ends_badly: set[str]) -> tuple[set[str], bool]:
    """The nodes of the workflow of tickets that run, and whether it ends well, as AWX has it.

    :param ends_badly: nodes that fail, when they run
    """
    nodes = {item["id"]: item["identifier"] for item in awx.objects.values() if item["type"].endswith("template_node")}
    ran: set[str] = set()
    well = True
    ahead = [awx.named("workflow_job_template_nodes", "triage")["id"]]
    while ahead:
        number = ahead.pop()
        ran.add(nodes[number])
        failed = nodes[number] in ends_badly
        way = "failure_nodes" if failed else "success_nodes"
        after = [
            *awx.links.get(("workflow_job_template_nodes", number, way), []),
            *awx.links.get(("workflow_job_template_nodes", number, "always_nodes"), []),
        ]
        well = well and not (failed and not after)
        ahead += after
    return ran, well


@pytest.mark.parametrize(
    ("ends_badly", "ran"),
    [
        (set(), {"triage", "approval", "safe", "answer"}),
        ({"safe"}, {"triage", "approval", "safe", "answer"}),
        ({"triage"}, {"triage", "failed"}),
        ({"approval"}, {"triage", "approval", "ask", "approved", "answer"}),
        ({"approval", "ask"}, {"triage", "approval", "ask", "answer"}),
        ({"approval", "approved"}, {"triage", "approval", "ask", "approved", "answer"}),
    ],
)
def test_each_way_through_the_workflow_ends_in_an_answer(story: Story, ends_badly: set[str], ran: set[str]) -> None:
    assert walk(story.awx, ends_badly) == (ran, True)


def test_only_an_approval_leads_to_what_is_not_safe(story: Story) -> None:
    asked = {
        item["identifier"]: item["extra_data"]["remediate_auto"]
        for item in story.awx.objects.values()
        if item["type"].endswith("template_node") and "remediate_auto" in item["extra_data"]
    }
    assert asked == {"safe": "safe", "approved": "all"}
    approved = story.awx.named("workflow_job_template_nodes", "approved")["id"]
    assert [key for key, to in story.awx.links.items() if approved in to] == [
        ("workflow_job_template_nodes", story.awx.named("workflow_job_template_nodes", "ask")["id"], "success_nodes")
    ]
    ask = story.awx.named("workflow_job_template_nodes", "ask")["unified_job_template"]
    assert story.awx.objects[ask]["type"] == "workflow_approval_template"
    assert story.awx.objects[ask]["timeout"] == 14400


def test_what_somebody_has_changed_by_hand_is_put_right(tmp_path: Path, story: Story) -> None:
    awx = story.awx
    triage = awx.named("job_templates", "Mail triage")["id"]
    awx.objects[triage]["ask_variables_on_launch"] = True
    planned = configure(tmp_path, awx, "--check")
    assert (planned.returncode, awx.written()) == (0, []), said(planned)
    assert "changed: [localhost] => (item=triage)" in planned.stdout and "changed=1 " in planned.stdout
    done = configure(tmp_path, awx)
    assert done.returncode == 0, said(done)
    ((method, path, dummy),) = awx.written()
    assert (method, path) == ("PATCH", f"/api/v2/job_templates/{triage}/")
    assert awx.objects[triage]["ask_variables_on_launch"] is False


def test_a_site_without_image_notification_schedules_and_webhooks(tmp_path: Path, empty: Awx) -> None:
    bare = {
        "awx_configure_environment_image": "",
        "awx_configure_notification_url": "",
        "awx_configure_diagnosis_rrule": "",
        "awx_configure_patch_rrule": "",
        "awx_configure_event_team": "",
        "awx_configure_service_desk": "",
        "awx_configure_webhooks": False,
        "awx_configure_unattended": "none",
    }
    done = configure(tmp_path, empty, **bare)
    assert done.returncode == 0, said(done)
    kinds = {item["type"] for item in empty.objects.values()}
    assert not kinds & {"execution_environment", "notification_template", "schedule"}
    assert not any(item.get("webhook_service") for item in empty.objects.values())
    assert empty.named("workflow_job_template_nodes", "safe")["extra_data"]["remediate_auto"] == "none"


QUESTION = {"question_name": "x", "question_description": "", "variable": "x", "type": "text", "required": False}
ASKED = ("ticket", "system", "symptom", "affected", "auto", "watch", "select", "reboot")
TYPE = {"name": "x", "description": "x", "kind": "cloud", "inputs": {"fields": []}, "injectors": {}}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"awx_configure_organization": "Nobody"}, "AWX has no organization 'Nobody'; set awx_configure_organization"),
        ({"awx_configure_inventory": "Nothing"}, "AWX has no inventory 'Nothing'; set awx_configure_inventory"),
        ({"awx_configure_ticket_credential": "T"}, "AWX has no credential 'T'; set awx_configure_ticket_credential"),
        ({"awx_configure_credentials": ["C"]}, "AWX has no credential 'C'; set awx_configure_credentials"),
        ({"awx_configure_patch_window": {}}, "say with awx_configure_patch_window until when it may work"),
        ({"awx_configure_unattended": "all"}, "value of awx_configure_unattended must be one of: none, safe"),
        (
            {"awx_configure_templates": [{"key": "x", "playbook": "nowhere.yml", "description": ""}]},
            "Playbook not found for project",
        ),
        (
            # Of a template that there is already: what AWX makes of a new one, it keeps when it refuses the survey.
            {"awx_configure_questions": {name: {**QUESTION, "variable": name, "type": "number"} for name in ASKED}},
            "'number' is not one of text, textarea",
        ),
        (
            {"awx_configure_types": [{**TYPE, "injectors": {"env": {"ANSIBLE_CONFIG": "x"}}}]},
            "ANSIBLE_CONFIG is not allowed",
        ),
        ({"awx_configure_types": [{**TYPE, "inputs": {"fields": [{"id": "a"}]}}]}, "'label' is a required property"),
        (
            {
                "awx_configure_diagnosis_rrule": "RRULE:FREQ=DAILY;INTERVAL=1",
                "awx_configure_templates": [],
                "awx_configure_workflows": [],
            },
            "Valid DTSTART required",
        ),
    ],
)
def test_what_is_wrong_is_named_and_not_written(
    tmp_path: Path, story: Story, variables: dict[str, Any], message: str
) -> None:
    before = json.dumps([story.awx.objects, story.awx.surveys], sort_keys=True)
    done = configure(tmp_path, story.awx, **variables)
    assert done.returncode != 0
    assert message in said(done)
    assert json.dumps([story.awx.objects, story.awx.surveys], sort_keys=True) == before


def test_without_the_collection_it_is_said_what_to_install(tmp_path: Path) -> None:
    done = plays.play(tmp_path, PLAYBOOK, "-e", json.dumps(SITE))
    assert done.returncode != 0
    assert "install the collection awx.awx on the controller" in said(done)
