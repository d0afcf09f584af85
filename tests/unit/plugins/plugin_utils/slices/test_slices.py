# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run in parts, put together again: any fleet, cut anyhow, is judged as if it had never been cut."""

from __future__ import annotations

import copy
import datetime
import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import rules, schema
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import diagnose
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html, terminal
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import REPORT, Recording, RecordingError
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import merge, store
from ansible_collections.mailops.triage.plugins.plugin_utils._slices import awx, join, look, parts, place, remedies

ROOT = Path(__file__).resolve().parents[5]
RULES = rules.load([ROOT / "rules"], {"host": schema.host(), "fleet": schema.fleet()})
RUN, SWEEP, HOSTS = Recording(ROOT / "tests" / "recordings" / "demo").load()
RUN["limit"] = None
CONTRACT = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
)
KINDS = sorted(HOSTS)
DARK = "mail5"
Document = dict[str, Any]


def world(seed: int) -> tuple[Document, Document, dict[str, Document]]:
    """A fleet of up to twenty hosts that are as the recorded ones were, with sites and segments that may be dark."""
    dice = random.Random(seed)
    names = [f"host{number:02d}" for number in range(dice.randint(3, 20))]
    sites = {name: dice.choice(["berlin", "oslo", "lima", None]) for name in names}
    dark_site = dice.choice(["oslo", "lima", "nowhere"])
    cut_off = ("dept-a", "controller", "dept-b", "")[seed % 4]
    spared = set(dice.sample(names, dice.choice([0, 0, 1, 2])))
    hosts = {}
    sweep: Document = {"vantages": {name: {**seen, "hosts": {}} for name, seen in SWEEP["vantages"].items()}}
    for name in names:
        kind = DARK if sites[name] == dark_site else dice.choice([*KINDS, "mail1", "mail1"])
        hosts[name] = copy.deepcopy(HOSTS[kind])
        hosts[name].update(host=name, facts_file=f"facts/{name}.json")
        hosts[name]["inventory"]["mail_site"] = sites[name]
        for vantage, seen in SWEEP["vantages"].items():
            seen_as = DARK if vantage == cut_off and name not in spared else kind
            sweep["vantages"][vantage]["hosts"][name] = seen["hosts"][seen_as]
    return {**RUN, "hosts": names}, sweep, hosts


def written(folder: Path, run: Document, sweep: Document, hosts: dict[str, Document], **more: Any) -> Recording:
    """A part of a run, as its slice leaves it."""
    recording = Recording(folder)
    recording.create()
    run = {**run, "hosts": sorted(hosts), **more}
    cut = copy.deepcopy(sweep)
    for seen in cut["vantages"].values():
        seen["hosts"] = {name: view for name, view in seen.get("hosts", {}).items() if name in hosts}
    recording.write("run.json", run)
    recording.write("sweep.json", cut)
    for name, record in hosts.items():
        recording.write_host(name, {key: value for key, value in record.items() if key != "facts_file"})
    recording.write(REPORT, diagnose(run, cut, hosts, RULES))
    return recording


def merged(folder: Path, inventory: dict[str, Document] | None = None, **more: Any) -> Document:
    """The report on the parts below a folder, without what only tells of them."""
    whole = join.join("run", parts.find(folder, 3600), more.pop("expected", None), inventory or {}, **more)
    report = diagnose(whole.run, whole.sweep, whole.hosts, RULES)
    report["run"].update(replay=None, check_mode=False, versions=RUN["versions"])
    CONTRACT.validate(report)
    return report


def trio(folder: Path, **more: dict[str, Any]) -> dict[str, dict[str, Document]]:
    """The six recorded hosts in three parts, each of which may have run metadata of its own."""
    cut = {f"part-{number + 1}": {name: HOSTS[name] for name in KINDS[number::3]} for number in range(3)}
    for name, hosts in cut.items():
        written(folder / name, RUN, SWEEP, hosts, **more.get(name.replace("-", ""), {}))
    return cut


@pytest.mark.parametrize("seed", range(14))
def test_a_fleet_that_was_cut_is_judged_as_one_that_was_not(tmp_path: Path, seed: int) -> None:
    run, sweep, hosts = world(seed)
    expected = diagnose(run, sweep, hosts, RULES)
    dice = random.Random(-seed - 1)
    names = list(hosts)
    dice.shuffle(names)
    count = min(dice.randint(2, 5), len(names))
    for number in range(count):
        written(tmp_path / f"part-{number}", run, sweep, {name: hosts[name] for name in names[number::count]})
    found = merged(tmp_path)
    assert found["fleet"] == expected["fleet"]
    assert found["hosts"] == expected["hosts"]
    assert found["run"]["vantage_points"] == expected["run"]["vantage_points"]
    assert found["run"]["parts"]["notes"] == []


