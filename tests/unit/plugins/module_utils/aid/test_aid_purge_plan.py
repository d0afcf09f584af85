# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the purge plans: the safe things in their order, up to the goal; never what is open, linked, young or barred."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import (
    bars,
    goal,
    journal,
    kinds,
    names,
    opened,
    shortlist,
)
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import Place, Room, open_folder
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.plan import Plan, Planner
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.walk import Pace

HOUR, DAY = 3600.0, 86400.0
ALL = shortlist.Need(1 << 50, 0)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A directory that stands for a file system."""
    found = Place(str(tmp_path))
    yield found
    found.close()


def write(path: Path, age: float = 5 * DAY, size: int = 8192) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def logs(root: Path, **more: object) -> kinds.Kind:
    options = {"depth": 6, "age": "log_age", "order": "oldest", "keep": names.log_of, "enters": names.plain_logs}
    return kinds.kind("rotated_logs", "rotated", [str(root)], names.ROTATED, **{**options, **more})


def temporary(root: Path, **more: object) -> kinds.Kind:
    options = {"depth": 12, "age": "tmp_age", "basis": "touched", "enters": names.not_in_use, "tidy": True}
    return kinds.kind("tmp", "old", [str(root)], names.TEMPORARY, **{**options, **more})


def planner(place: Place, *listed: kinds.Kind, later: float = 0.0, **more: object) -> Planner:
    """A planner whose clock is that much ahead: the time of the last change cannot be set back."""
    ages = {"log_age": DAY, "tmp_age": 10 * DAY, "core_age": HOUR}
    pace = Pace(time.monotonic() + 60)
    return Planner(place, pace, list(listed), ages, clock=lambda: time.time() + later, **more)


def paths(plan: Plan, root: Path) -> list[str]:
    found = [item.seen.folder.path + "/" + item.seen.name for group in plan.groups for item in group.items]
    return [os.path.relpath(path, root) for path in found]


def test_the_oldest_rotated_logs_go_and_the_newest_of_each_stays(place: Place, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write(tmp_path / f"mail.log.{number}", age=number * DAY + HOUR)
    write(tmp_path / "mail.log")
    write(tmp_path / "app" / "web.log-20260101", age=9 * DAY)
    write(tmp_path / "journal" / "old.log.9", age=90 * DAY)
    found = paths(planner(place, logs(tmp_path)).plan(ALL), tmp_path)
    assert found == ["mail.log.3", "mail.log.2"]


def test_no_more_is_planned_than_is_needed(place: Place, tmp_path: Path) -> None:
    for number in range(1, 9):
        write(tmp_path / f"a.{number}", age=number * DAY + HOUR)
    found = planner(place, logs(tmp_path)).plan(shortlist.Need(3 * 8192, 0))
    assert paths(found, tmp_path) == ["a.8", "a.7", "a.6"]
    assert (found.size, found.files) == (3 * 8192, 3)
    assert paths(planner(place, logs(tmp_path), budget=2 * 8192).plan(ALL), tmp_path) == ["a.8", "a.7"]


def test_safer_kinds_go_first_and_later_ones_are_not_even_looked_at(place: Place, tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / "first" / f"a.{number}", age=number * 2 * DAY)
        write(tmp_path / "second" / f"a.{number}", age=number * 2 * DAY)
    listed = [logs(tmp_path / "first"), logs(tmp_path / "second")]
    one = planner(place, *listed)
    assert paths(one.plan(shortlist.Need(8192, 0)), tmp_path) == ["first/a.2"]
    looked = one.pace.entries
    assert paths(one.plan(shortlist.Need(9000, 0)), tmp_path) == ["first/a.2", "second/a.2"]
    assert one.pace.entries > 2 * looked


def test_what_is_of_two_kinds_counts_once(place: Place, tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path / f"a.{number}", age=number * 2 * DAY)
    found = planner(place, logs(tmp_path), logs(tmp_path, keep=None)).plan(ALL)
    assert paths(found, tmp_path) == ["a.2", "a.1"]
    assert found.size == 2 * 8192


def test_temporary_files_count_from_when_they_were_touched(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "unpacked-just-now", age=900 * DAY)
    write(tmp_path / "big", size=1 << 20)
    assert paths(planner(place, temporary(tmp_path)).plan(ALL), tmp_path) == []
    later = planner(place, temporary(tmp_path), later=11 * DAY).plan(ALL)
    assert paths(later, tmp_path) == ["big", "unpacked-just-now"]


def test_open_linked_sticky_and_special_files_stay(place: Place, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "precious.1")
    root = tmp_path / "log"
    write(root / "gone.1")
    held, twice, sticky = write(root / "held.1"), write(root / "twice.1"), write(root / "sticky.1")
    mapped = write(root / "mapped.1")
    os.link(twice, root / "other-name")
    sticky.chmod(0o1644)
    os.mkfifo(root / "pipe.1")
    (root / "link.1").symlink_to(outside)
    (root / "folder.1").symlink_to(outside.parent)
    info = held.stat()
    known = opened.Opened({(info.st_dev, info.st_ino)}, {str(mapped)}, [], True)
    one = planner(place, logs(root, keep=None), opened=known)
    assert paths(one.plan(ALL), root) == ["gone.1"]
    assert sorted(os.path.relpath(path, root) for path in one.open_files) == ["held.1", "mapped.1"]


def test_a_look_at_all_processes_knows_what_is_open(place: Place, tmp_path: Path) -> None:
    held, gone, free = (write(tmp_path / name) for name in ("held", "gone", "free"))
    with held.open("rb") as file, gone.open("rb"):
        os.unlink(gone)
        found = opened.scan(place)
        info, other = os.fstat(file.fileno()), free.stat()
    assert found.complete
    assert (info.st_dev, info.st_ino) in found.files
    assert (other.st_dev, other.st_ino) not in found.files


def test_no_symbolic_link_is_followed_not_even_above_the_root(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "real" / "log" / "a.1")
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    assert paths(planner(place, logs(tmp_path / "alias" / "log", keep=None)).plan(ALL), tmp_path) == []
    assert paths(planner(place, logs(tmp_path / "real" / "log", keep=None)).plan(ALL), tmp_path) == ["real/log/a.1"]
    with pytest.raises(OSError, match="Not a directory|Too many levels"):
        open_folder(str(tmp_path / "alias" / "log"))


def test_another_file_system_is_not_entered(tmp_path: Path) -> None:
    write(tmp_path / "a.1")
    elsewhere = Place("/dev/shm")
    try:
        assert elsewhere.device != os.stat(tmp_path).st_dev
        assert paths(planner(elsewhere, logs(tmp_path, keep=None)).plan(ALL), tmp_path) == []
    finally:
        elsewhere.close()


def test_a_queue_inside_is_never_entered_whatever_its_name(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "spool" / "deferred" / "A1B2.1")
    write(tmp_path / "log" / "a.1")
    barred = [(str(tmp_path / "spool"), "the queue")]
    one = planner(place, logs(tmp_path, keep=None), barred=barred)
    assert paths(one.plan(ALL), tmp_path) == ["log/a.1"]
    os.rename(tmp_path / "spool", tmp_path / "renamed")
    assert paths(one.plan(ALL), tmp_path) == ["log/a.1"]
    os.rename(tmp_path / "renamed", tmp_path / "spool")
    inside = planner(place, logs(tmp_path / "spool" / "deferred", keep=None), barred=barred)
    assert paths(inside.plan(ALL), tmp_path) == []
    assert bars.holds(str(tmp_path / "spool" / "deferred"), barred)


def test_mailboxes_and_locked_directories_are_left_alone(place: Place, tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        write(tmp_path / "restored" / name / "message")
    write(tmp_path / "locked" / "file")
    write(tmp_path / "plain" / "file")
    number = os.open(tmp_path / "locked", os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_SH)
        found = paths(planner(place, temporary(tmp_path), later=11 * DAY).plan(ALL), tmp_path)
    finally:
        os.close(number)
    assert found == ["plain/file"]


def test_a_maildir_gives_only_what_is_in_its_tmp(place: Place, tmp_path: Path) -> None:
    box = tmp_path / "home" / "alice" / "Maildir"
    for name in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"):
        write(box / name / "1700000000.M1P1.host")
    write(box / "dovecot.index.cache")
    found = next(kind for kind in kinds.build([], [str(box)]) if kind.name == "maildir_tmp")
    barred = [(str(tmp_path / "home"), "mail")]
    one = Planner(
        place,
        Pace(time.monotonic() + 60),
        [found],
        {"maildir_tmp_age": 36 * HOUR},
        barred,
        clock=lambda: time.time() + 37 * HOUR,
    )
    assert sorted(paths(one.plan(ALL), box)) == [".Sent/tmp/1700000000.M1P1.host", "tmp/1700000000.M1P1.host"]
    one.clock = lambda: time.time() + 35 * HOUR
    assert paths(one.plan(ALL), box) == []


def test_core_dumps_in_the_queue_directory_but_nothing_of_the_queue(place: Place, tmp_path: Path) -> None:
    head = b"\x7fELF\x02\x01\x01" + 9 * b"\0" + b"\x04\0" + 100 * b"\0"
    queue = tmp_path / "postfix"
    for number in (1, 2, 3):
        write(queue / f"core.{number}", age=number * DAY).write_bytes(head)
        os.utime(queue / f"core.{number}", (0, time.time() - number * DAY))
    write(queue / "core.4", age=9 * DAY)
    write(queue / "deferred" / "core.5", age=9 * DAY).write_bytes(head)
    write(queue / "old-backup.tar", age=9 * DAY)
    listed = [kind for kind in kinds.build([str(queue)]) if kind.name == "core_dumps" and str(queue) in kind.roots]
    found = planner(place, *listed, barred=[(str(queue), "the queue")]).plan(ALL)
    assert paths(found, queue) == ["core.3", "core.2"]


def test_when_inodes_are_short_small_files_and_empty_directories_count(place: Place, tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / "t" / f"{number}", size=0)
    (tmp_path / "t" / "empty").mkdir()
    kind = temporary(tmp_path / "t")
    assert planner(place, kind, later=11 * DAY).plan(ALL).files == 0
    found = planner(place, kind, later=11 * DAY).plan(shortlist.Need(0, 100))
    assert found.files == 6
    assert planner(place, kind, later=11 * DAY).plan(shortlist.Need(0, 2)).files == 2


def test_a_lock_that_is_held_keeps_the_kind_away(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "a.1")
    lock = tmp_path / "lock"
    lock.touch()
    kind = logs(tmp_path, keep=None, locks=[str(lock)])
    child = os.fork()
    if not child:
        with lock.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            (tmp_path / "held").touch()
            time.sleep(60)
        os._exit(0)
    try:
        while not (tmp_path / "held").exists():
            time.sleep(0.01)
        found = planner(place, kind).plan(ALL)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert (found.groups, found.notes) == ([], [f"rotated_logs was left alone: process {child} holds {lock}"])
    assert planner(place, kind).plan(ALL).files == 1


def test_time_and_memory_are_bounded(place: Place, tmp_path: Path) -> None:
    best = shortlist.Shortlist(ALL, "largest", most=10)
    one = planner(place, logs(tmp_path, keep=None))
    for number in range(1, 40):
        write(tmp_path / f"a.{number}", size=4096 * number)
    for item in one.plan(ALL).groups[0].items:
        best.offer(item.seen)
    assert [seen.name for seen in best.best_first()] == [f"a.{number}" for number in range(39, 29, -1)]
    one.pace.deadline = time.monotonic()
    assert one.plan(ALL).notes == ["not everything was looked at: the time was up"]


def test_of_too_many_groups_everything_is_held_back() -> None:
    newest = shortlist.Newest(most=1)

    class One:
        mtime_ns = 1

    assert newest.passes("a", One()) is None
    assert newest.passes("a", One()) is not None
    assert [newest.passes("b", One()) for dummy in range(3)] == [None, None, None]


def test_of_the_journal_the_oldest_archived_files_go_and_never_the_newest(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "journal" / ("a" * 32)
    for number in range(5):
        write(folder / f"system@{'b' * 32}-{number:016x}-{number:016x}.journal", age=(9 - number) * DAY, size=1 << 20)
    write(folder / "system.journal", age=0, size=1 << 20)
    write(folder / "notes.txt", size=1 << 20)
    where = str(tmp_path / "journal")
    found = journal.plan(place, 2 << 20, 1 << 20, where)
    assert (found.target, found.size, found.files) == (4 << 20, 2 << 20, 2)
    assert time.time() - found.age == pytest.approx(9 * DAY, abs=600)
    assert journal.plan(place, 1 << 40, 3 << 20, where).files == 3
    # The one that is written to stays, however little is to be kept.
    assert journal.plan(place, 1 << 40, 0, where).files == 5
    assert journal.plan(place, 1 << 40, 1 << 40, where) is None
    assert journal.plan(place, 0, 0, where) is None
    assert "the newest 3.0 MiB stay" in journal.why(3 << 20)


def test_the_goal_comes_on_top_of_what_postfix_wants() -> None:
    full = Room(1000 << 20, 0, 0, 0)
    wanted = goal.Goal(full, percent=15, floor=15 << 20)
    assert (wanted.bytes, wanted.need(full).size) == (165 << 20, 165 << 20)
    assert goal.Goal(full, percent=15, size=500 << 20).bytes == 500 << 20
    assert [wanted.enough(full._replace(available=size << 20)) for size in (15, 34, 35)] == [False, False, True]
    # What was just relieved may write a few lines of log before it is looked at again.
    assert [wanted.near(full._replace(available=size << 20)) for size in (127, 128)] == [False, True]
    assert wanted.missing(full) == "165.0 MiB more"


def test_of_few_inodes_a_quarter_is_wanted() -> None:
    full = Room(1000 << 20, 900 << 20, 200, 3)
    wanted = goal.Goal(full)
    assert (wanted.inodes, wanted.need(full).files, wanted.need(full).size) == (50, 47, 0)
    assert goal.Goal(full._replace(inodes=1_000_000)).inodes == 100_000
    assert not wanted.near(full)
    assert goal.spell(full) == "900.0 MiB (90 %) and 3 inodes"
