# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps and what they mean, the gate and the plan: on ledgers as the playbook makes them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._night import (
    answers,
    fleet,
    frozen,
    gate,
    progress,
    summary,
    window,
)

NOW = 1_800_000_000.0
KNOWN = {
    "mx1": {"groups": ["mx"], "roles": ["mta"]},
    "mx2": {"groups": ["mx"], "roles": ["mta"]},
    "mx3": {"groups": ["mx"], "roles": ["mta"]},
    "a": {"groups": [], "roles": ["imap"]},
}
PENDING = {"package": "postfix", "installed": "3.7.10-0", "candidate": "3.7.11-0", "security": True, "mail_path": True}
LISTED = {"state": "done", "pending": [PENDING]}


def night(*hosts: str) -> dict[str, t.Any]:
    """A night whose hosts have listed one package each, and been planned."""
    made = fleet.new("n", NOW, hosts or ("mx1", "mx2", "a"), KNOWN, {"exclude": []})
    made["runs"].append({"began": NOW, "by": "test", "resumed": False})
    for name in made["hosts"]:
        take(made, name, "listed", LISTED)
    fleet.plan(made, set(), "10")
    return made


def take(made: dict[str, t.Any], name: str, step: str, answer: t.Any = None, check: bool = False) -> bool:
    told = {"changed": True} if answer is None else answer
    return progress.enter(made, name, answers.step(step, told, NOW, NOW + 2, check), told, NOW, check)


def test_a_host_that_goes_well() -> None:
    made = night()
    assert made["groups"] == {"mx": ["mx1", "mx2", "mx3"]}, "who is in no play may stand in all the same"
    for step in ("downloaded", "maintenance", "drained", "applied", "restarted", "opened", "released"):
        assert take(made, "mx1", step)
    made["hosts"]["mx1"]["judged"] = {"verdict": "same", "why": [], "notes": []}
    assert progress.close(made, "mx1", NOW)["state"] == "done"
    assert made["stopped"] is None


@pytest.mark.parametrize("step", ["maintenance", "drained"])
def test_what_fails_before_packages_are_touched_leaves_the_host_and_goes_on(step: str) -> None:
    made = night()
    if step == "drained":
        take(made, "mx1", "maintenance")
    assert not take(made, "mx1", step, {"state": "refused", "code": "tool", "why": "there is no nft"})
    host = progress.close(made, "mx1", NOW)
    assert (host["state"], host["code"]) == ("left", "tool") and "there is no nft" in host["why"]
    assert made["stopped"] is None


@pytest.mark.parametrize(
    "answer",
    [
        {"failed": True, "msg": "the module broke"},
        {"unreachable": True, "msg": "no route"},
        {"state": "running", "code": "time_limit", "why": "at work for longer"},
        {"changed": True, "half_configured": [{"package": "dovecot-core", "state": "half-configured"}]},
        "nothing that a module says",
        None,
    ],
)
def test_what_fails_while_packages_are_touched_stops_the_night(answer: t.Any) -> None:
    made = night()
    take(made, "mx1", "maintenance")
    entry = answers.step("applied", answer, NOW, NOW)
    assert not progress.enter(made, "mx1", entry, answer, NOW)
    assert made["stopped"]["code"] == "failed"
    assert progress.failed(made["hosts"]["mx1"])
    said = gate.decide(made, 1, lambda: (True, "open", "", None))
    assert said.code == "stopped" and said.fresh == []


