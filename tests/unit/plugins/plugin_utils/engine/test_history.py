# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that come back and processes that grow, by what earlier runs left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils import _history
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import history
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording

NOW = 1_800_000_000.0
HOUR = 3600.0
DEAD = "software.mta_not_running"


def finding(auto: bool = True) -> dict[str, Any]:
    remedy = {"action": "restart_daemon", "auto": auto, "do": "Start it.", "args": {"service": "postfix@-.service"}}
    return {"id": DEAD, "kind": "root_cause", "title": "postfix is not running", "evidence": [], "remedy": remedy}


def runs(*ago: tuple[float, bool]) -> list[list[Any]]:
    """Earlier runs: hours ago, and whether the fault was there."""
    return [[NOW - hours * HOUR, [DEAD] if there else []] for hours, there in ago]


@pytest.mark.parametrize(
    ("past", "count"),
    [
        (runs(), None),
        (runs((30, False), (2, False)), None),
        (runs((2, True)), None),
        (runs((2, True), (1, True)), None),
        (runs((2, True), (1, False)), 2),
        (runs((100, True)), 2),
        (runs((50, True), (49, True), (40, False), (30, True), (29, False)), 3),
        (runs((50, True), (40, False), (1, True)), 2),
    ],
)
def test_looks_at_one_outage_are_one_occurrence(past: list[list[Any]], count: int | None) -> None:
    again = history.occurrences(past, DEAD, NOW)
    assert (again["count"] if again else None) == count


def test_last_is_the_occurrence_before_this_one() -> None:
    again = history.occurrences(runs((50, True), (40, False), (1, True)), DEAD, NOW)
    assert again == {"count": 2, "first": NOW - 50 * HOUR, "last": NOW - 50 * HOUR, "began": NOW - HOUR}


def test_a_fault_that_came_back_says_so() -> None:
    found = [finding()]
    history.mark(found, {"runs": runs((120, True), (119, False))}, NOW)
    assert found[0]["title"] == "Recurring (2nd time in 5 d): postfix is not running"
    assert found[0]["remedy"]["auto"] is True
    assert "2nd time on this host" in found[0]["evidence"][0]["says"]


@pytest.mark.parametrize(
    "past",
    [runs((120, True), (119, False), (48, True), (47, False)), runs((0.4, True), (0.2, False))],
    ids=["third time", "at once"],
)
def test_a_restart_that_has_not_helped_is_no_longer_unattended(past: list[list[Any]]) -> None:
    found = [finding()]
    history.mark(found, {"runs": past}, NOW)
    assert found[0]["remedy"]["auto"] is False
    assert "patch window" in found[0]["remedy"]["do"]


@pytest.mark.parametrize(
    ("security", "says"),
    [
        (None, "Which fixes are pending for it is not known."),
        ([], "No security fix is pending for it"),
        (
            [
                {"package": "postfix", "daemon": "postfix", "installed": "3.7.11", "available": "3.7.12"},
                {"package": "dovecot-core", "daemon": "dovecot", "installed": "2.3.19", "available": "2.3.20"},
            ],
            "Pending for it: postfix 3.7.11 -> 3.7.12.",
        ),
    ],
)
def test_the_fixes_for_what_falls_over_again_are_named(security: list[dict[str, Any]] | None, says: str) -> None:
    found = [finding()]
    history.mark(found, {"runs": runs((0.4, True), (0.2, False))}, NOW, {"security": security})
    assert says in found[0]["remedy"]["do"]


def test_a_host_that_nobody_knows_is_judged_as_before() -> None:
    found = [finding()]
    history.mark(found, None, NOW)
    assert found == [finding()]


def process(size: int, started: float = NOW - 20 * HOUR, pid: int = 7) -> dict[str, Any]:
    return {"pid": pid, "name": "rspamd", "started": started, "rss_bytes": size}


def test_growth_is_that_of_the_same_process() -> None:
    past = {
        "memory": [
            [NOW - 9 * HOUR, [process(100 << 20, started=NOW - 30 * HOUR)]],
            [NOW - 6 * HOUR, [process(100 << 20)]],
            [NOW - 3 * HOUR, [process(180 << 20)]],
        ]
    }
    (leak,) = history.leaks({"mail": [process(300 << 20)]}, past, NOW) or []
    assert (leak["grown_bytes"], leak["times"], leak["span_s"]) == (200 << 20, 3.0, 6 * 3600)
    assert (leak["samples"], leak["steady"], leak["warm_s"]) == (3, True, 14 * 3600)
    past["memory"].append([NOW - HOUR, [process(400 << 20)]])
    assert not (history.leaks({"mail": [process(300 << 20)]}, past, NOW) or [])[0]["steady"]
    assert history.leaks({"mail": [process(1)]}, None, NOW) == []
    assert history.leaks(None, past, NOW) is None


def left(folder: Path, name: str, started: float, roots: list[str], **more: Any) -> Path:
    path = folder / name / _history.TRACE
    path.parent.mkdir()
    content = {"id": name, "started": started, "hosts": {"mail1": {"roots": roots, "memory": [process(5)], **more}}}
    path.write_text(json.dumps(content), encoding="utf-8")
    os.utime(path, (started, started))
    return path


RUN = {"id": "now", "started": NOW}
HOSTS: dict[str, Any] = {"mail1": {"facts": {"memory": {"mail": [process(9)]}}}}


