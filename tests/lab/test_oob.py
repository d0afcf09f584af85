# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is dark, and what its BMC says of it: by Redfish and by IPMI, from real emulators of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scenario
from labkit import bmc
from labkit.lab import Lab

HOST = "mail18"
HARDWARE = {"contract": "Example Support 4711", "spare": "shelf 3", "location": "rack B7", "serial": "SRV-0815"}


@pytest.fixture(scope="module")
def dark(lab: Lab) -> Iterator[str]:
    """A host without power, seen from outside."""
    lab.inject("F001", HOST)
    yield HOST
    for kind in bmc.PORTS:
        bmc.stop(kind)
    lab.reset(HOST)


def diagnose(path: Path, host: str, hardware: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The recording as text, and the report on the host."""
    extra = path.with_suffix(".json")
    extra.write_text(json.dumps({"mail_hardware": hardware}))
    done = scenario.diagnose(path, "-e", f"@{extra}", hosts=["mail1", host])
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((path / "triage.json").read_text(encoding="utf-8"))["hosts"]
    recording = "".join(part.read_text(encoding="utf-8") for part in path.rglob("*.json"))
    return recording + done.stdout + done.stderr, found[host]


def causes(host: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in host["findings"] if finding["kind"] == "root_cause"]


@pytest.mark.parametrize("kind", ["redfish", "ipmi"])
@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["off"], "hardware.host_powered_off"),
        (["on"], "software.powered_but_silent"),
        (["off", "psu"], "hardware.power_supply_failed"),
        (["on", "ecc"], "hardware.memory_failed"),
    ],
)
def test_four_answers_of_a_bmc_are_four_verdicts(
    dark: str, tmp_path: Path, kind: str, words: list[str], cause: str
) -> None:
    recording, host = diagnose(tmp_path / "run", dark, {**HARDWARE, "bmc": bmc.start(kind, words)})
    assert (host["verdict"], causes(host)) == ("down", [cause])
    (finding,) = [finding for finding in host["findings"] if finding["id"] == cause]
    assert finding["remedy"]["action"] == "escalate" and not finding["remedy"]["auto"]
    assert "rack B7" in str(finding["evidence"]) and "Example Support 4711" in str(finding["evidence"])
    assert bmc.PASSWORD not in recording


def test_a_link_that_is_down_is_seen_by_redfish_alone(dark: str, tmp_path: Path) -> None:
    host = diagnose(tmp_path / "run", dark, {"bmc": bmc.start("redfish", ["on", "link"])})[1]
    assert causes(host) == ["hardware.nic_link_down"]


def test_a_replay_judges_the_recorded_answer(dark: str, tmp_path: Path) -> None:
    host = diagnose(tmp_path / "run", dark, {"bmc": bmc.start("redfish", ["on", "ecc"])})[1]
    bmc.stop("redfish")
    done = scenario.diagnose(tmp_path / "again", "-e", f"triage_replay={tmp_path / 'run'}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "again" / "triage.json").read_text(encoding="utf-8"))["hosts"][dark] == host


@pytest.mark.parametrize("kind", ["redfish", "ipmi"])
def test_a_bmc_that_does_not_answer_changes_nothing(dark: str, tmp_path: Path, kind: str) -> None:
    silent = {"type": kind, "address": "127.0.0.1", "port": 9, "user": "inspector", "password": "lab-Inspector-42"}
    host = diagnose(tmp_path / "run", dark, {"bmc": silent})[1]
    assert causes(host) == ["hardware.host_powered_off"]
    assert any(entry["says"].startswith("BMC: ") for finding in host["findings"] for entry in finding["evidence"])


def test_a_certificate_that_nobody_vouches_for_is_refused(dark: str, tmp_path: Path) -> None:
    told = {key: value for key, value in bmc.start("redfish", ["on"]).items() if key != "ca"}
    recording, host = diagnose(tmp_path / "run", dark, {"bmc": told})
    assert causes(host) == ["hardware.host_powered_off"]
    assert "CERTIFICATE_VERIFY_FAILED" in recording or "certificate" in recording.lower()


def test_a_wrong_hardware_variable_is_one_clear_error(lab: Lab, tmp_path: Path) -> None:
    extra = '{"mail_hardware": {"bmc": {"type": "ilo", "address": "x"}}}'
    done = scenario.diagnose(tmp_path / "run", "-e", extra, hosts=["mail1"])
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "host 'mail1': mail_hardware.bmc.type must be one of redfish, ipmi, not 'ilo'" in said
