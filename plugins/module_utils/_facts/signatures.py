# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of log lines that mean something, as data.

A signature is only believed from the daemon that writes it: the identifier of the line is checked first, and its
pattern is matched from the beginning of the message. So a sender who puts C(fatal: no SASL authentication mechanisms)
into an address, a greeting or a command forges nothing.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
from collections import namedtuple

# owner: whose start makes older hits history: mta, mda, kernel, system
# source: pattern of the identifier, see IDENTIFIERS; needles: one of them is in every matching line (a plain search
# for them is what keeps a log of megabytes cheap); pattern: matched from the start of the message
Signature = namedtuple("Signature", "id owner source needles pattern")

# Own words of a Postfix daemon: a queue id may stand before them. What follows "from host[address]" and the texts of
# the client are somebody else's words and never believed.
_OWN = (
    r"(?:[0-9A-Za-z]{6,20}: )?(?:warning|error|fatal|panic): "
    r"(?!non-SMTP command|Illegal address|improper command|malformed |numeric |hostname |[^:]* from [^\s\[]*\[)"
)
# "imap(alice)<1234><session>: Error: ", "master: Warning: ", "imap-login: " (information has no level in syslog)
_DOVECOT = r"[\w.-]+(?:\([^()]*\))?(?:<[^<>]*>)*: (?:(?:Error|Fatal|Panic|Warning|Info): )?"
_DOVECOT_BAD = r"[\w.-]+(?:\([^()]*\))?(?:<[^<>]*>)*: (?:Error|Fatal|Panic|Warning): "
_KERNEL = r"(?:\[ *\d+\.\d+\] )?"
_DELIVERY = (
    r"[0-9A-Za-z]{6,20}: to=<[^<>]*>, (?:orig_to=<[^<>]*>, )?relay=[^\s,]*, (?:conn_use=\d+, )?delay=[\d.]+, "
    r"delays=[\d./]+, dsn=[\d.]+, status=\w+ \("
)

# What the identifier must look like. Postfix: syslog_name is free, so its last part counts.
IDENTIFIERS = {
    "postfix": r"(?:[\w.-]+/)+[\w-]+$",
    "smtpd": r"(?:[\w.-]+/)+(?:smtpd|postscreen|qmqpd)$",
    "smtp": r"(?:[\w.-]+/)+(?:smtp|lmtp)$",
    "postfix-master": r"(?:[\w.-]+/)+master$",
    "tlsmgr": r"(?:[\w.-]+/)+tlsmgr$",
    "qmgr": r"(?:[\w.-]+/)+n?qmgr$",
    "postfix-script": r"(?:[\w.-]+/)+postfix-script$",
    "dovecot": r"(?:dovecot|doveconf|doveadm)$",
    "kernel": r"kernel$",
    "systemd": r"systemd$",
    "rsyslogd": r"rsyslogd$",
    "load": r"(?:sendmail|sm-mta|exim4?|exim)$",
}


def _s(name, owner, source, needles, pattern):
    return Signature(name, owner, source, needles if isinstance(needles, tuple) else (needles,), pattern)


