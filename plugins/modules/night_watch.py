#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: night_watch
short_description: Look at the fleet from outside while a patch night goes on
version_added: 0.1.0
description:
  - With O(state=begun) it leaves a process behind on the controller that probes all hosts of the play, and the other
    members of their redundancy groups, from all vantage points, at a steady pace. After each look it writes down what
    it has seen. It ends with O(state=ended), when the run that began it is gone, and after twelve hours at the latest.
  - Tasks of a play come one after the other. A probe between two of them would not see what goes on during one.
  - The probe goes up to the greeting and the encryption; there is no login.
  - An outage is counted when two looks in a row have failed, from the first look that failed to the first one that
    did not. After the first one that failed the next comes half a second later. So the times are exact to the pace of
    the looks, and an outage that is not much longer than the pace may not be seen.
    M(mailops.triage.night_report) tells the pace and the longest pause that there really was.
extends_documentation_fragment:
  - mailops.triage.attributes
  - mailops.triage.probing.fleet
options:
  night_dir:
    description: Directory of the night.
    type: path
    required: true
  state:
    description: Whether the looks begin or end.
    type: str
    choices: [begun, ended]
    required: true
  every:
    description: Seconds from the begin of one look to that of the next; at least half a second.
    type: float
    default: 2.0
seealso:
  - module: mailops.triage.watch
  - module: mailops.triage.night_report
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Look at everything from outside until the end
  mailops.triage.night_watch:
    night_dir: "{{ night.night_dir }}"
    state: begun
  run_once: true
"""

RETURN = r"""
series:
  description: Name of the series of looks.
  type: str
  returned: success
  sample: "0001"
looks:
  description: How many there were.
  type: int
  returned: with state=ended
  sample: 1800
"""