def test_those_fleets_show_what_no_part_shows() -> None:
    """The property above would mean little if nothing in these fleets went over the border of a slice."""
    seen: dict[str, int] = {}
    for seed in range(14):
        for finding in diagnose(*world(seed), RULES)["fleet"]["findings"]:
            seen[finding["id"]] = seen.get(finding["id"], 0) + 1
    assert seen["network.site_unreachable"] >= 3 and seen["network.segment_unreachable"] >= 3
    assert seen["network.controller_cut_off"] >= 1


def test_each_host_is_judged_by_the_time_of_its_own_part(tmp_path: Path) -> None:
    trio(tmp_path)
    # Over by the time of its part, and not when the first part began.
    host = copy.deepcopy(HOSTS["mail2"])
    until = datetime.datetime.fromtimestamp(RUN["started"] + 1500, datetime.timezone.utc)
    host["inventory"]["mail_maintenance"] = {"until": until.isoformat(), "by": "alice"}
    later = {"started": RUN["started"] + 3000, "finished": RUN["finished"] + 3000}
    written(tmp_path / "part-2", RUN, SWEEP, {"mail2": host}, **later)
    found = merged(tmp_path)
    assert found["hosts"]["mail2"]["verdict"] == "degraded"
    assert (found["run"]["started"], found["run"]["finished"]) == (RUN["started"], RUN["finished"] + 3000)


def test_the_newest_look_at_a_host_counts_and_is_said(tmp_path: Path) -> None:
    trio(tmp_path)
    newer = {"started": RUN["started"] + 60, "finished": RUN["started"] + 70}
    well = {**copy.deepcopy(HOSTS["mail1"]), "host": "mail2"}
    sweep = {"vantages": {"controller": {"seconds": 1.0, "hosts": {}}}}
    sweep["vantages"]["controller"]["hosts"]["mail2"] = SWEEP["vantages"]["controller"]["hosts"]["mail1"]
    written(tmp_path / "part-9", RUN, sweep, {"mail2": well}, **newer)
    found = merged(tmp_path)
    assert found["hosts"]["mail2"]["verdict"] == "healthy"
    assert list(found["hosts"]["mail2"]["reach"]) == ["controller"], "a host is taken whole from one part"
    assert found["run"]["parts"]["notes"] == [
        "in more than one part (part-2, part-9), of which the newest look counts: mail2"
    ]
    # A newer run that broke off before it came to the host has not looked at it.
    for path in (tmp_path / "part-9" / "facts").iterdir():
        path.unlink()
    assert merged(tmp_path)["hosts"]["mail2"]["verdict"] == "degraded"


def test_what_is_missing_is_not_well(tmp_path: Path) -> None:
    well = {"mail1": HOSTS["mail1"]}
    written(tmp_path / "part-1", RUN, SWEEP, well, part={"run": "run", "id": "part-1", "expected": 2, "node": "a"})
    found = merged(tmp_path)
    assert found["hosts"]["mail1"]["verdict"] == "healthy" and found["fleet"]["verdict"] == "unknown"
    assert found["fleet"]["summary"] == "1 of 2 parts of the run are missing."
    assert found["run"]["parts"]["notes"] == ["2 parts expected, 1 came that can be judged"]
    assert merged(tmp_path, expected=1)["fleet"]["verdict"] == "healthy"
    # AWX makes as many slices as were asked for, and one without a mail host leaves no part.
    found = merged(tmp_path, {"mail1": {}})
    assert found["fleet"]["verdict"] == "healthy" and found["run"]["parts"]["lost"] == 0
    assert found["run"]["parts"]["notes"] == ["2 parts expected, 1 came that can be judged"]
    found = merged(tmp_path, {"mail1": {}, "mail7": {"mail_site": "lab"}}, expected=1)
    assert found["hosts"]["mail7"]["verdict"] == "unknown" and found["hosts"]["mail7"]["site"] == "lab"
    assert found["run"]["parts"]["notes"] == ["no part looked at 1 of the hosts: mail7"]
    # With a limit of their own the parts may well have left it out.
    written(tmp_path / "part-1", RUN, SWEEP, well, limit="mail1")
    assert list(merged(tmp_path, {"mail7": {}})["hosts"]) == ["mail1"]
    assert list(merged(tmp_path, {"mail7": {}}, limit="mail1")["hosts"]) == ["mail1", "mail7"]


