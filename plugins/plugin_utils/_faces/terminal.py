# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report for a tired person on call: what is broken, why, what to do, what not to do. Worst first.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import (
    _terminal_detail,
    _terminal_table,
    _view,
    _words,
)
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet

# Hosts shown in full before "and more": a fleet of a thousand must stay a few pages. (usual, verbose)
_DETAIL = (8, 100)
_NOTES = 6


def render(report: Mapping[str, Any], width: int, color: bool, verbose: bool = False, ascii_only: bool = False) -> str:
    """Show a `mailops.triage/report/1` document on a terminal.

    :param report: the report; what is missing or of a wrong type is left out, nothing raises
    :param width: columns of the terminal (at least 30); no line is longer, wide characters counted as two
    :param color: add ANSI colours; nothing is told by colour alone
    :param verbose: add fact paths and values, vantage matrices, notes, and more hosts
    :param ascii_only: for encodings without Unicode: only ASCII comes out
    :returns: text that ends in a newline and holds no control characters but newlines and our own colours
    """
    view = _view.build(report)
    sheet = Sheet(width, color, ascii_only)
    _headline(sheet, view, verbose)
    _reported(sheet, view, verbose)
    _fleet(sheet, view, verbose)
    _terminal_table.table(sheet, view, verbose)
    _details(sheet, view, verbose)
    _terminal_detail.risks(sheet, view, verbose)
    _place(sheet, view)
    return sheet.done()


def _headline(sheet: Sheet, view: _view.Report, verbose: bool) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in view.counts if number) or "no hosts examined"
    word = f"{_terminal_table.sign(sheet, view.sign)} {view.sign.word.upper()}"
    text = f"{_words.count(view.total, 'host')}: {counts}" if view.total else counts
    if view.scope and view.scope != "none":
        text += f" · scope: {view.scope}"
    sheet.para(text, "bold", 0, word + "  ", view.verdict)
    if view.summary:
        sheet.para(view.summary)
    if view.acts:
        sheet.para("Remedies: " + ", ".join(f"{number} {words}" for words, number in view.acts))
    keep = {"Ticket", "Limit", "Started", "Took", "Mode", "Parts"} | ({"Run", "Versions"} if verbose else set())
    meta = [f"{label.lower()} {text}" for label, text in view.run if label in keep]
    usable = [vantage.name for vantage in view.vantages if vantage.usable]
    if usable:
        meta.append(f"seen from {_terminal_table.some_names(usable, 6)}")
    sheet.parts(meta, "dim")


def _reported(sheet: Sheet, view: _view.Report, verbose: bool) -> None:
    """What the user said, and whether the evidence agrees: before anything else is told."""
    told = view.symptom
    if told is None:
        return
    sheet.blank()
    sheet.rule("Reported", told.words, "bold")
    sheet.para(told.says)
    who = [part for part in (told.scope, told.affected) if part]
    if who:
        sheet.field("Affected", " · ".join(who))
    for index, statement in enumerate(told.understood[: 12 if verbose else 3]):
        about = f" ({statement.about})" if statement.about else ""
        sheet.field("" if index else "Understood", f"{statement.says}{about}")
        if statement.hypothesis and (verbose or told.agrees != "yes"):
            sheet.field("Usually", statement.hypothesis, "dim")


def _fleet(sheet: Sheet, view: _view.Report, verbose: bool) -> None:
    """What is true of more than one host, and vantage points that told nothing."""
    if view.causes:
        sheet.blank()
        sheet.rule("Across hosts", "look here first", "bold")
        for index, cause in enumerate(view.causes):
            if index:
                sheet.blank()
            _terminal_detail.cause(sheet, cause, (), verbose)
            below = [host.name for host in view.hosts if cause in host.fleet_causes]
            if below:
                sheet.field("Explains", f"{_words.count(len(below), 'host')}: {_terminal_table.some_names(below, 8)}")
    elif len(view.sick) > _DETAIL[0] and len(view.shared) < len(view.sick):
        sheet.blank()
        sheet.rule("Causes", _words.count(len(view.shared), "kind"))
        for item in view.shared[:12]:
            lead = f"{_words.count(len(item.hosts), 'host')}  "
            finding = item.finding
            names = _terminal_table.some_names(item.hosts, 4)
            sheet.para(f"{finding.title} ({finding.confidence}): {names}", "", 2, lead.rjust(11), "bold")
        if len(view.shared) > 12:
            sheet.para(f"and {len(view.shared) - 12} more kinds", "dim", 2)
    for finding in view.others if verbose else ():
        sheet.field(finding.kind or "note", finding.title)
    if view.notes:
        sheet.blank()
        for note in view.notes[: len(view.notes) if verbose else _NOTES]:
            sheet.para(note, "", 0, "! ", "degraded")
        if len(view.notes) > _NOTES and not verbose:
            sheet.para(f"and {len(view.notes) - _NOTES} more remarks about the parts", "dim", 2)
    if view.unusable:
        sheet.blank()
        for vantage in view.unusable:
            why = f" ({vantage.status}{': ' + vantage.why if vantage.why else ''})"
            others = "the others still count" if len(view.unusable) < len(view.vantages) else "no other was left"
            sheet.para(f"Vantage point {vantage.name} could not be used{why}; {others}.", "", 0, "! ", "degraded")


def _details(sheet: Sheet, view: _view.Report, verbose: bool) -> None:
    """One block per sick host with something of its own to say."""
    telling = [host for host in view.sick if not host.inherited]
    telling += [host for host in view.hosts if not host.sick and (host.actions or host.causes and verbose)]
    alike: dict[tuple[str, ...], list[_view.Host]] = {}
    if len(telling) > _DETAIL[verbose]:
        # Eight times the same story helps nobody: one host tells it, the others are named.
        for host in telling:
            alike.setdefault(host.lines if host.causes else (host.name,), []).append(host)
        telling = [same[0] for same in alike.values()]
    for host in telling[: _DETAIL[verbose]]:
        sheet.blank()
        _terminal_detail.host(sheet, host, verbose)
        others = [other.name for other in alike.get(host.lines, ())[1:]]
        if others:
            sheet.field("Same on", f"{_words.count(len(others), 'more host')}: {_terminal_table.some_names(others, 8)}")
    if len(telling) > _DETAIL[verbose]:
        sheet.blank()
        where = "index.html" if view.report_dir else "the report"
        sheet.para(f"{_words.count(len(telling) - _DETAIL[verbose], 'more host')} with details in {where}", "bold")


def _place(sheet: Sheet, view: _view.Report) -> None:
    if view.report_dir:
        sheet.blank()
        sheet.para(f"{view.report_dir.rstrip('/')}/index.html", "", 0, "Report  ", "bold")
        sheet.para("beside it triage.json for programs, and facts/ with what each host said", "dim", 8)
