# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures for Prometheus: the grammar of the file, and that it says what the report says.

Prometheus' own parser reads the same files in tests/eda.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import openmetrics
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"([a-z_]+)(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (-?[0-9.]+)")


def read(text: str) -> dict[str, dict[str, float]]:
    """Figures by series and metric, every rule of the format asserted on the way."""
    assert text.endswith("# EOF\n")
    found: dict[str, dict[str, float]] = {}
    described: list[str] = []
    typed = ""
    for line in text.splitlines()[:-1]:
        if line.startswith("# HELP "):
            described.append(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            dummy, dummy, typed, kind = line.split(" ")
            assert kind == "gauge" and typed == described[-1]
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, line
            name, labels, value = match.groups()
            assert name == typed
            series = found.setdefault(name, {})
            assert (labels or "") not in series
            series[labels or ""] = float(value)
    assert sorted(set(described)) == sorted(described) and set(described) == set(found)
    return found


def of(name: str) -> dict[str, dict[str, float]]:
    return read(openmetrics.render(samples.load(name)))


@pytest.mark.parametrize("name", samples.RECORDED)
def test_every_sample_is_well_formed(name: str) -> None:
    of(name)


def test_a_verdict_is_one_and_the_others_are_nought() -> None:
    series = of("fleet")["mailops_triage_host_verdict"]
    mail4 = {labels: value for labels, value in series.items() if 'host="mail4"' in labels}
    assert len(mail4) == 5 and sum(mail4.values()) == 1
    assert next(labels for labels, value in mail4.items() if value).endswith('verdict="down"')


def test_hosts_are_counted_by_verdict() -> None:
    counts = of("fleet")["mailops_triage_hosts"]
    assert counts['verdict="down"'] == 3 and counts['verdict="healthy"'] == 1 and counts['verdict="unknown"'] == 0


def test_findings_have_severity_and_category() -> None:
    (labels,) = of("segment")["mailops_triage_fleet_findings"]
    assert labels == 'id="network.segment_unreachable",kind="root_cause",category="network",severity="major"'
    assert any('category="software",severity="critical"' in one for one in of("fleet")["mailops_triage_host_findings"])


def test_reach_is_told_by_protocol_and_vantage_point() -> None:
    reach = of("segment")["mailops_triage_reach"]
    assert reach['host="mail1",site="tokyo",protocol="imap",vantage="dept-a"'] == 1
    assert reach['host="mail1",site="tokyo",protocol="imap",vantage="dept-b"'] == 0


def test_what_a_host_is_not_meant_to_offer_is_no_failure() -> None:
    report = samples.load("segment")
    report["hosts"]["mail1"]["expected"] = ["smtp"]
    reach = read(openmetrics.render(report))["mailops_triage_reach"]
    assert not any(
        'host="mail1"' in labels and 'protocol="imap"' in labels and not value for labels, value in reach.items()
    )


def test_when_and_how_long() -> None:
    report = samples.load("fleet")
    report["run"].update(started=1_700_000_000.0, finished=1_700_000_012.5)
    found = read(openmetrics.render(report))
    assert found["mailops_triage_run_timestamp_seconds"] == {"": 1_700_000_012.5}
    assert found["mailops_triage_run_duration_seconds"] == {"": 12.5}


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", 'a\\"b', "\\", '"', "{}", "# HELP", "a\u2028b", "\x00"])
def test_no_text_breaks_the_file(text: str) -> None:
    report = samples.load("fleet")
    report["hosts"] = {
        f"{text}{index}": samples.everywhere(host, text) for index, host in enumerate(report["hosts"].values())
    }
    read(openmetrics.render(report))


def test_names_that_become_equal_stay_one_series() -> None:
    report = samples.load("fleet")
    host = report["hosts"]["mail1"]
    report["hosts"] = {"mail\u200b1": host, "mail\u20601": host}
    read(openmetrics.render(report))


@pytest.mark.parametrize(
    "damaged", [{}, {"hosts": []}, {"run": None, "hosts": {"a": None}}, {"fleet": 7, "hosts": {"": {}}}]
)
def test_a_damaged_report_raises_nothing(damaged: dict[str, Any]) -> None:
    read(openmetrics.render(damaged))
