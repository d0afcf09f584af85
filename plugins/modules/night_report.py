#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: night_report
short_description: End a patch night and tell what became of it
version_added: 0.1.0
description:
  - For each host what it was like before and after, what was installed, how long that took, for how many seconds each
    protocol was away as seen from outside, and what was left and why. For each redundancy group whether there was
    a time in which no member answered. And when the next window begins.
  - As text, as C(report.json), and as a page, C(index.html), that needs nothing but itself.
  - A night with a host that is begun and not ended stays open, and the next run goes on with it.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: Shows the plan, and removes the temporary directory of the night.
options:
  night_dir:
    description: Directory of the night.
    type: path
    required: true
  window:
    description: When work is allowed, as M(mailops.triage.night_gate) takes it.
    type: dict
    default: {}
  fail_on:
    description:
      - V(failed) fails when a host has failed, went back, or has not come to its end; V(left) also when one was left.
    type: str
    choices: [never, failed, left]
    default: failed
seealso:
  - module: mailops.triage.night_plan
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Tell what became of it
  mailops.triage.night_report:
    night_dir: "{{ night.night_dir }}"
  run_once: true
"""

RETURN = r"""
state:
  description: V(finished), V(stopped), or V(planned) when it has to be gone on with.
  type: str
  returned: always
  sample: finished
counts:
  description: How many hosts ended in which way.
  type: dict
  returned: always
  sample: {"done": 4, "failed": 0, "left": 0, "rolled_back": 0, "nothing": 1, "begun": 0, "planned": 0}
next_window:
  description: When the next window begins, in seconds since the epoch, or V(null).
  type: float
  returned: always
  sample: null
page:
  description: The page.
  type: str
  returned: outside of check mode
  sample: /srv/patch-nights/night-20260301T010000Z-5f3a/index.html
report:
  description: The same as JSON.
  type: str
  returned: outside of check mode
  sample: /srv/patch-nights/night-20260301T010000Z-5f3a/report.json
"""
