# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.approval): has a person to be asked before anything is done?"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import inert

_SPEC: dict[str, t.Any] = {"unattended": {"type": "str", "choices": ["none", "safe"], "default": "safe"}}
_ARTIFACT = "mailops_triage"


class ActionModule(ActionBase):
    """Judge the artifact of a diagnosis."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with whether a person has to be asked, and why."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        # As it is, and never as an option, which would be templated: it holds what hosts and users have written.
        needed, why = judged((task_vars or {}).get(_ARTIFACT), options["unattended"])
        result.update(changed=False, needed=needed, why=why, msg=why)
        return result


def judged(artifact: object, unattended: str) -> tuple[bool, str]:
    """Whether a person has to be asked, and why, in one sentence.

    :param artifact: what the diagnosis left
    :param unattended: what is done without asking, "none" or "safe"
    :raises AnsibleActionFail: when that is no artifact of a diagnosis
    """
    if not isinstance(artifact, dict):
        raise AnsibleActionFail(f"{_ARTIFACT}: there is no diagnosis to judge; this comes after one in a workflow of AWX")
    asks, verdict = artifact.get("needs_approval"), artifact.get("verdict")
    if not isinstance(asks, bool) or not isinstance(verdict, str):
        raise AnsibleActionFail(f"{_ARTIFACT}: needs_approval must be true or false and verdict a text")
    summary = inert(artifact.get("summary") or verdict)
    if asks:
        return True, f"A remedy needs a person's word: {summary}"
    if unattended == "none" and verdict != "healthy":
        return True, f"Nothing is to be done without a person's word: {summary}"
    return False, f"Nothing needs a person's word: {summary}"
