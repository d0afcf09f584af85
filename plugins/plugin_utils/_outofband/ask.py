# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the BMC of a host that is dark: has it power, and what does its event log say?

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import hardware
from ansible_collections.mailops.triage.plugins.plugin_utils._outofband import answer, ipmi, redfish

Document = dict[str, t.Any]

BUDGET = 40.0
"""Seconds that one BMC may take in all."""


def ask(given: t.Any, found: Document, call: redfish.Call, known: t.Callable[[str], bool]) -> None:
    """Ask the BMC that the inventory names.

    :param given: the host's C(mail_hardware)
    :param found: the answer (see L(answer)), filled in as it comes: whoever interrupts this has what came until then
    :param call: runs a module on the controller
    :param known: is there a module of this name on the controller?
    """
    wanted = given.get("bmc") if isinstance(given, dict) else None
    if wanted is None:
        found["reason"] = "the inventory names no BMC (mail_hardware.bmc)"
        return
    begun = time.monotonic()
    try:
        bmc = hardware.bmc(wanted)
        found["via"] = bmc["type"]
        if bmc["type"] == "ipmi":
            ipmi.ask(bmc, found)
        elif known(redfish.MODULE):
            redfish.ask(bmc, call, found)
        else:
            found["reason"] = "not asked: the collection community.general is not installed on the controller"
    except (hardware.HardwareError, answer.NoAnswer) as exc:
        found["reason"] = str(exc)
    found["seconds"] = round(time.monotonic() - begun, 1)
