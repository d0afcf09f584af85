#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the owners of the largest mailboxes."""

DOCUMENTATION = r"""
module: mailbox_owners
short_description: Name the owners of the largest mailboxes, how these grew, and who leaves all mail on the server
version_added: 0.1.0
description:
  - Tells who takes the room of a mail store, so that they can be asked to clean up. Nothing is removed.
  - Names, numbers and sizes only, never anything out of a message.
notes:
  - Sizes are remembered in C(/var/lib/mailops-triage), outside check mode, so that the next look, half a day later or
    more, can tell how a mailbox grew.
  - At most 200 mailboxes are counted within two seconds, those with the largest directories first.
  - Knows the accounts of Dovecot that can be named without asking a directory server. Needs root.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  platform:
    platforms: linux
options:
  time_budget:
    description: Seconds that looking may take.
    type: float
    default: 20.0
seealso:
  - module: mailops.triage.spool_purge
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: See who takes the room
  mailops.triage.mailbox_owners:
  register: look
"""

RETURN = r"""
owners:
  description:
    - One record for each of the largest and fullest mailboxes, the largest first. C(address) is V(null) when no domain
      is known; C(inbox_old) counts messages older than 90 days; C(grown_bytes) is V(null) at the first look.
  type: list
  elements: dict
  returned: always
  sample:
    - user: alice
      address: alice@example.test
      bytes: 1288490188
      messages: 40211
      inbox_messages: 40017
      inbox_old: 38950
      leaves_on_server: true
      grown_bytes: 73400320
      grown_days: 7.0
notes:
  description: What could not be counted.
  type: list
  elements: str
  returned: always
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import owners
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context


def main() -> None:
    """Look and report."""
    module = AnsibleModule(
        argument_spec={"time_budget": {"type": "float", "default": 20.0}},
        supports_check_mode=True,
    )
    if module.params["time_budget"] <= 0:
        module.fail_json(msg="time_budget must be more than 0 seconds, not %s" % module.params["time_budget"])
    context = Context({"time_budget": module.params["time_budget"]})
    found, notes = owners.look(context, remember=not module.check_mode)
    module.exit_json(changed=False, owners=found, notes=notes)


if __name__ == "__main__":
    main()
