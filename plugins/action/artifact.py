# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.artifact): what has the diagnosis before this job found?"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import inert

_SPEC: dict[str, t.Any] = {
    "required": {"type": "bool", "default": False},
    "unattended": {"type": "str", "choices": ["none", "safe"], "default": "safe"},
}
_ARTIFACT = "mailops_triage"


class ActionModule(ActionBase):
    """Judge the artifact of a diagnosis."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with whether a person has to be asked, why, and where the report is."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        # As it is, and never as an option, which would be templated: it holds what hosts and users have written.
        artifact = (task_vars or {}).get(_ARTIFACT)
        if artifact is None and not options["required"]:
            # What is closed, or no new trouble, starts no diagnosis, and that is right.
            found: dict[str, t.Any] = {"verdict": ""}
            needed, why = False, "There was no diagnosis: nothing needs a person's word"
        else:
            found = checked(artifact)
            needed, why = judged(found, options["unattended"])
        result.update(changed=False, approval_needed=needed, why=why, msg=why)
        result.update(verdict=inert(found["verdict"], 40), report_dir=inert(found.get("report_dir"), 1000))
        return result


def checked(artifact: object) -> dict[str, t.Any]:
    """The artifact of a diagnosis, as far as it is used here.

    :raises AnsibleActionFail: when it is none
    """
    if not isinstance(artifact, dict):
        raise AnsibleActionFail(f"{_ARTIFACT}: no diagnosis has left it; did the job before this one end too early?")
    if not isinstance(artifact.get("needs_approval"), bool) or not isinstance(artifact.get("verdict"), str):
        raise AnsibleActionFail(f"{_ARTIFACT}: needs_approval must be true or false, and verdict a text")
    return artifact


def judged(artifact: dict[str, t.Any], unattended: str) -> tuple[bool, str]:
    """Whether a person has to be asked, and why, in one sentence.

    :param unattended: what is done without asking, "none" or "safe"
    """
    verdict = artifact["verdict"]
    summary = inert(artifact.get("summary") or verdict)
    if artifact["needs_approval"]:
        return True, f"A remedy needs a person's word: {summary}"
    if unattended == "none" and verdict != "healthy":
        return True, f"Nothing is to be done without a person's word: {summary}"
    return False, f"Nothing needs a person's word: {summary}"
