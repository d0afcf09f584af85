#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: report
short_description: Show a diagnosis in the terminal and as a page
version_added: 0.1.0
description:
  - Prints the report for a person and writes the self-contained page C(index.html) beside it.
  - What a remediation has planned, done and proved goes into the report first.
  - Leaves the report in a few words as C(mailops_triage) among the custom statistics of the run, as
    M(ansible.builtin.set_stats) would. AWX makes them artifacts of the job, and variables of the nodes that follow in
    a workflow.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    details: Nothing is written then, and the temporary recording of the run is removed.
options:
  report_dir:
    description: Directory of the report.
    type: path
    required: true
  keep:
    description: More is to be done with the recording, so check mode does not remove it yet.
    type: bool
    default: false
  show:
    description: Print the report. Without it only the files are brought up to date.
    type: bool
    default: true
  fail_on:
    description: Fail when there is a root cause of this severity or a worse one. Diagnosing is a success by itself.
    type: str
    choices: [never, critical, major, minor, info]
    default: never
  metrics_file:
    description:
      - File for Prometheus, such as C(mail.prom) in the directory of node_exporter's textfile collector.
      - It is replaced whole and readable by everybody. That it could not be written is a warning.
    type: path
  nagios_file:
    description:
      - File for passive results of Nagios and its kin, one line of the external command file for each host.
      - A named pipe, as the external command file is one, gets the lines; any other file is replaced whole.
        That it could not be written is a warning.
    type: path
seealso:
  - module: mailops.triage.diagnose
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Show
  mailops.triage.report:
    report_dir: "{{ diagnosis.report_dir }}"
    fail_on: critical
    metrics_file: /var/lib/prometheus/node-exporter/mail.prom
"""

RETURN = r"""
ansible_stats:
  description:
    - The custom statistics. C(data.mailops_triage) has C(schema), C(verdict), C(scope), C(summary), C(worst_host),
      C(counts) (hosts by verdict), C(findings) (the root causes, the worst first, each with C(host), C(id),
      C(severity) and C(title)), C(left_out) (root causes beyond these), C(needs_approval) (a remedy waits for the word
      of a person), C(report_dir), and C(ticket) with C(system), C(id) and C(url).
    - At most 32 KB of JSON.
  type: dict
  returned: always
page:
  description: Path of the page.
  type: str
  returned: when not in check mode
  sample: /srv/triage-reports/20260301T080000Z-5f3a/index.html
"""
