#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: watch
short_description: Probe mail hosts again and again, to prove remedies and to see what falls over
version_added: 0.1.0
description:
  - Probes all hosts of the play from all vantage points at the same time, with the same probes as
    M(mailops.triage.sweep), at intervals that grow while all is well.
  - With O(report_dir), only hosts on which this run has done something. What was done is proved when the very probes
    that had failed are well again.
  - Run it once for the whole play (C(run_once)). It needs no connection to the mail hosts, and ends when the run that
    asked for it ends.
extends_documentation_fragment:
  - mailops.triage.attributes
  - mailops.triage.probing
  - mailops.triage.probing.fleet
options:
  report_dir:
    description: Directory of the report of a run that has acted; what is seen is kept there.
    type: path
  patience:
    description:
      - Seconds to wait for remedies to show. Postfix's throttled smtpd needs up to 60 after Dovecot's return.
    type: float
    default: 0.0
  seconds:
    description: Seconds to watch.
    type: float
    default: 0.0
seealso:
  - module: mailops.triage.sweep
  - module: mailops.triage.mail_probe
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Watch the hosts for ten minutes
  mailops.triage.watch:
    seconds: 600
  run_once: true
"""

RETURN = r"""
acted:
  description: How many hosts this run has done something to.
  type: int
  returned: success
  sample: 1
proved:
  description: How many remedies showed, or can only be proved by a diagnosis.
  type: int
  returned: success
  sample: 1
seconds:
  description: How long was watched.
  type: float
  returned: success
  sample: 600.4
hosts:
  description: For each host that did not answer all the time its outages, and the seconds that each protocol was down.
  type: dict
  returned: success
  sample:
    mail4:
      downtime: {imap: 12.1}
      outages: [{protocol: imap, seen_from: controller, outcome: refused, from: 1772352000.0, to: 1772352012.1}]
"""
