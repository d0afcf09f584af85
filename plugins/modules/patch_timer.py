#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a command begin in a window, by a timer of systemd or by at."""

DOCUMENTATION = r"""
module: patch_timer
short_description: Have a command begin in a window, by a timer of systemd or by at
version_added: 0.1.0
description:
  - Schedules a command, such as C(ansible-playbook mailops.triage.patch_night), changes, lists and cancels what it has
    scheduled.
  - What begins the command asks first whether its window is open. A night that was missed, because the machine was off
    or its clock was wrong, begins late as long as the window is open, and else is left out; it is never caught up in
    working hours. A command that a reboot has cut off begins again after it, while the window is open.
  - Times are those of O(timezone), also where the machine's own zone is another. An hour that summer time skips does
    not come, and RV(schedules) tells the nights that are left out for it; one that comes twice counts once.
notes:
  - Schedules are kept in C(/var/lib/mailops-triage-schedules).
  - What has begun is never stopped, neither by a change nor by cancelling.
  - What a command prints goes to the journal of its unit, or by mail from at.
extends_documentation_fragment:
  - mailops.triage.remedy.acts
options:
  state:
    description: What is wanted. V(listed) needs nothing else.
    type: str
    choices: [scheduled, cancelled, listed]
    default: scheduled
  name:
    description: Name of the schedule, of small letters, digits and hyphens.
    type: str
    default: patch-night
  with:
    description:
      - V(timer) is a persistent timer of systemd; V(at) a job of at, which runs once.
      - V(awx) changes nothing here, and only answers with RV(rrule).
    type: str
    choices: [timer, at, awx]
    default: timer
  timezone:
    description: IANA name of the zone that the times are of, such as V(Europe/Berlin).
    type: str
    default: UTC
  begin:
    description:
      - When it begins, for once - V(2026-11-29T03:00) by the clock of O(timezone), with a zone such as
        V(2026-11-29T02:00Z), or in seconds since the epoch.
      - Either this or O(windows).
    type: str
  length_minutes:
    description: How long the window of O(begin) is.
    type: int
    default: 120
  cutoff_minutes:
    description: How long before the end of that window nothing is begun any more.
    type: int
    default: 0
  windows:
    description:
      - Windows that come every week - C(days) such as V(sun), V(mon-fri), V(daily), V(weekdays) or V(weekend); C(start)
        such as V("03:00"), in quotes; C(duration) and C(cutoff) in minutes or as V(2h) or V(1h30m).
    type: list
    elements: dict
    default: []
  command:
    description:
      - Program and arguments; no shell. C(@BEGIN@) and C(@END@) in them are replaced by begin and end of the window, in
        seconds since the epoch; C(@RULES@) by RV(rules) as JSON, so that a long night knows its window, too.
    type: list
    elements: str
    default: []
  directory:
    description: Where it is started.
    type: path
  environment:
    description: Variables that it gets. They are kept on the machine; secrets belong elsewhere.
    type: dict
    default: {}
  user:
    description: Whose it is; root's without it.
    type: str
seealso:
  - module: awx.awx.schedule
    description: Takes RV(rrule).
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Patch in the night to Sunday
  mailops.triage.patch_timer:
    timezone: Europe/Berlin
    windows:
      - {days: sun, start: "03:00", duration: 2h, cutoff: 30m}
    command:
      - /opt/ansible/bin/ansible-playbook
      - -i
      - inventory
      - -e
      - '{"patch_night_scheduled": @RULES@}'
      - mailops.triage.patch_night
    directory: /srv/mail

- name: Patch once
  mailops.triage.patch_timer:
    with: at
    begin: 2026-11-29T02:00Z
    command: [/opt/ansible/bin/ansible-playbook, -i, /srv/mail/inventory, mailops.triage.patch_night]

- name: See what is scheduled
  mailops.triage.patch_timer:
    state: listed
"""

RETURN = r"""
state:
  description: V(done), V(planned) (in check mode), V(nothing) (it is so already), V(refused) or V(failed).
  type: str
  returned: always
  sample: done
code:
  description: When refused or failed, why in one word, such as V(invalid) or V(tool).
  type: str
  returned: always
  sample: ""
why:
  description: The same as a sentence; when done, when it begins.
  type: str
  returned: always
  sample: begins Sun 2026-11-29 03:00 CET
schedules:
  description:
    - The schedule, or all of them. C(next) are the windows that come, with C(latest), until when it may begin; C(last)
      is the last run; C(left_out) the nights within a year in which the clock never shows the time.
  type: list
  elements: dict
  returned: always
  sample:
    - name: patch-night
      with: timer
      active: true
      job: mailops-triage-schedule-patch-night.timer
      timezone: Europe/Berlin
      command: [ansible-playbook, mailops.triage.patch_night]
      next: [{"begin": 1795917600, "end": 1795924800, "latest": 1795923000, "text": "Sun 2026-11-29 03:00 CET"}]
      left_out: []
      last: null
rules:
  description: The windows as the variable C(patch_night_scheduled) of a night has them.
  type: dict
  returned: always
  sample: {"tz": "Europe/Berlin", "windows": [{"days": ["sun"], "start": "03:00", "duration": 120, "cutoff": 30}]}
rrule:
  description: With O(with=awx), the rule for M(awx.awx.schedule).
  type: str
  returned: always
  sample: DTSTART;TZID=Europe/Berlin:20260104T030000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._schedule.scheduling import Scheduling


def main() -> None:
    """Read the options, schedule, list or cancel, report."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["scheduled", "cancelled", "listed"], "default": "scheduled"},
            "name": {"type": "str", "default": "patch-night"},
            "with": {"type": "str", "choices": ["timer", "at", "awx"], "default": "timer"},
            "timezone": {"type": "str", "default": "UTC"},
            "begin": {"type": "str"},
            "length_minutes": {"type": "int", "default": 120},
            "cutoff_minutes": {"type": "int", "default": 0},
            "windows": {"type": "list", "elements": "dict", "default": []},
            "command": {"type": "list", "elements": "str", "default": []},
            "directory": {"type": "path"},
            "environment": {"type": "dict", "default": {}},
            "user": {"type": "str"},
        },
        supports_check_mode=True,
    )
    one = Scheduling(module.params, check=module.check_mode)
    result = one.run()
    if module._diff:
        result["diff"] = one.diff
    if result["state"] in ("failed", "refused"):
        module.fail_json(msg=result["why"], **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
