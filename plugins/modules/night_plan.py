#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: night_plan
short_description: Begin a patch night, or take one up again, and plan it
version_added: 0.1.0
description:
  - With O(state=begun) it makes the directory of a night, with its ledger C(night.json). Where a night of the last day
    has not come to its end, it answers with that one, so that a run that was interrupted is gone on with.
  - With O(state=planned) it makes the plan from what each host has listed (M(mailops.triage.night_record)). The
    versions are frozen, so that everybody gets what the canaries have proved. A plan that stands is not made again.
  - First come the canaries, for each role that more than one host has one of them; then the rest. Two members of one
    redundancy group (C(mail_redundancy_group)) are never in the same batch.
  - It is refused where the run is a slice of an AWX job, since it sees only a part of the fleet then, and where another
    run is at work on the same night.
  - Run it once for the whole play (C(run_once)). It needs no connection to the mail hosts.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: The ledger then lives in a temporary directory, which M(mailops.triage.night_report) removes.
options:
  state:
    description: What is wanted.
    type: str
    choices: [begun, planned]
    required: true
  dir:
    description: Directory that the nights lie in.
    type: path
    default: patch-nights
  night_dir:
    description: Directory of this night, with O(state=planned).
    type: path
  resume:
    description: Whether an interrupted night is gone on with. Otherwise it is given up, and a new one begins.
    type: bool
    default: true
  settings:
    description: What the ledger shall say of how the night is run. C(exclude) is given back with the plan.
    type: dict
    default: {}
  window:
    description:
      - When work is allowed. C(tz), C(windows), C(blackouts) and C(hold_hosts), as M(mailops.triage.night_gate) takes
        them.
    type: dict
    default: {}
  groups:
    description:
      - Members of redundancy groups by the name of the group, beside those that the host variable
        C(mail_redundancy_group) tells of. A host may be in several, and is worked at together with nobody of them.
    type: dict
    default: {}
  at_once:
    description: How many hosts a batch after the canaries may have; a number, or a share of those that have work.
    type: str
    default: 25%
seealso:
  - module: mailops.triage.night_gate
  - module: mailops.triage.night_report
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Begin
  mailops.triage.night_plan:
    state: begun
  run_once: true
  register: night

- name: Plan
  mailops.triage.night_plan:
    state: planned
    night_dir: "{{ night.night_dir }}"
  run_once: true
  register: plan
"""

RETURN = r"""
night_dir:
  description: Directory of the night.
  type: str
  returned: with state=begun
  sample: /srv/patch-nights/night-20260301T010000Z-5f3a
id:
  description: Its name, which is the run's name on the hosts, too.
  type: str
  returned: with state=begun
  sample: night-20260301T010000Z-5f3a
ticket:
  description: Identifier of the ticket that asked for it, from the play's variable V(triage_ticket) as it is.
  type: str
  returned: with state=begun
  sample: "4711"
resumed:
  description: Whether it was begun by an earlier run.
  type: bool
  returned: with state=begun
  sample: false
planned:
  description: Whether its plan stands.
  type: bool
  returned: with state=begun
  sample: false
number:
  description: The how manyth run of this night it is.
  type: int
  returned: with state=begun
  sample: 1
untouched:
  description: Hosts that an earlier run has begun with, and whose packages it has not touched.
  type: list
  elements: str
  returned: with state=begun
  sample: []
batches:
  description: Number of batches.
  type: int
  returned: with state=planned
  sample: 3
working:
  description: Number of hosts about which something is still to be done.
  type: int
  returned: with state=planned
  sample: 4
hosts:
  description:
    - For each of them its C(state), the frozen versions in C(only), those to go back to in C(back), and C(exclude).
  type: dict
  returned: with state=planned
  sample: {"mx1": {"state": "planned", "only": {"openssl": "3.0.17-1"}, "back": {"openssl": "3.0.16-1"}, "exclude": []}}
"""
