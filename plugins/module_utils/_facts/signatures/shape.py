# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a signature is made of, and the beginnings that many patterns share.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from collections import namedtuple

# owner: whose start makes older hits history: mta, mda, kernel, system
# source: pattern of the identifier, see IDENTIFIERS; needles: one of them is in every matching line (a plain search
# for them is what keeps a log of megabytes cheap); pattern: matched from the start of the message; its one group that
# takes part, named C(key) or C(key_...), is who or what it is about; good: the event that proves the trouble over
# (one of good.TABLE or of flow.Flow.good; more than one between spaces), or nothing
Signature = namedtuple("Signature", "id owner source needles pattern good")

# Own words of a Postfix daemon: a queue id may stand before them. What follows "from host[address]" and the texts of
# the client are somebody else's words and never believed.
OWN = (
    r"(?:[0-9A-Za-z]{6,20}: )?(?:warning|error|fatal|panic): "
    r"(?!non-SMTP command|Illegal address|improper command|malformed |numeric |hostname |[^:]* from [^\s\[]*\[)"
)
# "imap(alice)<1234><session>: Error: ", "master: Warning: ", "imap-login: " (information has no level in syslog)
DOVECOT = r"[\w.-]+(?:\([^()]*\))?(?:<[^<>]*>)*: (?:(?:Error|Fatal|Panic|Warning|Info): )?"
DOVECOT_BAD = r"[\w.-]+(?:\([^()]*\))?(?:<[^<>]*>)*: (?:Error|Fatal|Panic|Warning): "
# "lmtp(alice)<1234><session>: ", but in "lmtp(1234): " a process stands where the user would.
DOVECOT_USER = r"[\w.-]+(?:\((?P<key>[^()]*)\)(?=<)|\([^()]*\))?(?:<[^<>]*>)*: "
KERNEL = r"(?:\[ *\d+\.\d+\] )?"
_ENVELOPE = r", (?:orig_to=<[^<>]*>, )?relay=[^\s,]*, (?:conn_use=\d+, )?delay=[\d.]+, delays=[\d./]+, dsn=[\d.]+, "
DELIVERY = r"[0-9A-Za-z]{6,20}: to=<[^<>]*>" + _ENVELOPE + r"status=\w+ \("
# What a server that mail goes to answered; the key is the domain of the recipient.
REMOTE = (
    r"[0-9A-Za-z]{6,20}: to=<(?:[^<>]*@)?(?P<key>[^<>@]*)>" + _ENVELOPE + r"status=\w+ \("
    r"host \S+\[[^\]]*\](?::\d+)? (?:said|refused to talk to me): "
)
SAID = ("] said: ", "refused to talk to me: ")
# A refused command; the key is the client's address.
REJECT = r"(?:NOQUEUE|\w{6,20}): reject: [A-Z]+ from [^\s\[]+\[(?P<key>[^\]]*)\](?::\d+)?: "

# What the identifier must look like. Postfix: syslog_name is free, so its last part counts.
IDENTIFIERS = {
    "postfix": r"(?:[\w.-]+/)+[\w-]+$",
    "smtpd": r"(?:[\w.-]+/)+(?:smtpd|postscreen|qmqpd)$",
    "smtp": r"(?:[\w.-]+/)+(?:smtp|lmtp)$",
    "remote": r"(?:[\w.-]+/)+smtp$",
    "cleanup": r"(?:[\w.-]+/)+cleanup$",
    "postfix-master": r"(?:[\w.-]+/)+master$",
    "tlsmgr": r"(?:[\w.-]+/)+tlsmgr$",
    "qmgr": r"(?:[\w.-]+/)+n?qmgr$",
    "postfix-script": r"(?:[\w.-]+/)+postfix-script$",
    "dovecot": r"(?:dovecot|doveconf|doveadm)$",
    "auth": r"(?:dovecot|dovecot-auth|auth|auth-worker)$",
    "kernel": r"kernel$",
    "systemd": r"systemd$",
    "journald": r"systemd-journald$",
    "coredump": r"systemd-coredump$",
    "smartd": r"smartd$",
    "mdadm": r"mdadm$",
    "fail2ban": r"fail2ban(?:\.\w+|-server)?$",
    "rsyslogd": r"rsyslogd$",
    "load": r"(?:sendmail|sm-mta|exim4?|exim)$",
}


def sign(name, owner, source, needles, pattern, good=""):
    """A row of a table."""
    return Signature(name, owner, source, needles if isinstance(needles, tuple) else (needles,), pattern, good)
