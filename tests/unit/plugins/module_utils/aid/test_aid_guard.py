# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of every remedy: memory that lasts, one at a time, a budget that opens again."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import budget, busy, marker, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Guard, Refused

NOW = 1_800_000_000.0
MINUTE = 60.0


def guard(folder: Path, run: str = "run-1", names: tuple[str, ...] = (), **more: object) -> Guard:
    asked = {"run": run, "wait": 0.0, **more}
    marked = str(folder / "maintenance")
    return Guard(
        asked,
        "restart_daemon",
        "postfix@-.service",
        memory=state.State(str(folder / "s")),
        names=lambda: set(names),
        marker_path=marked,
    )


def act(folder: Path, run: str = "run-1", **more: object) -> None:
    one = guard(folder, run, **more)
    one.enter(starts=True)
    one.began("start", starts=True)
    one.leave()


def test_first_start_is_free() -> None:
    assert budget.judge([], NOW) == ("", "", None)


def test_a_start_gets_time_to_settle() -> None:
    code, why, again = budget.judge([NOW - 50], NOW)
    assert code == "grace"
    assert "50 s ago" in why
    assert again == NOW + 70


def test_pauses_grow_and_open_again_by_themselves() -> None:
    """What falls over each time it is started: never more than one start at the end of each pause, for ever."""
    times: list[float] = []
    now = NOW
    while now < NOW + 6 * 3600:
        if not budget.judge(times, now)[0]:
            times.append(now)
        now += MINUTE
    gaps = [round((later - earlier) / MINUTE) for earlier, later in zip(times, times[1:])]
    assert gaps[:5] == [2, 2, 15, 30, 60]
    assert set(gaps[5:]) == {60}


def test_a_quiet_day_makes_the_budget_whole() -> None:
    times = [NOW - 86400, NOW - 86400 + 300, NOW - 86400 + 600, NOW - 86400 + 1600, NOW - 3 * MINUTE]
    assert budget.judge(times, NOW) == ("", "", None)


def test_a_start_of_a_clock_that_ran_ahead_does_not_count() -> None:
    assert budget.judge([NOW + 86400, NOW + 600], NOW) == ("", "", None)
    code, _why, again = budget.judge([NOW + 86400, NOW - 50], NOW)
    assert (code, again) == ("grace", NOW + 70)


def test_a_clock_that_was_set_back_a_little_keeps_the_grace() -> None:
    code, _why, again = budget.judge([NOW + 5], NOW)
    assert (code, again) == ("grace", NOW + 120)


def test_nothing_is_remembered_of_a_host_without_acts(tmp_path: Path) -> None:
    assert state.State(str(tmp_path / "none")).read()["acts"] == []


def test_acts_last_and_are_closed_to_others(tmp_path: Path) -> None:
    act(tmp_path)
    kept = state.State(str(tmp_path / "s"))
    assert [one["what"] for one in kept.read()["acts"]] == ["start"]
    assert os.stat(kept.file).st_mode & 0o777 == 0o600
    assert os.stat(kept.folder).st_mode & 0o777 == 0o700


def test_second_start_waits_for_its_grace(tmp_path: Path) -> None:
    act(tmp_path)
    with pytest.raises(Refused, match="to settle") as refused:
        act(tmp_path)
    assert refused.value.code == "grace"
    assert refused.value.retry_at == pytest.approx(time.time() + 120, abs=30)


def test_the_lease_says_who_is_at_the_host(tmp_path: Path) -> None:
    act(tmp_path, "run-1", ticket="INC-7", by="anna")
    with pytest.raises(Refused, match=r"run run-1 of anna \(ticket INC-7\) is at this host") as refused:
        guard(tmp_path, "run-2").enter()
    assert refused.value.code == "locked"


def test_the_own_run_goes_on(tmp_path: Path) -> None:
    act(tmp_path, "run-1")
    again = guard(tmp_path, "run-1")
    again.enter()
    again.leave()


def _hold(folder: str, held: multiprocessing.synchronize.Event) -> None:
    state.State(folder).lock()
    held.set()
    time.sleep(60)


def test_the_lock_goes_with_the_process_that_was_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held = context.Event()
    holder = context.Process(target=_hold, args=(str(tmp_path / "s"), held))
    holder.start()
    assert held.wait(20)
    with pytest.raises(Refused, match="another remedy is at this host") as refused:
        guard(tmp_path).enter()
    assert refused.value.code == "locked"
    holder.kill()
    holder.join()
    guard(tmp_path).enter()


