#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: night_judge
short_description: Say whether hosts are fit to be patched, and whether they are worse than before
version_added: 0.1.0
description:
  - Before - a host is left when it cannot be logged into, when somebody else is at work there, when a finding forbids
    it, such as a RAID that runs on one disk, when it is sick and the patch is not its cure, and when nobody of its
    redundancy group would stand in for it.
  - After - a host is worse when it has a grave root cause of its own that it did not have before, when a protocol
    answers nobody any more or falls over again after the host was opened, when it cannot be logged into any more, or
    when its verdict is worse. That stops the night.
  - What comes from outside, such as a flood, a lossy network or a listing, is noted and does not count.
  - Run it once for the whole play (C(run_once)).
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: The diagnosis, which is a temporary directory then, is removed.
options:
  night_dir:
    description: Directory of the night.
    type: path
    required: true
  moment:
    description: V(before) or V(after) the patch, or once more V(again), when a host has gone back.
    type: str
    choices: [before, after, again]
    required: true
  look:
    description: Report directory of the diagnosis. Not needed where all hosts have been begun with before.
    type: path
  hosts:
    description: Hosts to judge.
    type: list
    elements: str
    required: true
  begun:
    description: Those of them that an earlier run has judged and begun with.
    type: list
    elements: str
    default: []
  sick_too:
    description: Whether to patch a host also when it is sick of something that the patch does not cure.
    type: bool
    default: false
  last:
    description: Whether this look counts. Otherwise there will be another one, and nobody goes back yet.
    type: bool
    default: true
seealso:
  - module: mailops.triage.diagnose
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Compare with before
  mailops.triage.night_judge:
    night_dir: "{{ night.night_dir }}"
    moment: after
    look: "{{ diagnosis.report_dir }}"
    hosts: [mx1]
  run_once: true
  register: judged
"""

RETURN = r"""
go:
  description: Hosts that may be patched.
  type: list
  elements: str
  returned: with moment=before
  sample: [mx1]
worse:
  description: Hosts that are worse than before.
  type: list
  elements: str
  returned: afterwards
  sample: []
back:
  description: Hosts that have to go back, those included whose patch has failed.
  type: list
  elements: str
  returned: afterwards
  sample: []
"""
