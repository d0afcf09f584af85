# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket goes in: every way that one may come, against this very machine, where nothing answers.

What a ticket says stays text, chooses among the hosts that there are, and starts a diagnosis and nothing more.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import launches
import plays
import pytest
from plays import ROOT, said

PLAYBOOK = ROOT / "playbooks" / "triage.yml"
SCHEMA = json.loads((ROOT / "docs" / "ticket.schema.json").read_text(encoding="utf-8"))
INVENTORY = """\
[mailservers]
mail1 mail_roles='["mta"]' mail_site=berlin
mail2 mail_roles='["pop3", "imap"]' mail_site=osaka
mail3 mail_roles='["imap"]' mail_site=osaka

[others]
web1

[all:vars]
ansible_connection=local
ansible_host=127.0.0.1
"""
PWN = "{{ lookup('pipe', 'touch ' ~ inventory_dir ~ '/pwned') }}"
HOSTILE = [
    PWN,
    "{% set x = lookup('pipe', 'touch ' ~ inventory_dir ~ '/pwned') %}{{ x }}",
    f'!unsafe "{PWN}"',
    "!!python/object/apply:os.system ['touch pwned']",
    "$(touch pwned) `touch pwned`; touch pwned | touch pwned && touch pwned",
    "\x1b]0;title\x07\x1b[2J\x00\x9b31m\u202egnp.exe",
    "{{ hostvars }} {{ vars }} {# comment #} {%",
]
TICKET = {"subject": "POP server does not respond", "body": "since nine", "id": 4711}


