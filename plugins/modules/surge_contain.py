#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contain a surge of mail or connections on one mail host, for a while."""

DOCUMENTATION = r"""
module: surge_contain
short_description: Contain a surge of mail or of connections, for a while
version_added: 0.1.0
description:
  - Takes the gentlest measure that holds, chosen by who is named and by who is connected at that moment.
  - O(account), O(sender), O(domain) - their mail in Postfix's queue is put on hold, and their new mail as well. Nothing
    is ever deleted.
  - O(client) that alone holds a port of Postfix - limits for each client, and a reload.
  - O(block), O(client) - the addresses are kept from the ports of O(service) by a set of nftables in a table of its
    own, C(inet mailops_triage), whose members end by themselves; without nft by fail2ban. Their sessions are closed.
  - O(service) of Dovecot alone - its limit of processes is raised as far as the memory allows; then a reload.
  - Every measure has an end that comes without the controller, also after a reboot, by a timer
    C(mailops-triage-undo.timer) that is there as long as a measure is. The end, and O(state=absent), bring back exactly
    what was before.
  - Daemons are reloaded, never restarted. A reload of Dovecot ends idle sessions under TLS, whose clients come back.
notes:
  - All names come out of log lines that strangers wrote. They are checked, and never reach a shell.
  - Mail that was held goes on when the hold ends. Look at it before, or prolong the hold.
  - An SMTP session that began before a hold ended may still bring mail on hold. The timer stays until no such session
    is left, for half an hour at most, and releases that mail, too. Meanwhile O(state=absent) again is V(nothing).
  - What a milter or a person puts on hold while a hold is in force, of the same account, sender or domain, cannot be
    told from what the hold put there, and goes on with it. What others had put on hold before stays there.
  - Where Postfix itself gives mail another sender (C(sender_canonical_maps), C(canonical_maps), C(masquerade_domains)),
    only what is in the queue is held for O(sender), and what comes in later by a second call.
  - Mail of a message to several domains is not held for one of them.
extends_documentation_fragment:
  - mailops.triage.attributes
  - mailops.triage.remedy
  - mailops.triage.remedy.acts
options:
  state:
    description:
      - V(present) takes a measure, V(absent) ends it.
      - With V(absent) the measures that were taken for the same names end, all of O(of_run), or all there are.
      - V(absent) waits for nothing but another remedy that is just at work. Neither maintenance nor a backup, another
        run that is at the host or a full disk is in its way.
    type: str
    choices: [present, absent]
    default: present
  account:
    description: A login whose mail is put on hold.
    type: str
  sender:
    description: A sender of the envelope whose mail is put on hold; V(<>) for bounces.
    type: str
  domain:
    description:
      - A domain whose mail is put on hold.
      - With O(sender=<>) the domain whose mail was returned, so that other delivery reports are left alone.
    type: str
  block:
    description: Addresses that are too busy, such as V(198.51.100.0/24).
    type: str
  client:
    description: The busiest address.
    type: str
  service:
    description: The service that suffers, as Postfix or Dovecot names it, for example V(smtp) or V(imap-login).
    type: str
  expires:
    description: Seconds until the measure ends.
    type: int
    default: 3600
  prolong:
    description: Let a measure that is in force end O(expires) seconds from now.
    type: bool
    default: false
  protect:
    description:
      - Addresses, networks and host names that are never kept out. A block that holds one of them is refused, with the
        smaller ones that would do.
      - This host, whoever is logged in over SSH (the controller too) and Postfix's C(mynetworks) are always protected.
    type: list
    elements: str
    default: []
  of_run:
    description: With O(state=absent) all measures of this run end.
    type: str
seealso:
  - module: mailops.triage.mail_facts
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Hold the mail of a stolen account for two hours
  mailops.triage.surge_contain:
    account: bob
    expires: 7200
    guard: {run: INC-4711}

- name: Keep a block of addresses from SMTP
  mailops.triage.surge_contain:
    service: smtp
    block: 198.51.100.0/24
    protect: [192.0.2.0/24, monitor.example.com]
    guard: {run: INC-4711}

- name: Let everything go again
  mailops.triage.surge_contain:
    state: absent
    of_run: INC-4711
    guard: {run: INC-4711}
"""

RETURN = r"""
action:
  description: Name of the remedy.
  type: str
  returned: always
  sample: contain_surge
subject:
  description: Who was contained.
  type: str
  returned: always
  sample: 198.51.100.0/24
state:
  description: V(done), V(planned) (in check mode), V(nothing) (it is so already), V(refused) or V(failed).
  type: str
  returned: always
  sample: done
code:
  description: When refused or failed, why in one word, for example V(protected), V(wide), V(invalid) or V(memory).
  type: str
  returned: always
  sample: ""
why:
  description: The same as a sentence; when done, what and until when.
  type: str
  returned: always
  sample: 198.51.100.0/24 kept from SMTP, until 14:03:11 UTC
retry_at:
  description: When it may be tried again, in seconds since the epoch.
  type: float
  returned: always
  sample: null
steps:
  description: What was done, in order.
  type: list
  elements: dict
  returned: always
  sample: [{"at": 1795404978.25, "what": "198.51.100.0/24 kept from SMTP", "result": "done"}]
measures:
  description: The measures that are meant, with their C(id), C(kind), C(since) and C(until).
  type: list
  elements: dict
  returned: always
  sample: [{"id": "0a1b2c3d4e", "kind": "nft", "what": "198.51.100.0/24 kept from SMTP"}]
before:
  description: What was measured before.
  type: dict
  returned: always
  sample: {"sessions": 41, "sessions_of_block": 30, "full_services": "smtp"}
after:
  description: What was measured afterwards.
  type: dict
  returned: always
  sample: {"sessions": 11, "sessions_of_block": 0, "full_services": ""}
notes:
  description: What a person should know.
  type: list
  elements: str
  returned: always
  sample: ["30 sessions of it were closed"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._aid import outcome
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.run import Containment
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import OPTIONS


def main() -> None:
    """Read the options, contain, report."""
    module = AnsibleModule(
        argument_spec={
            "guard": {"type": "dict", "required": True, "options": OPTIONS},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "account": {"type": "str"},
            "sender": {"type": "str"},
            "domain": {"type": "str"},
            "block": {"type": "str"},
            "client": {"type": "str"},
            "service": {"type": "str"},
            "expires": {"type": "int", "default": 3600},
            "prolong": {"type": "bool", "default": False},
            "protect": {"type": "list", "elements": "str", "default": []},
            "of_run": {"type": "str"},
        },
        supports_check_mode=True,
    )
    if not 1 <= module.params["expires"] <= 7 * 86400:
        module.fail_json(msg="expires must be from 1 second to a week, not %s" % module.params["expires"])
    one = Containment(module.params, check=module.check_mode)
    result = one.run()
    outcome.hand_over(module, result, one.diff)


if __name__ == "__main__":
    main()
