# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules that probe may be told."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of a probe: the account, and C(fleet) for those that probe many hosts from many places."""

    DOCUMENTATION = r"""
options:
  account:
    description: Account for the login rungs. Without it no login is tried. Neither part shows up in the result.
    type: dict
    suboptions:
      user:
        description: Login name.
        type: str
        required: true
      password:
        description: Password.
        type: str
        required: true
"""

    FLEET = r"""
options:
  vantage_points:
    description:
      - Where to probe from; hosts of the inventory, or V(controller).
      - Without it the controller and the hosts of the group C(vantage_points).
    type: list
    elements: str
  timeout:
    description: Seconds that a rung of the probe may take.
    type: float
    default: 3.0
  deadline:
    description: Seconds that probing all hosts once may take, however many they are.
    type: float
    default: 15.0
"""