@pytest.mark.parametrize(
    "torn", [b"", b'{"schema": "mailops.triage/state/1", "acts": [{"at"', b"\xff\xfe", b"[1]", b"{}"]
)
def test_a_torn_write_forgets_nothing(tmp_path: Path, torn: bytes) -> None:
    act(tmp_path)
    kept = state.State(str(tmp_path / "s"))
    good = kept.read()
    kept.write(good)
    Path(kept.file).write_bytes(torn)
    assert [one["what"] for one in kept.read()["acts"]] == ["start"]
    assert "could not be read" in kept.note


def test_when_all_is_forgotten_the_last_start_was_just_now(tmp_path: Path) -> None:
    act(tmp_path)
    kept = state.State(str(tmp_path / "s"))
    for path in (kept.file, kept.file + ".before"):
        Path(path).write_text("no state", encoding="utf-8")
    with pytest.raises(Refused, match="to settle"):
        act(tmp_path)


def test_what_is_forgotten_is_so_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment at which all was found forgotten is kept: a grace that begins anew at each look never ends."""
    act(tmp_path)
    kept = state.State(str(tmp_path / "s"))
    for path in (kept.file, kept.file + ".before"):
        Path(path).write_text("no state", encoding="utf-8")
    with pytest.raises(Refused, match="to settle"):
        act(tmp_path)
    later = time.time() + 121
    monkeypatch.setattr(time, "time", lambda: later)
    act(tmp_path)
    assert [one["what"] for one in kept.read()["acts"]] == ["start"]


def test_an_act_of_a_clock_that_ran_ahead_is_not_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86400)
    act(tmp_path)
    monkeypatch.setattr(time, "time", lambda: now)
    assert guard(tmp_path).last_act("start") is None


def test_without_memory_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(Refused, match="nothing is done") as refused:
        guard(tmp_path).enter()
    assert refused.value.code == "state"


def test_a_state_directory_of_others_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s").chmod(0o777)
    with pytest.raises(Refused, match="only its owner"):
        guard(tmp_path).enter()


def test_check_mode_leaves_no_trace(tmp_path: Path) -> None:
    one = guard(tmp_path)
    one.check = True
    one.enter(starts=True)
    one.began("start", starts=True)
    one.leave()
    assert list(tmp_path.iterdir()) == []


def test_check_mode_is_refused_as_the_run_would_be(tmp_path: Path) -> None:
    act(tmp_path)
    one = guard(tmp_path)
    one.check = True
    with pytest.raises(Refused, match="to settle"):
        one.enter(starts=True)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("new disks, ask Bert\n", True),
        ("until: 2001-01-01T00:00Z\nold\n", False),
        ("until: 2999-01-01 00:00\n", True),
        ("until: tomorrow\n", True),
        ("until: 2026-13-45T99:99Z\n", True),
    ],
)
def test_marker(tmp_path: Path, text: str, holds: bool) -> None:
    (tmp_path / "maintenance").write_text(text, encoding="utf-8")
    assert bool(marker.active(NOW, str(tmp_path / "maintenance"))) is holds


def test_an_operator_keeps_every_remedy_away(tmp_path: Path) -> None:
    (tmp_path / "maintenance").write_text("new disks, ask Bert", encoding="utf-8")
    with pytest.raises(Refused, match="ask Bert") as refused:
        guard(tmp_path).enter()
    assert refused.value.code == "maintenance"
    assert not (tmp_path / "s").exists()


def test_packages_and_backups_are_waited_for(tmp_path: Path) -> None:
    for name, said in (("dnf", "dnf is running"), ("restic", "a backup is running")):
        with pytest.raises(Refused, match=said) as refused:
            guard(tmp_path, names=(name,)).enter()
        assert refused.value.code == "busy"


def test_an_operator_who_comes_while_others_are_waited_for_is_heard(tmp_path: Path) -> None:
    first = guard(tmp_path, "run-1")
    first.enter()
    first.leave()

    def operator_comes(dummy_seconds: float) -> None:
        (tmp_path / "maintenance").write_text("disk swap")
        (tmp_path / "s" / "state.json").unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", operator_comes)
        with pytest.raises(Refused) as refusal:
            guard(tmp_path, "run-2", wait=60.0).enter()
    assert refusal.value.code == "maintenance"


def test_whoever_waits_for_a_run_is_not_in_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that has the lease comes back for its next step; so does what undoes a measure."""
    act(tmp_path, "run-1")
    taken: list[bool] = []

    def others(dummy_seconds: float) -> None:
        own = guard(tmp_path, "run-1")
        own.enter()
        own.leave()
        undoing = state.State(str(tmp_path / "s"))
        taken.append(undoing.lock())
        undoing.unlock()
        (tmp_path / "s" / "state.json").unlink()
        (tmp_path / "s" / "state.json.before").unlink()

    monkeypatch.setattr(time, "sleep", others)
    second = guard(tmp_path, "run-2", wait=60.0)
    second.enter()
    assert taken == [True]
    assert not state.State(str(tmp_path / "s")).lock()
    second.leave()


