# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in slices, as AWX runs it: merged, they say what one run over the whole fleet says, which no slice knows."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plays
import pytest
import recorded
from plays import said

HOSTS = 200
SLICES = 4
OSLO = ["mx021", "mx022", "mx023", "mx024"]
"""A site that is dark; each slice has one host of it."""
BROKEN, FULL = "mx100", "mx150"


# What needs the fleet runs in one process, which diagnoses it once.
together = pytest.mark.xdist_group("merge")


@dataclass(frozen=True)
class Fleet:
    """A fleet that was diagnosed twice: at once, and in slices."""

    world: recorded.World
    whole: dict[str, Any]
    parts: Path
    slices: list[dict[str, Any]]

    def merge(self, *words: str, **variables: Any) -> tuple[str, dict[str, Any]]:
        """Merge the parts; returns what was said, and the report."""
        done = self.world.play("merge.yml", self.world.everything(), *words, **variables)
        assert done.returncode == 0, said(done)
        place = Path(variables.get("triage_report_dir", self.parts / "awx-17" / "merged"))
        return said(done), recorded.report(place) if place.exists() else {}

    def copy(self, place: Path) -> Path:
        """The parts again, to be spoilt."""
        shutil.copytree(self.parts, place)
        return place


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Two hundred hosts with a dark site, a segment that is cut off, a dead daemon and a full disk."""
    place = tmp_path_factory.mktemp("fleet")
    hosts = {f"mx{number:03d}": (("berlin", "lab")[number % 2], "mail1") for number in range(1, HOSTS + 1)}
    hosts.update(dict.fromkeys(OSLO, ("oslo", "mail5")))
    hosts[BROKEN], hosts[FULL] = ("berlin", "mail2"), ("berlin", "mail3")
    # From dept-b every host looks like the dark one.
    world = recorded.World(place, hosts, dict.fromkeys(((host, "dept-b") for host in hosts), "mail5"))
    done = world.play("diagnose.yml", world.everything(), triage_report_dir=str(place / "whole"))
    assert done.returncode == 0, said(done)
    parts = place / "parts"
    slices = []
    for number, inventory in enumerate(world.slices(SLICES), 101):
        # What AWX gives a slice of job template 7, which a workflow has started: see docs/slices.md.
        job = {"awx_job_id": number, "awx_workflow_job_id": 17, "awx_execution_node": f"node{number % 2}"}
        names = {"awx_job_template_name": "Diagnose", "awx_workflow_job_name": "Diagnose"}
        done = world.play("diagnose.yml", inventory, triage_parts_dir=str(parts), triage_parts_count=4, **job, **names)
        assert done.returncode == 0, said(done)
        slices.append(recorded.report(parts / "awx-17" / f"part-{number}"))
    return Fleet(world, recorded.report(place / "whole"), parts, slices)


def verdict(report: dict[str, Any]) -> dict[str, Any]:
    """What a report says of the fleet and of each host, without what only tells of the run."""
    fleet = {key: report["fleet"][key] for key in ("verdict", "scope", "summary", "counts", "findings")}
    kept = ("verdict", "summary", "scope", "site", "expected", "reach", "findings", "symptoms", "not_judged", "next")
    return {"fleet": fleet, "hosts": {name: {key: host[key] for key in kept} for name, host in report["hosts"].items()}}


def found(report: dict[str, Any]) -> dict[str, list[str]]:
    """The findings about the fleet, with the hosts that each is about."""
    return {finding["id"]: sorted(finding["hosts"]) for finding in report["fleet"]["findings"]}


@together
def test_merged_slices_say_what_one_run_over_the_whole_fleet_says(fleet: Fleet) -> None:
    everybody = [name for name in fleet.whole["hosts"] if name not in OSLO]
    assert found(fleet.whole) == {
        "network.segment_unreachable": everybody,
        "network.site_unreachable": OSLO,
    }
    for slice_ in fleet.slices:
        assert len(slice_["hosts"]) in (49, 50, 51)
        assert "network.site_unreachable" not in found(slice_), "no slice alone can know that a site is dark"
        # So it takes the dark host for one that is off by itself.
        (dark,) = set(OSLO) & set(slice_["hosts"])
        assert [one["id"] for one in slice_["hosts"][dark]["findings"] if one["kind"] == "root_cause"] == [
            "hardware.host_powered_off"
        ]
    assert sum("network.segment_unreachable" in found(slice_) for slice_ in fleet.slices) == 1, "dept-b is in one slice"

    # The last node knows its own workflow job, and what the last slice has left.
    artifact = {"report_dir": str(fleet.parts / "awx-17" / "part-103")}
    text, merged = fleet.merge(triage_parts_dir=str(fleet.parts), awx_workflow_job_id=16, mailops_triage=artifact)
    assert verdict(merged) == verdict(fleet.whole)
    assert merged["run"]["parts"]["used"] == merged["run"]["parts"]["expected"] == SLICES
    assert merged["run"]["parts"]["lost"] == 0
    assert {part["name"]: (part["state"], part["node"]) for part in merged["run"]["parts"]["each"]} == {
        f"part-{number}": ("complete", f"node{number % 2}") for number in range(101, 105)
    }
    assert "The site oslo does not answer at all" in text
    again = fleet.world.play("diagnose.yml", fleet.world.everything(), triage_replay=merged["run"]["report_dir"])
    assert again.returncode == 0, said(again)
    (replayed,) = (fleet.world.place / "triage-reports").iterdir()
    assert verdict(recorded.report(replayed)) == verdict(merged)


@together
def test_a_part_that_is_missing_is_said_and_its_hosts_are_unknown(fleet: Fleet, tmp_path: Path) -> None:
    parts = fleet.copy(tmp_path / "parts")
    shutil.rmtree(parts / "awx-17" / "part-104")
    gone = fleet.slices[3]["hosts"]
    settings = {"triage_parts_dir": str(parts), "triage_run_name": "awx-17", "triage_merge_look": False}
    text, merged = fleet.merge(**settings, triage_report_dir=str(tmp_path / "merged"))
    assert "4 parts expected, 3 came" in text
    assert "1 of 4 parts of the run are missing" in merged["fleet"]["summary"]
    assert f"no part looked at {len(gone)} of the hosts" in " ".join(merged["run"]["parts"]["notes"])
    assert {merged["hosts"][name]["verdict"] for name in gone} == {"unknown"}
    assert "no part of the run looked at this host" in merged["hosts"][min(gone)]["summary"]
    assert "network.site_unreachable" not in found(merged), "of one of its hosts nothing is known"
    # Who merges can look from outside, and then the dark site shows again.
    text, merged = fleet.merge(**{**settings, "triage_merge_look": True}, triage_report_dir=str(tmp_path / "looked"))
    assert found(merged)["network.site_unreachable"] == OSLO
    assert merged["fleet"]["summary"].endswith("1 of 4 parts of the run are missing.")


@together
def test_a_torn_part_counts_as_far_as_it_came(fleet: Fleet, tmp_path: Path) -> None:
    parts = fleet.copy(tmp_path / "parts")
    broken_off = parts / "awx-17" / "part-104"
    (broken_off / "triage.json").unlink()
    unread, cut = sorted(path for path in (broken_off / "facts").iterdir() if path.stem not in OSLO)[:2]
    unread.unlink()
    cut.write_text(cut.read_text(encoding="utf-8")[:200], encoding="utf-8")
    (parts / "awx-17" / "part-105").mkdir()
    text, merged = fleet.merge(
        triage_parts_dir=str(parts), triage_run_name="awx-17", triage_report_dir=str(tmp_path / "merged")
    )
    states = {part["name"]: part["state"] for part in merged["run"]["parts"]["each"]}
    assert (states["part-104"], states["part-105"]) == ("torn", "useless")
    assert "part-104 is torn" in text and "part-105 is useless" in text
    changed = {name for name, host in merged["hosts"].items() if host != fleet.whole["hosts"][name]}
    assert {unread.stem, cut.stem} <= changed
    expected, seen = verdict(fleet.whole), verdict(merged)
    assert {name for name, host in seen["hosts"].items() if host != expected["hosts"][name]} == {unread.stem, cut.stem}
    assert found(merged)["network.site_unreachable"] == OSLO


@together
def test_a_machine_without_a_network_makes_no_host_dark(fleet: Fleet, tmp_path: Path) -> None:
    parts = fleet.copy(tmp_path / "parts")
    sick = parts / "awx-17" / "part-104"
    run, sweep = (json.loads((sick / name).read_text(encoding="utf-8")) for name in ("run.json", "sweep.json"))
    run["part"]["node"] = "node9"
    views = sweep["vantages"]["controller"]["hosts"]
    (dark,) = set(OSLO) & set(views)
    sweep["vantages"]["controller"]["hosts"] = dict.fromkeys(views, views[dark])
    for name, document in (("run.json", run), ("sweep.json", sweep)):
        (sick / name).write_text(json.dumps(document), encoding="utf-8")
    settings = {"triage_parts_dir": str(parts), "triage_run_name": "awx-17"}
    text, merged = fleet.merge(**settings, triage_report_dir=str(tmp_path / "merged"))
    assert "no host answered node9, while others had answers" in text
    assert verdict(merged) == verdict(fleet.whole)


@together
def test_check_mode_leaves_nothing(fleet: Fleet, tmp_path: Path) -> None:
    parts = fleet.copy(tmp_path / "parts")
    before = sorted(parts.rglob("*"))
    text, dummy = fleet.merge("--check", triage_parts_dir=str(parts), triage_run_name="awx-17")
    assert "The site oslo does not answer at all" in text
    assert sorted(parts.rglob("*")) == before


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "Name the directory that the parts lie in"),
        ({"triage_parts_dir": "PARTS"}, "name the run whose parts shall be merged"),
        ({"triage_parts_dir": "PARTS", "triage_run_name": "yesterday"}, "no part of the run 'yesterday' has come here"),
        ({"triage_parts_dir": "PARTS", "triage_run_name": "../etc"}, "'../etc' cannot be the name of a directory"),
        ({"triage_parts_dir": "PARTS", "triage_run_name": "none"}, "no part of this run can be judged"),
        (
            {"triage_parts_dir": "PARTS", "triage_run_name": "torn"},
            "no part of this run can be judged (part-1: ",
        ),
        (
            {"triage_parts_dir": "PARTS", "mailops_triage": {"report_dir": "/etc/none/part-1"}},
            "name the run whose parts shall be merged",
        ),
    ],
)
def test_bad_input_is_named(tmp_path: Path, variables: dict[str, Any], message: str) -> None:
    (tmp_path / "PARTS" / "none").mkdir(parents=True)
    (tmp_path / "PARTS" / "torn" / "part-1").mkdir(parents=True)
    done = plays.play(tmp_path, plays.ROOT / "playbooks" / "merge.yml", "-e", json.dumps(variables))
    assert done.returncode != 0
    assert message in said(done)
    assert "Traceback" not in said(done)


def test_one_place_for_all_slices_is_refused(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("[mailservers]\nhere ansible_connection=local ansible_host=127.0.0.1\n", encoding="utf-8")
    both = {"triage_parts_dir": str(tmp_path / "parts"), "triage_report_dir": str(tmp_path / "report")}
    done = plays.play(tmp_path, plays.ROOT / "playbooks" / "diagnose.yml", "-e", json.dumps(both), inventory=str(hosts))
    assert done.returncode != 0
    assert "report_dir|parts_dir" in said(done)
