# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Postfix says, and other MTAs: processes, configuration, what it leans on.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures.shape import DELIVERY, OWN, sign

TABLE = (
    sign(
        "queue_minfree",
        "mta",
        "smtpd",
        "not enough free space in mail queue",
        r"warning: not enough free space in mail queue: \d+ bytes",
        good="message_in",
    ),
    sign("enospc", "mta", "postfix", "No space left on device", OWN + r".*No space left on device"),
    sign("prng_enospc", "mta", "tlsmgr", "cannot write PRNG exchange file", r"fatal: cannot write PRNG exchange file"),
    sign(
        "pidlock_enospc",
        "mta",
        "postfix",
        "cannot create file exclusively: No space",
        r"fatal: open lock file \S*pid/\S+: cannot create file exclusively: No space left",
        good="message_in",
    ),
    # In its own words, or in a delivery's: what a device below the queue or a mailbox answers.
    sign(
        "mail_eio",
        "mta",
        "postfix",
        "Input/output error",
        r"(?:" + OWN + r"|" + DELIVERY + r"(?!host )).*: Input/output error",
        good="message_in",
    ),
    sign("erofs", "mta", "postfix", "Read-only file system", OWN + r".*: Read-only file system", good="message_in"),
    sign(
        "throttled",
        "mta",
        "postfix-master",
        "bad command startup -- throttling",
        r"warning: (?P<key>\S+): bad command startup -- throttling",
    ),
    sign(
        "child_signal",
        "mta",
        "postfix-master",
        "killed by signal",
        r"warning: process (?P<key>\S+) pid \d+ killed by signal (?!15\b)\d+",
    ),
    sign(
        "child_exit", "mta", "postfix-master", "exit status", r"warning: process (?P<key>\S+) pid \d+ exit status \d+"
    ),
    sign(
        "process_limit_smtp",
        "mta",
        "postfix-master",
        "has reached its process limit",
        r'warning: service "?(?P<key>[^\s"]+)"? \(\S+\) has reached its process limit',
    ),
    sign(
        "postfix_emfile",
        "mta",
        "postfix",
        ("Too many open files", "unable to create missing queue directories"),
        OWN + r".*(?:Too many open files|unable to create missing queue directories)",
    ),
    sign("postfix_panic", "mta", "postfix", "panic: ", r"panic: "),
    sign("postfix_bind", "mta", "postfix-master", "Address already in use", r"fatal: bind .*: Address already in use"),
    sign(
        "postfix_stopped",
        "mta",
        "postfix-script",
        "stopping the Postfix mail system",
        r"stopping the Postfix mail system",
    ),
    sign("watchdog_timeout", "mta", "postfix", "watchdog timeout", r"fatal: watchdog timeout"),
    sign(
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
        r"|invalid \S+ parameter value|parameter \S+: bad |bad string length|\S+: line \d+: "
        r"|.*bad field count)",
    ),
    sign(
        "map_unavailable",
        "mta",
        "postfix",
        "is unavailable. ",
        OWN + r"(?P<key>\S+) is unavailable\. (?:open |unsupported )",
    ),
    sign(
        "tls_disabled",
        "mta",
        "smtpd",
        "disabling TLS support",
        r"warning: cannot get \S+ (?:certificate|private key) from file .*disabling TLS support",
    ),
    sign(
        "queue_eacces",
        "mta",
        "postfix",
        ("Permission denied", "not owned by"),
        OWN + r"(?:mail_queue_enter: create file \S+: Permission denied|not owned by )",
        good="message_in",
    ),
    sign(
        "resolv_differs",
        "mta",
        "postfix-script",
        "resolv.conf differ",
        r"warning: \S+resolv\.conf and \S+resolv\.conf differ",
    ),
    sign(
        "no_sasl",
        "mta",
        "smtpd",
        "no SASL authentication mechanisms",
        r"fatal: no SASL authentication mechanisms",
        good="submitted",
    ),
    sign(
        "sasl_refused",
        "mta",
        "smtpd",
        "Connect to Dovecot auth socket",
        r"warning: SASL: Connect to (?:Dovecot auth socket )?'[^']*' failed: Connection refused",
        good="submitted",
    ),
    sign(
        "sasl_enoent",
        "mta",
        "smtpd",
        "Connect to Dovecot auth socket",
        r"warning: SASL: Connect to (?:Dovecot auth socket )?'[^']*' failed: No such file",
        good="submitted",
    ),
    sign(
        "milter_refused",
        "mta",
        "postfix",
        "connect to Milter service",
        r"(?:\w{6,20}: )?warning: connect to Milter service (?P<key>\S+): (?:Connection refused"
        r"|No such file)",
        good="message_in",
    ),
    sign(
        "milter_timeout",
        "mta",
        "postfix",
        ("reply packet header", "connect to Milter service"),
        r"(?:\w{6,20}: )?warning: "
        r"(?:milter (?P<key>\S+): can't read SMFIC_\w+ reply packet header: (?:Connection timed out|Success)"
        r"|connect to Milter service (?P<key_connect>\S+): Connection timed out)",
        good="message_in",
    ),
    sign(
        "milter_reject",
        "mta",
        "postfix",
        "milter-reject: ",
        r"(?:NOQUEUE|\w{6,20}): milter-reject: \S+ from \S+: 4",
        good="message_in",
    ),
    sign(
        "policy_refused",
        "mta",
        "smtpd",
        "problem talking to server",
        r"warning: problem talking to server (?P<key>\S+): Connection refused",
        good="message_in",
    ),
    sign(
        "rewrite_dead",
        "mta",
        "postfix",
        "problem talking to service rewrite",
        r"(?:\w{6,20}: )?warning: problem talking to service rewrite",
        good="message_in",
    ),
    sign(
        "lmtp_enoent",
        "mta",
        "smtp",
        "]: No such file",
        r"(?:\w{6,20}: )?connect to \S+\[[^\]\s]*/[^\]\s]*\]: No such file",
        good="lmtp_sent mail_saved",
    ),
    sign(
        "lmtp_refused",
        "mta",
        "smtp",
        "]: Connection refused",
        r"(?:\w{6,20}: )?connect to \S+\[[^\]\s]*/[^\]\s]*\]: Connection refused",
        good="lmtp_sent mail_saved",
    ),
    sign(
        "qmgr_fatal_file",
        "mta",
        "qmgr",
        ("envelope records out of order", "bad extra offset"),
        r"fatal: (?:(?P<key>\w+): envelope records out of order|bad extra offset .*file \S*/(?P<key_file>\w+))",
    ),
    sign(
        "load_refuse",
        "mta",
        "load",
        ("load average",),
        r"(?:.*rejecting connections on daemon \S+: load average|.*refused: load average)",
    ),
    # The queue's own trouble
    sign(
        "queue_corrupt",
        "mta",
        "postfix",
        ("unexpected EOF in", "damaged message", "corrupt"),
        r"(?:warning|error|fatal): (?:(?:damaged message: )?corrupt/(?P<key>\w+)"
        r"|\S*?(?P<key_file>[0-9A-Za-z]{6,20}): (?:unexpected EOF in (?:data|record)|corrupt)|(?:saving"
        r"|moving) corrupt file \S*?(?P<key_saved>[0-9A-Za-z]{6,20})\b)",
    ),
    sign(
        "queue_congested",
        "mta",
        "qmgr",
        "active queue entries",
        r"warning: mail for (?P<key>\S+) is using up \d+ of \d+ active queue entries",
    ),
    sign(
        "too_many_hops",
        "mta",
        "cleanup",
        ("hopcount exceeded", "oo many hops"),
        r"(?:warning: )?(?:\w+: )?(?:message rejected: hopcount exceeded"
        r"|to=<(?P<key>[^<>]*)>, .*status=bounced \([Tt]oo many hops)",
    ),
    # Directories behind maps
    sign(
        "map_backend",
        "mta",
        "postfix",
        ("dict_ldap", "dict_mysql", "dict_pgsql", "connect to mysql", "connect to pgsql"),
        OWN + r"(?:dict_(?P<key>ldap|mysql|pgsql)\w*: .*(?:[Uu]nable to|[Ff]ailed|error|timed out)"
        r"|connect to (?P<key_server>mysql|pgsql) server )",
        good="message_in",
    ),
    sign(
        "milter_handshake",
        "mta",
        "postfix",
        "read error in initial handshake",
        r"(?:\w{6,20}: )?warning: milter (?P<key>\S+): read error in initial handshake",
        good="message_in",
    ),
)
