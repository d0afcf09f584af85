# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge every recording there is, and print a digest of what would become its triage.json.

    python tests/judge_recordings.py

Run in processes of its own by the test that holds two runs against each other: no order of a set, no clock and no
machine may show in a report.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "playbooks" / "collections"), str(ROOT / "tests" / "accuracy")]

import scenario

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import diagnose
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.explain import explain
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html
from ansible_collections.mailops.triage.plugins.plugin_utils._intake import knowledge
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.reported import taken_in
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import REPORT, Recording

REPORTED = {"triage_symptom": "部署: POPサーバが応答しません。 0x800CCC78", "triage_affected": "alice dept-a 192.0.2.9"}


def main() -> None:
    """One line for each recording: its name, and digests of the report and of the page with explanations."""
    known = rules.load([schema.ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})
    # A run reads it once; read anew for each recording it would take a third of the time.
    words = knowledge.load([schema.ROOT / "rules"])
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(knowledge, "load", lambda dummy: words):
        target = Recording(folder)
        for path in sorted((ROOT / "tests" / "recordings" / "faults").glob("*.json.gz")):
            case = scenario.kept(path)
            told = taken_in(REPORTED, [schema.ROOT / "rules"], case["hosts"], case["sweep"]["vantages"])
            seen = ({**case["run"], **told}, case["sweep"], case["hosts"])
            report = diagnose(*seen, known)
            written = target.write(REPORT, report).read_bytes()
            page = html.render(report, explain(seen, known, report, report["hosts"]))
            print(path.name, *(hashlib.sha256(data).hexdigest() for data in (written, page.encode())))


if __name__ == "__main__":
    main()
