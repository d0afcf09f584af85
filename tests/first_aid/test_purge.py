# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full file system of a real host: room is made by the role, mail flows again, and nothing of anybody's is lost."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scenario
import yaml
from labkit import plan
from labkit.lab import Lab

HOST = "mail5"
PATIENCE = 90.0
"""Seconds for Postfix to try its throttled services again, which it does once in a minute."""

# Everything but what changes by itself; of mail, queue and logs also what is in it.
LISTING = (
    "for place in /var/spool/postfix /home /mnt/volume /var/log /var/tmp /var/cache; do"
    " find $place -xdev -type f ! -path '*/journal/*' ! -name '*.log' ! -name syslog ! -name wtmp"
    " -printf '%p %s %T@ %U %m\\n' 2>/dev/null; done | sort"
)
MAIL = (
    "cd /; find /var/spool/postfix/incoming /var/spool/postfix/active /var/spool/postfix/deferred"
    " /var/spool/postfix/hold /var/spool/postfix/defer /home/*/Maildir/cur /home/*/Maildir/new -type f"
    " | sort | xargs -r sha256sum"
)

Purge = Callable[..., dict[str, Any]]


@pytest.fixture
def fresh(lab: Lab) -> Iterator[Lab]:
    """The lab, with a host on which nothing has happened yet."""
    lab.reset(HOST)
    yield lab
    lab.reset(HOST)


