#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: artifact
short_description: Read what a diagnosis has left for later jobs of a workflow of AWX
version_added: 0.1.0
description:
  - A job that diagnoses leaves an artifact, which later nodes of the workflow get as the variable C(mailops_triage).
    It is read as it is and is no option, because options are templated, and it holds what hosts have written.
  - Says above all whether a person has to be asked before anything is done.
  - Run it once for the whole play (C(run_once)). It touches no host.
extends_documentation_fragment:
  - mailops.triage.attributes
options:
  required:
    description:
      - Whether it is an error that there is no artifact. A ticket that is closed, or that tells of no new trouble,
        starts no diagnosis, and none is left then.
    type: bool
    default: false
  unattended:
    description:
      - What is done without asking. V(safe) does what the rules call safe, so somebody is asked when anything else is
        proposed. V(none) asks as soon as not all is well.
    type: str
    choices: [none, safe]
    default: safe
seealso:
  - module: mailops.triage.report
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Fail where a person has to be asked
  mailops.triage.artifact:
  run_once: true
  register: found
  failed_when: found is failed or found.approval_needed
"""

RETURN = r"""
approval_needed:
  description: Whether a person has to be asked.
  type: bool
  returned: success
  sample: true
why:
  description: Why, in one sentence.
  type: str
  returned: success
  sample: "A remedy needs a person's word: 1 of 3 hosts is down"
verdict:
  description: The verdict on the fleet, or nothing where there was no diagnosis.
  type: str
  returned: success
  sample: degraded
report_dir:
  description: Where the report is, or nothing where none was kept.
  type: str
  returned: success
  sample: /srv/mailops/reports/21
"""
