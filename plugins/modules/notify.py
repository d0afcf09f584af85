#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: notify
short_description: Tell chats and telephones what a report says, by a way that needs no mail server
version_added: 0.1.0
description:
  - Posts a short message to webhooks, from the controller, in the form that each service wants. Nothing in it is
    markup, calls anybody or is a link, whatever was in the report.
  - That somebody could not be told is a warning, and never a failure. No output repeats an address or a token.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: Nothing is sent then.
options:
  report_dir:
    description: Directory of the report.
    type: path
    required: true
  to:
    description: Who is told.
    type: list
    elements: dict
    required: true
    suboptions:
      url:
        description: Address of the webhook; for V(ntfy) that of the topic.
        type: str
        required: true
      kind:
        description:
          - The service that listens. V(mattermost) is right for Rocket.Chat, too, and V(teams) for a workflow of
            Microsoft Teams.
          - V(json) is for programs, and holds C(schema), C(verdict), C(title) and C(text).
        type: str
        choices: [slack, mattermost, teams, ntfy, json]
        default: json
      token:
        description: Sent as a bearer token, where the service wants one.
        type: str
      verdicts:
        description: Verdicts on the fleet that are told. What is not among them is not worth a message.
        type: list
        elements: str
        choices: [down, degraded, unknown, maintenance, healthy]
        default: [down, degraded, unknown]
  timeout:
    description: Seconds that one attempt may take.
    type: float
    default: 10
  retries:
    description: Further attempts after one that failed in a way that may pass.
    type: int
    default: 2
  delay:
    description: Seconds between attempts.
    type: float
    default: 5
seealso:
  - module: mailops.triage.report
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Tell the people on call
  mailops.triage.notify:
    report_dir: "{{ diagnosis.report_dir }}"
    to:
      - url: "{{ vault_chat_webhook }}"
        kind: mattermost
      - url: https://ntfy.example.com/mail-on-call
        kind: ntfy
        token: "{{ vault_ntfy }}"
        verdicts: [down]
"""

RETURN = r"""
told:
  description: Who was told, by kind and number.
  type: list
  elements: str
  returned: success
  sample: ["mattermost (entry 1)"]
failed_to_tell:
  description: Who was not, though the verdict is one of those that are wanted.
  type: list
  elements: str
  returned: success
  sample: ["ntfy (entry 2)"]
"""
