#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: merge
short_description: Put the parts of a run together, each of which saw a part of the fleet
version_added: 0.1.0
description:
  - Makes one recording of those that several runs have left below O(parts_dir), such as the slices of an AWX job.
    M(mailops.triage.diagnose) then judges it as if one run had seen the whole fleet.
  - A host that is in more than one part is taken whole from the newest look at it. What was done on it stays,
    whichever part did it.
  - A part that broke off counts as far as it came. Parts that are missing, unreadable or of an earlier run, and hosts
    that no part looked at, are named in the report; such hosts are V(unknown).
  - AWX deals out the vantage points of an inventory with all other hosts, so each is in one slice only. What no part
    has seen from a vantage point is therefore looked at now, see O(look).
  - The parts stay as they are.
extends_documentation_fragment:
  - mailops.triage.attributes
  - mailops.triage.probing
  - mailops.triage.probing.fleet
attributes:
  check_mode:
    details: The recording then lives in a temporary directory, which M(mailops.triage.report) removes.
options:
  parts_dir:
    description: Directory that the runs share, as it was for M(mailops.triage.sweep).
    type: path
    required: true
  run_name:
    description:
      - The run whose parts are merged.
      - Without it the one whose part the variable V(mailops_triage) names, which is the artifact of an earlier job of a
        workflow of AWX; else the number of the workflow job. A sliced job is a workflow job of its own, whose number a
        later node does not know.
    type: str
  parts_count:
    description: How many parts there should be. Without it the number that the parts themselves were told.
    type: int
  spread:
    description: Seconds. A part that began longer before the newest one is of an earlier run of the same name.
    type: float
    default: 21600.0
  hosts:
    description:
      - Hosts that should have been looked at. Those that are in the play and in no part are reported as V(unknown).
      - Where all parts had one limit and this play has another, that cannot be told, and is not.
    type: list
    elements: str
    default: []
  look:
    description: Whether vantage points, the controller too, look at those O(hosts) that no part saw from there.
    type: bool
    default: true
  report_dir:
    description: Directory of the recording and the report. Without it C(merged) beside the parts.
    type: path
seealso:
  - module: mailops.triage.sweep
  - module: mailops.triage.diagnose
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Put the parts of last night together
  mailops.triage.merge:
    parts_dir: /srv/mailops/parts
    run_name: 2026-03-01
    parts_count: 4
  register: merged

- name: Judge the fleet
  mailops.triage.diagnose:
    report_dir: "{{ merged.report_dir }}"
"""

RETURN = r"""
report_dir:
  description: Where the recording lies.
  type: str
  returned: success
  sample: /srv/mailops/parts/awx-17/merged
parts:
  description:
    - State of each part, V(complete), V(torn), V(stale) or V(useless).
  type: dict
  returned: success
  sample: {"part-101": "complete", "part-102": "torn"}
notes:
  description: What is missing or does not fit together.
  type: list
  elements: str
  returned: success
  sample: ["4 parts expected, 3 came that can be judged"]
"""
