# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be removed from a mail host, and why: the whole list, the safest first.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import elf, names
from ansible_collections.mailops.triage.plugins.module_utils._facts import cores, procfs

# why: why it is safe, in one sentence; roots: directories that are searched; match: what a path relative to its root
# must match as a whole; depth: levels of directories below the root; age: the option with the least age, or None;
# basis: what age counts from: written (mtime) or touched (the latest of all three times, as systemd-tmpfiles does);
# order: which goes first, the oldest or the largest; keep: function of (relative path, answer of check) to that of
# which the newest stays, or None; check: function of an open file that is None when it is not what its name says;
# enters: function of (relative path, Folder), or None; tidy: do directories go that are old and have become empty;
# locks: while one of these is held nothing of this kind is touched
Kind = namedtuple("Kind", "name why roots match depth age basis order keep check enters tidy locks")

NAMES = (
    "package_cache",
    "rotated_logs",
    "journal",
    "core_dumps",
    "crash_reports",
    "tmp",
    "sessions",
    "maildir_tmp",
    "scanner_tmp",
)
"""The kinds in the order in which they go. C(site) is added by patterns of the site, and comes last."""

DEFAULT_AGES = {
    "log_age": "1d",
    "core_age": "1h",
    "tmp_age": "10d",
    "var_tmp_age": "30d",
    "session_age": "2d",
    "maildir_tmp_age": "36h",
    "scanner_tmp_age": "1d",
}

_ELSEWHERE = ("/run/dovecot", "/var/crash", "/var/lib/systemd/coredump")
_OLD = "a temporary file that nobody has touched for long"
_SCANNER = "left behind by a scanner or milter; the message itself waits in the queue"


def kind(
    name,
    why,
    roots,
    match,
    depth=0,
    age=None,
    basis="written",
    order="largest",
    keep=None,
    check=None,
    enters=None,
    tidy=False,
    locks=(),
):
    """A Kind with the usual values where none are given."""
    return Kind(name, why, tuple(roots), match, depth, age, basis, order, keep, check, enters, tidy, tuple(locks))


def build(queue_directories=(), mailboxes=()):
    """The list for one host; C(journal) stands in it by its name only, because journald itself removes that.

    :param queue_directories: where Postfix daemons run, and so leave their core dumps
    :param mailboxes: Maildirs of the accounts
    """
    pattern = procfs.try_text("/proc/sys/kernel/core_pattern", 1024).strip()
    plain = [folder for folder in cores.places(pattern, None) if folder not in _ELSEWHERE]
    return [
        kind(
            "package_cache",
            "a package that was downloaded; it can be downloaded again",
            ["/var/cache/apt"],
            r"archives/[^/]+\.deb|archives/partial/[^/]+|(?:src)?pkgcache\.bin",
            depth=2,
            locks=["/var/cache/apt/archives/lock", "/var/lib/apt/lists/lock"],
        ),
        kind(
            "package_cache",
            "a package or a list of packages that was downloaded; it can be downloaded again",
            ["/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum", "/var/cache/zypp", "/var/cache/PackageKit"],
            r".*\.d?rpm|.*/repodata/[^/]+",
            depth=8,
            locks=["/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"],
        ),
        kind(
            "rotated_logs",
            "a log that was rotated; the current one and the newest rotated one stay",
            ["/var/log"],
            "(?!{0}){1}".format(names.LOGINS, names.ROTATED),
            depth=6,
            age="log_age",
            order="oldest",
            keep=names.log_of,
            enters=names.plain_logs,
        ),
        kind("journal", "", [], ""),
        kind(
            "core_dumps",
            "a core dump; the newest of its program stays as evidence",
            ["/var/lib/systemd/coredump"],
            r"core\.[^/]+",
            age="core_age",
            order="oldest",
            keep=names.program_of,
        ),
        kind(
            "core_dumps",
            "a core dump, by its content; the newest of its program stays as evidence",
            plain + list(queue_directories),
            r"core(?:\.[\w.-]+)?|[\w-]+\.core",
            age="core_age",
            order="oldest",
            keep=names.program_of,
            check=elf.program,
        ),
        kind(
            "crash_reports",
            "the report of a crash; the newest of its program stays as evidence",
            ["/var/crash"],
            r"[^/]+\.(?:crash|upload|uploaded)|" + names.VMCORE,
            depth=1,
            age="core_age",
            order="oldest",
            keep=names.program_of,
        ),
        kind(
            "crash_reports",
            "the memory image of a crash report; the newest of its program stays as evidence",
            ["/var/spool/abrt"],
            r"[^/]+/coredump",
            depth=1,
            age="core_age",
            order="oldest",
            keep=names.program_of,
            check=elf.program,
        ),
        _temporary("tmp", _OLD, ["/tmp"], names.TEMPORARY, "tmp_age"),
        _temporary("tmp", _OLD, ["/var/tmp"], names.TEMPORARY, "var_tmp_age"),
        kind(
            "sessions",
            "a web session that ended long ago",
            ["/var/lib/php/sessions", "/var/lib/php/session", "/var/lib/php5/sessions"],
            r"sess_[\w,-]+",
            depth=1,
            age="session_age",
            basis="touched",
            order="oldest",
        ),
        kind(
            "maildir_tmp",
            "a delivery that broke off; the message was delivered another time or waits in the queue",
            mailboxes,
            r"(?:\.[^/]+/)?tmp/[^/]+",
            depth=2,
            age="maildir_tmp_age",
            basis="touched",
            order="oldest",
            enters=names.maildir_tmp,
        ),
        _temporary("scanner_tmp", _SCANNER, _SCANNER_ROOTS, r"[^/]+/.+", "scanner_tmp_age"),
        _temporary(
            "scanner_tmp", _SCANNER, ["/var/lib/clamav"], r"(?:tmp[.-]|clamav-)[^/]+(?:/.+)?", "scanner_tmp_age"
        ),
        _temporary(
            "scanner_tmp",
            _SCANNER,
            ["/tmp", "/var/tmp"],
            r"(?:amavis-|mdefang-|clamav-|\.spamassassin|rspamd[-_.])[^/]+(?:/.+)?",
            "scanner_tmp_age",
        ),
    ]


_SCANNER_ROOTS = (
    "/var/lib/amavis/tmp",
    "/var/lib/amavisd/tmp",
    "/var/amavis/tmp",
    "/var/spool/amavisd/tmp",
    "/var/spool/MIMEDefang",
    "/var/spool/mimedefang",
)


def _temporary(name, why, roots, match, age):
    return kind(name, why, roots, match, 12, age, "touched", enters=names.not_in_use, tidy=True)