def _lock(path: str, held: multiprocessing.synchronize.Event) -> None:
    import fcntl

    with open(path, "w", encoding="utf-8") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)
        held.set()
        time.sleep(60)


def test_the_holder_of_a_package_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock-frontend"
    context = multiprocessing.get_context("fork")
    held = context.Event()
    holder = context.Process(target=_lock, args=(str(path), held))
    holder.start()
    assert held.wait(20)
    try:
        assert busy.packages(set(), (str(path),)) == f"process {holder.pid} works at the packages (lock {path})"
    finally:
        holder.kill()
        holder.join()
    assert busy.packages(set(), (str(path),)) == ""


def test_other_watchers_are_named(tmp_path: Path) -> None:
    one = guard(tmp_path, names=("monit", "init"))
    one.enter()
    assert one.notes == ["Monit watches this host, and may start daemons too"]


def test_state_is_json_for_people_who_look(tmp_path: Path) -> None:
    act(tmp_path, ticket="INC-7")
    found = json.loads((tmp_path / "s" / "state.json").read_text(encoding="utf-8"))
    assert found["schema"] == "mailops.triage/state/1"
    assert found["acts"][0]["ticket"] == "INC-7"


class FullDisk(state.State):
    """A memory on a disk that is full until somebody makes room."""

    full = True

    def prepare(self) -> None:
        if self.full:
            raise state.StateError("no space", full=True)
        super().prepare()


def on_full_disk(folder: Path, makes_room: bool) -> Guard:
    memory = FullDisk(str(folder / "s"))
    marked = str(folder / "maintenance")
    asked = {"run": "run-1", "wait": 0.0}
    return Guard(asked, "purge_spool", "/", memory=memory, names=set, marker_path=marked, makes_room=makes_room)


def test_what_makes_room_goes_on_and_remembers_afterwards(tmp_path: Path) -> None:
    one = on_full_disk(tmp_path, makes_room=True)
    one.enter()
    one.began("remove 1 file")
    assert one.memory.read()["acts"] == []
    assert not one.catch_up()
    assert [note for note in one.notes if "remembered as soon as there is room" in note]
    one.memory.full = False
    one.began("remove 2 files")
    one.ended("done")
    assert [act["what"] for act in one.memory.read()["acts"]] == ["remove 1 file", "remove 2 files"]
    # The lock that others know: the makeshift one was only good among those that found no room.
    assert not state.State(one.memory.folder).lock()
    one.leave()
    assert state.State(one.memory.folder).lock()


def test_two_that_make_room_do_not_do_it_at_once(tmp_path: Path) -> None:
    first, second = on_full_disk(tmp_path, makes_room=True), on_full_disk(tmp_path, makes_room=True)
    first.enter()
    with pytest.raises(Refused) as refused:
        second.enter()
    assert refused.value.code == "locked"
    first.leave()


def test_what_does_not_make_room_is_refused_on_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        on_full_disk(tmp_path, makes_room=False).enter()
    assert refused.value.code == "state"


def test_an_act_that_was_refused_is_not_remembered_later(tmp_path: Path) -> None:
    one = guard(tmp_path)
    one.enter()
    os.chmod(one.memory.folder, 0o777)
    with pytest.raises(Refused):
        one.began("start")
    os.chmod(one.memory.folder, 0o700)
    one.began("another")
    one.leave()
    assert [act["what"] for act in one.memory.read()["acts"]] == ["another"]


def test_what_only_waits_for_a_shutdown_is_no_package_run() -> None:
    """The helper of unattended-upgrades is there all day on each Debian host that has it."""
    assert busy.packages({"unattended-upgr", "master"}, locks=()) == ""
    assert busy.packages({"dnf", "master"}, locks=()) == "dnf is running"
