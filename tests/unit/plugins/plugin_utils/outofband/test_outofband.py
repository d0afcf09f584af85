# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BMCs: what is asked, what is made of the answers, and what happens when there is none."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import hardware
from ansible_collections.mailops.triage.plugins.plugin_utils._outofband import answer, ask, ipmi

RECORDED = Path(__file__).parent / "recorded"
BMC = {"type": "redfish", "address": "bmc1.example.test", "user": "inspector", "password": "long-and-secret"}

SYSTEMS = {
    "system": {
        "ret": True,
        "entries": [
            [{"system_uri": "/redfish/v1/Systems/1"}, {"PowerState": "Off", "Status": {"Health": "Critical"}}],
            [{"system_uri": "/redfish/v1/Systems/2"}, {"PowerState": "On", "Status": {"Health": "OK"}}],
        ],
    },
    "nic": {"ret": True, "entries": [[{"system_uri": "/redfish/v1/Systems/1"}, [{"Id": "1", "LinkStatus": "NoLink"}]]]},
    "memory": {
        "ret": True,
        "entries": [
            [{"system_uri": "/redfish/v1/Systems/1"}, [[{"Name": "DIMM_A2", "Status": {"Health": "Critical"}}]]]
        ],
    },
    "disk": {
        "ret": True,
        "entries": [
            [
                {"system_uri": "/redfish/v1/Systems/1"},
                [
                    {
                        "Controller": "RAID",
                        "Drives": [{"Name": "Bay 3", "FailurePredicted": True, "Status": {"Health": "OK"}}],
                    }
                ],
            ]
        ],
    },
}
CHASSIS = {
    "psu": {"ret": True, "entries": [{"Name": "PSU1", "SerialNumber": "P-1", "Status": {"Health": "Critical"}}]},
    "fan": {"ret": False, "msg": "No Fans present"},
}
MANAGER = {
    "log": {
        "ret": True,
        "entries": [
            {
                "Description": "SEL",
                "SEL": [
                    {"Severity": "OK", "Created": "2026-11-25T04:00:00Z", "Message": "Power on"},
                    {
                        "Severity": "Critical",
                        "Created": "2026-11-25T06:00:00+01:00",
                        "Message": "Uncorrectable ECC\x1b[31m",
                    },
                    {"Severity": "Warning", "Created": "never", "MessageId": "X.1.0.Y"},
                ],
            }
        ],
    }
}