def test_an_installation_that_is_refused_leaves_the_host_and_goes_on() -> None:
    made = night()
    take(made, "mx1", "maintenance")
    take(made, "mx1", "drained")
    refused = {"state": "refused", "code": "busy", "why": "a backup is running (restic)"}
    assert not take(made, "mx1", "applied", refused)
    assert made["stopped"] is None and not progress.touched(made["hosts"]["mx1"])
    host = progress.close(made, "mx1", NOW)
    assert (host["state"], host["code"]) == ("left", "busy") and "restic" in host["why"]
    # What was half done is finished before anything else is asked: then packages have changed.
    take(made, "mx2", "maintenance")
    take(made, "mx2", "drained")
    finished = {**refused, "code": "no_room", "changed_packages": [{"package": "p", "from": "1", "to": "2"}]}
    assert not take(made, "mx2", "applied", finished)
    assert progress.touched(made["hosts"]["mx2"]) and made["stopped"]["code"] == "failed"


def test_an_installation_whose_end_nobody_saw_counts() -> None:
    made = night()
    for step in ("maintenance", "drained", "maintenance", "drained"):
        take(made, "mx1", step)
    refused = {"state": "refused", "code": "busy", "why": "a backup is running (restic)"}
    assert not take(made, "mx1", "applied", refused)
    assert progress.touched(made["hosts"]["mx1"]) and made["stopped"]["code"] == "failed"
    made = night()
    for step in ("maintenance", "drained"):
        take(made, "mx1", step)
    assert not take(made, "mx1", "maintenance", {"state": "refused", "code": "busy", "why": "somebody is at work"})
    assert made["stopped"]["code"] == "failed"
    made["hosts"]["mx1"]["judged"] = {"verdict": "same", "why": [], "notes": []}
    assert progress.close(made, "mx1", NOW)["state"] == "failed"


def test_the_way_back_is_an_end() -> None:
    made = night()
    take(made, "mx1", "maintenance")
    take(made, "mx1", "applied", {"failed": True, "msg": "post-installation script failed"})
    assert take(made, "mx1", "rolled_back")
    host = made["hosts"]["mx1"]
    assert progress.went_back(host)
    host["again"] = {"verdict": "same", "why": [], "notes": []}
    assert progress.close(made, "mx1", NOW)["state"] == "rolled_back"
    host.update(state="begun", again={"verdict": "worse", "why": ["imap answers nobody"], "notes": []})
    assert progress.close(made, "mx1", NOW)["state"] == "failed"


def test_what_was_found_bad_has_to_go_back_until_it_is_back() -> None:
    made = night()
    host = made["hosts"]["mx1"]
    take(made, "mx1", "maintenance")
    host["condemned"] = True
    assert not progress.condemned(host), "nothing of it has been changed"
    host["condemned"] = False
    take(made, "mx1", "applied")
    assert not progress.condemned(host)
    host["condemned"] = True
    assert progress.condemned(host)
    take(made, "mx1", "rolled_back", {"state": "refused", "code": "busy", "why": "dpkg is running"})
    assert progress.condemned(host)
    take(made, "mx1", "rolled_back")
    assert not progress.condemned(host)
    take(made, "mx2", "maintenance")
    take(made, "mx2", "applied", {"failed": True, "msg": "post-installation script failed"})
    assert progress.condemned(made["hosts"]["mx2"])


def test_what_was_begun_and_not_touched_waits_again() -> None:
    made = night()
    take(made, "mx1", "maintenance")
    take(made, "mx1", "opened")
    take(made, "mx1", "released")
    assert progress.free(made, "mx1")["state"] == "planned"
    assert gate.decide(made, 0, lambda: (False, "over", "the window ended", None)).begun == []
    take(made, "mx1", "maintenance")
    take(made, "mx1", "released", {"unreachable": True, "msg": "no route"})
    host = progress.free(made, "mx1")
    assert (host["state"], host["code"]) == ("left", "unreachable")
    # Drained is the last that is told of a host before its packages change.
    take(made, "mx2", "maintenance")
    take(made, "mx2", "drained")
    assert progress.free(made, "mx2")["state"] == "begun"


