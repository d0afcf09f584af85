#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: night_gate
short_description: Say whether the next batch of a patch night may begin
version_added: 0.1.0
description:
  - Asks the stop rule, which is in force as soon as a host is worse than before, has failed or had to go back; and the
    window, by what the batch will take.
  - Is asked before each batch, so that a long night ends by itself.
  - A host that an earlier run has touched and left half-way is brought to its end whatever the hour.
  - Run it once for the whole play (C(run_once)).
extends_documentation_fragment:
  - mailops.triage.attributes
options:
  night_dir:
    description: Directory of the night.
    type: path
    required: true
  batch:
    description: Number of the batch, counted from 0.
    type: int
    required: true
  window:
    description:
      - When work is allowed. C(tz) is an IANA time zone; C(windows) a list with C(days), C(start), C(duration) and
        C(cutoff), and C(tz) where one has a zone of its own, or with C(begin) and C(end) in seconds since the epoch
        for one that comes once; C(blackouts) a list with C(name), C(start) and C(end), or of iCalendar files;
        C(hold_hosts) a list.
      - Without C(windows) any hour will do that is in no blackout.
    type: dict
    default: {}
  estimate:
    description:
      - Seconds that a batch takes, with its proof and with the way back. When one took longer, that counts.
    type: float
    default: 1800.0
seealso:
  - module: mailops.triage.night_plan
  - module: mailops.triage.night_judge
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: May the first batch begin?
  mailops.triage.night_gate:
    night_dir: "{{ night.night_dir }}"
    batch: 0
    window:
      tz: Europe/Berlin
      windows: [{days: tue-thu, start: "01:00", duration: 4h, cutoff: 30m}]
      blackouts: [{name: year end, start: 2026-12-20, end: 2027-01-06}]
  run_once: true
  register: gate
"""

RETURN = r"""
go:
  description: Whether there is any host to work at.
  type: bool
  returned: success
  sample: true
code:
  description:
    - V(open), V(nothing), V(stopped), or what keeps the window closed, such as V(early), V(late) or V(blackout).
  type: str
  returned: success
  sample: open
why:
  description: The same in one sentence.
  type: str
  returned: success
  sample: the window is open until Wed 2026-03-04 05:00 CET
retry_at:
  description: When it may be asked again, in seconds since the epoch, or V(null).
  type: float
  returned: success
  sample: null
hosts:
  description: Hosts of the batch to work at, those in RV(fresh) and those in RV(begun).
  type: list
  elements: str
  returned: success
  sample: [mx1, store1]
fresh:
  description: Hosts to begin with.
  type: list
  elements: str
  returned: success
  sample: [mx1, store1]
begun:
  description: Hosts that an earlier run has begun with.
  type: list
  elements: str
  returned: success
  sample: []
went_back:
  description: Those of RV(begun) that have their old packages again.
  type: list
  elements: str
  returned: success
  sample: []
back:
  description: Those of RV(begun) that were judged before, and have to go back without being patched again.
  type: list
  elements: str
  returned: success
  sample: []
look_at:
  description: Hosts to diagnose; those of the batch and those that stand in for them.
  type: list
  elements: str
  returned: success
  sample: [mx1, store1, mx2, store2]
canary:
  description: Whether this is the batch of the canaries, or a host that goes alone because no canary stands for it.
  type: bool
  returned: success
  sample: true
more:
  description: Whether to ask about this batch again when these have come to their end; the others of it wait.
  type: bool
  returned: success
  sample: false
name:
  description: A name for what belongs to this batch in this run.
  type: str
  returned: success
  sample: 000-1
expires:
  description: Seconds after which maintenance may end by itself at the earliest, by what a batch takes.
  type: int
  returned: success
  sample: 3600
"""
