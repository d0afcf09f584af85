#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: ticket_answer
short_description: Answer the ticket that asked for a run
version_added: 0.1.0
description:
  - Writes what a report says into the ticket that asked for it, as one comment for each run and stage, and changes the
    ticket's state. A comment that is there already is renewed; where the ticket system cannot change comments, a newer
    one is added when there is something new.
  - How each ticket system takes a comment is described in C(rules/tickets/SYSTEM.yml).
  - An answer that cannot be delivered is kept in O(outbox_dir), and the next run delivers it before its own. The task
    succeeds with a warning then.
  - Login and password are sent in headers alone. They, and the passwords that the inventory knows, are taken out of every
    text that is sent, kept or returned.
notes:
  - The ticket is read from C(ticket.json) in the report directory. Without it the ticket is the run's C(triage_ticket),
    in the system that O(system) names.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: The ticket is only looked at, and what would be sent is returned.
  diff_mode:
    support: full
    details: Shows the comment.
  idempotent:
    details: The same report makes the same comment, which is not sent twice.
options:
  report_dir:
    description: Directory of the report.
    type: path
    required: true
  stage:
    description:
      - V(diagnosis) tells the verdict, the evidence, what is proposed and how to approve it; V(result) tells what was
        done, how it was before and is now, and what remains.
    type: str
    choices: [diagnosis, result]
    default: diagnosis
  system:
    description: Name of the ticket system. Without it, the one that the ticket came from.
    type: str
  url:
    description: Address of the ticket system. Without it nothing is sent.
    type: str
  token:
    description: Token to log in with.
    type: str
  user:
    description: User to log in as, where that is done with a password.
    type: str
  password:
    description: Password of O(user). Without it O(token) is used in its place.
    type: str
  headers:
    description: Further headers that the site wants to see, such as C(App-Token). Their values are secrets.
    type: dict
  ca_path:
    description: Certificates to trust beside those of the system. Certificates are always verified.
    type: path
  language:
    description: Language of the comment. Without it that of the ticket, else English.
    type: str
    choices: [en, ja]
  approve:
    description: How to approve what is proposed, in the site's own words. Without it, the command to run.
    type: str
  report_url:
    description: Where the whole report can be read, to be named in the comment.
    type: str
  change_state:
    description:
      - Change the ticket's state where the system's file says how - to C(diagnosed) after a diagnosis, to C(resolved) when
        remedies have brought every host back to health. A ticket is never closed otherwise.
    type: bool
    default: true
  outbox_dir:
    description: Directory for what could not be delivered. Without it C(ticket-outbox) beside the report directory.
    type: path
  timeout:
    description: Seconds that one request may take.
    type: float
    default: 15
  retries:
    description: How often to try again after trouble that may pass, with longer and longer pauses.
    type: int
    default: 3
  rules_dirs:
    description: Directories with a folder C(tickets) that adds ticket systems, and changes those of the collection.
    type: list
    elements: path
    default: []
seealso:
  - module: mailops.triage.report
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Tell the ticket what was found
  mailops.triage.ticket_answer:
    report_dir: "{{ diagnosis.report_dir }}"
    url: https://tickets.example.com
    token: "{{ lookup('ansible.builtin.env', 'MAILOPS_TICKET_TOKEN') }}"
"""

RETURN = r"""
outcome:
  description:
    - V(created), V(updated), V(added) or V(unchanged) when it was delivered; V(kept) when a later run has to deliver it;
      V(refused) when the ticket system does not take it; V(lost) when it could not even be kept; V(nothing) when there is
      no ticket or no way to it.
  type: str
  returned: success
  sample: created
why:
  description: Why it was not delivered, or an empty text.
  type: str
  returned: success
  sample: ""
comment:
  description: The comment.
  type: str
  returned: success
  sample: "Mail diagnosis: down"
state:
  description: The state that the ticket was brought into, or an empty text.
  type: str
  returned: success
  sample: diagnosed
ticket:
  description: The ticket, as C(system), C(id) and C(url).
  type: dict
  returned: success
  sample: {"system": "jira", "id": "MAIL-7", "url": "https://jira.example.com/browse/MAIL-7"}
needs_approval:
  description: Whether the report proposes something that would change a host.
  type: bool
  returned: success
  sample: true
delivered_before:
  description: How many answers of earlier runs were delivered now.
  type: int
  returned: success
  sample: 0
kept:
  description: How many answers wait for this ticket system now.
  type: int
  returned: success
  sample: 0
"""
