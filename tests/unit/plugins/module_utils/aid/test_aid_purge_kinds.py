# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names mean to the purge, and what a site may add: no queue, no mail, no database, no system."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import bars, elf, kinds, names, patterns, units
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.walk import Folder

KNOWN = [
    ("/boot", "the system"),
    ("/etc", "the system"),
    ("/home", "mail"),
    ("/usr", "the system"),
    ("/var/lib/mysql", "a database"),
    ("/var/mail", "mail"),
    ("/var/spool/postfix", "the queue"),
]


def by_name(name: str) -> list[kinds.Kind]:
    return [kind for kind in kinds.build(["/var/spool/postfix"], ["/home/a/Maildir"]) if kind.name == name]


def matches(name: str, path: str) -> bool:
    return any(re.compile(kind.match).fullmatch(path) for kind in by_name(name))


def core_of(program: str, kind: int = 4) -> bytes:
    """A core dump as the kernel begins it: head, one program header, one note that names the program."""
    head = struct.pack("<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, kind, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    info = struct.pack("<40x16s80s", program.encode(), program.encode())
    note = struct.pack("<III", 5, len(info), 3) + b"CORE\0\0\0\0" + info
    return head + struct.pack("<IIQQQQQQ", 4, 0, 120, 0, 0, len(note), 0, 1) + note


@pytest.mark.parametrize(
    ("text", "seconds"), [("36h", 129600), ("10d", 864000), ("2w", 1209600), ("90", 90), (" 5 m", 300), ("1.5h", 5400)]
)
def test_ages(text: str, seconds: int) -> None:
    assert units.age(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0d", "-1d", "d", "10y", "ten days", "1d2h"])
def test_no_ages(text: str) -> None:
    with pytest.raises(ValueError, match="is no age"):
        units.age(text)


def test_sizes() -> None:
    assert [units.size(text) for text in ("4096", "500M", "2G", "1.5k", "1MiB")] == [
        4096,
        500 << 20,
        2 << 30,
        1536,
        1 << 20,
    ]
    assert units.spell(4096) == "4.0 KiB"
    with pytest.raises(ValueError, match="is no size"):
        units.size("much")


@pytest.mark.parametrize(
    ("path", "log"),
    [
        ("mail.log.1", "mail.log"),
        ("mail.log.2.gz", "mail.log"),
        ("maillog-20260101", "maillog"),
        ("maillog-20260101.xz", "maillog"),
        ("app/web.log.20260101-0300.zst", "app/web.log"),
        ("Xorg.0.log.old", "Xorg.0.log"),
    ],
)
def test_a_rotated_log_and_its_log(path: str, log: str) -> None:
    assert matches("rotated_logs", path)
    assert names.log_of(path) == log


@pytest.mark.parametrize(
    "path",
    [
        "mail.log",
        "mysql/mysql-bin.000001",
        "mysql/mariadb-bin.000123",
        "wtmp.1",
        "btmp-20260101",
        "app.log.gz",
        "release-1.20260101x",
        "version.1000",
        ".1",
    ],
)
def test_what_is_no_rotated_log(path: str) -> None:
    assert not matches("rotated_logs", path)


def test_the_journal_and_the_audit_trail_are_no_plain_logs() -> None:
    entered = [
        path for path in ("journal", "audit", "installer", "exim4", "journal-remote") if names.plain_logs(path, 0)
    ]
    assert entered == ["exim4", "journal-remote"]


@pytest.mark.parametrize("name", [".X0-lock", "krb5cc_1000", ".s.PGSQL.5432.lock", "daemon.pid", "mysql.sock"])
def test_old_temporary_files_that_are_in_use(name: str) -> None:
    assert not matches("tmp", name)
    assert matches("tmp", "old-" + name.replace(".", "-"))


def folder(path: Path) -> Folder:
    info = path.stat()
    return Folder(str(path), info.st_dev, info.st_ino, info.st_uid, info.st_mtime, 1, None)


def test_directories_of_sessions_units_and_mailboxes_are_not_entered(tmp_path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    plain = folder(tmp_path)
    for path in (".X11-unix", "tmux-1000", "ssh-aBc", f"systemd-private-{boot}-dovecot.service-x", "snap-private-tmp"):
        assert not names.not_in_use(path, plain), path
    assert names.not_in_use("systemd-private-" + 32 * "0" + "-dovecot.service-x", plain)
    assert names.not_in_use("export", plain)
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    assert not names.not_in_use("export", plain)


def test_of_a_maildir_only_tmp_is_entered(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp", ".Sent"):
        (tmp_path / name).mkdir()
    entered = [
        name for name in ("cur", "new", "tmp", ".Sent", "sub") if names.maildir_tmp(name, folder(tmp_path / "tmp"))
    ]
    assert entered == ["tmp", ".Sent"]
    (tmp_path / "cur").rmdir()
    assert not names.maildir_tmp("tmp", folder(tmp_path / "tmp"))


def test_core_dumps_and_their_programs(tmp_path: Path) -> None:
    found = []
    # An executable and a text called core are none.
    for number, data in enumerate((core_of("smtpd"), core_of("smtpd", kind=2), b"apples", core_of("")[:90])):
        path = tmp_path / f"core.{number}"
        path.write_bytes(data)
        with path.open("rb") as file:
            found.append(elf.program(file.fileno()))
    assert found == ["smtpd", None, None, ""]
    assert names.program_of("core.17", "smtpd") == "smtpd"
    assert names.program_of("core.imap.1000." + 32 * "a" + ".17.1795404978000000.zst") == "imap"
    assert names.program_of("_usr_sbin_dovecot.0.crash") == "dovecot"
    assert names.program_of("202611250340/vmcore") == "kernel"


@pytest.mark.parametrize("at", range(0, 64, 3))
def test_a_core_that_was_written_over_does_no_harm(tmp_path: Path, at: int) -> None:
    path = tmp_path / "core"
    path.write_bytes(core_of("smtpd")[:at] + b"\xff" * 8 + core_of("smtpd")[at + 8 :])
    with path.open("rb") as file:
        assert elf.program(file.fileno()) in (None, "", "smtpd")


GOOD = {"path": "/srv/exports/daily", "glob": "*.csv", "min_age": "14d", "reason": "the archive has them"}


def test_a_harmless_pattern_becomes_the_last_kind() -> None:
    found, ages, refused = patterns.read([GOOD], KNOWN)
    assert refused == []
    assert [(kind.name, kind.roots, kind.why) for kind in found] == [
        ("site", ("/srv/exports/daily",), "the archive has them")
    ]
    assert ages[found[0].age] == 14 * 86400
    assert [bool(re.fullmatch(found[0].match, name)) for name in ("a.csv", "a.csv.gz", "b")] == [True, False, False]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"path": "/"}, "/ is far too much"),
        ({"path": "//"}, "is far too much"),
        ({"path": "/home"}, "/home is far too much"),
        ({"path": "/etc"}, "/etc is far too much"),
        ({"path": "/etc/postfix"}, "/etc is the system"),
        ({"path": "/usr/share/doc"}, "/usr is the system"),
        ({"path": "/boot/old"}, "/boot is the system"),
        ({"path": "/var"}, "/var is far too much"),
        ({"path": "/var/spool"}, "/var/spool/postfix, which lies in it, is the queue"),
        ({"path": "/var/spool/postfix"}, "/var/spool/postfix is the queue"),
        ({"path": "/var/spool/postfix/deferred"}, "/var/spool/postfix is the queue"),
        ({"path": "/var/spool/./postfix//hold"}, "/var/spool/postfix is the queue"),
        ({"path": "/var/mail/alice"}, "/var/mail is mail"),
        ({"path": "/home/alice/cache"}, "/home is mail"),
        ({"path": "/var/lib/mysql"}, "is a database"),
        ({"path": "srv/exports"}, "must be absolute"),
        ({"path": ""}, "must be absolute"),
        ({"path": "/srv/../var/spool/postfix"}, "must not go up"),
        ({"path": "/srv/*/cur"}, "must name one directory"),
        ({"glob": "../*"}, "without '/'"),
        ({"min_age": None}, "min_age: '' is no age"),
        ({"min_age": "0"}, "is no age"),
        ({"min_age": "5m"}, "an hour or more"),
        ({"reason": " "}, "a reason is missing"),
    ],
)
def test_a_dangerous_pattern_is_refused_with_the_reason(change: dict[str, str], why: str) -> None:
    found, _ages, refused = patterns.read([{**GOOD, **change}, GOOD], KNOWN)
    assert len(found) == 1
    assert why in refused[0]["why"]


def test_a_pattern_through_a_link_or_into_a_mailbox_is_refused(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "box")
    (tmp_path / "box" / "deep").mkdir()
    given = [{**GOOD, "path": str(tmp_path / name)} for name in ("link/deep", "box", "box/cur", "none")]
    found, _ages, refused = patterns.read(given, KNOWN)
    assert [one["why"].rpartition("/")[2] for one in refused] == [
        "link is a symbolic link",
        "box is a mailbox",
        "box is a mailbox",
    ]
    assert [kind.roots for kind in found] == [(str(tmp_path / "none"),)]


def test_a_queue_is_known_again_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    info = os.stat(tmp_path / "queue")
    assert bars.identities([(str(tmp_path / "queue"), "the queue"), ("/nowhere", "mail")]) == {
        (info.st_dev, info.st_ino)
    }
    assert bars.holds("/var/spool/postfix/tmp", KNOWN) == "/var/spool/postfix"
    assert bars.holds("/var/log", [("/var", "mail")]) == ""
