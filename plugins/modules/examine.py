#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: examine
short_description: Log into a mail host once and record all its facts
version_added: 0.1.0
description:
  - Runs the collectors of M(mailops.triage.mail_facts) with one login and one Python start, by sending them to
    C(python3 -) over the task's own connection. Where the connection cannot pipeline, the module itself is run.
  - What to gather was said to the sweep. No login is tried where the sweep found the ssh port dead, unless it would go
    over a jump host or another transport. Over loopback only those services are tried that the sweep found wanting.
  - A host that cannot be logged into is an observation, written into the recording; the task does not fail and the host
    does not become unreachable.
extends_documentation_fragment:
  - mailops.triage.attributes
options:
  report_dir:
    description: Directory of the recording, as M(mailops.triage.sweep) returned it.
    type: str
    required: true
seealso:
  - module: mailops.triage.mail_facts
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Examine
  mailops.triage.examine:
    report_dir: "{{ sweep.report_dir }}"
"""

RETURN = r"""
login:
  description: V(ok), V(skipped), V(unreachable), V(auth), V(timeout), V(no_python) or V(failed).
  type: str
  returned: success
  sample: ok
facts_file:
  description: File of the host within the recording.
  type: str
  returned: success
  sample: facts/mail1.json
"""
