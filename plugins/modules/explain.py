#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: explain
short_description: Tell why the hosts of a report were judged as they were
version_added: 0.1.0
description:
  - Prints which rules fired, which nearly did and what they lacked, what could not be judged, and what explained what
    away; and adds the same to the page C(index.html) of the report, folded into the block of each host.
  - Judges the recording in the directory again, with the rules that it is given; it needs no host at hand.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: The page stays as it is then.
options:
  report_dir:
    description: Directory of the report.
    type: path
    required: true
  hosts:
    description: Hosts to explain. Without it all that are not well, at most a hundred.
    type: list
    elements: str
    default: []
  rule:
    description: Identifier of a rule. Then all about this rule is told, whether it fired or not.
    type: str
  rules_dirs:
    description: Further directories of rules, as for M(mailops.triage.diagnose).
    type: list
    elements: path
    default: []
  discard:
    description: Remove the directory afterwards, because it is the temporary one of a check mode.
    type: bool
    default: false
seealso:
  - module: mailops.triage.diagnose
  - module: mailops.triage.report
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Why was the start limit not taken for the cause?
  mailops.triage.explain:
    report_dir: /srv/triage-reports/20260301T080000Z-5f3a
    hosts: [mail2]
    rule: software.crash_loop_start_limit
"""

RETURN = r"""
hosts:
  description: The hosts that were explained.
  type: list
  elements: str
  returned: success
  sample: [mail2]
page:
  description: Path of the page.
  type: str
  returned: when not in check mode
  sample: /srv/triage-reports/20260301T080000Z-5f3a/index.html
"""
