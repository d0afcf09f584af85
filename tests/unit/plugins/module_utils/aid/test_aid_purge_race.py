# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An attacker swaps directories and files for symbolic links while the purge is at work: nothing outside is touched.

The attacker is a process of its own that does nothing else. That the attack is a real one is shown by a purge that
looks first and removes then, by path, as scripts do: it loses files outside.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import kinds, opened, remove, shortlist
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.place import Place
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.plan import Planner
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.walk import Pace

ATTEMPTS = 10_000
FILES = 25
EXCHANGE = 2


def exchange(folder: int, first: bytes, second: bytes) -> None:
    """Swap two names of an open directory at once, as renameat2 does; step by step where the file system cannot."""
    if ctypes.CDLL(None, use_errno=True).renameat2(folder, first, folder, second, EXCHANGE):
        for old, new in ((first, b"aside"), (second, first), (b"aside", second)):
            with contextlib.suppress(OSError):
                os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)


def attack(pairs: list[tuple[int, bytes, bytes]], swaps: multiprocessing.sharedctypes.Synchronized[int]) -> None:
    """Swap each pair in turn, for ever."""
    while True:
        for folder, first, second in pairs:
            exchange(folder, first, second)
            swaps.value += 1


def digest(root: Path) -> str:
    """Of all names, types, times and contents below a directory."""
    found = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            found.update(f"{path} {info.st_mode} {info.st_ino} {info.st_mtime_ns} {info.st_ctime_ns}\n".encode())
            if os.path.isfile(path):
                found.update(Path(path).read_bytes())
    return found.hexdigest()


class Field:
    """A directory that may be purged, with a trap in it, and a tree outside that looks the same."""

    def __init__(self, root: Path) -> None:
        self.allowed, self.outside = root / "allowed", root / "outside"
        for folder in (self.allowed / "sub" / "deep", self.outside / "deep"):
            folder.mkdir(parents=True)
        for folder in (self.outside, self.outside / "deep"):
            for number in range(FILES):
                (folder / f"file{number}.1").write_text("precious")
        (self.allowed / "trap").symlink_to(self.outside)
        (self.allowed / "sub" / "trap").symlink_to(self.outside / "deep")
        (self.allowed / "sub" / "deep" / "link").symlink_to(self.outside / "file0.1")
        self.top = os.open(self.allowed, os.O_RDONLY)
        self.middle = os.open(self.allowed / "sub", os.O_RDONLY)
        self.bottom = os.open(self.allowed / "sub" / "deep", os.O_RDONLY)
        self.fill()

    def fill(self) -> None:
        """Put back what was removed, wherever the directory is called what just now."""
        for number in range(FILES):
            # The name may be the attacker's link just now.
            with contextlib.suppress(OSError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
                path = os.open(f"file{number}.1", flags, 0o644, dir_fd=self.bottom)
                os.write(path, b"refuse")
                os.close(path)

    def pairs(self) -> list[tuple[int, bytes, bytes]]:
        """What the attacker swaps: the directory, one inside it, and a file with a link to one outside."""
        return [
            (self.top, b"sub", b"trap"),
            (self.middle, b"deep", b"trap"),
            (self.bottom, b"file0.1", b"link"),
        ]


@pytest.fixture
def field(tmp_path: Path) -> Iterator[tuple[Field, Callable[[], int]]]:
    """The field, with the attacker at work in it, and the number of his swaps."""
    made = Field(tmp_path)
    context = multiprocessing.get_context("fork")
    swaps = context.Value("Q", 0, lock=False)
    attacker = context.Process(target=attack, args=(made.pairs(), swaps), daemon=True)
    attacker.start()
    while not swaps.value:
        time.sleep(0.001)
    yield made, lambda: swaps.value
    attacker.kill()
    attacker.join()
    for number in (made.top, made.middle, made.bottom):
        os.close(number)


def by_path(allowed: Path) -> None:
    """Remove old files the way that careful scripts do: no links followed, each looked at just before."""
    for folder, _folders, files in os.walk(allowed):
        for name in files:
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                inside = os.path.realpath(folder).startswith(str(allowed) + "/")
                if inside and not os.path.islink(path):
                    os.unlink(path)


def test_the_attack_is_a_real_one(field: tuple[Field, Callable[[], int]]) -> None:
    ground, dummy = field
    before = digest(ground.outside)
    for dummy_round in range(ATTEMPTS):
        ground.fill()
        by_path(ground.allowed)
        if digest(ground.outside) != before:
            return
    pytest.fail("a purge by path lost nothing outside: the attacker is too slow to show anything")


def test_nothing_outside_is_touched(field: tuple[Field, Callable[[], int]]) -> None:
    ground, swapped = field
    before = digest(ground.outside)
    kind = kinds.kind("tmp", "refuse", [str(ground.allowed)], r".*\.1", 9, tidy=False)
    attempts = removed = stopped = 0
    place = Place(str(ground.allowed))
    try:
        with opened.quiet():
            while attempts < ATTEMPTS or swapped() < ATTEMPTS:
                ground.fill()
                planner = Planner(place, Pace(time.monotonic() + 60), [kind], {})
                remover = remove.Remover(place)
                for group in planner.plan(shortlist.Need(1 << 50, 0)).groups:
                    for item in group.items:
                        attempts += 1
                        try:
                            remover.remove(item.seen)
                            removed += 1
                        except remove.Left:
                            stopped += 1
                        # The way there is gone again for each file: the attacker gets his chance at each.
                        remover.close()
    finally:
        place.close()
    assert digest(ground.outside) == before
    # Both happened: it did its work, and it met the attacker.
    assert removed
    assert stopped
