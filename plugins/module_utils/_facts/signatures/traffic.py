# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Postfix says of clients and of the servers it talks to.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures.shape import (
    DELIVERY,
    REJECT,
    REMOTE,
    SAID,
    sign,
)

TABLE = (
    sign(
        "name_service",
        "mta",
        "smtp",
        "Name service error for name=",
        DELIVERY + r"(?:Host or domain name not found\. )?"
        r"Name service error for name=(?P<key>\S+) type=\w+: Host not found, try again",
        good="sent_out",
    ),
    sign(
        "dnsbl_reject",
        "mta",
        "smtpd",
        " blocked using ",
        r"NOQUEUE: reject: RCPT from [^\s\[]+\[[^\]]*\](?::\d+)?: 554 5\.7\.1 Service unavailable; "
        r"(?:Client host|client|Sender address|Helo command) \[[^\]]*\] blocked using (?P<key>[^\s;]+)",
    ),
    sign("loops_back", "mta", "smtp", "loops back to myself", DELIVERY + r"mail for (?P<key>\S+) loops back to myself"),
    sign(
        "conn_rate",
        "mta",
        "smtpd",
        "Connection rate limit exceeded",
        r"warning: Connection rate limit exceeded: \d+ from [^\s\[]+\[(?P<key>[^\]]*)\]",
    ),
    sign(
        "conn_count",
        "mta",
        "smtpd",
        "Connection concurrency limit exceeded",
        r"warning: Connection concurrency limit exceeded: \d+ from [^\s\[]+\[(?P<key>[^\]]*)\]",
    ),
    sign(
        "tls_alert_expired",
        "mta",
        "smtpd",
        "alert certificate expired",
        r"warning: TLS library problem: .*alert certificate expired",
    ),
    # Clients
    sign(
        "sasl_failed",
        "mta",
        "smtpd",
        "authentication failed",
        r"warning: [^\s\[]+\[(?P<key>[^\]]*)\]: SASL [\w-]+ authentication failed",
    ),
    sign(
        "relay_denied",
        "mta",
        "smtpd",
        "Relay access denied",
        REJECT + r"[45]54 [45]\.7\.1 <[^<>]*>: Relay access denied",
    ),
    sign(
        "user_unknown",
        "mta",
        "smtpd",
        "ser unknown",
        REJECT + r"[45]50 [45]\.1\.1 <[^<>]*>: Recipient address rejected: (?:.* )?[Uu]ser unknown",
    ),
    sign(
        "greylisted",
        "mta",
        "smtpd",
        ("reylist", "raylist"),
        REJECT + r"4\d\d 4\.\d\.\d <[^<>]*>: Recipient address rejected: [^;]*[Gg]r[ea]ylist",
    ),
    sign(
        "message_size",
        "mta",
        "smtpd",
        ("exceeds fixed limit", "size limit exceeded"),
        r"(?:NOQUEUE: reject: MAIL from [^\s\[]+\[(?P<key>[^\]]*)\](?::\d+)?: 552 5\.3\.4 Message"
        r" size exceeds fixed limit|(?:\w+: )?warning: (?:queue|mailbox) file size limit exceeded)",
    ),
    sign(
        "client_timeout",
        "mta",
        "smtpd",
        "timeout after ",
        r"timeout after [A-Z-]+(?: \([^)]*\))? from [^\s\[]+\[(?P<key>[^\]]*)\]",
    ),
    sign(
        "client_lost",
        "mta",
        "smtpd",
        "lost connection after ",
        r"lost connection after [A-Z-]+(?: \([^)]*\))? from [^\s\[]+\[(?P<key>[^\]]*)\]",
    ),
    sign(
        "client_unresolved",
        "mta",
        "smtpd",
        "does not resolve to address",
        r"warning: hostname \S+ does not resolve to address (?P<key>[0-9A-Fa-f.:]+)",
    ),
    sign(
        "tls_accept_error",
        "mta",
        "smtpd",
        "SSL_accept error from ",
        r"SSL_accept error from [^\s\[]+\[(?P<key>[^\]]*)\]",
    ),
    sign(
        "tls_no_cipher",
        "mta",
        "smtpd",
        ("no shared cipher", "unsupported protocol", "version too low", "wrong version number"),
        r"warning: TLS library problem: error:[^:]*:[^:]*:[^:]*:(?P<key>no shared cipher|unsupported protocol"
        r"|version too low|wrong version number):",
    ),
    # The servers that mail goes to; their words are only believed of themselves
    sign(
        "connect_timeout",
        "mta",
        "remote",
        ": Connection timed out",
        r"(?:\w{6,20}: )?connect to (?P<key>[^\s\[]+)\[[0-9A-Fa-f.:]+\]:\d+: Connection timed out",
        good="sent_out",
    ),
    sign(
        "connect_refused",
        "mta",
        "remote",
        ": Connection refused",
        r"(?:\w{6,20}: )?connect to (?P<key>[^\s\[]+)\[[0-9A-Fa-f.:]+\]:\d+: Connection refused",
    ),
    sign(
        "connect_unreachable",
        "mta",
        "remote",
        ("unreachable", "No route to host"),
        r"(?:\w{6,20}: )?connect to (?P<key>[^\s\[]+)\[[0-9A-Fa-f.:]+\]:\d+: (?:Network is unreachable"
        r"|No route to host)",
    ),
    sign(
        "remote_rate",
        "mta",
        "remote",
        SAID,
        REMOTE + r"4\d\d[ -].*(?:TSS\d|[Rr]ate.?limit|[Tt]oo many|[Tt]hrottl|temporarily deferred|unsolicited"
        r"|unusual rate|exceeded the)",
    ),
    sign(
        "remote_blocked",
        "mta",
        "remote",
        SAID,
        REMOTE + r"[45]\d\d[ -].*(?:[Bb]locke?d?\b|[Bb]lack.?list|[Bb]lock.?list|\blisted\b|[Ss]pamhaus"
        r"|[Rr]eputation|\b[Bb]anned\b)",
    ),
    sign("remote_greylisted", "mta", "remote", SAID, REMOTE + r"4\d\d[ -].*[Gg]r[ea]y.?list"),
)
