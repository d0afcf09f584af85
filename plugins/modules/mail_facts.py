#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect the facts of one mail host."""

DOCUMENTATION = r"""
module: mail_facts
short_description: Collect what can be known of a mail host's health in one call
version_added: 0.1.0
description:
  - Looks at a mail host from inside and returns one document; its schema is C(docs/facts.schema.json) of this
    collection.
  - It tells what is, and judges nothing.
  - It always comes back. Every command has a time-out and a limit of output, a hung daemon, a dead file server or a
    spool without inodes costs its own part of the document and no more, and the whole keeps to O(time_budget).
  - A part that could not be gathered is V(null), and RV(mail_facts.collectors) says why. V(null) means "could not
    look", an empty list means "looked and found none".
  - Recognises Postfix and Dovecot, their filters and companions, and the local resolver.
notes:
  - Needs root for most of it. Without, the parts that it may not see are V(null) or marked so.
  - The log is read back for O(log_window) seconds, newest first, at most 8 MiB and two seconds for each source. On a
    busy host the routine lines reach less far back than warnings do; then C(log.truncated) is true.
  - The flow of mail is counted from the log files, also rotated and packed ones, as long as they are written to; else
    from the journal. In a log that several hosts write to, only the lines of this host's names count; a log that names
    one single host is this host's, even under an old name.
  - All text that came from outside (log lines, banners, queue reasons) is untrusted. It is bounded and free of control
    characters, and must not be templated.
  - Loopback connections to the mail ports and to milters, the SASL socket and the LMTP socket leave a line in the mail
    log. No message is sent and no login is tried.
  - Of mailboxes only names of users, numbers and sizes are told, never anything out of a message; of accounts that they
    are locked or expired, never a password or its hash. At most 200 mailboxes and 200000 directory entries are counted
    within two seconds, those with the largest directories first; C(mailboxes.complete) says whether that was all.
  - C(postfix check) is not run, because it costs more than all the rest and never returns on a spool without inodes.
    Its findings about C(main.cf) come from C(postconf), the types of the compiled-in defaults, and C(postqueue).
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  facts:
    description: Action returns an C(ansible_facts) dictionary that will update existing host facts.
    support: full
  platform:
    platforms: linux
options:
  gather_subset:
    description:
      - Which parts to gather, in the manner of M(ansible.builtin.setup). V(all), the names below, and each name with
        V(!) before it to leave it out. Only exclusions mean everything else.
      - V(host), V(services), V(processes), V(listeners), V(load), V(memory), V(disk), V(queue), V(traffic), V(log),
        V(config), V(dns), V(loopback), V(hardware), V(mailboxes), V(bans), V(patches).
    type: list
    elements: str
    default: [all]
  time_budget:
    description: Seconds after which the document is returned as it is.
    type: float
    default: 20.0
  log_window:
    description: Seconds that the log is read back.
    type: int
    default: 86400
  services:
    description:
      - Protocols to try over loopback, for example V(smtp) or V(imaps), whether or not anybody listens.
      - Without it all that somebody listens for are tried.
    type: list
    elements: str
    choices: [smtp, submission, submissions, imap, imaps, pop3, pop3s, lmtp, sieve, ssh]
  users:
    description:
      - Mail users that somebody reported, at most five. What is known of each stands in C(mailboxes.affected).
      - Without it the largest mailboxes, users over their quota, filters that do not compile and accounts that are kept
        out are found all the same, within the limits of C(mailboxes).
    type: list
    elements: str
  addresses:
    description:
      - Client addresses to look for in the lists of banned ones. C(bans.entries) names in C(asked) which of them it
        holds, and has those entries first.
    type: list
    elements: str
seealso:
  - module: mailops.triage.mail_probe
  - module: mailops.triage.examine
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Look at everything
  mailops.triage.mail_facts:
  register: look

- name: Look at the disks and the queue only, for at most five seconds
  mailops.triage.mail_facts:
    gather_subset: [disk, queue]
    time_budget: 5

- name: Look at everything but the log, and over loopback at IMAP alone
  mailops.triage.mail_facts:
    gather_subset: ["!log"]
    services: [imap, imaps]
"""

