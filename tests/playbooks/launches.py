# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra variables as a launch delivers them: recorded ones, and any others in the same form.

AWX writes C(env/extravars) in YAML, every key and every text of it tagged C(!unsafe). ansible-rulebook, and whoever
calls ansible-playbook with C(-e @FILE), hands over plain JSON: there Ansible itself protects nobody.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

RECORDED = Path(__file__).parent / "launches_recorded"


class _Dumper(yaml.SafeDumper):
    """YAML with every text tagged, and everything written out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _unsafe(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("!unsafe", text, style="'")


_Dumper.add_representer(str, _unsafe)


def as_awx(variables: dict[str, Any]) -> str:
    """The variables as AWX writes them."""
    return str(yaml.dump(variables, Dumper=_Dumper, allow_unicode=True, default_flow_style=False))


def as_rulebook(variables: dict[str, Any]) -> str:
    """The variables as ansible-rulebook writes them, and as a person may."""
    return json.dumps(variables)
