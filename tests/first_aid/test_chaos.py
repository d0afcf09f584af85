# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Some rounds of chaos (see tests/chaos/): no message that was accepted is lost, whatever is done to first aid."""

from __future__ import annotations

import random

import rounds_of_chaos as chaos
from labkit import crowd
from labkit.lab import Lab
from labkit.shell import say

FAULTS = ("F041", "F043", "F073")
HOSTS = ("mail4", "mail6", "mail7")


def test_no_message_is_lost(lab: Lab) -> None:
    """Each fault in a manner of its own."""
    lab.reset(*HOSTS)
    batch = {
        host: chaos.Plan(number, fault, manner)
        for number, (host, fault, manner) in enumerate(zip(HOSTS, FAULTS, chaos.MANNERS))
    }
    with crowd.at_home():
        outcomes = list(chaos.play(lab, batch, random.Random(1)))
    lab.reset(*HOSTS)
    for outcome in outcomes:
        say(str(outcome))
    assert [str(outcome) for outcome in outcomes if outcome.bad] == []
    assert all(outcome.balance and outcome.balance.accepted > 0 for outcome in outcomes)
    assert [str(outcome) for outcome in outcomes if not outcome.works] == []
    assert [str(outcome) for outcome in outcomes if any("failed" in act for act in outcome.acts)] == []
