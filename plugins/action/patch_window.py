# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of M(mailops.triage.patch_window): choose the quiet hour, and say why."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils import _screen
from ansible_collections.mailops.triage.plugins.plugin_utils._faces import html_window, terminal_window
from ansible_collections.mailops.triage.plugins.plugin_utils._hostvars import Reader
from ansible_collections.mailops.triage.plugins.plugin_utils._window import proposal

display = Display()

_SPEC: dict[str, t.Any] = {
    "weeks": {"type": "dict", "required": True},
    "groups": {"type": "dict"},
    "backup_mx": {"type": "list", "elements": "str", "default": []},
    "timezone": {"type": "str"},
    "length_minutes": {"type": "int", "default": 60},
    "not_before": {"type": "raw"},
    "not_after": {"type": "raw"},
    "holidays": {"type": "list", "elements": "raw", "default": []},
    "on_holidays": {"type": "str", "choices": list(proposal.HOLIDAYS), "default": "sunday"},
    "blackouts": {"type": "list", "elements": "raw", "default": []},
    "freezes": {"type": "list", "elements": "raw", "default": []},
    "rules": {"type": "dict", "default": {}},
    "page": {"type": "path"},
}
_GROUP = "mail_redundancy_group"


class ActionModule(ActionBase):
    """Propose windows for patching."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Answer with the proposal, and show it."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=_SPEC)
        page = options.pop("page")
        groups = _listed(options["groups"])
        options["groups"] = self._groups(options["weeks"], task_vars or {}) if groups is None else groups
        try:
            found = proposal.propose(proposal.Request(**options), time.time())
        except proposal.ProposalError as error:
            raise AnsibleActionFail(str(error)) from error
        display.display(terminal_window.render(found, **_screen.manner()))
        changed = self._write(Path(page), html_window.page(found)) if page else False
        result.update(changed=changed, picture=terminal_window.picture(found), **found)
        return result

    def _groups(self, weeks: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, list[str]]:
        """What the inventory says: hosts with the same C(mail_redundancy_group)."""
        reader = Reader(task_vars, self._templar)
        groups: dict[str, list[str]] = {}
        for host in weeks:
            name = reader.read(host, [_GROUP])[_GROUP] if host in task_vars["hostvars"] else None
            if name:
                groups.setdefault(clean(name, 80), []).append(host)
        return groups

    def _write(self, path: Path, text: str) -> bool:
        """Write the page on the controller; not in check mode."""
        try:
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                return False
            if not self._task.check_mode:
                path.write_text(text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AnsibleActionFail(f"The page {path} cannot be written: {error}") from error
        return True


def _listed(groups: dict[str, t.Any] | None) -> dict[str, list[str]] | None:
    if groups is None:
        return None
    for name, members in groups.items():
        if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
            raise AnsibleActionFail(f"groups: '{clean(name, 80)}' must be a list of host names")
    return groups