CATALOGUE = (
    # Space, inodes, read-only
    _s(
        "queue_minfree",
        "mta",
        "smtpd",
        "not enough free space in mail queue",
        r"warning: not enough free space in mail queue: \d+ bytes",
    ),
    _s("enospc", "mta", "postfix", "No space left on device", _OWN + r".*No space left on device"),
    _s("prng_enospc", "mta", "tlsmgr", "cannot write PRNG exchange file", r"fatal: cannot write PRNG exchange file"),
    _s(
        "pidlock_enospc",
        "mta",
        "postfix",
        "cannot create file exclusively: No space",
        r"fatal: open lock file \S*pid/\S+: cannot create file exclusively: No space left",
    ),
    _s("erofs", "mta", "postfix", "Read-only file system", _OWN + r".*: Read-only file system"),
    _s("dovecot_enospc", "mda", "dovecot", "No space left on device", _DOVECOT_BAD + r".*No space left on device"),
    _s("dovecot_erofs", "mda", "dovecot", "Read-only file system", _DOVECOT_BAD + r".*Read-only file system"),
    _s("logger_enospc", "system", "rsyslogd", "No space left on device", r".*write error.*No space left on device"),
    # The kernel
    _s(
        "kernel_remount_ro",
        "kernel",
        "kernel",
        "emounting filesystem read-only",
        _KERNEL + r"\S+ \([^)]*\): Remounting filesystem read-only",
    ),
    _s(
        "fs_error",
        "kernel",
        "kernel",
        ("-fs error (device", "orruption detected", "has been shut down"),
        _KERNEL + r"(?:EXT[234]-fs error \(device|XFS \([^)]*\): .*(?:orruption detected|has been shut down)"
        r"|BTRFS.*error)",
    ),
    _s(
        "io_error",
        "kernel",
        "kernel",
        ("I/O error, dev ", "Buffer I/O error", "critical medium error"),
        _KERNEL + r"(?:blk_update_request: )?(?:I/O error, dev \S+, sector|Buffer I/O error|critical medium error)",
    ),
    _s(
        "hung_task",
        "kernel",
        "kernel",
        "blocked for more than",
        _KERNEL + r"INFO: task \S+ blocked for more than \d+ seconds",
    ),
    _s(
        "oom_kill",
        "kernel",
        "kernel",
        "ut of memory: Kill",
        _KERNEL + r"(?:Memory cgroup out|Out) of memory: Kill(?:ed)? process \d+ \([^)]*\)",
    ),
    _s("conntrack_full", "kernel", "kernel", "table full", _KERNEL + r"(?:nf_conntrack: )+table full"),
    _s(
        "segfault",
        "kernel",
        "kernel",
        ("segfault at", "general protection"),
        _KERNEL + r"(?:traps: )?\S+\[\d+\]:? (?:segfault at|general protection)",
    ),
    _s(
        "hardware_error",
        "kernel",
        "kernel",
        ("[Hardware Error]", "Machine check"),
        _KERNEL + r"(?:mce: )?(?:\{\d+\})?(?:\[Hardware Error\]|Machine check)",
    ),
    # Postfix: processes
    _s(
        "throttled",
        "mta",
        "postfix-master",
        "bad command startup -- throttling",
        r"warning: \S+: bad command startup -- throttling",
    ),
    _s(
        "child_signal",
        "mta",
        "postfix-master",
        "killed by signal",
        r"warning: process \S+ pid \d+ killed by signal (?!15\b)\d+",
    ),
    _s("child_exit", "mta", "postfix-master", "exit status", r"warning: process \S+ pid \d+ exit status \d+"),
    _s(
        "process_limit_smtp",
        "mta",
        "postfix-master",
        "has reached its process limit",
        r"warning: service \S+ \(\S+\) has reached its process limit",
    ),
    _s(
        "postfix_emfile",
        "mta",
        "postfix",
        ("Too many open files", "unable to create missing queue directories"),
        _OWN + r".*(?:Too many open files|unable to create missing queue directories)",
    ),
    _s("postfix_panic", "mta", "postfix", "panic: ", r"panic: "),
    _s("postfix_bind", "mta", "postfix-master", "Address already in use", r"fatal: bind .*: Address already in use"),
    _s(
        "postfix_stopped",
        "mta",
        "postfix-script",
        "stopping the Postfix mail system",
        r"stopping the Postfix mail system",
    ),
    _s("watchdog_timeout", "mta", "postfix", "watchdog timeout", r"fatal: watchdog timeout"),
    # Postfix: configuration
    _s(
        "postfix_fatal_config",
        "mta",
        "postfix",
        (
            "bad numerical configuration",
            "bad boolean configuration",
            "bad time value",
            "configuration error",
            "bad field count",
            "fatal: in parameter",
            "parameter value",
            "bad string length",
            "master.cf",
        ),
        r"fatal: (?:bad (?:numerical|boolean) configuration|configuration error|in parameter "
        r"|invalid \S+ parameter value|parameter \S+: bad |bad string length|\S+: line \d+: |.*bad field count)",
    ),
    _s("map_unavailable", "mta", "postfix", "is unavailable. ", _OWN + r"\S+ is unavailable\. (?:open |unsupported )"),
    _s(
        "tls_disabled",
        "mta",
        "smtpd",
        "disabling TLS support",
        r"warning: cannot get \S+ (?:certificate|private key) from file .*disabling TLS support",
    ),
    _s(
        "queue_eacces",
        "mta",
        "postfix",
        ("Permission denied", "not owned by"),
        _OWN + r"(?:mail_queue_enter: create file \S+: Permission denied|not owned by )",
    ),
    _s(
        "resolv_differs",
        "mta",
        "postfix-script",
        "resolv.conf differ",
        r"warning: \S+resolv\.conf and \S+resolv\.conf differ",
    ),
    # Postfix: what it leans on
    _s("no_sasl", "mta", "smtpd", "no SASL authentication mechanisms", r"fatal: no SASL authentication mechanisms"),
    _s(
        "sasl_refused",
        "mta",
        "smtpd",
        "Connect to Dovecot auth socket",
        r"warning: SASL: Connect to (?:Dovecot auth socket )?'[^']*' failed: Connection refused",
    ),
    _s(
        "sasl_enoent",
        "mta",
        "smtpd",
        "Connect to Dovecot auth socket",
        r"warning: SASL: Connect to (?:Dovecot auth socket )?'[^']*' failed: No such file",
    ),
    _s(
        "milter_refused",
        "mta",
        "postfix",
        "connect to Milter service",
        r"(?:\w{6,20}: )?warning: connect to Milter service \S+: (?:Connection refused|No such file)",
    ),
    _s(
        "milter_timeout",
        "mta",
        "postfix",
        ("reply packet header", "connect to Milter service"),
        r"(?:\w{6,20}: )?warning: "
        r"(?:milter \S+: can't read SMFIC_\w+ reply packet header: (?:Connection timed out|Success)"
        r"|connect to Milter service \S+: Connection timed out)",
    ),
    _s("milter_reject", "mta", "postfix", "milter-reject: ", r"(?:NOQUEUE|\w{6,20}): milter-reject: \S+ from \S+: 4"),
    _s(
        "policy_refused",
        "mta",
        "smtpd",
        "problem talking to server",
        r"warning: problem talking to server \S+: Connection refused",
    ),
    _s(
        "rewrite_dead",
        "mta",
        "postfix",
        "problem talking to service rewrite",
        r"(?:\w{6,20}: )?warning: problem talking to service rewrite",
    ),
    _s(
        "lmtp_enoent",
        "mta",
        "smtp",
        "]: No such file",
        r"(?:\w{6,20}: )?connect to \S+\[[^\]\s]*/[^\]\s]*\]: No such file",
    ),
    _s(
        "lmtp_refused",
        "mta",
        "smtp",
        "]: Connection refused",
        r"(?:\w{6,20}: )?connect to \S+\[[^\]\s]*/[^\]\s]*\]: Connection refused",
    ),
    _s(
        "name_service",
        "mta",
        "smtp",
        "Name service error for name=",
        _DELIVERY + r"(?:Host or domain name not found\. )?"
        r"Name service error for name=\S+ type=\w+: Host not found, try again",
    ),
    _s(
        "dnsbl_reject",
        "mta",
        "smtpd",
        " blocked using ",
        r"NOQUEUE: reject: RCPT from [^\s\[]+\[[^\]]*\](?::\d+)?: 554 5\.7\.1 Service unavailable; "
        r"(?:Client host|client|Sender address|Helo command) \[[^\]]*\] blocked using \S+",
    ),
    _s("loops_back", "mta", "smtp", "loops back to myself", _DELIVERY + r"mail for \S+ loops back to myself"),
    _s(
        "qmgr_fatal_file",
        "mta",
        "qmgr",
        ("envelope records out of order", "bad extra offset"),
        r"fatal: (?:\w+: envelope records out of order|bad extra offset .*file \S+)",
    ),
    # Postfix: traffic
    _s(
        "conn_rate",
        "mta",
        "smtpd",
        "Connection rate limit exceeded",
        r"warning: Connection rate limit exceeded: \d+ from",
    ),
    _s(
        "conn_count",
        "mta",
        "smtpd",
        "Connection concurrency limit exceeded",
        r"warning: Connection concurrency limit exceeded: \d+ from",
    ),
    _s(
        "tls_alert_expired",
        "mta",
        "smtpd",
        "alert certificate expired",
        r"warning: TLS library problem: .*alert certificate expired",
    ),
    # Dovecot: configuration and start
    _s("doveconf_fatal", "mda", "dovecot", "oveconf: Fatal: ", r"(?:[\w-]+: )?doveconf: Fatal: "),
    _s("dovecot_fatal", "mda", "dovecot", "master: Fatal: ", r"master: Fatal: "),
    _s(
        "dovecot_bind",
        "mda",
        "dovecot",
        "Address already in use",
        r"(?:master: )?(?:Error|Fatal): .*Address already in use",
    ),
    _s(
        "dovecot_reload_refused",
        "mda",
        "dovecot",
        "Error reading configuration",
        r"master: (?:Error|Warning): .*Error reading configuration",
    ),
    _s("dovecot_stopped", "mda", "dovecot", "Killed with signal 15", r"master: Warning: Killed with signal 15"),
    # Dovecot: authentication
    _s(
        "auth_not_responding",
        "mda",
        "dovecot",
        "Auth process not responding",
        _DOVECOT + r"Auth process not responding, delayed sending initial response",
    ),
    _s(
        "auth_handshake_timeout",
        "mda",
        "dovecot",
        "Timeout waiting for handshake from auth server",
        _DOVECOT + r"(?:auth-client: )?(?:conn \S+ ?(?:\([^)]*\))?: )?Timeout waiting for handshake from auth server",
    ),
    _s("auth_broken", "mda", "dovecot", "Auth process broken", _DOVECOT + r"(?:Disconnected: )?Auth process broken"),
    _s(
        "anvil_timeout",
        "mda",
        "dovecot",
        "Anvil queries timed out",
        _DOVECOT + r"(?:[\w-]+: )?Anvil queries timed out after",
    ),
    _s(
        "passdb_open",
        "mda",
        "dovecot",
        "passwd-file ",
        _DOVECOT_BAD + r"passwd-file[^:]*: (?:open|stat)\(.*\) failed: (?:No such file|Permission denied)",
    ),
    # Dovecot: limits
    _s(
        "dovecot_proc_limit",
        "mda",
        "dovecot",
        ("connections are being dropped", "Connection queue full"),
        r"(?:master: (?:Warning: )?service\([^)]*\): (?:process|client)_limit \(\d+\) reached"
        r"|[\w-]+-login: (?:Info: )?Disconnected: Connection queue full)",
    ),
    _s("dovecot_emfile", "mda", "dovecot", "Too many open files", _DOVECOT_BAD + r".*Too many open files"),
    _s(
        "dovecot_fd_low",
        "mda",
        "dovecot",
        "fd limit (ulimit -n) is lower",
        r"(?:[\w-]+: )?(?:Warning: )?fd limit \(ulimit -n\) is lower",
    ),
    _s(
        "dovecot_vsz",
        "mda",
        "dovecot",
        "Out of memory (service",
        r"(?:\S+: )+.*returned error 83 \(Out of memory \(service \S+",
    ),
    _s(
        "dovecot_child_sig",
        "mda",
        "dovecot",
        "killed with signal",
        r"\S+: (?:Error|Fatal): (?:master: )?service\([^)]*\): child \d+ killed with signal \d+",
    ),
    _s(
        "user_ip_limit",
        "mda",
        "dovecot",
        "Maximum number of connections from user+IP",
        _DOVECOT + r"(?:.*: )?Maximum number of connections from user\+IP exceeded",
    ),
    # Dovecot: mailboxes
    _s(
        "mailbox_eacces",
        "mda",
        "dovecot",
        "Permission denied",
        r"(?:imap|pop3|lmtp|lda|indexer-worker|managesieve|quota-status|doveadm)\([^()]*\)(?:<[^<>]*>)*: "
        r"(?:Error|Fatal|Warning): .*failed: Permission denied",
    ),
    _s(
        "quota",
        "mda",
        "dovecot",
        "Quota exceeded (mailbox",
        r"[\w.-]+(?:\([^()]*\))?(?:<[^<>]*>)*: .*Quota exceeded \(mailbox",
    ),
    _s(
        "index_rebuild",
        "mda",
        "dovecot",
        ("Rebuilding index file", "Corrupted index", "Corrupted transaction"),
        _DOVECOT_BAD + r".*(?:Rebuilding index file|Corrupted (?:index|transaction))",
    ),
    _s("sieve_fail", "mda", "dovecot", "Failed to compile script", _DOVECOT + r"sieve: .*[Ff]ailed to compile script"),
    _s(
        "mda_tls_alert_expired",
        "mda",
        "dovecot",
        "alert certificate expired",
        _DOVECOT + r".*alert certificate expired",
    ),
    # systemd about our units
    _s(
        "crash_loop",
        "system",
        "systemd",
        ("Start request repeated too quickly", "restart counter is at"),
        r"\S+: (?:Start request repeated too quickly|Scheduled restart job, restart counter is at \d+)",
    ),
    _s(
        "start_limit_hit",
        "system",
        "systemd",
        ("Start request repeated too quickly", "start-limit-hit"),
        r"\S+: (?:Start request repeated too quickly|Failed with result 'start-limit-hit')",
    ),
    _s(
        "unit_oom",
        "system",
        "systemd",
        ("killed by the OOM killer", "result 'oom-kill'"),
        r"\S+: (?:A process of this unit has been killed by the OOM killer|Failed with result 'oom-kill')",
    ),
    _s(
        "unit_died",
        "system",
        "systemd",
        "ain process exited, code=",
        r"\S+: Main process exited, code=(?:killed|dumped|exited), status=(?!0/)\S+",
    ),
    # Other mail servers
    _s(
        "load_refuse",
        "mta",
        "load",
        ("load average",),
        r"(?:.*rejecting connections on daemon \S+: load average|.*refused: load average)",
    ),
)

IDS = tuple(entry.id for entry in CATALOGUE)

_COMPILED = {}


def compiled(pattern):
    """A compiled pattern; each is compiled at its first use, because most are never needed on a healthy host."""
    found = _COMPILED.get(pattern)
    if found is None:
        found = _COMPILED[pattern] = re.compile(pattern)
    return found


def matches(signature, identifier, message) -> bool:
    """Does this line carry this signature?

    :param identifier: the syslog identifier without pid, e.g. C(postfix/smtpd)
    :param message: the text after C(identifier[pid]:)
    """
    if compiled(IDENTIFIERS[signature.source]).match(identifier) is None:
        return False
    return compiled(signature.pattern).match(message) is not None


def empty():
    """The record of a signature that was not seen."""
    return {"count": 0, "current": 0, "first": None, "last": None, "sample": "", "source": None}