def asked(answers: dict[str, dict[str, t.Any]], bmc: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
    """The answer of a BMC whose module says what the table says, by category."""
    found = answer.nothing("")

    def call(dummy: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        return answers[arguments["category"][0]]

    ask.ask({"bmc": bmc or BMC}, found, call, known=lambda name: True)
    return found


def facts(content: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"redfish_facts": content}


def test_redfish() -> None:
    found = asked({"Systems": facts(SYSTEMS), "Chassis": facts(CHASSIS), "Manager": facts(MANAGER)})
    assert (found["asked"], found["via"], found["power"], found["health"]) == (True, "redfish", "off", "critical")
    assert [(psu["name"], psu["state"], psu["serial"]) for psu in found["psus"]] == [("PSU1", "failed", "P-1")]
    assert [link["state"] for link in found["links"]] == ["down"]
    assert [(dimm["name"], dimm["state"]) for dimm in found["memory"]] == [("DIMM_A2", "failed")]
    assert [(drive["name"], drive["state"]) for drive in found["drives"]] == [("Bay 3", "warning")]
    assert found["fans"] == []
    # Newest first; an entry whose time nobody understands comes last; control characters are gone.
    assert [entry["text"] for entry in found["log"]] == ["Uncorrectable ECC [31m", "Power on", "X.1.0.Y"]
    assert all("\x1b" not in entry["text"] for entry in found["log"])


def test_of_several_systems_the_named_one_counts() -> None:
    answers = {"Systems": facts(SYSTEMS), "Chassis": facts({}), "Manager": facts({})}
    assert asked(answers, {**BMC, "system": "2"})["power"] == "on"
    assert asked(answers, {**BMC, "system": "9"})["power"] == "unknown"


def test_a_bmc_that_stops_half_way_has_still_said_something() -> None:
    failed = {"failed": True, "msg": "timed out"}
    found = asked({"Systems": facts(SYSTEMS), "Chassis": failed, "Manager": failed})
    assert (found["asked"], found["power"]) == (True, "off")
    assert "timed out" in found["reason"]


@pytest.mark.parametrize(
    "first",
    [
        {"failed": True, "msg": "URL Error: connection refused"},
        {"redfish_facts": {"system": {"ret": False, "msg": "HTTP Error 401"}}},
        {"redfish_facts": None},
        {},
    ],
)
def test_no_answer_is_no_statement(first: dict[str, t.Any]) -> None:
    found = asked({"Systems": first})
    assert (found["asked"], found["power"], found["psus"]) == (False, "unknown", [])
    assert found["reason"]


def test_without_the_collection_or_a_bmc_nothing_is_asked() -> None:
    def never(dummy: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        raise AssertionError(arguments)

    found = answer.nothing("")
    ask.ask({"bmc": BMC}, found, never, known=lambda name: False)
    assert (found["asked"], "community.general" in found["reason"]) == (False, True)
    for given in (None, {}, {"contract": "x"}):
        found = answer.nothing("")
        ask.ask(given, found, never, known=lambda name: True)
        assert "names no BMC" in found["reason"]


def test_the_certificate_is_verified_unless_the_inventory_says_otherwise() -> None:
    seen = []

    def call(dummy: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        seen.append(arguments)
        return {"failed": True, "msg": "no"}

    for more in ({}, {"verify": False}, {"ca": "/etc/ssl/bmc.pem", "port": 8443}):
        ask.ask({"bmc": {**BMC, **more}}, answer.nothing(""), call, known=lambda name: True)
    assert [options["validate_certs"] for options in seen] == [True, False, True]
    assert (seen[2]["ca_path"], seen[2]["baseuri"]) == ("/etc/ssl/bmc.pem", "bmc1.example.test:8443")


def test_ipmi() -> None:
    assert ipmi.read_chassis((RECORDED / "ipmi-chassis.txt").read_text()) == ("off", "critical")
    assert ipmi.read_chassis("") == ("unknown", "unknown")
    first, second, third, fourth = ipmi.read_events((RECORDED / "ipmi-sel.txt").read_text())
    assert (first["when"], first["text"]) == (None, "Power Supply PSU1 Sta: Failure detected Asserted")
    assert third["when"] - second["when"] == 18116.0
    assert third["text"] == "Memory DIMM ECC: Uncorrectable ECC Asserted"
    assert fourth["when"] - third["when"] == 43203.0
    sensors = ipmi.read_sensors((RECORDED / "ipmi-sdr.txt").read_text())
    assert [sensor["state"] for sensor in sensors] == ["failed", "ok", "unknown", "failed"]


def test_the_password_is_not_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ipmitool"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\necho "System Power : on"\n[ -n "$IPMI_PASSWORD" ]\n')
    program.chmod(0o755)
    monkeypatch.setattr(ipmi.shutil, "which", lambda name: str(program))
    found = answer.nothing("")
    ask.ask({"bmc": {**BMC, "type": "ipmi", "cipher": 3}}, found, call=lambda *given: {}, known=lambda name: True)
    assert (found["asked"], found["power"]) == (True, "on")
    said = (tmp_path / "said").read_text()
    assert BMC["password"] not in said and "-C 3" in said


def test_a_recording_holds_no_login_of_a_bmc() -> None:
    given = {"contract": "C-1", "bmc": BMC}
    assert hardware.public(given) == {"contract": "C-1", "bmc": {"type": "redfish", "address": "bmc1.example.test"}}
    assert hardware.public("text") == "text" and hardware.public(None) is None


def test_the_inventory_as_rules_see_it() -> None:
    empty = {"contract": None, "spare": None, "location": None, "serial": None, "bmc": None}
    assert hardware.hardware(None) == empty
    found = hardware.hardware({"contract": 4711, "bmc": BMC})
    assert found == {**empty, "contract": "4711", "bmc": {"type": "redfish", "address": "bmc1.example.test"}}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("rack 3", "must be a mapping"),
        ({"kontract": "x"}, "unknown key 'kontract'"),
        ({"spare": ["a"]}, "mail_hardware.spare must be a text"),
        ({"bmc": "10.0.0.1"}, "mail_hardware.bmc must be a mapping"),
        ({"bmc": {"type": "ilo", "address": "x"}}, "one of redfish, ipmi, not 'ilo'"),
        ({"bmc": {"type": "ipmi"}}, "mail_hardware.bmc.address"),
        ({"bmc": {**BMC, "port": "https"}}, "mail_hardware.bmc.port must be a number"),
        ({"bmc": {**BMC, "pasword": "x"}}, "unknown key 'pasword'"),
    ],
)
def test_what_cannot_be_understood_is_named(value: t.Any, says: str) -> None:
    with pytest.raises(hardware.HardwareError, match=says):
        hardware.hardware(value)
