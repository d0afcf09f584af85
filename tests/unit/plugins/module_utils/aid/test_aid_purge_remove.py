# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the purge removes: only what still is what was planned, and what nobody has open; a copy first where asked."""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import state
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Guard
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import kinds, names, opened, quarantine, remove
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import Place
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.walk import Pace, Seen, Walk
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.work import Purge

DAY = 86400.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A directory that stands for a file system."""
    found = Place(str(tmp_path))
    yield found
    found.close()


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory on another file system."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def removing(place: Place, **more: object) -> Iterator[remove.Remover]:
    remover = remove.Remover(place, **more)
    with opened.quiet():
        yield remover
    remover.close()


def write(path: Path, size: int = 8192, age: float = 5 * DAY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def seen(place: Place, path: Path) -> Seen:
    """The file as a walk sees it."""
    steps = Walk(place, Pace(time.monotonic() + 60), empty=True)
    return next(one for dummy, one in steps.below(place.path) if one.folder.path + "/" + one.name == str(path))


def test_what_is_as_it_was_goes(place: Place, tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "old")
    with removing(place) as remover:
        remover.remove(seen(place, path))
        assert not path.exists()
        folder = Walk(place, Pace(time.monotonic() + 60), empty=True)
        (dummy, empty) = next(folder.below(place.path))
        remover.remove(empty)
    assert list(tmp_path.iterdir()) == []


CHANGES: dict[str, Callable[[Path], object]] = {
    "appended": lambda path: path.open("ab").write(b"more"),
    "written over": lambda path: path.open("r+b").write(b"y"),
    "touched": os.utime,
    "given away": lambda path: path.chmod(0o600),
    "linked": lambda path: os.link(path, path.with_name("second")),
    "another": lambda path: (path.unlink(), write(path)),
    "link": lambda path: (path.rename(path.with_name("kept")), path.symlink_to("kept")),
    "directory": lambda path: (path.rename(path.with_name("kept")), path.mkdir()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_since_the_plan_stays(place: Place, tmp_path: Path, change: str) -> None:
    path = write(tmp_path / "a" / "old")
    one = seen(place, path)
    CHANGES[change](path)
    with removing(place) as remover, pytest.raises(remove.Left, match="it has changed since the plan"):
        remover.remove(one)
    assert path.lstat()
    assert any(item.is_file() and item.stat().st_size >= 8192 for item in path.parent.iterdir())


def test_what_is_gone_already_is_no_error(place: Place, tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "old")
    one = seen(place, path)
    path.unlink()
    with removing(place) as remover, pytest.raises(remove.Left, match="it was gone already"):
        remover.remove(one)


@pytest.mark.parametrize("how", ["swapped", "linked"])
def test_a_directory_that_is_another_is_not_entered(place: Place, tmp_path: Path, how: str) -> None:
    path = write(tmp_path / "a" / "old")
    one = seen(place, path)
    (tmp_path / "a").rename(tmp_path / "b")
    if how == "linked":
        (tmp_path / "a").symlink_to("b")
    else:
        write(path)
    with removing(place) as remover, pytest.raises(remove.Left, match="its directory has changed"):
        remover.remove(one)
    assert (tmp_path / "b" / "old").exists()
    assert path.exists()


@pytest.mark.parametrize("how", ["read", "write", "map"])
def test_what_is_open_stays(place: Place, tmp_path: Path, how: str) -> None:
    path = write(tmp_path / "old")
    one = seen(place, path)
    with path.open("r+b" if how == "write" else "rb") as file:
        held = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ) if how == "map" else None
        if held is not None:
            file.close()
        with removing(place) as remover, pytest.raises(remove.Left, match="it is open"):
            remover.remove(one)
        if held is not None:
            held.close()
    with removing(place) as remover:
        remover.remove(one)
    assert not path.exists()


def test_who_opens_what_is_being_removed_waits_and_does_no_harm(place: Place, tmp_path: Path) -> None:
    """The kernel's signal to whoever holds a lease would end this process."""
    path = write(tmp_path / "old")
    number = os.open(path, os.O_RDONLY)
    with opened.quiet():
        assert opened.alone(number)
        child = os.fork()
        if not child:
            os.close(number)
            path.read_bytes()
            os._exit(0)
        # The kernel says by this that somebody waits.
        while fcntl.fcntl(number, fcntl.F_GETLEASE) == fcntl.F_WRLCK:
            time.sleep(0.01)
        os.close(number)
    assert os.waitpid(child, 0)[1] == 0


def test_a_copy_is_kept_and_says_where_it_came_from(place: Place, tmp_path: Path, elsewhere: Path) -> None:
    path = write(tmp_path / "a" / "old", size=3 << 20)
    store = quarantine.Store(str(elsewhere), "run/../1", place.device)
    with removing(place, store=store) as remover:
        remover.remove(seen(place, path), keep_copy=True)
    store.close()
    assert not path.exists()
    (folder,) = elsewhere.iterdir()
    assert folder.name == "run----1"
    (record,) = [json.loads(line) for line in (folder / "CONTENTS.json").read_text().splitlines()]
    assert (record["path"], record["bytes"], record["uid"]) == (str(path), 3 << 20, os.geteuid())
    assert (folder / record["name"]).read_bytes() == b"x" * (3 << 20)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_cannot_be_kept_stays(place: Place, tmp_path: Path, elsewhere: Path) -> None:
    path = write(tmp_path / "old")
    store = quarantine.Store(str(elsewhere), "run", place.device)
    # As large as the whole other file system, and still a file that takes no room.
    room = os.statvfs(elsewhere)
    os.truncate(path, room.f_blocks * room.f_frsize)
    with removing(place, store=store) as remover, pytest.raises(remove.Left, match="no room"):
        remover.remove(seen(place, path), keep_copy=True)
    assert path.exists()
    store.close()