def play(
    tmp_path: Path, *words: str, inventory: str = INVENTORY, points: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the playbook from an empty directory, as somebody else's project would."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{inventory}ansible_python_interpreter={sys.executable}\n{points}", encoding="utf-8")
    quick = {"triage_gather_subset": ["host"], "triage_probe_timeout": 1, "triage_probe_deadline": 5}
    done = plays.play(
        tmp_path,
        PLAYBOOK,
        *("-e", json.dumps(quick)),
        *words,
        inventory=str(hosts),
        ANSIBLE_SHOW_CUSTOM_STATS="1",
        ANSIBLE_LOCALHOST_WARNING="0",
        **more,
    )
    assert not [path for path in tmp_path.rglob("*") if path.name == "pwned"], "a text of the ticket was run"
    return done


def payload(tmp_path: Path, document: Any, name: str = "ticket.json") -> str:
    """A payload in a file, as an option."""
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return f"triage_payload_file={path}"


class Outcome:
    """What a run that went well has left."""

    def __init__(self, tmp_path: Path, done: subprocess.CompletedProcess[str]) -> None:
        assert done.returncode == 0, said(done)
        (self.folder,) = (tmp_path / "triage-reports").iterdir()
        self.event = self._read("ticket.json")
        self.run = self._read("run.json")
        self.report = self._read("triage.json")
        self.mended = (self.folder / "remedies.json").exists()
        self.artifact = artifact(done)
        jsonschema.Draft202012Validator(SCHEMA).validate(self.event)
        # Nobody was looked at but those that were chosen.
        assert set(self.report["hosts"]) == set(self.event["hosts"]) == set(self.run["hosts"])
        assert self.run["id"] == self.event["run"] == self.folder.name

    def _read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def artifact(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the run hands on to the next node of a workflow, as the terminal shows it."""
    text = done.stdout.partition("CUSTOM STATS:")[2].partition("RUN:")[2].strip()
    found: dict[str, Any] = json.loads(text)["mailops_triage"]
    assert len(json.dumps(found)) <= 32 * 1024
    return found


@pytest.mark.parametrize(
    ("launch", "source", "system", "identity"),
    [
        ("manual", "variables", "manual", "4711"),
        ("webhook", "webhook", "jira", "MAIL-7"),
        ("eda", "eda", "alertmanager", '{}:{alertname="Pop3Down"}'),
        ("workflow", "webhook", "jira", "MAIL-7"),
    ],
)
def test_every_launch_is_understood_alike(tmp_path: Path, launch: str, source: str, system: str, identity: str) -> None:
    roles = dict.fromkeys(("restart_daemon", "purge_spool", "contain_surge", "escalate"), str(tmp_path / "nothing"))
    (tmp_path / "nothing" / "tasks").mkdir(parents=True)
    (tmp_path / "nothing" / "tasks" / "main.yml").write_text("---\n[]\n", encoding="utf-8")
    stand_in = {"remediate_roles": roles, "remediate_watch_seconds": 0, "remediate_patience": 1}
    recorded = launches.RECORDED / f"{launch}.extravars"
    found = Outcome(tmp_path, play(tmp_path, "-e", json.dumps(stand_in), "-e", f"@{recorded}"))
    assert (found.event["source"], found.event["system"], found.event["id"]) == (source, system, identity)
    assert found.event["hosts"] == ["mail2"]
    assert PWN in f"{found.event['title']} {found.event['text']}"
    (statement,) = found.run["symptom"]["statements"]
    assert (statement["protocols"], statement["phase"]) == (["pop3"], "connect")
    assert found.report["symptom"]["agrees"] in ("yes", "unknown")
    users = [] if launch == "eda" else ["alice@example.com"]
    assert found.run["affected"]["users"] == users
    assert found.artifact["ticket"]["id"] == found.run["ticket"] == identity
    assert found.artifact["report_dir"] == str(found.folder)
    # Only the workflow node was told, by its own variables, that something may be mended.
    assert found.mended is (launch == "workflow")


@pytest.mark.parametrize("suffix", ["json", "yml"])
def test_a_file_at_the_command_line_is_understood_alike(tmp_path: Path, suffix: str) -> None:
    text = {
        "json": json.dumps({**TICKET, "body": PWN, "host": "mail2"}),
        "yml": f'---\nsubject: !unsafe POP server does not respond\nid: 4711\nbody: "{PWN}"\nhost: mail2\n',
    }[suffix]
    found = Outcome(tmp_path, play(tmp_path, "-e", payload(tmp_path, text)))
    assert (found.event["source"], found.event["system"], found.event["id"]) == ("payload", "generic", "4711")
    assert found.event["text"] == PWN and found.event["hosts"] == ["mail2"]


@pytest.mark.parametrize("write", [launches.as_awx, launches.as_rulebook])
def test_hostile_texts_stay_texts_wherever_they_stand(tmp_path: Path, write: Any) -> None:
    text = "\n".join(HOSTILE)
    document = {
        **dict.fromkeys(("subject", "url", "site", "severity", "since", "state", "language", "protocol"), text),
        "body": text,
        "id": PWN,
        "host": [*HOSTILE, "mail2"],
        "requester": {"name": PWN, "email": PWN},
        PWN: PWN,
    }
    said_too = {"triage_symptom": f"POP server does not respond {PWN}", "triage_title": PWN, "triage_site": PWN}
    variables = tmp_path / "extravars"
    variables.write_text(write({"awx_webhook_payload": document, **said_too}), encoding="utf-8")
    found = Outcome(tmp_path, play(tmp_path, "-e", f"@{variables}"))
    assert found.event["id"] == found.run["ticket"] == PWN
    assert found.event["title"] == PWN
    assert found.run["symptom"]["text"] == f"POP server does not respond {PWN}"
    assert found.event["hosts"] == ["mail2"]
    for name in ("ticket.json", "run.json", "triage.json", "index.html"):
        written = (found.folder / name).read_text(encoding="utf-8")
        assert not any(char in written for char in "\x00\x07\x1b\x9b\u202e"), name


def test_hostile_texts_of_an_event_stay_texts_where_hosts_are_vantage_points(tmp_path: Path) -> None:
    """What steers connections is read from all variables that begin with ansible_, and so does ansible_eda."""
    event = {"ansible_eda": {"event": {"payload": {**TICKET, "body": "\n".join(HOSTILE), "host": "mail2"}}}}
    variables = tmp_path / "extravars"
    variables.write_text(launches.as_rulebook(event), encoding="utf-8")
    found = Outcome(tmp_path, play(tmp_path, "-e", f"@{variables}", points="\n[vantage_points]\nfar\n"))
    assert found.event["hosts"] == ["mail2"] and PWN in found.event["text"]
    assert "far" in found.report["hosts"]["mail2"]["reach"]


def test_hostile_texts_stay_texts_in_check_mode_and_verbosely(tmp_path: Path) -> None:
    document = {**TICKET, "body": "\n".join(HOSTILE), "host": "mail2"}
    done = play(tmp_path, "-e", json.dumps({"triage_payload": document}), "--check", "-vvv")
    assert done.returncode == 0, said(done)


def test_ten_megabytes_are_read_as_a_little(tmp_path: Path) -> None:
    document = {**TICKET, "body": f"{PWN} " * (9_000_000 // len(PWN)), "host": ["mail2"] * 1000}
    found = Outcome(tmp_path, play(tmp_path, "-e", payload(tmp_path, document)))
    assert len(found.event["text"]) <= 65536 and found.event["hosts"] == ["mail2"]
    assert (found.folder / "ticket.json").stat().st_size < 200_000


@pytest.mark.parametrize("write", [launches.as_awx, launches.as_rulebook])
def test_a_payload_opens_nothing(tmp_path: Path, write: Any) -> None:
    claims = {
        "remediate_auto": "all",
        "remediate_roles": {"restart_daemon": "/tmp/x"},
        "triage_hosts": "all",
        "triage_rules_dirs": ["/tmp"],
        "triage_vantage_points": ["web1"],
        "triage_report_dir": str(tmp_path / "elsewhere"),
        "ticket_url": "https://attacker.test",
        "ansible_connection": "ssh",
        "ansible_host": "192.0.2.1",
        "ansible_python_interpreter": "/bin/false",
        "ansible_become": True,
        "hosts": ["web1", "all", "mail*", "localhost", "192.0.2.99", "mail2"],
    }
    document = {
        **TICKET,
        **claims,
        "vars": claims,
        "extra_vars": claims,
        "ansible_facts": claims,
        "_ansible_vars": claims,
    }
    variables = tmp_path / "extravars"
    variables.write_text(write({"awx_webhook_payload": document}), encoding="utf-8")
    found = Outcome(tmp_path, play(tmp_path, "-e", f"@{variables}"))
    assert found.event["hosts"] == ["mail2"]
    assert set(found.event["unknown_hosts"]) == {"all", "mail*", "localhost", "192.0.2.99"}
    assert not found.mended
    assert found.event["vantage_points"] == []
    assert found.report["hosts"]["mail2"]["login"]["outcome"] == "ok"
    assert not (tmp_path / "elsewhere").exists()


def test_hosts_that_are_only_named_are_not_contacted(tmp_path: Path) -> None:
    document = {**TICKET, "subject": "mail9.example.com is down", "host": ["mail9.example.com", "web1"]}
    done = play(tmp_path, "-e", payload(tmp_path, document))
    found = Outcome(tmp_path, done)
    # The text says POP, and that is all that is left to choose by.
    assert found.event["unknown_hosts"] == ["mail9.example.com"]
    assert found.event["hosts"] == ["mail1", "mail2", "mail3"]
    assert "names no mail hosts of this play, which are left alone: mail9.example.com, web1" in said(done)


@pytest.mark.parametrize(
    ("limit", "hosts"),
    [("mail1,mail2", ["mail2"]), ("mail3", ["mail3"]), ("osaka", ["mail2"])],
)
def test_a_limit_holds(tmp_path: Path, limit: str, hosts: list[str]) -> None:
    inventory = "[osaka]\nmail2\nmail3\n\n" + INVENTORY
    done = play(tmp_path, "-e", payload(tmp_path, {**TICKET, "host": "mail2"}), "-l", limit, inventory=inventory)
    assert Outcome(tmp_path, done).event["hosts"] == hosts


@pytest.mark.parametrize(
    ("document", "hosts"),
    [
        ({"subject": "strange things", "site": "Osaka"}, ["mail2", "mail3"]),
        ({"subject": "POP server does not respond"}, ["mail2"]),
        ({"subject": "strange things", "protocol": "imap"}, ["mail2", "mail3"]),
        ({"subject": "strange things", "protocol": "smtp", "site": "berlin"}, ["mail1"]),
        ({"subject": "strange things"}, ["mail1", "mail2", "mail3"]),
    ],
)
def test_hosts_are_chosen_by_what_the_inventory_says(tmp_path: Path, document: Any, hosts: list[str]) -> None:
    done = play(tmp_path, "-e", json.dumps({"triage_payload": document}))
    assert Outcome(tmp_path, done).event["hosts"] == hosts


def test_without_a_ticket_all_are_looked_at(tmp_path: Path) -> None:
    found = Outcome(tmp_path, play(tmp_path))
    assert found.event["hosts"] == ["mail1", "mail2", "mail3"]
    assert found.artifact["ticket"] is None and "symptom" not in found.run


def test_the_reporters_network_tells_where_to_look_from(tmp_path: Path) -> None:
    points = (
        "\n[vantage_points]\nbranch mail_networks='[\"198.51.100.0/24\"]'\ndepot mail_networks='[\"203.0.113.0/24\"]'\n"
    )
    document = {**TICKET, "requester": {"email": "198.51.100.7"}}
    found = Outcome(tmp_path, play(tmp_path, "-e", payload(tmp_path, document), points=points))
    assert found.event["vantage_points"] == ["controller", "branch"]
    assert {point["name"] for point in found.report["run"]["vantage_points"]} == {"controller", "branch"}
    assert found.run["affected"]["segments"] == ["branch"]
    assert found.run["affected"]["addresses"] == ["198.51.100.7"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({**TICKET, "status": "closed"}, "the ticket is closed"),
        ({"object_kind": "note", "project": {"path_with_namespace": "a/b"}, "object_attributes": {"iid": 1}}, "GitLab"),
    ],
)
def test_what_is_no_new_trouble_starts_nothing(tmp_path: Path, document: Any, reason: str) -> None:
    done = play(tmp_path, "-e", payload(tmp_path, document), "-e", "remediate_auto=all")
    assert done.returncode == 0, said(done)
    assert f"nothing is diagnosed, {reason}" in said(done)
    assert not (tmp_path / "triage-reports").exists()
    assert "Probing" not in done.stdout


@pytest.mark.parametrize("more", [[], ["-e", "remediate_auto=safe"]])
def test_check_mode_leaves_nothing(tmp_path: Path, more: list[str]) -> None:
    (tmp_path / "tmp").mkdir()
    ticket = payload(tmp_path, {**TICKET, "host": "mail2"})
    done = play(tmp_path, "-e", ticket, "--check", *more, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, said(done)
    assert not (tmp_path / "triage-reports").exists()
    assert not list((tmp_path / "tmp").glob("mailops-triage-*"))
    assert artifact(done)["ticket"]["id"] == "4711"


RULE = """
- id: software.always
  title: Something is always wrong
  category: software
  severity: critical
  when: "run.now > `0`"
  confidence: 0.95
"""


def test_fail_on_fails_at_the_end_and_leaves_the_artifact(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "always.yml").write_text(RULE, encoding="utf-8")
    more = json.dumps({"triage_rules_dirs": [str(tmp_path / "rules")], "triage_fail_on": "critical"})
    done = play(tmp_path, "-e", payload(tmp_path, {**TICKET, "host": "mail2"}), "-e", more)
    assert done.returncode != 0
    assert "triage_fail_on is 'critical' and the worst finding is critical" in said(done)
    assert done.stdout.index("Answer with the diagnosis") < done.stdout.index("triage_fail_on is 'critical'")
    found = artifact(done)
    assert [one["id"] for one in found["findings"]] == ["software.always"]
    assert found["worst_host"] == "mail2"


def test_a_site_describes_a_system_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "rules" / "tickets").mkdir(parents=True)
    system = 'system: helpdesk\nmatch: hd.no\nread: {id: hd.no, title: hd.what, hosts: "hd.where[].name"}\n'
    (tmp_path / "rules" / "tickets" / "helpdesk.yml").write_text(f"---\n{system}", encoding="utf-8")
    document = {"hd": {"no": 7, "what": "IMAP fails", "where": [{"name": "mail3"}]}}
    more = json.dumps({"triage_rules_dirs": [str(tmp_path / "rules")]})
    found = Outcome(tmp_path, play(tmp_path, "-e", payload(tmp_path, document), "-e", more))
    assert (found.event["system"], found.event["id"], found.event["hosts"]) == ("helpdesk", "7", ["mail3"])


@pytest.mark.parametrize(
    ("document", "more", "message"),
    [
        ({"nothing": "known"}, {}, "was read as ticket system ('generic'), and neither title nor text nor host"),
        (TICKET, {"triage_ticket_system": "weather"}, "triage_ticket_system: there is no system 'weather'"),
        ("[1, 2", {}, "ticket.json is neither JSON nor plain YAML"),
        (
            "a: !!python/object/apply:os.system ['touch pwned']",
            {},
            "is neither JSON nor plain YAML: could not",
        ),
        ("[]", {}, "must be a mapping, as JSON of a webhook is, not a list"),
        (TICKET, {"triage_payload": 7}, "triage_payload must be a mapping, as JSON of a webhook is, not a number"),
        (TICKET, {"ansible_eda": "x"}, "ansible_eda must be a mapping with an event"),
        (TICKET, {"triage_symptom": ["POP"]}, "triage_symptom must be a text"),
        (TICKET, {"triage_payload_file": "/nowhere/ticket"}, "/nowhere/ticket: No such file"),
        (TICKET, {"triage_hosts": "postoffice"}, "no host that matches 'postoffice'"),
        (TICKET, {"mail_roles": ["fax"]}, "mail_roles of host 'mail1': 'fax' is no mail role"),
        (TICKET, {"triage_ticket_file": "/nowhere/ticket"}, "/nowhere/ticket: No such file"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, document: Any, more: dict[str, Any], message: str) -> None:
    done = play(tmp_path, "-e", payload(tmp_path, document), "-e", json.dumps(more))
    assert done.returncode != 0
    assert message in said(done)
    assert "Traceback" not in said(done)


@pytest.mark.parametrize(
    ("networks", "message"),
    [("soon", "must be a list of networks"), ('["198.51.100.0/99"]', "'198.51.100.0/99' is no network")],
)
def test_a_wrong_network_is_named(tmp_path: Path, networks: str, message: str) -> None:
    points = f"\n[vantage_points]\nbranch mail_networks='{networks}'\n"
    done = play(tmp_path, "-e", payload(tmp_path, TICKET), points=points)
    assert done.returncode != 0
    assert f"mail_networks of host 'branch'{':' if 'is no' in message else ''} {message}" in said(done)


def test_a_mistake_about_a_system_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules" / "tickets").mkdir(parents=True)
    (tmp_path / "rules" / "tickets" / "x.yml").write_text("system: x\nread: {id: 'a['}\n", encoding="utf-8")
    more = json.dumps({"triage_rules_dirs": [str(tmp_path / "rules")]})
    done = play(tmp_path, "-e", payload(tmp_path, TICKET), "-e", more)
    assert done.returncode != 0
    assert "x.yml: system 'x': 'read.id': 'a[' is not JMESPath" in said(done)