def test_parts_of_an_earlier_run_of_the_same_name_stay_out(tmp_path: Path) -> None:
    trio(tmp_path, part3={"started": RUN["started"] - 86400})
    found = merged(tmp_path, expected=3)
    states = {part["name"]: part["state"] for part in found["run"]["parts"]["each"]}
    assert states == {"part-1": "complete", "part-2": "complete", "part-3": "stale"}
    assert set(found["hosts"]) == set(KINDS) - {"mail3", "mail6"}
    assert found["fleet"]["summary"].endswith("1 of 3 parts of the run are missing.")
    assert "part-3 is stale: it began 24.0 h before the newest part" in found["run"]["parts"]["notes"][1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.json", "{"),
        ("run.json", "[]"),
        ("run.json", '{"started": "today"}'),
        ("sweep.json", '{"vantages": []}'),
        ("sweep.json", '{"vantages": {"controller": {}}}'),
        ("sweep.json", '{"vantages": {"controller": []}}'),
    ],
)
def test_a_part_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str) -> None:
    trio(tmp_path)
    (tmp_path / "part-3" / name).write_text(text, encoding="utf-8")
    found = merged(tmp_path)
    assert found["run"]["parts"]["lost"] == 1
    assert any(note.startswith("part-3 is useless: ") and name in note for note in found["run"]["parts"]["notes"])
    assert "mail3" not in found["hosts"] and found["hosts"]["mail2"]["verdict"] == "degraded"


def test_facts_of_a_newer_kind_are_refused(tmp_path: Path) -> None:
    trio(tmp_path)
    record = copy.deepcopy(HOSTS["mail2"])
    record["facts"]["schema"] = "mailops.triage/facts/2"
    Recording(tmp_path / "part-2").write_host("mail2", record)
    with pytest.raises(
        parts.PartError, match="part-2: the facts of host 'mail2' are of the kind 'mailops.triage/facts/2'"
    ):
        parts.find(tmp_path, 3600)


def test_different_versions_limits_and_tickets_are_said(tmp_path: Path) -> None:
    other = {**RUN["versions"], "collection": "9.9.9"}
    trio(tmp_path, part2={"versions": other, "ticket": "4711"})
    found = merged(tmp_path)
    mine = RUN["versions"]["collection"]
    made = f"{mine}: part-1, part-3; 9.9.9: part-2"
    assert found["run"]["parts"]["notes"] == [
        f"the parts were made by different versions of the collection ({made}); this one judges them all",
        "the parts differ in their ticket",
    ]
    assert found["run"]["ticket"] is None


def test_a_vantage_point_that_failed_one_part_still_counts_for_the_others(tmp_path: Path) -> None:
    trio(tmp_path)
    broken = copy.deepcopy(SWEEP)
    broken["vantages"]["dept-a"] = {"error": "it did not answer in time", "status": "unreachable"}
    written(tmp_path / "part-1", RUN, broken, {name: HOSTS[name] for name in ("mail1", "mail4")})
    found = merged(tmp_path)
    assert {point["name"]: point["status"] for point in found["run"]["vantage_points"]}["dept-a"] == "ok"
    assert "dept-a" not in found["hosts"]["mail1"]["reach"] and "dept-a" in found["hosts"]["mail2"]["reach"]
    assert found["run"]["parts"]["notes"] == [
        "vantage point 'dept-a' could not help part-1 (it did not answer in time)"
    ]
    written(tmp_path / "part-2", RUN, broken, {name: HOSTS[name] for name in ("mail2", "mail5")})
    written(tmp_path / "part-3", RUN, broken, {name: HOSTS[name] for name in ("mail3", "mail6")})
    points = {point["name"]: point["status"] for point in merged(tmp_path)["run"]["vantage_points"]}
    assert points["dept-a"] == "unreachable"


def test_what_nobody_saw_from_a_vantage_point_is_a_gap() -> None:
    seen = {"controller": {"hosts": {"a": {}, "b": {}}}, "far": {"error": "no"}, "near": {"hosts": {"a": {}}}}
    points = ["controller", "far", "near", "new"]
    assert look.gaps(seen, points, ["a", "b"], set()) == {"near": {"b"}, "new": {"a", "b"}}
    assert look.gaps(seen, ["controller"], ["a", "b"], {"b", "c"}) == {"controller": {"b"}}