def test_packages_of_an_interrupted_attempt_are_kept_with_the_version_before() -> None:
    made = night()
    take(made, "mx1", "maintenance")
    take(made, "mx1", "applied", {"changed": True, "changed_packages": [{"package": "p", "from": "1", "to": "2"}]})
    take(made, "mx1", "applied", {"changed": True, "changed_packages": [{"package": "q", "from": None, "to": "1"}]})
    assert made["hosts"]["mx1"]["packages"] == [
        {"package": "p", "from": "1", "to": "2"},
        {"package": "q", "from": None, "to": "1"},
    ]


def test_what_was_begun_is_ended_whatever_the_hour() -> None:
    made = night()
    take(made, "mx1", "maintenance")
    closed = gate.decide(made, 0, lambda: (False, "over", "the window ended", None))
    assert (closed.fresh, closed.begun) == ([], ["mx1"])
    gate.stop(made, "worse", "a is worse", NOW)
    gate.stop(made, "failed", "another reason", NOW)
    assert made["stopped"]["why"] == "a is worse"
    assert gate.decide(made, 0, lambda: (True, "open", "", None)).begun == ["mx1"]


def test_who_is_held_back_after_the_plan_is_not_begun_with() -> None:
    made = night()
    take(made, "mx1", "maintenance")
    fleet.hold(made, {"mx1", "a", "elsewhere"})
    assert (made["hosts"]["a"]["state"], made["hosts"]["a"]["code"]) == ("left", "held")
    # It is brought to its end: half-way is no place to stay.
    assert made["hosts"]["mx1"]["state"] == "begun" and made["hosts"]["mx2"]["state"] == "planned"
    said = [gate.decide(made, number, lambda: (True, "open", "", None)) for number in range(len(made["batches"]))]
    assert {name for one in said for name in one.fresh} == {"mx2"}


def test_groups_of_the_rules_keep_hosts_apart_as_those_of_the_inventory_do() -> None:
    known = fleet.grouped(KNOWN, {"store": ["a", "mx2", "elsewhere"], "mx": ["b"]})
    assert known["a"]["groups"] == ["store"]
    assert known["mx2"]["groups"] == ["mx", "store"] and known["mx1"]["groups"] == ["mx"]
    made = fleet.new("n", NOW, ["mx1", "mx2", "a"], known, {"exclude": []})
    assert made["groups"] == {"mx": ["mx1", "mx2", "mx3"], "store": ["a", "mx2"]}
    for name in made["hosts"]:
        take(made, name, "listed", LISTED)
    fleet.plan(made, set(), "10")
    assert all(one["hosts"] == ["mx2"] for one in made["batches"] if "mx2" in one["hosts"])
    assert fleet.neighbours(made, "mx2") == [["mx1", "mx3"], ["a"]]
    assert fleet.neighbours(made, "mx1") == [["mx2", "mx3"]]


@pytest.mark.parametrize("groups", [{"mx": "mx1"}, {"mx": [1]}])
def test_groups_that_are_no_lists_are_refused(groups: t.Any) -> None:
    with pytest.raises(fleet.NightError, match="'mx' must be a list of names of hosts"):
        fleet.grouped(KNOWN, groups)


def test_where_no_canary_stands_for_them_hosts_go_alone() -> None:
    known = {name: {"groups": [], "roles": ["mta"]} for name in "abcd"}
    known["e"] = {"groups": [], "roles": ["imap"]}
    made = fleet.new("n", NOW, [*known], known, {})
    for name in known:
        take(made, name, "listed", LISTED)
    fleet.plan(made, set(), "10")
    assert [batch["hosts"] for batch in made["batches"]] == [["a"], ["b", "c", "d", "e"]]

    def said(here: t.Collection[str] | None = None, check: bool = False) -> tuple[list[str], list[str], bool, bool]:
        found = gate.decide(made, 1, lambda: (True, "open", "", None), here, check)
        return found.fresh, found.begun, found.alone, found.more

    made["hosts"]["a"]["state"] = "left"
    assert said() == (["b"], [], True, True)
    assert said(check=True) == (["b", "c", "d", "e"], [], False, False), "where nothing is done nothing is proved"
    assert said(here=["c"]) == (["c"], [], True, False)
    made["hosts"]["b"]["state"] = "left"
    assert said() == (["c"], [], True, True)
    made["hosts"]["c"]["state"] = "begun"
    assert said() == ([], ["c"], False, True)
    made["hosts"]["c"]["state"] = "done"
    assert said() == (["d", "e"], [], False, False)
    made["hosts"]["a"]["state"] = "done"
    made["hosts"]["b"]["state"] = made["hosts"]["c"]["state"] = "planned"
    assert said() == (["b", "c", "d", "e"], [], False, False)


