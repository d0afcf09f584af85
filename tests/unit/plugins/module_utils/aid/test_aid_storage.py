# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a daemon can write is found out by writing, and nothing is left behind."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import storage
from ansible_collections.mailops.triage.plugins.module_utils._aid.storage import Place
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context


def test_a_good_place_is_left_as_it_was(tmp_path: Path) -> None:
    assert storage.ask([Place(str(tmp_path), 4096, "the queue")]) is None
    assert list(tmp_path.iterdir()) == []


def test_named_files_where_there_are_no_unnamed_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.os, "O_TMPFILE", 0)
    storage._write(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_too_little_room(tmp_path: Path) -> None:
    wrong = storage.ask([Place("/", 0, "root"), Place(str(tmp_path), 1 << 60, "the queue")])
    assert wrong is not None and wrong[0] == "spool_full"
    assert f"{tmp_path} (the queue) is full" in wrong[1] and str(1 << 60) in wrong[1]


def test_what_is_not_there_is_nobody_s_hazard(tmp_path: Path) -> None:
    assert storage.ask([Place(str(tmp_path / "none"), 1, "the queue")]) is None


def test_one_that_does_not_answer_comes_before_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = storage._try

    def hang(path: str) -> str:
        if path.endswith("frozen"):
            time.sleep(600)
        return str(known(path))

    monkeypatch.setattr(storage, "_try", hang)
    wanted = [Place(str(tmp_path), 1 << 60, "the queue"), Place(str(tmp_path / "frozen"), 1, "the mailboxes")]
    wrong = storage.ask(wanted, 0.5)
    assert wrong is not None and wrong[0] == "storage_hung"
    assert "the mailboxes" in wrong[1]


@pytest.mark.parametrize("call", ["statvfs", "open"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_storage_that_answers_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """A file system that was shut down, a handle of NFS that nobody knows any more: no daemon can write there."""
    known = getattr(os, call)

    def broken(path: str, *more: int) -> object:
        if path == str(tmp_path):
            raise OSError(number, os.strerror(number), path)
        return known(path, *more)

    monkeypatch.setattr(storage.os, call, broken)
    wrong = storage.ask([Place(str(tmp_path), 1, "the queue")])
    assert wrong is not None and wrong[0] == "storage_error"
    assert f"{tmp_path} (the queue)" in wrong[1] and os.strerror(number) in wrong[1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ok 20000000 1000 500", None),
        ("readonly 20000000 1000 500", "spool_readonly"),
        ("full 20000000 1000 500", "spool_full"),
        ("ok 20000000 1000 3", "spool_full"),
        # A file system without a table of inodes.
        ("ok 20000000 0 0", None),
        ("ok 15359999 1000 500", "spool_full"),
        ("unknown 20000000 1000 500", None),
    ],
)
def test_verdicts(text: str, code: str | None) -> None:
    wrong = storage._judge(Place("/var/spool/postfix", 15360000, "the queue"), "ok", text)
    assert (wrong and wrong[0]) == code


def test_places_of_dovecot_are_also_its_sockets_in_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "base_dir = /run/dovecot\nmail_location = maildir:/srv/mail/%u\nservice auth {\n"
        "  unix_listener /var/spool/postfix/private/auth {\n    mode = 0660\n  }\n}\n"
    )
    monkeypatch.setattr(storage.dovecot, "text", lambda context: text)
    monkeypatch.setattr(storage.dovecot, "mail_store", lambda context: ["/srv/mail"])
    found = [place.path for place in storage.places(Context(), "dovecot")]
    assert found == ["/", "/run", "/var/lib", "/run/dovecot", "/var/spool/postfix/private", "/srv/mail"]