def test_a_quarantine_that_is_none_is_refused(place: Place, tmp_path: Path, elsewhere: Path) -> None:
    (elsewhere / "link").symlink_to(elsewhere)
    for folder, why in (
        (tmp_path, "needs room"),
        (elsewhere / "link", "Not a directory"),
        (elsewhere / "x", "No such"),
    ):
        with pytest.raises(quarantine.StoreError, match=why):
            quarantine.Store(str(folder), "run", place.device)
    elsewhere.chmod(0o777)
    with pytest.raises(quarantine.StoreError, match="only its owner"):
        quarantine.Store(str(elsewhere), "run", place.device)


class Here(Purge):
    """The remedy at work on a directory, as if it were a file system that has to be emptied."""

    def _open(self, path: str) -> Place:
        return Place(path)


def purge(tmp_path: Path, check: bool = False, **more: object) -> dict[str, object]:
    """Ask for more room than can be made, so that everything goes that may."""
    root = tmp_path / "disk"
    listed = [
        kinds.kind("rotated_logs", "rotated", [str(root / "log")], names.ROTATED, age="log_age", keep=names.log_of),
        kinds.kind("tmp", "old", [str(root / "tmp")], ".+", 9, "log_age", tidy=True),
    ]
    guard = Guard(
        {"run": "run-1", "wait": 0.0},
        "purge_spool",
        str(root),
        check=check,
        memory=state.State(str(tmp_path / "state")),
        names=set,
        marker_path=str(tmp_path / "marker"),
        makes_room=True,
    )
    asked = {"mount": str(root), "goal_percent": 99.9, "goal_inodes_percent": 1.0, "io": "any", "time_limit": 60.0}
    answer: dict[str, object] = Here({**asked, **more}, guard, check, listed=lambda queues, boxes: list(listed)).run()
    return answer


def fill(root: Path) -> None:
    for number in (1, 2, 3):
        write(root / "log" / f"mail.log.{number}", age=number * 2 * DAY)
    for name in ("a", "b/c"):
        write(root / "tmp" / name)
    for folder in (root / "tmp" / "b", root / "tmp"):
        os.utime(folder, (0, 0))


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_the_plan_is_what_is_done_and_the_second_time_nothing_is(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    fill(root)
    before = files(root)
    plan = purge(tmp_path, check=True)
    assert (plan["state"], plan["changed"], files(root)) == ("planned", True, before)
    assert not (tmp_path / "state").exists()
    done = purge(tmp_path)
    assert done["plan"] == [{**item, "age_s": again["age_s"]} for item, again in zip(plan["plan"], done["plan"])]
    assert {os.path.relpath(item["path"], root) for item in done["plan"]} == before - files(root)
    assert files(root) == {"log/mail.log.1"}
    assert done["changed"]
    assert [(one["kind"], one["files"]) for one in done["removed"]] == [("rotated_logs", 2), ("tmp", 2)]
    assert [step["what"].split(" (")[0] for step in done["steps"]] == ["remove 2 of rotated_logs", "remove 2 of tmp"]
    again = purge(tmp_path)
    assert (again["changed"], again["plan"], again["steps"]) == (False, [], [])
    acts = state.State(str(tmp_path / "state")).read()["acts"]
    assert [act["what"].split(" (")[0] for act in acts] == ["remove 2 of rotated_logs", "remove 2 of tmp"]


def test_no_more_is_removed_than_the_budget(tmp_path: Path) -> None:
    fill(tmp_path / "disk")
    assert purge(tmp_path, max_bytes="16k")["freed_bytes"] == 16384
    assert len(files(tmp_path / "disk")) == 3


def test_an_operator_keeps_it_away(tmp_path: Path) -> None:
    fill(tmp_path / "disk")
    (tmp_path / "marker").touch()
    answer = purge(tmp_path)
    assert (answer["state"], answer["code"], answer["changed"]) == ("refused", "maintenance", False)
    assert len(files(tmp_path / "disk")) == 5


def test_only_mount_points_are_purged(tmp_path: Path) -> None:
    guard = Guard({"run": "r", "wait": 0}, "purge_spool", str(tmp_path), check=True, names=set)
    for mount in (str(tmp_path), "relative", "/../etc"):
        answer = Purge({"mount": mount}, guard, check=True).run()
        assert (answer["state"], answer["code"]) == ("refused", "no_mount")


def test_a_pattern_of_the_site_is_used_and_a_dangerous_one_named(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    fill(root)
    write(root / "exports" / "a.csv")
    given = [
        {"path": str(root / "exports"), "glob": "*.csv", "min_age": "1d", "reason": "the archive has them"},
        {"path": "/var/spool/postfix", "min_age": "1d", "reason": "hurry"},
    ]
    answer = purge(tmp_path, check=True, patterns=given)
    # What was made a moment ago is not old, whatever its date says.
    assert [one for one in answer["plan"] if one["kind"] == "site"] == []
    assert [one["path"] for one in answer["refused_patterns"]] == ["/var/spool/postfix"]
    assert any("/var/spool/postfix was refused: /var/spool/postfix is the queue" in note for note in answer["notes"])


@pytest.mark.parametrize("option", ["tmp_age", "max_bytes", "goal_bytes", "journal_keep"])
def test_an_option_that_cannot_be_understood_is_an_error(tmp_path: Path, option: str) -> None:
    with pytest.raises(ValueError, match="'soon' is no"):
        purge(tmp_path, **{option: "soon"})