def test_a_machine_that_nobody_answered_is_in_doubt(tmp_path: Path) -> None:
    trio(tmp_path)
    silent = copy.deepcopy(SWEEP)
    for host in silent["vantages"]["controller"]["hosts"].values():
        host["services"] = SWEEP["vantages"]["controller"]["hosts"][DARK]["services"]
    pair = {name: HOSTS[name] for name in ("mail1", "mail4")}

    def deaf(*nodes: str, hosts: dict[str, Document] = pair) -> dict[str, set[str]]:
        for name, node, sweep in zip(("part-1", "part-2"), nodes, (silent, SWEEP)):
            part = {"run": "run", "id": name, "expected": None, "node": node}
            written(tmp_path / name, RUN, sweep, hosts if name == "part-1" else {"mail2": HOSTS["mail2"]}, part=part)
        return look.deaf(parts.find(tmp_path, 3600))

    assert deaf("node1", "node2") == {"node1": {"mail1", "mail4"}}
    assert deaf("node1", "node1") == {}, "the machine has heard other hosts"
    assert deaf("node1", "node2", hosts={"mail1": HOSTS["mail1"]}) == {}, "one host alone may be dark"
    for path in (tmp_path / "part-2", tmp_path / "part-3"):
        written(path, RUN, silent, {path.name: {**HOSTS["mail1"], "host": path.name}})
    assert look.deaf(parts.find(tmp_path, 3600)) == {}, "nobody hears anything: that is another matter"


def test_the_past_and_the_report_of_a_user_come_along(tmp_path: Path) -> None:
    past = {"mail2": {"runs": [[RUN["started"] - 86400, ["software.mta_not_running"]]], "memory": []}}
    who = {"users": ["alice"], "addresses": [], "hosts": [], "segments": [], "words": []}
    here = {**who, "users": [], "hosts": ["mail2"]}
    # To the part that does not have it, the name of a host looks like that of a user.
    trio(
        tmp_path,
        part1={"affected": {**who, "users": ["alice", "mail2"]}},
        part2={"history": past, "affected": here},
    )
    whole = join.join("run", parts.find(tmp_path, 3600), None, {})
    assert whole.run["affected"] == {**who, "hosts": ["mail2"]}
    found = diagnose(whole.run, whole.sweep, whole.hosts, RULES)["hosts"]["mail2"]["findings"][0]
    assert found["id"] == "software.mta_not_running" and found["recurring"]["count"] == 2


def test_what_was_done_stays(tmp_path: Path) -> None:
    cut = trio(tmp_path, part1={"round": 2})
    done = {"key": "k1", "action": "restart_daemon", "state": "done", "subject": "dovecot", "finding": "x.y"}
    more = {"findings": ["x.y"], "started": 10.0, "finished": 11.0, "why": "", "code": "", "args": {}, "title": "t"}
    acted = Recording(tmp_path / "part-1")
    item = {**done, **more, "state": "go"}
    acted.write(store.PLAN, {"made": 9.0, "auto": "safe", "live": True, "hosts": {"mail4": [item]}})
    acted.write(store.APPROVED, {"keys": ["k1"]})
    acted.write(store.PROOFS, {"hosts": {"mail4": {"items": {"k1": {"state": "proved", "healed_at": 12.0}}}}})
    store.append(acted, "mail4", {**done, **more}, {"journal": "what was there before"})
    # Another part has looked at the same host later, and has done something, too.
    newer = {"started": RUN["started"] + 60, "round": 2}
    later = written(tmp_path / "part-9", RUN, SWEEP, {"mail4": HOSTS["mail4"]}, **newer)
    later.write(store.PLAN, {"made": 19.0, "auto": "safe", "live": True, "hosts": {"mail4": []}})
    again = {**done, **more, "key": "k2", "started": 20.0, "finished": 21.0}
    store.append(later, "mail4", again, {"journal": "what was there after"})

    found = parts.find(tmp_path, 3600)
    whole = join.join("run", found, None, {})
    assert whole.run["round"] == 2
    target = Recording(tmp_path / "merged")
    target.create()
    remedies.into(target, found, whole.owners)
    report = diagnose(whole.run, whole.sweep, whole.hosts, RULES)
    merge.into(report, target)
    first, second = report["hosts"]["mail4"]["actions"]
    assert (first["key"], second["key"]) == ("k1", "k2") and first["proof"]["state"] == "proved"
    texts = [(target.path / name).read_text() for action in (first, second) for name in action["evidence"]]
    assert texts == ["what was there before", "what was there after"]
    assert report["fleet"]["actions"]["done"] == 2
    assert store.read(target, store.APPROVED) == {"keys": ["k1"]}
    assert all(report["hosts"][name]["actions"] == [] for name in (*cut["part-2"], *cut["part-3"]))


