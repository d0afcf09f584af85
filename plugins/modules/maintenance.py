#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begin and end the maintenance of a mail host."""

DOCUMENTATION = r"""
module: maintenance
short_description: Begin or end the maintenance of a mail host
version_added: 0.1.0
description:
  - With O(state=begun) other runs are kept away from the host by the marker C(/etc/mailops-triage/maintenance), which
    names O(run) and its end; remedies of that run itself are let through. Monit is paused, so that it does not start
    what is stopped on purpose.
  - With O(state=ended) Monit watches again just what it watched before, and the marker is taken away.
  - It ends without the controller, too - at O(until) a timer C(mailops-triage-undo.timer) on the host does the same,
    also after a reboot. Where Monit cannot be told just then, it is tried every half minute.
  - A maintenance that somebody else has begun is respected - it is refused, with the name and the end of it.
notes:
  - Monit is told C(unmonitor all). Where its configuration has no C(set httpd) nobody can talk to it, and its unit is
    stopped instead; what it watches runs on.
  - Other watchers are named in RV(watching), and left to whoever set them up.
  - Packages that are worked at, a backup that runs, and another run at the host are waited for, as every remedy does.
extends_documentation_fragment:
  - mailops.triage.remedy.acts
options:
  state:
    description: Whether the host is in maintenance.
    type: str
    choices: [begun, ended]
    default: begun
  run:
    description: Identifier of the run whose maintenance it is.
    type: str
    required: true
  until:
    description:
      - When it ends, with O(state=begun); within a week. A moment with its time zone, such as V(2026-11-29T04:00Z) or
        V(2026-11-29T05:00+01:00), or seconds since the epoch.
      - Asked for again with another end, it ends then.
    type: str
  reason:
    description: Why, for people.
    type: str
  by:
    description: Who, and from where, for people.
    type: str
  ticket:
    description: Identifier of the ticket that asked for it.
    type: str
  pause_watchers:
    description: Whether Monit is paused.
    type: bool
    default: true
  wait:
    description: Seconds to wait for another run, a package run or a backup to end.
    type: float
    default: 90.0
seealso:
  - module: mailops.triage.service_drain
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Begin
  mailops.triage.maintenance:
    run: night-2026-11-29
    until: 2026-11-29T04:00Z
    reason: security updates

- name: End
  mailops.triage.maintenance:
    state: ended
    run: night-2026-11-29
"""

RETURN = r"""
action:
  description: Name of the act.
  type: str
  returned: always
  sample: maintenance
subject:
  description: What it was about.
  type: str
  returned: always
  sample: host
state:
  description: V(done), V(planned) (in check mode), V(nothing) (it is so already), V(refused) or V(failed).
  type: str
  returned: always
  sample: done
code:
  description: When refused or failed, why in one word, for example V(maintenance) (another's), V(busy) or V(expiry).
  type: str
  returned: always
  sample: ""
why:
  description: The same as a sentence; when done, what and until when.
  type: str
  returned: always
  sample: "in maintenance until 2026-11-29 04:00 UTC: other runs are kept away; Monit is paused"
retry_at:
  description: When it may be tried again, in seconds since the epoch.
  type: float
  returned: always
  sample: null
paused:
  description: Watchers that are paused.
  type: list
  elements: str
  returned: always
  sample: [Monit]
watching:
  description: Watchers that run, and are not paused.
  type: list
  elements: str
  returned: always
  sample: [keepalived]
steps:
  description: What was done, in order.
  type: list
  elements: dict
  returned: always
  sample: [{"at": 1795404978.25, "what": "Monit is paused", "result": "Monit watches none of 7 services"}]
measures:
  description: What is in force, with its C(since) and C(until) in seconds since the epoch.
  type: list
  elements: dict
  returned: always
  sample: [{"id": "0a1b2c3d4e", "kind": "monit", "what": "Monit is paused"}]
notes:
  description: What a person should know.
  type: list
  elements: str
  returned: always
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._aid import outcome
from ansible_collections.mailops.triage.plugins.module_utils._aid.quiet.maintaining import Maintaining


def main() -> None:
    """Read the options, begin or end, report."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["begun", "ended"], "default": "begun"},
            "run": {"type": "str", "required": True},
            "until": {"type": "str"},
            "reason": {"type": "str"},
            "by": {"type": "str"},
            "ticket": {"type": "str"},
            "pause_watchers": {"type": "bool", "default": True},
            "wait": {"type": "float", "default": 90.0},
        },
        required_if=[("state", "begun", ["until"])],
        supports_check_mode=True,
    )
    one = Maintaining(module.params, check=module.check_mode)
    result = one.run()
    outcome.hand_over(module, result, one.diff)


if __name__ == "__main__":
    main()