@pytest.fixture
def purge(fresh: Lab, tmp_path: Path) -> Purge:
    """Let the role make room on the host, and give back its answer and its notices."""

    def run(mount: str, *more: str, io: str = "any", **options: Any) -> dict[str, Any]:
        answer = tmp_path / "answer.json"
        answer.unlink(missing_ok=True)
        options.update(purge_spool_args={"mount": mount, "io": io}, purge_spool_guard={"run": "lab", "wait": 30.0})
        told = {"result": "{{ purge_spool_result }}", "messages": "{{ purge_spool_messages | default([]) }}"}
        tasks: list[dict[str, Any]] = [
            {"ansible.builtin.include_role": {"name": "mailops.triage.purge_spool"}},
            {
                "ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": str(answer), "mode": "0600"},
                "vars": {"told": told},
                "delegate_to": "localhost",
                "check_mode": False,
            },
        ]
        book = tmp_path / "purge.yml"
        book.write_text(yaml.safe_dump([{"hosts": HOST, "gather_facts": False, "vars": options, "tasks": tasks}]))
        line = scenario.command(tmp_path / "unused", *more, hosts=[HOST])
        line = [str(book) if word.endswith("diagnose.yml") else word for word in line]
        folder = str(scenario.ROOT / "playbooks" / "collections")
        environment = {**scenario.environment(), "ANSIBLE_COLLECTIONS_PATH": folder}
        done = subprocess.run(
            line, env=environment, cwd=scenario.ROOT, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found

    return run


def healthy(lab: Lab, *protocols: str) -> None:
    """Wait until users are served again."""
    until = time.monotonic() + PATIENCE
    seen = dict.fromkeys(protocols, "")
    while not all(answer.startswith("ok") for answer in seen.values()):
        assert time.monotonic() < until, seen
        seen = {protocol: lab.probe(HOST, protocol) for protocol in protocols}


@pytest.mark.parametrize(
    ("fault", "mount", "io"),
    [
        ("F073", "/var/spool/postfix", "any"),
        ("F074", "/", "any"),
        ("F074b", "/", "any"),
        ("F076", "/var/spool/postfix", "any"),
        ("D08", "/var/spool/postfix", "small"),
    ],
)
def test_broken_purged_healthy(fresh: Lab, purge: Purge, fault: str, mount: str, io: str) -> None:
    fresh.inject(fault, HOST)
    assert not fresh.probe(HOST, "smtp").startswith("ok")
    files, mail = fresh.run(HOST, LISTING).stdout, fresh.run(HOST, MAIL).stdout
    expected = purge(mount, "--check", io=io)["result"]
    assert expected["state"] == "planned", expected
    assert fresh.run(HOST, LISTING).stdout == files
    result = purge(mount, io=io)["result"]
    assert (result["state"], result["changed"]) == ("done", True), result
    # Exactly what was predicted is gone, and nothing else.
    gone = {line.split(" ")[0] for line in files.splitlines()} - {
        line.split(" ")[0] for line in fresh.run(HOST, LISTING).stdout.splitlines()
    }
    assert {path for path in gone if not path.startswith("/mnt/volume")} == {one["path"] for one in expected["plan"]}
    assert [one["path"] for one in result["plan"]] == [one["path"] for one in expected["plan"]]
    healthy(fresh, "smtp", "submission", "imap", "pop3")
    assert fresh.deliver(HOST) < PATIENCE
    for line in mail.splitlines():
        assert fresh.run(HOST, MAIL).stdout.count(line.split()[0]) >= 1
    again = purge(mount, io=io)["result"]
    assert (again["state"], again["changed"]) == ("nothing", False), again
    acts = json.loads(fresh.run(HOST, "cat /var/lib/mailops-triage/state.json").stdout)["acts"]
    assert {act["action"] for act in acts} == {"purge_spool"}
    told = fresh.run(HOST, "journalctl -t mailops-triage -o cat").stdout
    assert f"purge_spool: {mount}: done:" in told


def test_of_a_full_mail_store_nobody_loses_mail_and_its_owners_are_asked(fresh: Lab, purge: Purge) -> None:
    fresh.inject("F075", HOST)
    before = fresh.run(HOST, LISTING).stdout
    answer = purge("/home", purge_spool_notice_least="1k", purge_spool_notice_languages={"bob": "ja"})
    result = answer["result"]
    assert (result["state"], result["code"], result["changed"]) == ("failed", "short", False), result
    assert [one["path"] for one in result["largest"]][0] == "/home/alice/holiday.mov"
    assert fresh.run(HOST, LISTING).stdout == before
    notices = {one["user"]: one for one in answer["messages"]}
    assert set(notices) == {"alice", "bob", "probe"}
    assert notices["alice"]["to"].startswith("alice@")
    assert "We delete nothing of yours" in notices["alice"]["body"]
    assert notices["bob"]["language"] == "ja"
    assert "bob 様" in notices["bob"]["body"]


def test_deliveries_that_broke_off_are_cleaned_up(fresh: Lab, purge: Purge) -> None:
    fresh.inject("F075", HOST)
    fresh.run(
        HOST,
        "cd /home/alice; rm holiday*.mov;"
        " for n in $(seq 40); do head -c 32k /dev/zero > Maildir/tmp/1700000$n.M1.lab; done;"
        " chown alice: Maildir/tmp/*; dd if=/dev/zero of=/home/filler bs=4k; sleep 3",
    )
    mail = fresh.run(HOST, MAIL).stdout
    young = purge("/home")["result"]
    assert (young["state"], young["changed"]) == ("failed", False), young
    result = purge("/home", purge_spool_maildir_tmp_age="1s")["result"]
    assert (result["state"], result["removed"][0]["kind"]) == ("done", "maildir_tmp"), result
    assert fresh.run(HOST, MAIL).stdout == mail
    healthy(fresh, "smtp", "imap", "pop3")


def test_a_notice_is_sent_by_another_server(fresh: Lab, purge: Purge) -> None:
    fresh.inject("F075", HOST)
    relay = plan.address("mail1")
    look = f"grep -l '^From: postmaster@{plan.DOMAIN}' /home/bob/Maildir/new/* | wc -l"
    before = int(fresh.run("mail1", look).stdout)
    answer = purge(
        "/home",
        purge_spool_notice_least="1k",
        purge_spool_notice_addresses=dict.fromkeys(("alice", "bob", "probe"), f"bob@mail1.{plan.DOMAIN}"),
        purge_spool_notice_relay=f"{relay}:25",
        purge_spool_notice_from=f"postmaster@{plan.DOMAIN}",
        purge_spool_notice_secure="never",
    )
    assert len(answer["messages"]) == 3
    until = time.monotonic() + 30
    while int(fresh.run("mail1", look).stdout) != before + 3:
        assert time.monotonic() < until, fresh.run("mail1", "postqueue -p; ls /home/bob/Maildir/new").stdout
        time.sleep(0.5)


def test_a_file_system_that_went_read_only_is_left_alone(fresh: Lab, purge: Purge) -> None:
    fresh.inject("F004", HOST)
    before = fresh.run(HOST, LISTING).stdout
    result = purge("/var/spool/postfix")["result"]
    assert (result["state"], result["code"], result["changed"]) == ("refused", "spool_readonly", False), result
    assert fresh.run(HOST, LISTING).stdout == before


def test_what_a_program_holds_is_named_and_not_removed(fresh: Lab, purge: Purge) -> None:
    fresh.inject("F078", HOST)
    result = purge("/var/spool/postfix", "--check")["result"]
    (held,) = result["deleted_open"]
    assert (held["path"], held["unit"]) == ("/var/spool/postfix/archive.log", "archiver.service")
    assert any("only that program can let it go" in note for note in result["notes"])


ARCHIVED = """
import os, time
folder = "/var/log/journal/" + open("/etc/machine-id").read().strip()
os.makedirs(folder, exist_ok=True)
now = time.time()
for day in (9, 8, 7, 6, 5):
    name = "system@%s-%016x-%016x.journal" % ("b" * 32, 1000 - day, int((now - day * 86400) * 1e6))
    with open(folder + "/" + name, "wb") as file:
        # Signature, and a count of entries: an empty file goes whatever is asked for.
        file.write(b"LPKSHHRH" + bytes(144) + b"\\5" + bytes((8 << 20) - 153))
    os.utime(folder + "/" + name, (now - day * 86400,) * 2)
"""


def test_the_journal_shrinks_as_predicted_and_the_newest_stays(fresh: Lab, purge: Purge) -> None:
    fresh.run(HOST, ["python3", "-c", ARCHIVED], check=True)
    fresh.run(HOST, "dd if=/dev/zero of=/var/tmp/dump.img bs=1M")
    look = "find /var/log/journal -name 'system@bbb*' | wc -l"
    options = {"purge_spool_kinds": ["journal"], "purge_spool_journal_keep": "20M"}
    expected = purge("/", "--check", **options)["result"]
    assert fresh.run(HOST, look).stdout.strip() == "5"
    result = purge("/", **options)["result"]
    gone = 5 - int(fresh.run(HOST, look).stdout)
    assert expected["planned"] == [{"kind": "journal", "files": gone, "bytes": gone * (8 << 20)}]
    assert result["removed"][0]["kind"] == "journal"
    assert 1 <= gone < 5
