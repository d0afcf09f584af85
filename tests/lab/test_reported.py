# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket and a real host: the evidence agrees with the user, or sends the call back to the client; and why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit.lab import Lab


@pytest.fixture
def mail2(lab: Lab) -> Iterator[str]:
    """A host that the test may spoil."""
    yield "mail2"
    lab.reset("mail2")


def answered(report: Path, said: str, *who: str) -> dict[str, Any]:
    """Diagnose with a report of a user; the answer to it."""
    given = json.dumps({"triage_symptom": said, "triage_affected": who})
    done = scenario.diagnose(report, "-e", given)
    assert done.returncode == 0, done.stdout + done.stderr
    symptom: dict[str, Any] = json.loads((report / "triage.json").read_text(encoding="utf-8"))["symptom"]
    return symptom


def test_the_pop_server_does_not_respond(lab: Lab, tmp_path: Path, mail2: str) -> None:
    well = answered(tmp_path / "well", "POPサーバが応答しません", "alice", mail2)
    assert (well["agrees"], well["scope"]) == ("no", "one")
    assert "POP3 answers everywhere" in well["says"] and "look at the client" in well["says"]
    lab.run(mail2, "systemctl stop dovecot.socket dovecot.service", check=True)
    sick = answered(tmp_path / "sick", "部署の全員です。POPサーバが応答しません", "alice", mail2)
    assert (sick["agrees"], sick["scope"]) == ("yes", "department")
    assert f"pop3 is refused on {mail2}" in sick["says"]
    # Alice was asked for on the host itself, too.
    facts = json.loads((tmp_path / "sick" / "facts" / f"{mail2}.json").read_text(encoding="utf-8"))["facts"]
    assert [entry["user"] for entry in facts["mailboxes"]["affected"]] == ["alice"]
    why = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", "localhost,", str(scenario.ROOT / "playbooks" / "explain.yml")),
            *("-e", f"triage_report_dir={tmp_path / 'sick'}", "-e", f"explain_host={mail2}"),
        ],
        env=scenario.environment(),
        cwd=scenario.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert why.returncode == 0, why.stdout + why.stderr
    assert "pop3.remote.refused" in why.stdout and "Rules that nearly fired" in why.stdout