RETURN = r"""
mail_facts:
  description:
    - The document. Beside the keys below it has one for each part gathered. Times are seconds since the epoch; keys
      ending in C(_s) are seconds, in C(_bytes) bytes, in C(ms) milliseconds.
  type: dict
  returned: success
  contains:
    schema:
      description: Name and version of the document's schema.
      type: str
      returned: success
      sample: mailops.triage/facts/1
    collected_at:
      description: When it was begun, in seconds since the epoch.
      type: float
      returned: success
      sample: 1795404978.25
    seconds:
      description: How long it took.
      type: float
      returned: success
      sample: 0.12
    collectors:
      description: For each part C(status) (V(ok), V(partial), V(failed), V(skipped)), C(reason) and C(seconds).
      type: dict
      returned: success
      sample: {"host": {"status": "ok", "reason": "", "seconds": 0.0}}
    services:
      description: The mail servers, the resolver, the loggers, companions, and what the MTA connects to.
      type: dict
      returned: when gathered
      sample:
        mta: {"product": "postfix", "unit": "postfix@-.service", "master": {"state": "S", "pid": 207}}
    traffic:
      description: Who is connected to each mail port, how many processes serve them and how many may.
      type: dict
      returned: when gathered
      sample:
        services: [{"daemon": "postfix", "name": "smtp", "role": "smtpd", "count": 12, "limit": 100}]
    log:
      description:
        - The log sources; for each known line C(count), C(current) (since the daemon started and since the last good
          event that proves the trouble over), C(first), C(last), C(sample) and C(keys) (who or what the lines name).
        - C(flow) counts connections, accepted, rejected, deferred, bounced and delivered mail and good and failed
          logins by minute, over ten minutes, an hour and the window, and names who has the largest share of the hour.
      type: dict
      returned: when gathered
      sample:
        signatures: {"enospc": {"count": 0, "current": 0, "keys": []}}
        truncated: false
        flow: {"hour": {"connections": 12, "accepted": 7, "failed_logins": 0}, "complete": true}
    mailboxes:
      description:
        - The largest mailboxes (C(largest) by bytes, C(crowded) by messages in the INBOX), users over their quota,
          filters that do not compile, accounts that are kept out, and the O(users) that were asked for.
      type: dict
      returned: when gathered
      sample: {"accounts": 3, "complete": true, "over_quota": [], "broken_filters": [], "barred": [], "affected": []}
    bans:
      description: Client addresses that fail2ban or the packet filter keeps from the mail ports.
      type: dict
      returned: when gathered
      sample: {"fail2ban": "absent", "filter_status": "ok", "jails": [], "total": 0, "entries": []}
ansible_facts:
  description: The same document as a host fact.
  type: dict
  returned: success
  contains:
    mail_facts:
      description: See RV(mail_facts).
      type: dict
      returned: success
      sample: {"schema": "mailops.triage/facts/1"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._collect import collect

PROTOCOLS = ["smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "lmtp", "sieve", "ssh"]


def main() -> None:
    """Read the options, collect, report."""
    module = AnsibleModule(
        argument_spec={
            "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
            "time_budget": {"type": "float", "default": 20.0},
            "log_window": {"type": "int", "default": 86400},
            "services": {"type": "list", "elements": "str", "choices": PROTOCOLS},
            "users": {"type": "list", "elements": "str"},
            "addresses": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    options = dict(module.params)
    subsets = options.pop("gather_subset")
    for name in ("time_budget", "log_window"):
        if options[name] <= 0:
            module.fail_json(msg="%s must be more than 0 seconds, not %s" % (name, options[name]))
    try:
        document = collect(subsets, options)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, mail_facts=document, ansible_facts={"mail_facts": document})


if __name__ == "__main__":
    main()
