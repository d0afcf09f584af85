# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for the monitoring, and whom it tells; that nobody listens costs nothing but a warning."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plays
import pytest
from plays import said

SECRET = "t0psecret-canary"
CHECK = plays.ROOT / "extensions" / "nagios" / "check_mail_triage"


class Chat(http.server.ThreadingHTTPServer):
    """A chat on loopback, which answers with one status."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/{SECRET}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *dummy: object) -> None:
        """Stay silent."""


@pytest.fixture(name="chat")
def _chat() -> Iterator[Chat]:
    with Chat() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def play(
    folder: Path, *words: str, playbook: str = "diagnose.yml", **variables: Any
) -> subprocess.CompletedProcess[str]:
    """Diagnose two hosts that are this machine, at full verbosity."""
    hosts = folder / "hosts"
    hosts.write_text(
        "[mailservers]\nhere\nthere\n\n[all:vars]\nansible_connection=local\nansible_host=127.0.0.1\n"
        f"ansible_python_interpreter={sys.executable}\n",
        encoding="utf-8",
    )
    told = json.dumps({"triage_report_dir": str(folder / "reports" / "run"), **variables})
    return plays.play(folder, plays.ROOT / "playbooks" / playbook, "-vvv", "-e", told, *words, inventory=str(hosts))


def test_metrics_and_results_are_left_and_the_check_reads_the_report(tmp_path: Path) -> None:
    metrics, results = tmp_path / "mail.prom", tmp_path / "results"
    done = play(tmp_path, triage_metrics_file=str(metrics), triage_nagios_file=str(results))
    assert done.returncode == 0, said(done)
    verdicts = json.loads((tmp_path / "reports/run/triage.json").read_text())["hosts"]
    for name, host in verdicts.items():
        wanted = f'mailops_triage_host_verdict{{host="{name}",site="",verdict="{host["verdict"]}"}} 1'
        assert wanted in metrics.read_text(encoding="utf-8")
    assert metrics.stat().st_mode & 0o777 == 0o644
    assert results.read_text(encoding="utf-8").count("PROCESS_SERVICE_CHECK_RESULT;") == 2
    checked = subprocess.run([str(CHECK), str(tmp_path / "reports")], capture_output=True, text=True, check=False)
    assert checked.stdout.startswith(f"MAIL {('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[checked.returncode]} - ")
    assert "hosts=2;;;0" in checked.stdout


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    done = play(tmp_path, triage_metrics_file=str(tmp_path / "nowhere" / "mail.prom"))
    assert done.returncode == 0, said(done)
    assert "triage_metrics_file" in said(done) and "could not be written: No such file or directory" in said(done)


def test_the_chat_is_told_once(tmp_path: Path, chat: Chat) -> None:
    wanted = [{"url": chat.url, "verdicts": ["healthy", "degraded", "down", "unknown"], "token": SECRET}]
    done = play(tmp_path, triage_notify=wanted)
    assert done.returncode == 0, said(done)
    (message,) = chat.got
    report = json.loads((tmp_path / "reports/run/triage.json").read_text())
    assert message["verdict"] == report["fleet"]["verdict"]
    assert SECRET not in said(done)
    assert not [path for path in (tmp_path / "reports").rglob("*") if path.is_file() and SECRET in path.read_text()]


def test_check_mode_tells_nobody_and_leaves_nothing(tmp_path: Path, chat: Chat) -> None:
    metrics = tmp_path / "mail.prom"
    wanted = [{"url": chat.url, "verdicts": ["healthy", "degraded", "down", "unknown"]}]
    done = play(tmp_path, "--check", triage_notify=wanted, triage_metrics_file=str(metrics))
    assert done.returncode == 0, said(done)
    assert chat.got == [] and not metrics.exists()


def test_a_run_that_fails_on_what_it_found_still_tells(tmp_path: Path, chat: Chat) -> None:
    done = play(
        tmp_path,
        triage_notify=[{"url": chat.url, "kind": "slack", "verdicts": ["unknown", "degraded", "down", "healthy"]}],
        triage_fail_on="info",
        triage_rules_dirs=[str(_always(tmp_path))],
    )
    assert done.returncode != 0
    assert "triage_fail_on is 'info'" in said(done)
    assert len(chat.got) == 1


def _always(folder: Path) -> Path:
    """Rules by which something is always found."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "always.yml").write_text(
        "---\n- id: software.always\n  title: Always found\n  category: software\n"
        "  severity: minor\n  confidence: 0.95\n"
        "  when: length(disk.filesystems) > `0`\n  evidence:\n    - {fact: disk.filesystems, says: it is there}\n"
        "  remedy: {do: Nothing., dont: Nothing.}\n  cure: None.\n",
        encoding="utf-8",
    )
    return rules


@pytest.mark.parametrize("status", [500, 404])
def test_a_chat_in_trouble_does_not_fail_the_run(tmp_path: Path, chat: Chat, status: int) -> None:
    chat.status = status
    wanted = [{"url": chat.url, "token": SECRET, "verdicts": ["healthy", "degraded", "down", "unknown"]}]
    done = play(tmp_path, triage_notify=wanted)
    assert done.returncode == 0, said(done)
    assert f"json (entry 1) was not told what the report says: it answered {status}" in said(done)
    assert SECRET not in said(done)


def test_an_entry_that_cannot_be_used_is_named_before_anything_is_looked_at(tmp_path: Path) -> None:
    done = play(tmp_path, triage_notify=[{"url": SECRET}])
    assert done.returncode != 0
    assert "triage_notify: the url of entry 1 must begin with https:// or http://" in said(done)
    assert SECRET not in said(done) and not os.path.exists(tmp_path / "reports" / "run" / "triage.json")
