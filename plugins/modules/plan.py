#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: plan
short_description: Decide what may be done about a report, in which order, and who has to be asked
version_added: 0.1.0
description:
  - Reads a report and answers with the remedies that its root causes name, in their order. Prints them for a person.
  - What may not be done keeps its place in the plan, with the reason. Nothing is done by this module.
  - Run it once for the whole play (C(run_once)). It needs no connection to the mail hosts.
extends_documentation_fragment:
  - mailops.triage.attributes
options:
  report_dir:
    description: Directory of the run's report. The plan is kept there.
    type: path
    required: true
  diagnosis:
    description: Directory of the diagnosis to plan by, when it is a later one of the same run. Else O(report_dir).
    type: path
  auto:
    description:
      - V(none) asks before everything. V(safe) does what the rules call safe when the finding is confirmed, and asks
        for the rest. V(all) does everything but what only people can do.
      - What a finding on the host forbids is not done whatever is said here.
    type: str
    choices: [none, safe, all]
    default: safe
  approve:
    description:
      - A person has seen the plan of this run and said yes (V(true)) or no (V(false)) to what asks. What needs no
        answer is planned anew in both cases, because the question may have stood for long.
      - Without it nobody was asked, and the plan is shown.
    type: bool
  guard:
    description: Suboptions of the remedies' own O(ignore:guard), such as C(wait) or C(starts_per_hour).
    type: dict
    default: {}
seealso:
  - module: mailops.triage.diagnose
  - module: mailops.triage.record
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Plan
  mailops.triage.plan:
    report_dir: "{{ diagnosis.report_dir }}"
  run_once: true
  register: plan
"""

RETURN = r"""
hosts:
  description: For each host what may be carried out now, in this order.
  type: dict
  returned: success
  sample: {"mail4": [{"action": "restart_daemon", "args": {"service": "dovecot.service", "how": "start"}}]}
steps:
  description: How many items the host with the most of them has.
  type: int
  returned: success
  sample: 1
ask:
  description: How many items wait for a person's word.
  type: int
  returned: success
  sample: 0
later:
  description: How many items wait for another remedy, or for another host of their redundancy group.
  type: int
  returned: success
  sample: 0
stale:
  description: How many items were not planned because the facts are too old.
  type: int
  returned: success
  sample: 0
interactive:
  description: Whether there is somebody at a terminal who can be asked. Never so in a job of AWX.
  type: bool
  returned: success
  sample: true
question:
  description: What to ask.
  type: str
  returned: success
  sample: "1 remedy will only be done when you say so: ..."
"""
