# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a module installed on the controller? See module_available.yml."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible.plugins.loader import module_loader


def module_available(name: object) -> bool:
    """Tell whether a task could name this module.

    :param name: fully qualified
    :raises AnsibleFilterError: when it is no text
    """
    if not isinstance(name, str):
        raise AnsibleFilterError(f"module_available wants the name of a module, not a {type(name).__name__}")
    return bool(module_loader.find_plugin_with_context(name, collection_list=None).resolved)


class TestModule:
    """What this file adds to Jinja."""

    def tests(self) -> dict[str, t.Callable[[object], bool]]:
        """Tests by name."""
        return {"module_available": module_available}