def test_traces_beside_the_report_are_found_in_order(tmp_path: Path) -> None:
    left(tmp_path, "b", NOW - HOUR, [])
    left(tmp_path, "a", NOW - 2 * HOUR, [DEAD])
    left(tmp_path, "old", NOW - 30 * 86400, [DEAD])
    left(tmp_path, "now", NOW - 1, [DEAD])
    found = _history.look(tmp_path, RUN, HOSTS)
    assert found["mail1"]["runs"] == [[NOW - 2 * HOUR, [DEAD]], [NOW - HOUR, []]]
    assert [at for at, dummy in found["mail1"]["memory"]] == [NOW - 2 * HOUR, NOW - HOUR]


def test_processes_that_are_gone_are_left_out(tmp_path: Path) -> None:
    left(tmp_path, "a", NOW - HOUR, [], memory=[process(5, pid=99)])
    assert _history.look(tmp_path, RUN, HOSTS)["mail1"]["memory"] == []


@pytest.mark.parametrize(
    "content", ["", "[]", '{"started": "x"}', '{"id": "a", "started": 1799999000.0, "hosts": {"h": 1}}']
)
def test_a_damaged_trace_is_left_out(tmp_path: Path, content: str) -> None:
    path = left(tmp_path, "a", NOW - HOUR, [DEAD])
    path.write_text(content, encoding="utf-8")
    os.utime(path, (NOW - HOUR, NOW - HOUR))
    assert _history.look(tmp_path, RUN, HOSTS) == {}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    path = left(tmp_path, "a", NOW - HOUR, [DEAD])
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert _history.look(tmp_path, RUN, HOSTS) == {}
    assert _history.look(tmp_path / "nothing", RUN, HOSTS) == {}


def first_look(folder: Path) -> Recording:
    """The first diagnosis of a run, a minute ago, that found two faults on one host."""
    recording = Recording(folder)
    left = {"id": "now", "started": NOW - 60, "hosts": {"mail1": {"roots": [DEAD, "x.y"], "memory": []}}}
    recording.write(_history.TRACE, left)
    return recording


def test_what_came_back_after_a_restart_of_this_very_run_is_recurring(tmp_path: Path) -> None:
    proofs = {"mail1": {"items": {"k": {"state": "relapsed", "healed_at": NOW - 40, "findings": [DEAD]}}}}
    whole, between = _history.of_this_run(first_look(tmp_path), proofs)
    assert between == {"mail1": [[NOW - 40, ["x.y"]]]}
    assert (history.occurrences(whole["mail1"], DEAD, NOW) or {})["count"] == 2
    assert history.occurrences(whole["mail1"], "x.y", NOW) is None
    found = [finding()]
    history.mark(found, {"runs": whole["mail1"]}, NOW)
    assert found[0]["remedy"]["auto"] is False


def test_what_no_remedy_was_seen_to_cure_is_the_same_outage(tmp_path: Path) -> None:
    proofs = {"mail1": {"items": {"k": {"state": "not_healed", "findings": [DEAD]}}}}
    whole, between = _history.of_this_run(first_look(tmp_path), proofs)
    assert between == {}
    assert history.occurrences(whole["mail1"], DEAD, NOW) is None


def test_later_runs_see_both_looks_of_a_run_and_what_was_well_in_between(tmp_path: Path) -> None:
    earlier = tmp_path / "run"
    (earlier / "before").mkdir(parents=True)
    for place, started, more in (
        (earlier / "before", NOW - 900, {}),
        (earlier, NOW - 600, {"between": [[NOW - 880, []]]}),
    ):
        record = {"roots": [DEAD], "memory": [], **more}
        path = place / _history.TRACE
        path.write_text(json.dumps({"id": "run", "started": started, "hosts": {"mail1": record}}), encoding="utf-8")
        os.utime(path, (started, started))
    runs_seen = _history.look(tmp_path, RUN, HOSTS)["mail1"]["runs"]
    assert runs_seen == [[NOW - 900, [DEAD]], [NOW - 880, []], [NOW - 600, [DEAD]]]
    assert (history.occurrences(runs_seen, DEAD, NOW) or {})["count"] == 2


def test_a_run_that_could_not_look_leaves_no_word_that_all_is_well() -> None:
    blind = {"verdict": "unknown", "findings": []}
    report = {"hosts": {"mail1": blind, "mail2": {"verdict": "degraded", "findings": [finding()]}}}
    hosts = {"mail1": {"facts": None}, "mail2": {"facts": {"memory": None}}}
    assert _history.trace(RUN, report, hosts)["hosts"] == {"mail2": {"roots": [DEAD], "memory": []}}


def test_a_directory_of_traces_is_read_and_kept_small(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    for name, age in (("a", 2 * HOUR), ("old", 30 * 86400.0), ("b", HOUR)):
        started = NOW - age
        _history.leave(folder, {"id": name, "started": started, "hosts": {"mail1": {"roots": [DEAD], "memory": []}}})
        os.utime(folder / f"{name}.trace.json", (started, started))
    _history.leave(folder, {"id": "now", "started": NOW, "hosts": {}})
    assert sorted(path.name for path in folder.iterdir()) == ["a.trace.json", "b.trace.json", "now.trace.json"]
    assert [at for at, dummy in _history.look(folder, RUN, HOSTS)["mail1"]["runs"]] == [NOW - 2 * HOUR, NOW - HOUR]
