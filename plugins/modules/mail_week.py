#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the hours of the last weeks in the mail log of one host."""

DOCUMENTATION = r"""
module: mail_week
short_description: Count connections, deliveries and logins by the hour over the last weeks
version_added: 0.1.0
description:
  - Reads the mail log back for some weeks, also rotated and packed files, or the journal where there are no files, and
    counts what M(mailops.triage.patch_window) needs to tell when few people need mail.
  - Numbers only; no names, no addresses.
  - A silence of the log in which much would be expected, and any silence of a day, is a gap. The hours that it touches
    are left out, because nothing is known of them; an hour without mail on a host that writes its log is an hour with
    zeros.
notes:
  - Memory does not grow with the size of the log. Files are read newest first; when O(time_budget) is over, RV(oldest)
    tells how far back it was enough. A million lines take one to two seconds.
  - Only files that are written to count, and of a log of several hosts only this host's lines.
  - In a log with local time and no zone, the hour that comes twice when the clock is put back cannot be told apart; it
    is counted once, with the lines of both.
  - Needs to read the mail log, which usually means root.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  platform:
    platforms: linux
options:
  days:
    description: How many days to read back.
    type: int
    default: 28
  time_budget:
    description: Seconds that reading may take.
    type: float
    default: 60.0
seealso:
  - module: mailops.triage.patch_window
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Count the last four weeks
  mailops.triage.mail_week:
  register: week
"""

RETURN = r"""
hours:
  description:
    - One record for each whole hour of which everything is known, in order of time. C(at) is the begin of the hour in
      seconds since the epoch; C(connections) are those to Postfix, C(delivered) deliveries, one for each recipient,
      C(logins) successful ones to Postfix and Dovecot.
  type: list
  elements: dict
  returned: always
  sample: [{"at": 1795402800, "connections": 812, "delivered": 391, "logins": 1204}]
timezone:
  description: IANA name of the host's time zone; empty when it is not known.
  type: str
  returned: always
  sample: Europe/Berlin
utc_offset_s:
  description: Seconds that the host's clock is ahead of UTC now.
  type: int
  returned: always
  sample: 3600
oldest:
  description: From when on the log was counted, in seconds since the epoch; V(null) when there is none.
  type: float
  returned: always
  sample: 1792985778.0
gaps:
  description: Pairs of seconds since the epoch, between which the log is silent though it should not be.
  type: list
  elements: list
  returned: always
  sample: [[1793000000, 1793020000]]
sources:
  description: What was read, for which part of the mail system (V(mta), V(mda)), and how far back.
  type: list
  elements: dict
  returned: always
  sample: [{"name": "/var/log/mail.log", "families": ["mda", "mta"], "oldest": 1792985778.0, "whole": true}]
notes:
  description: What could not be read.
  type: list
  elements: str
  returned: always
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context
from ansible_collections.mailops.triage.plugins.module_utils._week.look import look


def main() -> None:
    """Count and report."""
    module = AnsibleModule(
        argument_spec={
            "days": {"type": "int", "default": 28},
            "time_budget": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    days, seconds = module.params["days"], module.params["time_budget"]
    if not 1 <= days <= 366:
        module.fail_json(msg="days must be from 1 to 366, not %s" % days)
    if seconds <= 0:
        module.fail_json(msg="time_budget must be more than 0 seconds, not %s" % seconds)
    module.exit_json(
        changed=False, **look(Context({"time_budget": seconds, "log_window": days * 86400, "log_seconds": 10.0}))
    )


if __name__ == "__main__":
    main()
