# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal face: what it says, how wide it is, and that nothing from outside acts on the terminal."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import terminal
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import columns, fit, pack, wrap
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.faces import samples

WIDTHS = (60, 80, 120, 200)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Everything a terminal could take as an order, and what turns or hides text.
_ACTIVE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def _flat(text: str) -> str:
    """The text with wrapping undone, for phrases that a narrow terminal breaks."""
    return " ".join(text.split())


def _at(text: str, phrase: str) -> int:
    assert phrase in text, phrase
    return text.index(phrase)


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("width", [30, 40, *WIDTHS])
@pytest.mark.parametrize("name", samples.RECORDED)
def test_no_line_is_wider_than_the_terminal(name: str, width: int, plain: bool, verbose: bool) -> None:
    shown = terminal.render(samples.load(name), width, False, verbose, plain)
    assert [line for line in shown.splitlines() if columns(line) > width] == []
    assert shown.endswith("\n")
    assert not _ACTIVE.search(shown)
    assert shown.isascii() or not plain


@pytest.mark.parametrize("name", samples.RECORDED)
@pytest.mark.parametrize("width", WIDTHS)
def test_colours_add_and_change_nothing(name: str, width: int) -> None:
    report = samples.load(name)
    coloured = terminal.render(report, width, True)
    assert _COLOUR.sub("", coloured) == terminal.render(report, width, False)
    assert "\x1b[" in coloured


@pytest.mark.parametrize("width", WIDTHS)
def test_a_fleet_in_trouble(width: int) -> None:
    shown = terminal.render(samples.load("fleet"), width, False)
    flat = _flat(shown)
    assert shown.startswith("✗ DOWN  6 hosts: 3 down, 1 degraded,")
    assert "scope: host" in flat
    assert "Vantage point dept-b could not be used (unreachable" in flat
    assert "the others still count" in flat
    for phrase in (
        "ticket INC-20417",
        "✗ all services timeout",
        "✗ smtp submission refused",
        "✓ imap(s) pop3(s)",
        "timeout from outside",
        "Cause 1/2 Dovecot is not running",
        "Cause 2/2 A firewall rule on the host drops IMAP (143, 993)",
        "Seen on the host: - No Postfix master process is there",
        "from controller: - Port 25 refuses connections.",
        "Remedy restart_daemon (may run by itself)",
        "Remedy escalate (only when a person says so)",
        "Barred remedies: restart_daemon.",
        "smtp submission: error reply from outside (452)",
        "hardware.disk_failing, hardware.raid_degraded: smartctl is not installed",
        "Look next Power state at the BMC",
        "Action planned restart_daemon",
        "/srv/triage-reports/20260504-061209-4c1e/index.html",
    ):
        assert phrase in flat
    assert "Do not Do not" not in flat


def test_the_worst_comes_first_and_risks_come_last() -> None:
    shown = terminal.render(samples.load("fleet"), 100, False)
    blocks = ["── mail5", "── mail4", "── mail2", "── mail3", "── Risks", "Report "]
    assert [_at(shown, block) for block in blocks] == sorted(_at(shown, block) for block in blocks)
    rows = [
        line.split()[1:3] for line in shown.splitlines() if re.match(r" [^\w\s] (down|degraded|main|healthy)", line)
    ]
    assert [name for dummy, name in rows] == ["mail5", "mail4", "mail2", "mail3", "mail6", "mail1"]
    assert "── mail1" not in shown
    assert "── mail6" not in shown
    assert "Certificate of mail1.example.net expires in 9 days (mail1)" in shown[_at(shown, "── Risks") :]


def test_what_is_true_of_all_hosts_is_said_once() -> None:
    shown = terminal.render(samples.load("segment"), 100, False)
    assert _at(shown, "Across hosts") < _at(shown, " Verdict ")
    assert "Explains    4 hosts: mail1, mail2, mail3, mail4" in shown
    assert "✗ all services timeout from dept-b" in shown
    assert "── mail1" not in shown
    assert shown.count("Hand over to the network people") == 1


def test_a_segment_that_cuts_off_many_hosts_is_one_line() -> None:
    report = samples.load("segment")
    model = report["hosts"]["mail1"]
    report["hosts"] = {f"mail{index}": model for index in range(300)}
    shown = terminal.render(report, 80, False)
    assert "300 degraded, across hosts: Department B cannot reach any mail host" in _flat(shown)
    assert len(shown.splitlines()) < 60


def test_an_unknown_host_says_what_is_missing_and_where_to_look() -> None:
    flat = _flat(terminal.render(samples.load("unknown"), 80, False))
    for phrase in (
        "? UNKNOWN 1 host: 1 unknown",
        "cause not found: SMTP connects but stays silent",
        "Unexplained smtp: silent from outside",
        "fails at 'banner': no greeting within 10 s",
        "Login login timed out",
        "Not judged software.mta_hung, software.host_hung, capacity.disk_full_root: no facts: the login timed out",
        "Look next The console of the machine",
    ):
        assert phrase in flat


