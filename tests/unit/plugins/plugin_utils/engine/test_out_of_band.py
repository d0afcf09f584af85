# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that was dark, with what real emulators of BMCs said in its place: which verdict each answer makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(ROOT / "tests" / "accuracy"))

import scenario
import withheld

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import InventoryError

RULES = withheld.load_rules()
ANSWERS = json.loads((Path(__file__).parent / "recorded" / "oob-answers.json").read_text(encoding="utf-8"))
CAUSES = {
    "off": "hardware.host_powered_off",
    "on": "software.powered_but_silent",
    "off psu": "hardware.power_supply_failed",
    "on ecc": "hardware.memory_failed",
    "on link": "hardware.nic_link_down",
}


def dark(oob: dict[str, Any] | None, hardware: Any = None) -> dict[str, Any]:
    """The report on the host that was without power when this was recorded."""
    case = scenario.kept(ROOT / "tests" / "recordings" / "faults" / "F001.json.gz")
    record = case["hosts"][case["host"]]
    record["inventory"]["mail_hardware"] = hardware
    record["oob"] = oob
    if oob:
        # The recordings are of different days.
        shift = case["run"]["started"] - max((entry["when"] or 0.0 for entry in oob["log"]), default=0.0) - 300
        record["oob"] = {
            **oob,
            "log": [{**entry, "when": entry["when"] and entry["when"] + shift} for entry in oob["log"]],
        }
    found: dict[str, Any] = withheld.judge(case, RULES)["hosts"][case["host"]]
    return found


def causes(host: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in host["findings"] if finding["kind"] == "root_cause"]


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_answer_of_a_bmc_makes_the_verdict(name: str) -> None:
    host = dark(ANSWERS[name])
    assert (host["verdict"], causes(host)) == ("down", [CAUSES[name.partition(" ")[2]]])


def test_each_kind_of_bmc_tells_four_things_apart() -> None:
    for kind in ("redfish", "ipmi"):
        told = {tuple(causes(dark(answer))) for name, answer in ANSWERS.items() if name.startswith(kind)}
        assert len(told) >= 4


def test_without_a_bmc_the_network_alone_speaks() -> None:
    assert causes(dark(None)) == ["hardware.host_powered_off"]


def test_an_old_memory_error_is_not_today_s_cause() -> None:
    answer = json.loads(json.dumps(ANSWERS["redfish on ecc"]))
    answer["memory"] = []
    answer["log"].insert(0, {"when": answer["log"][0]["when"] + 30 * 86400, "severity": "ok", "text": "Fan1 inserted"})
    assert causes(dark(answer)) == ["software.powered_but_silent"]


def test_contract_spare_and_place_stand_in_the_finding() -> None:
    given = {"contract": "C-4711", "spare": "shelf 3", "location": "rack B7", "serial": "SRV-1"}
    (finding,) = [found for found in dark(ANSWERS["ipmi off psu"], given)["findings"] if found["kind"] == "root_cause"]
    shown = json.dumps([finding["evidence"], finding["remedy"]])
    assert all(text in shown for text in given.values())


def test_a_hardware_variable_that_cannot_be_used_names_the_host() -> None:
    with pytest.raises(InventoryError, match=r"host '\w+': mail_hardware has the unknown key 'bcm'"):
        dark(None, {"bcm": {}})
