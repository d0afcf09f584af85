#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: record
short_description: Keep what a remedy did on a host in the report
version_added: 0.1.0
description:
  - Takes what the module of a remedy answered, from the variable C(ACTION_result), and writes it into the report
    directory at once, so that an interrupted run tells what it has done. Saved evidence becomes files.
  - The variable is read as it is. It is no option, because options are templated, and the words of a host in trouble
    must not be.
  - Works on the controller, for each host.
extends_documentation_fragment:
  - mailops.triage.attributes
options:
  report_dir:
    description: Directory of the run's report, where M(mailops.triage.plan) has kept its plan.
    type: path
    required: true
  step:
    description: Which of the host's items was carried out, counted from 0.
    type: int
    required: true
  begun:
    description: When that was begun, in epoch seconds.
    type: float
  failed:
    description: Whether the role ended with a failure. Then an answer that tells of none is that of an earlier step.
    type: bool
    default: false
seealso:
  - module: mailops.triage.plan
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Record
  mailops.triage.record:
    report_dir: "{{ diagnosis.report_dir }}"
    step: 0
"""

RETURN = r"""
state:
  description: V(planned), V(done), V(refused), V(failed) or V(nothing).
  type: str
  returned: success
  sample: done
code:
  description: A word for the reason, when it was refused or failed.
  type: str
  returned: success
  sample: maintenance
"""
