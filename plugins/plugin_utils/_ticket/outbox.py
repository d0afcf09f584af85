# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that could not be delivered, kept on disk until a later run delivers them.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A file holds one answer: the comment and where it belongs to, and no login. It is delivered only to the address that it
was meant for. The directory is its owner's alone. No more than a number of answers are kept, and none for longer than a
fortnight: then the ticket has gone on without us.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import STAGES, Letter, LetterError, letter

SCHEMA = "mailops.triage/outbox/1"
MOST = 200
"""Answers that are kept; beyond them the oldest one goes."""
LONGEST_S = 14 * 86400.0
"""Seconds that an answer is kept."""
_MOST_BYTES = 256 << 10
_DRAFT_S = 3600.0
_LOCK = ".lock"


class OutboxError(ValueError):
    """The outbox cannot be used; the message names the place."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """An answer in the outbox."""

    path: Path
    url: str
    why: str
    letter: Letter


class Outbox:
    """The directory with what could not be delivered.

    :param path: where it is, or shall be
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def keep(self, url: str, found: Letter, why: str) -> list[str]:
        """Keep an answer; an earlier version of it goes, and so does an earlier stage of the same run.

        :param url: address of the ticket system
        :param why: why it could not be delivered
        :returns: what had to go for it, in words
        :raises OutboxError: when it cannot be written
        """
        content = {"schema": SCHEMA, "url": url, "why": why, **found.document()}
        target = self.path / _name(url, found.key)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=self.path, prefix=".", suffix=".tmp")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                # mkstemp makes it 0600.
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target)
        except OSError as exc:
            raise OutboxError(f"outbox {self.path}: {exc.strerror or exc}") from exc
        self.forget(url, found, earlier=True)
        return self._tidy(found.written)

    def forget(self, url: str, found: Letter, earlier: bool = False) -> None:
        """Take an answer out, or only what it replaces: the earlier stages of the same run.

        :raises OutboxError: when that is not possible
        """
        stages = STAGES[: STAGES.index(found.stage)] if earlier else (found.stage,)
        for stage in stages:
            self._remove(self.path / _name(url, dataclasses.replace(found, stage=stage).key))

    def waiting(self, url: str, system: str, now: float) -> tuple[list[Kept], list[str]]:
        """What waits for a ticket system, the oldest first.

        :param now: epoch seconds
        :returns: the answers, and in words what was taken out because it cannot be used
        :raises OutboxError: when the directory cannot be read
        """
        notes = self._tidy(now)
        found = []
        for path in self._files():
            try:
                kept = _read(path)
            except LetterError as exc:
                self._remove(path)
                notes.append(f"{path.name} in the outbox was no answer and is gone: {exc}")
                continue
            if kept.url == url and kept.letter.system == system:
                found.append(kept)
        return sorted(found, key=lambda kept: (kept.letter.written, STAGES.index(kept.letter.stage))), notes

    @contextlib.contextmanager
    def alone(self) -> t.Iterator[bool]:
        """Whether we are the only run that delivers from here; what another one delivers needs nobody else."""
        if not self.path.is_dir():
            yield True
            return
        try:
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise OutboxError(f"outbox {self.path}: {exc.strerror or exc}") from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            yield False
            return
        try:
            yield True
        finally:
            os.close(descriptor)

    def _files(self) -> list[Path]:
        try:
            return sorted(self.path.glob("*.json")) if self.path.is_dir() else []
        except OSError as exc:
            raise OutboxError(f"outbox {self.path}: {exc.strerror or exc}") from exc

    def _tidy(self, now: float) -> list[str]:
        """Take out what is too old, and the oldest ones where there are too many."""
        dated = []
        for path in self.path.glob(".*.tmp") if self.path.is_dir() else []:
            # What a run left that was ended while it wrote.
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < now - _DRAFT_S:
                    path.unlink()
        for path in self._files():
            with contextlib.suppress(OSError):
                dated.append((path.lstat().st_mtime, path))
        dated.sort(reverse=True)
        late = [path for number, (when, path) in enumerate(dated) if number >= MOST or when < now - LONGEST_S]
        for path in late:
            self._remove(path)
        return [f"{len(late)} answers waited too long or were too many, and were given up"] if late else []

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise OutboxError(f"{path}: {exc.strerror or exc}") from exc


def _name(url: str, key: str) -> str:
    """Name of an answer's file: the same for every version of it."""
    return f"{hashlib.sha256(url.encode('utf-8', 'replace')).hexdigest()[:8]}-{key}.json"


def _read(path: Path) -> Kept:
    """Read an answer.

    :raises LetterError: when it is none, or somebody else's
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            # What another user put here would be sent in our name.
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                raise LetterError("it is another user's")
            data = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError) as exc:
        raise exc if isinstance(exc, LetterError) else LetterError("it cannot be read") from exc
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("url"), str):
        raise LetterError(f"its schema is not {SCHEMA}")
    return Kept(path, data["url"], clean(data.get("why", ""), 300), letter(data))
