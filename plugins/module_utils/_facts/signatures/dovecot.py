# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Dovecot says, and PAM on its behalf.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures.shape import (
    DOVECOT,
    DOVECOT_BAD,
    DOVECOT_USER,
    sign,
)

TABLE = (
    sign(
        "dovecot_enospc",
        "mda",
        "dovecot",
        "No space left on device",
        DOVECOT_BAD + r".*No space left on device",
        good="mail_saved",
    ),
    sign(
        "dovecot_erofs",
        "mda",
        "dovecot",
        "Read-only file system",
        DOVECOT_BAD + r".*Read-only file system",
        good="mail_saved",
    ),
    sign("doveconf_fatal", "mda", "dovecot", "oveconf: Fatal: ", r"(?:[\w-]+: )?doveconf: Fatal: "),
    sign("dovecot_fatal", "mda", "dovecot", "master: Fatal: ", r"master: Fatal: "),
    sign(
        "dovecot_bind",
        "mda",
        "dovecot",
        "Address already in use",
        r"(?:master: )?(?:Error|Fatal): .*Address already in use",
    ),
    sign(
        "dovecot_reload_refused",
        "mda",
        "dovecot",
        "Error reading configuration",
        r"master: (?:Error|Warning): .*Error reading configuration",
    ),
    sign("dovecot_stopped", "mda", "dovecot", "Killed with signal 15", r"master: Warning: Killed with signal 15"),
    sign(
        "auth_not_responding",
        "mda",
        "dovecot",
        "Auth process not responding",
        DOVECOT + r"Auth process not responding, delayed sending initial response",
        good="login",
    ),
    sign(
        "auth_handshake_timeout",
        "mda",
        "dovecot",
        "Timeout waiting for handshake from auth server",
        DOVECOT + r"(?:auth-client: )?(?:conn \S+ ?(?:\([^)]*\))?: )?Timeout waiting for handshake from auth server",
        good="login",
    ),
    sign(
        "auth_broken",
        "mda",
        "dovecot",
        "Auth process broken",
        DOVECOT + r"(?:Disconnected: )?Auth process broken",
        good="login",
    ),
    sign(
        "anvil_timeout",
        "mda",
        "dovecot",
        "Anvil queries timed out",
        DOVECOT + r"(?:[\w-]+: )?Anvil queries timed out after",
        good="login",
    ),
    sign(
        "auth_queued",
        "mda",
        "dovecot",
        "Auth request was queued for",
        r"auth: (?:(?:Error|Warning): )?auth[ -]workers?: Auth request was queued for \d+ seconds",
    ),
    sign(
        "passdb_open",
        "mda",
        "dovecot",
        "passwd-file ",
        DOVECOT_BAD + r"passwd-file[^:]*: ?(?:open|stat)\(.*\) failed: (?:No such file|Permission denied)",
        good="login",
    ),
    sign(
        "dovecot_proc_limit",
        "mda",
        "dovecot",
        ("connections are being dropped", "Connection queue full"),
        r"(?:master: (?:Warning: )?service\((?P<key>[^)]*)\): (?:process|client)_limit \(\d+\) reached"
        r"|(?P<key_login>[\w-]+-login): (?:Info: )?Disconnected: Connection queue full)",
    ),
    sign("dovecot_emfile", "mda", "dovecot", "Too many open files", DOVECOT_BAD + r".*Too many open files"),
    sign(
        "dovecot_fd_low",
        "mda",
        "dovecot",
        "fd limit (ulimit -n) is lower",
        r"(?:[\w-]+: )?(?:Warning: )?fd limit \(ulimit -n\) is lower",
    ),
    sign(
        "dovecot_vsz",
        "mda",
        "dovecot",
        "Out of memory (service",
        r"(?:\S+: )+.*returned error 83 \(Out of memory \(service (?P<key>\S+)",
    ),
    sign(
        "dovecot_child_sig",
        "mda",
        "dovecot",
        "killed with signal",
        r"\S+: (?:Error|Fatal): (?:master: )?service\((?P<key>[^)]*)\): child \d+ killed with signal \d+",
    ),
    sign(
        "user_ip_limit",
        "mda",
        "dovecot",
        "Maximum number of connections from user+IP",
        DOVECOT + r"(?:.*: )?Maximum number of connections from user\+IP exceeded(?:.*?: user=<(?P<key>[^<>]*)>)?",
    ),
    sign("mda_eio", "mda", "dovecot", "Input/output error", DOVECOT_BAD + r".*Input/output error"),
    sign(
        "mailbox_eacces",
        "mda",
        "dovecot",
        "Permission denied",
        r"(?:imap|pop3|lmtp|lda|indexer-worker|managesieve|quota-status"
        r"|doveadm)\((?P<key>[^()]*)\)(?:<[^<>]*>)*: "
        r"(?:Error|Fatal|Warning): .*failed: Permission denied",
    ),
    sign(
        "quota",
        "mda",
        "dovecot",
        "Quota exceeded (mailbox",
        r"[\w.-]+(?:\((?P<key>[^()]*)\))?(?:<[^<>]*>)*: .*Quota exceeded \(mailbox",
    ),
    sign(
        "index_rebuild",
        "mda",
        "dovecot",
        ("Rebuilding index file", "Corrupted index", "Corrupted transaction"),
        DOVECOT_USER + r"(?:Error|Fatal|Panic|Warning): .*(?:Rebuilding index file|Corrupted (?:index|transaction))",
    ),
    sign(
        "pop3_gave_up",
        "mda",
        "dovecot",
        "retr=0/0, del=0/",
        # Thousands of messages were counted for a client that was gone before it had fetched one.
        r"pop3\((?P<key>[^()]*)\)(?:<[^<>]*>)*: (?:Info: )?Disconnected(?!: Logged out).* top=0/0, retr=0/0, "
        r"del=0/\d{4,}",
    ),
    sign(
        "sieve_fail",
        "mda",
        "dovecot",
        "Failed to compile script",
        DOVECOT_USER + r"(?:(?:Error|Warning|Info): )?sieve: .*[Ff]ailed to compile script",
    ),
    sign(
        "mda_tls_alert_expired",
        "mda",
        "dovecot",
        "alert certificate expired",
        DOVECOT + r".*alert certificate expired",
    ),
    # Dovecot: clients and users
    sign(
        "auth_failed",
        "mda",
        "dovecot",
        "(auth failed, ",
        r"[\w-]+-login: (?:Info: )?[^<>]*\(auth failed, \d+ attempts[^<>]*: user=<(?P<key>.*?)>, (?:method=|rip=)",
    ),
    sign(
        "mda_tls_no_cipher",
        "mda",
        "dovecot",
        ("no shared cipher", "unsupported protocol", "version too low", "wrong version number"),
        r"[\w-]+-login: (?:Info: |Error: )?.*(?:no shared cipher|unsupported protocol|version too low"
        r"|wrong version number)(?:.*, rip=(?P<key>[0-9A-Fa-f.:]+))?",
    ),
    sign(
        "account_expired",
        "mda",
        "auth",
        ("has expired", "account expired", "assword expired", "no longer valid"),
        r"(?:[\w.-]+(?:\([^()]*\))?(?:<[^<>]*>)?: |conn \S+ \([^()]*\): )*"
        r"(?:pam_unix\([^()]*\): account (?P<key>\S+) has expired"
        r"|pam\((?P<key_pam>[^(),]*)[^()]*\): .*(?:account (?:has )?expired|no longer valid"
        r"|[Pp]assword (?:has )?expired)|\w+\((?P<key_db>[^(),]*)[^()]*\): Password expired)",
    ),
    sign(
        "mailbox_lock",
        "mda",
        "dovecot",
        "while waiting for lock",
        DOVECOT_USER + r"(?:Error|Warning): .*(?:Timeout|[Tt]imed out) .*while waiting for lock",
    ),
    sign(
        "sieve_runtime",
        "mda",
        "dovecot",
        ("sieve: ",),
        DOVECOT_USER + r"(?:(?:Error|Warning|Info): )?sieve: (?:script [^:]*|.*[Ee]xecution of script [^:]*"
        r"|[^:]*): .*(?:was aborted|failed|runtime error)",
    ),
    sign(
        "auth_backend",
        "mda",
        "dovecot",
        ("ldap", "LDAP", "sql"),
        r"auth(?:-worker)?(?:\([^()]*\))?(?:<[^<>]*>)*: (?:Error|Fatal"
        r"|Warning): (?P<key>[Ll][Dd][Aa][Pp]|(?:my|pg)?sql|sqlite)\b.*(?:[Ff]ailed|timed out|[Ll]ost"
        r"|[Cc]an't|refused|not connected|unavailable)",
        good="login",
    ),
)