def test_every_face_shows_what_is_missing(tmp_path: Path) -> None:
    trio(tmp_path)
    (tmp_path / "part-<b>").mkdir()
    found = merged(tmp_path, expected=4)
    for text in (terminal.render(found, 100, False), html.render(found)):
        assert "4 parts expected, 3 came" in text and "3 of 4" in text
    assert "part-&lt;b&gt; is useless" in html.render(found) and "part-<b>" not in html.render(found)
    found["run"].pop("parts")
    found["run"]["part"] = {"run": "awx-17", "id": "part-101", "expected": 4, "node": "a"}
    assert "part-101 of awx-17" in terminal.render(found, 100, False)


@pytest.mark.parametrize(
    ("name", "variables", "expected"),
    [
        (None, {"awx_job_id": 101, "awx_workflow_job_id": 17}, ("awx-17", "part-101")),
        (None, {"tower_job_id": "101", "tower_workflow_job_id": "17"}, ("awx-17", "part-101")),
        ("2026-03-01", {"awx_job_id": 101, "awx_workflow_job_id": 17}, ("2026-03-01", "part-101")),
        ("nightly", {}, ("nightly", "part-20260301T080000Z-5f3a")),
        # A job that was not sliced, because there was but one host.
        (None, {"awx_job_id": 101}, ("awx-101", "part-101")),
        (None, {}, ("20260301T080000Z-5f3a", "part-20260301T080000Z-5f3a")),
    ],
)
def test_where_a_part_goes(name: str | None, variables: Document, expected: tuple[str, str]) -> None:
    told = place.of_part("/srv/parts", name, 4, variables, "20260301T080000Z-5f3a")
    assert (told["run"], told["id"]) == expected and told["path"] == f"/srv/parts/{expected[0]}/{expected[1]}"
    assert told["expected"] == 4 and told["node"]


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b", "a b", "x" * 101, "{{ 7 }}", "a\n"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(place.PlaceError, match="triage_run_name"):
        place.of_part(str(tmp_path), name, None, {}, "x")
    with pytest.raises(place.PlaceError, match="triage_run_name"):
        place.of_run(str(tmp_path), name, {})


def test_the_run_to_be_merged_is_the_one_that_an_earlier_job_left(tmp_path: Path) -> None:
    for name in ("awx-16", "awx-17", "mine"):
        (tmp_path / name).mkdir()
    left = {place.ARTIFACT: {"report_dir": str(tmp_path / "awx-17" / "part-101")}, "awx_workflow_job_id": 16}
    assert place.of_run(str(tmp_path), None, left).name == "awx-17"
    assert place.of_run(str(tmp_path), "mine", left).name == "mine"
    for told in ("/etc/awx-17/part-1", str(tmp_path / "awx-17" / "merged"), str(tmp_path / ".." / "part-1"), 7, None):
        left[place.ARTIFACT] = {"report_dir": told}
        assert place.of_run(str(tmp_path), None, left).name == "awx-16"
    left[place.ARTIFACT] = ["no", "mapping"]
    assert place.of_run(str(tmp_path), None, left).name == "awx-16"


def test_a_slice_shows_by_the_name_of_its_workflow_job() -> None:
    names = {"awx_job_template_name": "Diagnose", "awx_workflow_job_name": "Diagnose"}
    assert awx.a_slice(names) and awx.a_slice({"awx_job_slice_count": 4})
    assert not awx.a_slice({**names, "awx_workflow_job_name": "Triage"}) and not awx.a_slice({})
    assert not awx.a_slice({"awx_job_slice_count": "9" * 30}) and not awx.a_slice({"awx_job_slice_count": ["x"]})


def test_a_recording_cannot_be_written_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "awx-17").write_text("", encoding="utf-8")
    with pytest.raises(RecordingError, match="awx-17"):
        Recording(tmp_path / "awx-17" / "part-1").create()
