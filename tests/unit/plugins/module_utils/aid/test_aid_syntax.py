# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's own check of its configuration, with stand-ins for its programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid import syntax
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of programs, and no others are found; all of Postfix are content."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(_run, "SEARCH_PATH", str(folder))
    program(folder, "postconf", 'test "$1" = -d && echo "message_size_limit = 10240000"; exit 0')
    for name in ("postmap", "postfix"):
        program(folder, name, "exit 0")
    return folder


def program(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text("#!/bin/sh\n" + body + "\n")
    (folder / name).chmod(0o755)


def check(product: str, plans: bool = False) -> tuple[str, list[str]]:
    notes: list[str] = []
    return syntax.check(Context(), product, notes.append, plans), notes


def test_all_are_content(programs: Path) -> None:
    assert check("postfix") == ("", [])


def test_a_value_of_the_wrong_kind(programs: Path) -> None:
    body = 'test "$1" = -d && echo "message_size_limit = 10240000" || echo "message_size_limit = abc"'
    program(programs, "postconf", body)
    assert "message_size_limit = abc" in check("postfix")[0]


def test_what_only_a_program_of_postfix_notices(programs: Path) -> None:
    said = "postmap: fatal: parameter mail_owner: user postfox has same user ID"
    program(programs, "postmap", f"echo '{said}' >&2; exit 1")
    assert "postfox" in check("postfix")[0]


def test_a_line_of_master_cf(programs: Path) -> None:
    said = "postconf: fatal: file master.cf: line 3: bad field count"
    program(programs, "postconf", f'test "$1" = -M && {{ echo "{said}" >&2; exit 1; }}; exit 0')
    assert "bad field count" in check("postfix")[0]


def test_postfix_check_has_the_last_word(programs: Path) -> None:
    program(programs, "postfix", "echo 'postfix/postfix-script: fatal: no such directory' >&2; exit 1")
    assert "no such directory" in check("postfix")[0]


def test_a_plan_does_without_what_puts_the_queue_in_order(programs: Path, tmp_path: Path) -> None:
    program(programs, "postfix", f": > {tmp_path}/asked")
    words, notes = check("postfix", plans=True)
    assert words == "" and "postfix check" in notes[0]
    assert not (tmp_path / "asked").exists()
    assert check("postfix") == ("", [])
    assert (tmp_path / "asked").exists()


def test_a_queue_that_takes_too_long_to_walk_is_only_noted(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "_CHECK_S", 0.3)
    program(programs, "postfix", "exec /bin/sleep 60")
    words, notes = check("postfix")
    assert words == "" and "did not end" in notes[0]


def test_dovecot(programs: Path, tmp_path: Path) -> None:
    program(programs, "doveconf", "echo 'doveconf: Fatal: Unknown setting: bogus' >&2; exit 89")
    assert "Unknown setting: bogus" in check("dovecot")[0]
    program(programs, "doveconf", f"echo 'ssl_cert = <{tmp_path}/none.pem'")
    assert "none.pem" in check("dovecot")[0]
    (tmp_path / "none.pem").write_text("certificate")
    assert check("dovecot")[0] == ""
    program(programs, "doveconf", "kill -9 $$")
    assert "ends with -9" in check("dovecot")[0]


def test_others_are_asked_in_their_own_way(programs: Path) -> None:
    assert "nothing on this host checks" in check("unbound")[1][0]
    program(programs, "unbound-checkconf", "echo 'unbound.conf:3: error: unknown keyword'; exit 1")
    assert "unknown keyword" in check("unbound")[0]
    program(programs, "unbound-checkconf", "exit 0")
    assert check("unbound") == ("", [])
    assert check("")[0] == ""
