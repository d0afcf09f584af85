# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few rounds of chaos (see tests/chaos/): no message that was accepted is lost, whatever is done to first aid."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from labkit import crowd
from labkit.lab import Lab
from labkit.shell import say

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "chaos"))

import rounds_of_chaos as chaos

FAULTS = ("F041", "F043", "F073", "F042", "F053")
HOSTS = ("mail2", "mail3", "mail4", "mail5", "mail6")


@pytest.mark.parametrize("turn", range(len(chaos.MANNERS)))
def test_no_message_is_lost(lab: Lab, turn: int) -> None:
    """Each fault meets each manner once."""
    lab.reset(*HOSTS)
    batch = {
        host: chaos.Plan(10 * turn + number, fault, chaos.MANNERS[(number + turn) % len(chaos.MANNERS)])
        for number, (host, fault) in enumerate(zip(HOSTS, FAULTS))
    }
    with crowd.at_home():
        outcomes = list(chaos.play(lab, batch, random.Random(turn)))
    lab.reset(*HOSTS)
    for outcome in outcomes:
        say(str(outcome))
    assert [str(outcome) for outcome in outcomes if outcome.bad] == []
    assert all(outcome.balance and outcome.balance.accepted > 0 for outcome in outcomes)
