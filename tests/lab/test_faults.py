# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault, brought upon a real host, is judged right; every decoy is judged healthy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import scenario


@pytest.mark.parametrize("fault", [*scenario.all_faults(), "healthy"])
def test_the_verdict_is_right(fault: str, outcomes: Callable[[str], scenario.Outcome]) -> None:
    if fault == "healthy":
        # Asked for last: by then the control host has stood beside every fault.
        outcomes(scenario.all_faults()[-1])
    outcome = outcomes(fault)
    assert not outcome.wrong(), f"on {outcome.host}: {outcome.wrong()}"
