#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: night_record
short_description: Keep one step of one host in the ledger of a patch night
version_added: 0.1.0
description:
  - Takes what a module answered and writes it into the ledger at once, so that an interrupted night is gone on with.
  - The answer is read from a variable as it is. It is no option, because options are templated, and the words of a host
    must not be.
  - Fails where nothing may come after this step, so that the host takes its way back. A step that has failed after
    packages were touched stops the night.
  - Works on the controller, for each host.
extends_documentation_fragment:
  - mailops.triage.attributes
options:
  night_dir:
    description: Directory of the night.
    type: path
    required: true
  step:
    description:
      - Which step it was. V(closed) is the last one of each host, and says how the host has ended. V(freed) says of
        one that an earlier run had begun with, and not touched, that it waits again.
    type: str
    choices:
      - listed
      - downloaded
      - maintenance
      - hook
      - drained
      - applied
      - restarted
      - rebooted
      - opened
      - rolled_back
      - settled
      - released
      - freed
      - closed
    required: true
  answer_of:
    description: Name of the variable that the step's task has registered. Without it the step is taken for done.
    type: str
  others_of:
    description:
      - Name of another one, whose loop did what the first one refused with V(not_ours).
    type: str
  begun:
    description: When the step was begun, in seconds since the epoch. Without it, now.
    type: float
  required:
    description: Whether to fail when the step went wrong.
    type: bool
    default: true
  reboot:
    description: Whether a reboot is done where one is required.
    type: str
    choices: [never, required]
    default: required
seealso:
  - module: mailops.triage.night_plan
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Record what was installed
  mailops.triage.night_record:
    night_dir: "{{ night.night_dir }}"
    step: applied
    answer_of: updated
  register: next_step
"""

RETURN = r"""
good:
  description: Whether the next step may come.
  type: bool
  returned: always
  sample: true
state:
  description:
    - V(done), V(nothing), V(planned), V(skipped), V(refused), V(failed) or V(unreachable); how the host has ended
      for V(closed).
  type: str
  returned: always
  sample: done
code:
  description: A word for the reason, when it went wrong.
  type: str
  returned: always
  sample: no_room
host_state:
  description: V(planned), V(begun), V(done), V(nothing), V(left), V(rolled_back) or V(failed).
  type: str
  returned: always
  sample: begun
daemons:
  description:
    - What is to be done with daemons, C(how) for each C(service). V(restart) by what the package manager's module said
      last; after the way back also V(start) for each unit of the mail system that had run before the night.
  type: list
  elements: dict
  returned: always
  sample: [{"service": postfix@-.service, "how": restart}]
reboot:
  description: Whether the host is to be rebooted now.
  type: bool
  returned: always
  sample: false
"""
