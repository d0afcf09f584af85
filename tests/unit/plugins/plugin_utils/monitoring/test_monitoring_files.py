# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a run leaves for the monitoring: whole, readable, and never at the cost of the run."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils import _monitoring
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples


def tell(metrics: Path | None = None, nagios: Path | None = None) -> list[str]:
    return _monitoring.tell(samples.load("fleet"), {"metrics_file": metrics, "nagios_file": nagios})


def test_nothing_is_written_unasked(tmp_path: Path) -> None:
    assert tell() == []
    assert list(tmp_path.iterdir()) == []


def test_both_files_are_readable_by_everybody(tmp_path: Path) -> None:
    metrics, nagios = tmp_path / "mail.prom", tmp_path / "results"
    before = os.umask(0o077)
    try:
        assert tell(metrics, nagios) == []
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "mail.prom": 0o644,
        "results": 0o644,
    }
    assert "mailops_triage_hosts" in metrics.read_text(encoding="utf-8")
    assert nagios.read_text(encoding="utf-8").count("PROCESS_SERVICE_CHECK_RESULT") == 6


def test_a_file_is_replaced_and_not_rewritten(tmp_path: Path) -> None:
    metrics = tmp_path / "mail.prom"
    metrics.write_text("old", encoding="utf-8")
    with metrics.open(encoding="utf-8") as reader:
        assert tell(metrics) == []
        assert reader.read() == "old"
    assert "mailops_triage_hosts" in metrics.read_text(encoding="utf-8")


def test_a_pipe_stays_one_and_gets_the_lines(tmp_path: Path) -> None:
    pipe = tmp_path / "nagios.cmd"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert tell(nagios=pipe) == []
        assert os.read(reader, 65536).count(b"\n") == 6
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_pipe_that_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    pipe = tmp_path / "nagios.cmd"
    os.mkfifo(pipe)
    (warning,) = tell(nagios=pipe)
    assert warning.startswith(f"triage_nagios_file {pipe} could not be written: ")


def test_a_directory_that_is_not_there_is_a_warning_and_the_other_file_is_written(tmp_path: Path) -> None:
    (warning,) = tell(tmp_path / "nowhere" / "mail.prom", tmp_path / "results")
    assert "triage_metrics_file" in warning and "No such file" in warning
    assert (tmp_path / "results").exists()


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "mail.prom").mkdir()
    (warning,) = tell(tmp_path / "mail.prom")
    assert "triage_metrics_file" in warning
    assert [path.name for path in tmp_path.iterdir()] == ["mail.prom"]
