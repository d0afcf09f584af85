# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events in the kernel log that prove a trouble over, as data.

Those of the mail system are noticed while its flow is counted: C(message_in) (the SMTP server took a recipient),
C(submitted) (the same after a login), C(lmtp_sent) (Postfix delivered over LMTP), C(mail_saved) (Dovecot saved a
message), C(login) (somebody logged in to Dovecot) and C(sent_out) (another host took a message).

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures.shape import KERNEL, sign

TABLE = (
    sign(
        "nic_up",
        "kernel",
        "kernel",
        ("ink is Up", "ink is up", "Gained carrier", "ink up"),
        KERNEL + r"(?:\S+ [0-9a-f:.]+:? )?(?P<key>[\w.-]+)(?: \([^)]*\))?: (?:\w+: )?(?:[\w.-]+ )?(?:NIC )?"
        r"(?:[Ll]ink is [Uu]p|Gained carrier|[Ll]ink up)",
    ),
    sign("nfs_ok", "kernel", "kernel", " OK", KERNEL + r"(?:nfs|NFS|lockd): server (?P<key>\S+) OK"),
    sign(
        "cool_again",
        "kernel",
        "kernel",
        "temperature/speed normal",
        KERNEL + r"(?:mce: )?(?P<key>CPU\d+): (?:Core|Package) temperature/speed normal",
    ),
)
