#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: sweep
short_description: Begin a diagnosis and probe the mail hosts from every vantage point
version_added: 0.1.0
description:
  - Makes the report directory of a run, and probes all hosts of the play from all vantage points at the same time,
    each up to the depth that M(mailops.triage.mail_probe) describes.
  - Run it once for the whole play (C(run_once)). It needs no connection to the mail hosts.
  - A vantage point that cannot be used is reported as such; the others still count.
  - Keeps what a user reported, from the play's variables V(triage_symptom) (text) and V(triage_affected) (text or
    list), and the identifier of the ticket that asked for the run, from the event in O(ticket_file) or from
    V(triage_ticket). They are no options, because options are templated and the text of a ticket must not be.
extends_documentation_fragment:
  - mailops.triage.attributes
  - mailops.triage.probing
  - mailops.triage.probing.fleet
attributes:
  check_mode:
    details: The recording then lives in a temporary directory, which M(mailops.triage.report) removes.
options:
  report_dir:
    description:
      - Directory of the recording and the report. Without it C(triage-reports/RUN-ID) below the current directory.
      - A recording that is there already is replaced.
    type: str
  parts_dir:
    description:
      - Directory that several runs share, each of which sees a part of the fleet, such as the slices of an AWX job. The
        recording then is C(PARTS_DIR/RUN/part-ID), for M(mailops.triage.merge).
      - C(RUN) is O(run_name), else the number of the workflow job of AWX, else of its job. C(ID) is the number of the
        job, else the run's own identifier.
      - Mutually exclusive with O(report_dir).
    type: str
  run_name:
    description: What the parts of one run have in common. Letters, digits, V(.), V(_) and V(-).
    type: str
  parts_count:
    description: How many parts there will be. Kept in the part, so that one that is missing is missed.
    type: int
  continues:
    description:
      - Directory of an earlier diagnosis of the same run, whose identifier this one then has.
      - M(mailops.triage.diagnose) then knows what the run has done in between.
    type: path
  hosts:
    description: Hosts to probe, also such that are no part of the play. Without it all hosts of the play.
    type: list
    elements: str
  gather_subset:
    description: Which facts the examination shall gather, see M(mailops.triage.mail_facts).
    type: list
    elements: str
    default: [all]
  time_budget:
    description: Seconds that the collectors may take on a host.
    type: float
    default: 20.0
  log_window:
    description: Seconds that the logs are read back.
    type: int
    default: 86400
  rules_dirs:
    description: Directories of rules for M(mailops.triage.diagnose). Here it is only checked that they are there.
    type: list
    elements: path
    default: []
  fail_on:
    description: As for M(mailops.triage.report). Here it is only checked.
    type: str
    choices: [never, critical, major, minor, info]
    default: never
  notify:
    description: As O(mailops.triage.notify#module:to). Here it is only checked.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: Address of the webhook; for V(ntfy) that of the topic.
        type: str
        required: true
      kind:
        description: The service that listens.
        type: str
        choices: [slack, mattermost, teams, ntfy, json]
        default: json
      token:
        description: Sent as a bearer token, where the service wants one.
        type: str
      verdicts:
        description: Verdicts on the fleet that are told.
        type: list
        elements: str
        choices: [down, degraded, unknown, maintenance, healthy]
        default: [down, degraded, unknown]
  ticket_file:
    description:
      - The event that asked for the run, as M(mailops.triage.ticket_read) has written it. It is kept in the report
        directory; where V(triage_symptom) and V(triage_affected) say nothing, it tells what was reported and by whom;
        without O(vantage_points) it tells where to probe from.
      - The run then has the identifier that the event has for it.
    type: path
seealso:
  - module: mailops.triage.ticket_read
  - module: mailops.triage.mail_probe
  - module: mailops.triage.examine
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Sweep
  mailops.triage.sweep:
    vantage_points: [controller, branch-office]
  run_once: true
  register: sweep
"""

RETURN = r"""
report_dir:
  description: Absolute path of the recording.
  type: str
  returned: success
  sample: /srv/triage-reports/20260301T080000Z-5f3a
"""
