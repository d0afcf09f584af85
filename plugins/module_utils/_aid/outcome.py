# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what was tried comes out, whatever was in the way, and how a module hands it over.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._aid import guard, state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed
from ansible_collections.mailops.triage.plugins.module_utils._text import clean


def of(work):
    """Try it.

    :param work: function without arguments that gives (state, why)
    :returns: dict of state and why; of what was refused or failed also code, and retry_at where that is known
    """
    try:
        reached, why = work()
        return {"state": reached, "why": why}
    except guard.Refused as error:
        return {"state": "refused", "code": error.code, "why": error.why, "retry_at": error.retry_at}
    except Cannot as error:
        return {"state": "refused", "code": error.code, "why": error.why}
    except state.StateError as error:
        return {"state": "failed", "code": "state", "why": str(error)}
    except (Failed, OSError, ValueError, KeyError) as error:
        return {"state": "failed", "code": "failed", "why": clean(error, 300)}


def hand_over(module, result, diff):
    """End the module with a result: a failure is one for Ansible, too.

    :param module: AnsibleModule
    :param diff: dict of before and after, each a list of lines
    """
    if module._diff:
        result["diff"] = {side: "".join(line + "\n" for line in diff[side]) for side in ("before", "after")}
    if result["state"] == "failed":
        module.fail_json(msg=result["why"], **result)
    module.exit_json(**result)