def test_a_batch_that_took_longer_counts_for_the_next() -> None:
    made = night()
    made["batches"][0].update(began=NOW, ended=NOW + 4000)
    assert gate.estimate(made, 1800) == 5000
    assert gate.estimate(made, 7200) == 7200


def test_a_held_or_mute_or_idle_host_comes_in_no_batch() -> None:
    made = fleet.new("n", NOW, ("mx1", "mx2", "a"), KNOWN, {})
    take(made, "mx1", "listed", LISTED)
    take(made, "mx2", "listed", {"unreachable": True, "msg": "no route"})
    take(made, "a", "listed", {"state": "done", "pending": []})
    fleet.plan(made, {"mx1"}, "10")
    assert {name: (host["state"], host["code"]) for name, host in made["hosts"].items()} == {
        "mx1": ("left", "held"),
        "mx2": ("left", "unreachable"),
        "a": ("nothing", ""),
    }
    assert made["batches"] == []


def test_names_and_versions_that_are_none_are_not_taken() -> None:
    bad = [
        {"package": "x; rm -rf /", "candidate": "1"},
        {"package": "x", "candidate": "$(id)"},
        {"package": "-o", "candidate": "1"},
        {"package": "ok", "candidate": "1:2.3~rc1+dfsg-1", "installed": None},
        {"package": "held", "candidate": "2", "installed": "1", "held": True},
        "nonsense",
    ]
    found = frozen.freeze({"pending": bad, "restarts": ["ssh.service; id", "postfix@-.service"], "reboot": "yes"})
    assert frozen.only(found["packages"]) == {"ok": "1:2.3~rc1+dfsg-1"} and frozen.back(found["packages"]) == {}
    assert len(found["left"]) == 4 and found["restarts"] == ["postfix@-.service"]
    assert frozen.work(found) == "packages: 1, restarts: postfix@-.service"
    assert frozen.work(frozen.freeze({})) == ""


def test_what_the_list_does_not_name_is_told_as_left() -> None:
    many = [{**PENDING, "package": f"p{number}"} for number in range(2003)]
    found = frozen.freeze({"pending": many, "pending_more": 4})
    assert len(found["packages"]) == 2000
    assert found["left"] == [
        {"package": "7 more packages", "why": "so many at once are not taken; the next night has them"}
    ]
    assert frozen.freeze({"pending": many[:2000], "pending_more": 0})["left"] == []
    assert frozen.freeze({"pending": [PENDING], "pending_more": "many"})["left"] == []


def test_where_nothing_is_frozen_nothing_new_is_installed() -> None:
    made = fleet.new("n", NOW, ("a",), KNOWN, {"exclude": ["linux-*"]})
    take(made, "a", "listed", {"state": "done", "pending": [], "half_configured": [{"package": "dovecot-core"}]})
    fleet.plan(made, set(), "1")
    assert fleet.told(made)["a"] == {"only": {}, "back": {}, "exclude": ["*"], "state": "planned"}


