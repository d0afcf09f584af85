#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: diagnose
short_description: Judge a recorded fleet by the rules and write the report
version_added: 0.1.0
description:
  - Holds the rules of the collection, and those of the site, against a recording and writes C(triage.json).
  - A live run also looks at what the runs of the last seven days, at most 50, left behind (C(trace.json) in the report
    directories beside this one), and leaves the same for later runs. What was found goes into the recording.
  - The same recording and rules always give the same findings, so a recording can be judged again at any time, with no
    host at hand.
  - Where a user reported something, tells whether the evidence agrees. A replay takes the report from the recording, or
    from the play's variables V(triage_symptom) and V(triage_affected), which are read as they are.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: A replay then reports into a temporary directory, which M(mailops.triage.report) removes.
options:
  report_dir:
    description: Directory of the recording.
    type: path
    required: true
  replay:
    description: The recording is an old one. The report is written beside it, and the recording stays as it is.
    type: bool
    default: false
  replay_to:
    description: Directory of a replay's report. Without it one of its own below C(triage-reports).
    type: path
  history_dir:
    description:
      - Directory for the traces of runs, where report directories do not last. Traces older than seven days are
        removed.
      - Without it, the directory that O(report_dir) lies in. Only files of the user who runs this are believed.
    type: path
  supersede:
    description:
      - This is the last diagnosis of a run that has acted, see O(mailops.triage.sweep#module:continues). It takes the
        place of the first one, which goes into C(before) in the same report directory.
    type: bool
    default: false
  rules_dirs:
    description:
      - Further directories of rules. They may add rules, change single keys of a rule with the same C(id), or switch it
        off with C(enabled) set to V(false).
    type: list
    elements: path
    default: []
seealso:
  - module: mailops.triage.report
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Judge an old recording with the rules of the site
  mailops.triage.diagnose:
    report_dir: /srv/triage-reports/20260301T080000Z-5f3a
    replay: true
    rules_dirs: [/etc/mailops/rules]
"""

RETURN = r"""
report_dir:
  description: Where the report lies.
  type: str
  returned: success
  sample: /srv/triage-reports/20260301T080000Z-5f3a
verdict:
  description: Verdict on the fleet, V(healthy), V(degraded), V(down) or V(unknown).
  type: str
  returned: success
  sample: degraded
scope:
  description: How far the trouble reaches, V(none), V(client), V(segment), V(host), V(site) or V(fleet).
  type: str
  returned: success
  sample: host
verdicts:
  description: Verdict on each host.
  type: dict
  returned: success
  sample: {"mail1": "healthy", "mail2": "down"}
"""