def test_verbose_adds_fact_paths_and_the_matrix() -> None:
    brief, full = (terminal.render(samples.load("fleet"), 120, False, verbose) for verbose in (False, True))
    assert "services.mta.master.state = absent" in full
    assert "services.mta.master.state" not in brief
    assert re.search(r"controller +works +cut off +timeout +timeout +refused +refused +works", full)
    assert "software.mta_not_running" in full
    assert "facts/mail2.json" in full


@pytest.mark.parametrize("sick_every", [1, 20])
def test_a_thousand_hosts_stay_readable(sick_every: int) -> None:
    report = samples.crowd(1000, sick_every)
    shown = terminal.render(report, 80, False)
    assert len(shown.splitlines()) < 350
    assert "1000 hosts:" in shown
    assert "more sick hosts: all are in index.html" in shown
    assert "Same on" in shown
    if sick_every > 1:
        assert "950 healthy: mx1.example.net, mx2.example.net" in shown
    assert max(map(columns, shown.splitlines())) <= 80


def test_without_a_report_directory_no_place_is_promised() -> None:
    report = samples.load("fleet")
    report["run"]["report_dir"] = None
    assert "index.html" not in terminal.render(report, 80, False)


def test_when_no_vantage_point_is_left_none_still_counts() -> None:
    report = samples.load("fleet")
    for vantage in report["run"]["vantage_points"]:
        vantage.update(status="failed", why="no Python")
    flat = _flat(terminal.render(report, 80, False))
    assert "no other was left" in flat
    assert "the others still count" not in flat


@pytest.mark.parametrize(
    "text",
    [
        "\x1b]0;owned\x07\x1b[2J\x9b31m\r\nroot cause: none\x00",
        "\u202efdp.exe\u202c\u2066\u200b\ufeff",
        "{{ 7*7 }}{% raw %}<script>alert(1)</script>",
        "全" * 400,
        "e" + "\u0301" * 5000,
        "\U000e0041\ufe0f\u00ad\u180e\U0001f468\u200d\U0001f469",
        "x" * 1_000_000,
        "漢 a\u0301 " * 200_000,
        "\ud800",
        "",
    ],
    ids=["escapes", "bidi", "template", "wide", "zalgo", "invisible", "long", "long-wide", "surrogate", "empty"],
)
def test_text_from_outside_is_inert(text: str) -> None:
    report = samples.everywhere(samples.load("fleet"), text)
    report["hosts"][f"mail9{text}"] = copy.deepcopy(report["hosts"]["mail2"])
    for width in (30, 80, 200):
        shown = terminal.render(report, width, False, True)
        assert not _ACTIVE.search(shown)
        assert not re.search("[\ufe00-\ufe0f\u00ad\u180e\U000e0000-\U000e01ef]|\u0301{3}", shown)
        assert max(map(columns, shown.splitlines())) <= width
        shown.encode("utf-8")
        assert "49" not in shown or text != "{{ 7*7 }}"


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"run": None, "fleet": [], "hosts": {}},
        {"hosts": {"mail1": None, "mail2": {"findings": [None, 7, {}], "reach": {"a": None}, "login": []}}},
        {"run": {"started": "yesterday", "vantage_points": [None, "x"]}, "fleet": {"counts": {"down": "many"}}},
        {"run": {"started": float("inf"), "finished": 1e300}, "hosts": {1: {"verdict": 5, "findings": {"a": 1}}}},
        {
            "run": {"started": 10**400},
            "fleet": {"findings": [{"kind": "root_cause", "pattern": 9, "confidence": None}]},
        },
    ],
)
def test_a_damaged_report_is_still_shown(report: dict[str, Any]) -> None:
    shown = terminal.render(report, 80, False, True)
    assert "UNKNOWN" in shown


def test_wide_characters_are_counted_and_broken_between() -> None:
    assert columns("メール") == 6
    assert columns("e\u0301") == 1
    assert wrap("受信箱の容量が足りません。", 12) == ["受信箱の容量", "が足りませ", "ん。"]
    assert wrap("abcdefgh ij", 4) == ["abcd", "efgh", "ij"]
    assert fit("メールサーバー", 8) == "メール…"
    assert fit("short", 5) == "short"
    assert pack(["one two", "three", "four five six"], " | ", 9) == ["one two", "three", "four five", "six"]


def test_many_rules_not_judged_for_one_reason_are_counted() -> None:
    report = samples.load("unknown")
    blind = [
        {"rule": f"{family}.rule_{index}", "because": "no facts"}
        for family in ("capacity", "data")
        for index in range(9)
    ]
    report["hosts"]["mx-backup"]["not_judged"] = blind
    assert "Not judged 18 rules (capacity, data): no facts" in _flat(terminal.render(report, 80, False))
    assert "data.rule_8" in terminal.render(report, 80, False, True)