def test_two_loops_are_one_step() -> None:
    refused = {"item": "cron.service", "state": "refused", "code": "not_ours", "why": "no mail service"}
    first = {"results": [{"state": "done", "changed": True}, refused]}
    assert answers.step("restarted", first, NOW, NOW)["state"] == "refused"
    second = {"results": [{"changed": True, "state": "started"}]}
    assert answers.step("restarted", answers.merged(first, second), NOW, NOW)["state"] == "done"
    broken = {"results": [{"failed": True, "msg": "job failed", "state": "started"}]}
    assert answers.step("restarted", answers.merged(first, broken), NOW, NOW)["why"] == "job failed"
    assert (
        answers.step("restarted", answers.merged({"results": [], "skipped": True}, None), NOW, NOW)["state"]
        == "nothing"
    )


@pytest.mark.parametrize("name", ["awx_job_slice_count", "tower_job_slice_count"])
def test_slices_are_refused(name: str) -> None:
    assert "Job slicing" in fleet.sliced({name: "2"})
    assert fleet.sliced({name: 1}) == fleet.sliced({}) == fleet.sliced({name: "x"}) == ""


@pytest.mark.parametrize("prefix", ["awx", "tower"])
def test_a_slice_is_known_by_its_workflow(prefix: str) -> None:
    # AWX does not tell a slice that it is one; it runs the slices of a template as a workflow job of the same name.
    names = {f"{prefix}_workflow_job_id": 17, f"{prefix}_job_template_name": "Patch night"}
    assert "Job slicing" in fleet.sliced({**names, f"{prefix}_workflow_job_name": "Patch night"})
    assert fleet.sliced({**names, f"{prefix}_workflow_job_name": "Every Tuesday"}) == fleet.sliced(names) == ""


def test_the_end_says_why_somebody_was_not_come_to() -> None:
    made = night()
    gate.stop(made, "worse", "mx1 is worse than before: imap answers nobody any more", NOW)
    summary.end(made, NOW)
    assert made["state"] == "stopped" and made["hosts"]["a"]["state"] == "left"
    assert made["hosts"]["a"]["why"].startswith("mx1 is worse")
    made = night()
    take(made, "mx1", "maintenance")
    summary.end(made, NOW)
    assert made["state"] == "planned" and made["ended"] is None, "it has to be gone on with"
    report = summary.make(made, [], NOW, None, False)
    assert summary.bad(report, "failed") == "begun and not ended: mx1"
    assert summary.bad(report, "never") == ""


def test_rules_of_the_window() -> None:
    assert window.ask({}, NOW, 60)[0]
    night_hours = {"tz": "Europe/Berlin", "windows": [{"days": "daily", "start": "01:00", "duration": "4h"}]}
    # 09:00 in Berlin.
    may, code, dummy, retry_at = window.ask(night_hours, NOW, 60)
    assert (may, code) == (False, "early") and retry_at == window.coming(night_hours, NOW)
    assert window.ask(night_hours, retry_at + 60, 60)[0]
    assert window.ask(night_hours, retry_at + 4 * 3600 - 30, 60)[1] == "late"
    freeze = {"name": "year end", "start": "2027-01-10", "end": "2027-01-20"}
    barred = {**night_hours, "blackouts": [freeze]}
    assert window.ask(barred, retry_at + 60, 60)[1] == "blackout"
    later = window.coming(barred, NOW)
    assert later is not None and later > retry_at + 4 * 86400
    assert window.ask({"blackouts": [freeze]}, NOW, 60)[1] == "blackout"
    assert window.coming({}, NOW) is None
    assert window.held({"hold_hosts": ["a"]}) == {"a"}


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"window": []}, "'window' is not known"),
        ({"tz": "Mars/Olympus"}, "Mars/Olympus"),
        ({"windows": [{"start": "25:00", "duration": "1h"}]}, "window 1"),
        ({"blackouts": [{"name": "x"}]}, "start"),
    ],
)
def test_rules_that_cannot_be_understood_are_refused(rules: dict[str, t.Any], why: str) -> None:
    with pytest.raises(window.WindowError, match=why):
        window.ask(rules, NOW, 60)
    with pytest.raises(window.WindowError):
        window.held({"hold_hosts": "a"})
