# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An explanation on a terminal: which rules fired, which nearly did, what was missing, what explained what away.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _why
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet

_HOSTS = (8, 100)
_NEAR = (5, 30)


def render(
    explanations: Mapping[str, Any], width: int, color: bool, verbose: bool = False, ascii_only: bool = False
) -> str:
    """Show the explanations of some hosts.

    :param explanations: by host, as the engine made them; nothing raises for what is inside
    :param verbose: more hosts, more of the rules that nearly fired
    """
    sheet = Sheet(width, color, ascii_only)
    shown = list(explanations.items())[: _HOSTS[verbose]]
    for name, value in shown:
        _host(sheet, _why.why(name, value), verbose)
    if len(explanations) > len(shown):
        sheet.para(f"and {len(explanations) - len(shown)} more hosts on the page", "bold")
    if not explanations:
        sheet.para("No host is sick: name one with explain_host to have it explained.")
    return sheet.done()


def _host(sheet: Sheet, why: _why.Why, verbose: bool) -> None:
    sheet.rule(why.name, why.sign.word, "bold", why.sign.word)
    sheet.para(why.summary)
    if why.asked:
        for asked in why.asked:
            _asked(sheet, asked)
        sheet.blank()
        return
    sheet.blank()
    sheet.para("Rules that fired" if why.fired else "No rule fired.", "bold")
    for fired in why.fired:
        sheet.para(f"{fired.title} ({fired.kind}, {fired.sure})", "", 2, "- ")
        sheet.para(fired.rule + (f"; {fired.because}" if fired.because else ""), "dim", 4)
    if why.chains:
        sheet.blank()
        sheet.para("What explained what away", "bold")
        ways: dict[tuple[str, ...], list[str]] = {}
        for way in why.chains:
            ways.setdefault(way[1:], []).append(way[0])
        for causes, effects in ways.items():
            more = f" and {len(effects) - 6} more" if len(effects) > 6 else ""
            sheet.para(f"{' → '.join(reversed(causes))} → {', '.join(effects[:6])}{more}", "", 2, "- ")
    if why.near:
        sheet.blank()
        sheet.para("Rules that nearly fired", "bold")
        for near in why.near[: _NEAR[verbose]]:
            _near(sheet, near)
        if len(why.near) > _NEAR[verbose]:
            sheet.para(f"and {len(why.near) - _NEAR[verbose]} more on the page", "dim", 4)
    if why.blind:
        sheet.blank()
        sheet.para("What was missing", "bold")
        for blind in why.blind:
            sheet.para(f"{blind.because}: {', '.join(blind.rules) if verbose else blind.brief} not judged", "", 2, "- ")
    sheet.blank()


def _near(sheet: Sheet, near: _why.Near) -> None:
    sheet.para(f"{near.rule}: {near.why}" if near.why else near.title, "", 2, "- ")
    if near.would:
        sheet.para(f"it would explain {', '.join(near.would)}", "dim", 4)
    for part in near.parts:
        sign = {True: "✓", False: "✗", None: "?"}[part.holds]
        seen = f" ({part.values})" if part.values else ""
        sheet.para(f"{part.text}{seen}", "dim", 4, f"{sign} ", "good" if part.holds else "bad")


def _asked(sheet: Sheet, asked: _why.Asked) -> None:
    sheet.blank()
    sheet.para(f"{asked.rule}: {asked.state}", "bold")
    sheet.field("Title", asked.title)
    sheet.field("When", asked.when)
    sheet.field("Rule", asked.place)
    for one in asked.tries:
        _near(sheet, one)
