#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a mail host take no new sessions while those it has come to their end, for a while."""

DOCUMENTATION = r"""
module: service_drain
short_description: Let a mail host take no new sessions, and wait for those it has
version_added: 0.1.0
description:
  - With O(state=drained) the mail ports refuse new connections from outside, so that other mail servers try the next MX
    at once. Sessions that are there go on. The module waits until none of them is in the midst of something, or until
    O(deadline), and tells what is left. It cuts nobody off.
  - The ports are closed by a table of nftables of its own, C(inet mailops_triage_drain). Connections of the host with
    itself are never refused.
  - It ends without the controller - the ports carry their end in themselves, so that the kernel opens them after
    O(expires) seconds; a timer C(mailops-triage-undo.timer) takes the table away; and a reboot opens them as well.
  - O(state=open) opens the ports again. Neither a marker of maintenance nor work at the packages nor a full disk keeps
    it from that.
notes:
  - Ports that a container publishes are handed on before this filter sees them, and are not closed. Take such a host
    out at the load balancer.
extends_documentation_fragment:
  - mailops.triage.remedy
  - mailops.triage.remedy.acts
options:
  state:
    description: Whether new sessions are refused, V(drained), or taken, V(open).
    type: str
    choices: [drained, open]
    default: drained
  roles:
    description:
      - Whose ports are closed, in the words of the inventory's C(mail_roles) - V(mta) is 25; V(submission) 465 and 587;
        V(imap) 143 and 993; V(pop3) 110 and 995; V(sieve) 4190.
      - Without it, and without O(ports), all of them.
    type: list
    elements: str
    choices: [mta, submission, imap, pop3, sieve]
    default: []
  ports:
    description: Further TCP ports to close. Port 22 is refused.
    type: list
    elements: int
    default: []
  admit:
    description:
      - Addresses, networks or host names whose connections are taken all the same, such as vantage points that shall
        prove the host before anybody else is let in. Their sessions are not waited for.
    type: list
    elements: str
    default: []
  deadline:
    description: Seconds to wait for the sessions.
    type: float
    default: 300.0
  idle:
    description:
      - Seconds. A session in which the client has said nothing for so long, when it was its turn, is not waited for.
        An IMAP client that listens for new mail would be there for days.
    type: float
    default: 15.0
  expires:
    description: Seconds until the host opens by itself; more than O(deadline).
    type: int
    default: 3600
  prolong:
    description: Let a drain that is in force end O(expires) seconds from now.
    type: bool
    default: false
seealso:
  - module: mailops.triage.maintenance
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Take no new sessions, and give those that are there two minutes
  mailops.triage.service_drain:
    deadline: 120
    expires: 1800
    guard: {run: night-2026-11-29}

- name: Close SMTP alone, and let the vantage point in
  mailops.triage.service_drain:
    roles: [mta]
    admit: [192.0.2.10]
    guard: {run: night-2026-11-29}

- name: Open again
  mailops.triage.service_drain:
    state: open
    guard: {run: night-2026-11-29}
"""

RETURN = r"""
action:
  description: Name of the act.
  type: str
  returned: always
  sample: service_drain
subject:
  description: What it was about.
  type: str
  returned: always
  sample: ports 25, 465, 587
state:
  description: V(done), V(planned) (in check mode), V(nothing) (it is so already), V(refused) or V(failed).
  type: str
  returned: always
  sample: done
code:
  description: When refused or failed, why in one word, for example V(drained) (by another run), V(tool) or V(expiry).
  type: str
  returned: always
  sample: ""
why:
  description: The same as a sentence; when done, what, until when, and what is left.
  type: str
  returned: always
  sample: new sessions refused at ports 25, 465, 587, until 02:10:00 UTC at the latest; no session left after 4 s
retry_at:
  description: When it may be tried again, in seconds since the epoch.
  type: float
  returned: always
  sample: null
sessions_left:
  description: Sessions that are there still; null when nobody looked.
  type: int
  returned: always
  sample: 3
sessions_working:
  description: Those of them that are not idle.
  type: int
  returned: always
  sample: 0
seconds:
  description: How long the sessions were waited for.
  type: float
  returned: always
  sample: 4.2
steps:
  description: What was done, in order.
  type: list
  elements: dict
  returned: always
  sample: [{"at": 1795404978.25, "what": "new sessions refused at ports 25, 465, 587", "result": "done"}]
measures:
  description: The measure, with its C(since) and C(until) in seconds since the epoch.
  type: list
  elements: dict
  returned: always
  sample: [{"id": "0a1b2c3d4e", "kind": "drain", "what": "new sessions refused at ports 25, 465, 587"}]
before:
  description: The sessions before, in all and for each protocol.
  type: dict
  returned: always
  sample: {"sessions": 12, "working": 3, "protocols": {"imaps": 9, "smtp": 3}, "complete": true}
after:
  description: The sessions at the end of waiting.
  type: dict
  returned: always
  sample: {"sessions": 9, "working": 0, "protocols": {"imaps": 9}, "complete": true}
notes:
  description: What a person should know.
  type: list
  elements: str
  returned: always
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._aid import outcome
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import OPTIONS
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet.draining import ROLES, Draining


def main() -> None:
    """Read the options, drain or open, report."""
    module = AnsibleModule(
        argument_spec={
            "guard": {"type": "dict", "required": True, "options": OPTIONS},
            "state": {"type": "str", "choices": ["drained", "open"], "default": "drained"},
            "roles": {"type": "list", "elements": "str", "choices": list(ROLES), "default": []},
            "ports": {"type": "list", "elements": "int", "default": []},
            "admit": {"type": "list", "elements": "str", "default": []},
            "deadline": {"type": "float", "default": 300.0},
            "idle": {"type": "float", "default": 15.0},
            "expires": {"type": "int", "default": 3600},
            "prolong": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if not 0 <= module.params["deadline"] < module.params["expires"] <= 86400:
        module.fail_json(msg="deadline must be shorter than expires, and expires a day at most")
    one = Draining(module.params, check=module.check_mode)
    result = one.run()
    outcome.hand_over(module, result, one.diff)


if __name__ == "__main__":
    main()
