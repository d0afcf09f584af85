#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: ticket_read
short_description: Read a ticket or an alert, and choose the hosts that it is about
version_added: 0.1.0
description:
  - Finds what a ticket system or a monitoring sent, where a launch may have put it, and writes it as an event document,
    C(ticket.json), into the report directory of the run that begins with it.
  - The first of these that is there counts. V(awx_webhook_payload) or V(tower_webhook_payload), of a webhook of AWX;
    C(alert) or C(payload) of V(ansible_eda.event), of ansible-rulebook; V(triage_payload), a mapping or a text of JSON;
    O(payload_file).
  - What a person says goes before it, field by field. These are V(triage_ticket) (identifier), V(triage_symptom),
    V(triage_title), V(triage_site), V(triage_protocols), V(triage_ticket_hosts), V(triage_reporter),
    V(triage_reporter_address), V(triage_severity), V(triage_since), V(triage_ticket_url) and V(triage_language).
  - All of these variables are read as they are. They are no options, because options are templated, and the text of a
    ticket must not be.
  - Chooses among the hosts of the play, and never others. Those that the event names; else those of its site
    (V(mail_site)) and of the protocols that it complains of (V(mail_roles)); else all.
  - Run it once for the whole play (C(run_once)). It needs no connection to the mail hosts.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: The event then lies in a temporary directory, which M(mailops.triage.report) removes.
options:
  payload_file:
    description: Path of a JSON or YAML file with what the ticket system or the monitoring sent. At most 10 MB.
    type: path
  system:
    description:
      - Name of the ticket system, one of those in C(rules/tickets) and in the directories C(tickets) of O(rules_dirs).
      - Without it the first one counts that knows the payload.
    type: str
  report_dir:
    description: Directory of the report. Without it C(triage-reports/RUN-ID) below the current directory.
    type: str
  vantage_points:
    description:
      - Where to probe from; hosts of the inventory, or V(controller).
      - Without it those of the group C(vantage_points) that are of the site of the event, or in whose networks
        (V(mail_networks)) the address of the reporter lies, and the controller; where there is none, all of them.
    type: list
    elements: str
  rules_dirs:
    description: Directories with further rules; each may have a folder C(tickets) and a folder C(symptoms).
    type: list
    elements: path
    default: []
seealso:
  - module: mailops.triage.sweep
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Read the ticket
  mailops.triage.ticket_read:
    payload_file: ticket.json
  run_once: true
  register: ticket

- name: Put the hosts that it is about into a group
  ansible.builtin.add_host:
    name: "{{ item }}"
    groups: concerned
  loop: "{{ ticket.hosts }}"
  changed_when: false
"""

RETURN = r"""
hosts:
  description: The hosts to look at, all of them hosts of the play; none where the event starts no diagnosis.
  type: list
  elements: str
  returned: success
  sample: [mail1, mail2]
ignored:
  description: Why the event starts no diagnosis; empty where it does.
  type: str
  returned: success
  sample: the ticket is closed
system:
  description: Name of the ticket system.
  type: str
  returned: success
  sample: jira
answers:
  description: An answer can be given in the ticket. It has an identifier, and a way back into its system is known.
  type: bool
  returned: success
report_dir:
  description: Absolute path of the report directory.
  type: str
  returned: when the event starts a diagnosis
  sample: /srv/triage-reports/20260301T080000Z-5f3a
ticket_file:
  description: Path of the event document, for O(mailops.triage.sweep#module:ticket_file).
  type: str
  returned: when the event starts a diagnosis
  sample: /srv/triage-reports/20260301T080000Z-5f3a/ticket.json
"""
