#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: escalation
short_description: Say what to tell whom about a finding that people have to mend
version_added: 0.1.0
description:
  - Puts together what a message about a finding needs - for hardware the contract, the serial number, the place and the
    spare of the inventory's C(mail_hardware); for the network from where what fails; where no cause was found, what was
    looked at and what to look at next.
  - Every text is bounded and free of control characters, and returned as data that is never templated.
  - Nothing is written and nothing is sent; the role P(mailops.triage.escalate#role) does that.
notes:
  - Hand it O(finding) and O(host) from the result of a task, which Ansible never takes for a template.
extends_documentation_fragment:
  - mailops.triage.attributes
options:
  finding:
    description: The finding, as C(triage.json) has it.
    type: dict
    required: true
  host:
    description: The host's entry of C(triage.json).
    type: dict
    required: true
  report_dir:
    description: Directory of the report.
    type: path
    required: true
  relay:
    description: A mail server, as C(host:port), that the message shall go by; never the host that it is about.
    type: str
seealso:
  - module: mailops.triage.diagnose
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Put the message together
  mailops.triage.escalation:
    finding: "{{ item.finding }}"
    host: "{{ item.host }}"
    report_dir: "{{ diagnosis.report_dir }}"
"""

RETURN = r"""
message:
  description:
    - What the message says. C(kind) tells whom it concerns (V(hardware), V(network), V(client), V(security), V(mail) or
      V(unknown)), C(headline) is its subject, C(name) that of its file.
  type: dict
  returned: success
  sample: {"kind": "hardware", "headline": "[critical] mail1: sda fails", "name": "mail1-hardware.disk_failing-sda"}
relay:
  description: The mail server as C(host) and C(port), or null.
  type: dict
  returned: success
  sample: null
not_sent:
  description: Why the message must not go by O(relay), or an empty text.
  type: str
  returned: success
  sample: ""
"""
