# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of the terminal report: one cause, one host, the risks.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _findings, _parts, _view
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._findings import Finding
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet, columns, pad

_EVIDENCE = (6, 40)
_RISKS = (10, 200)


def services(sheet: Sheet, host: _view.Host) -> list[str]:
    """What works and what does not, in short parts: `✗ smtp submission(s) refused`, `✓ imap(s) pop3(s)`."""
    parts = []
    for group in host.services:
        words = f"{group.protocols} {group.word} {group.where}".split()
        sign = {"bad": "FAIL" if sheet.plain else "✗", "good": "ok" if sheet.plain else "✓"}.get(group.state, "-")
        parts.append(sheet.text(" ".join([sign, *words])))
    return parts or ["nothing probed"]


def host(sheet: Sheet, host: _view.Host, verbose: bool) -> None:
    """Everything a person needs to act on one host."""
    name = f"{host.name} ({host.site})" if host.site else host.name
    sheet.rule(name, host.sign.word, "bold", host.verdict)
    if host.summary:
        sheet.para(host.summary)
    for index, finding in enumerate(host.causes):
        sheet.blank()
        cause(sheet, finding, host.explained(finding), verbose, (index + 1, len(host.causes)))
    for finding in host.fleet_causes:
        sheet.field("Also", f"{finding.title} ({finding.confidence}), see above")
    sheet.blank()
    for finding in host.unexplained[: _EVIDENCE[verbose]]:
        sheet.field("Unexplained", finding.title, "bold")
        _evidence(sheet, finding, verbose)
    if not host.login_ok:
        sheet.field("Login", host.login)
    for index, blind in enumerate(host.not_judged[: _EVIDENCE[verbose]]):
        sheet.field(
            "" if index else "Not judged", f"{', '.join(blind.rules) if verbose else blind.brief}: {blind.because}"
        )
    for index, step in enumerate(host.next):
        sheet.field("" if index else "Look next", step)
    for action in host.actions:
        _action(sheet, action, verbose)
    if verbose:
        for finding in host.notes:
            sheet.field("Note", finding.title)
        _matrix(sheet, host)
        if host.facts_file:
            sheet.field("Facts", host.facts_file)


def cause(
    sheet: Sheet, finding: Finding, symptoms: Sequence[Finding], verbose: bool, place: tuple[int, int] = (1, 1)
) -> None:
    """A root cause with its evidence, what to do and what not, and what it explains."""
    lead = f"Cause {place[0]}/{place[1]}" if place[1] > 1 else "Cause"
    sheet.field(lead, finding.title, "bold", "bold")
    facts = [f"{finding.confidence}{', ' + finding.percent if verbose and finding.percent else ''}"]
    facts += [finding.severity, finding.nature, finding.id if verbose else ""]
    if finding.subject and finding.subject not in finding.title:
        facts.insert(0, finding.subject)
    sheet.parts([part for part in facts if part], "dim", 14 if sheet.width >= 50 else 4)
    _evidence(sheet, finding, verbose)
    if finding.do:
        sheet.field("Do", finding.do, "", "do")
    if finding.action:
        words = "may run by itself" if finding.automatic else "only when a person says so"
        args = ", ".join(f"{key}={value}" for key, value in finding.args)
        sheet.field("Remedy", f"{finding.action} ({words})" + (f" with {args}" if verbose and args else ""))
    if finding.dont or finding.forbid:
        barred = f"Barred remedies: {', '.join(finding.forbid)}." if finding.forbid else ""
        sheet.field("Do not", f"{finding.dont} {barred}".strip(), "", "dont")
    if symptoms:
        titles = list(dict.fromkeys(symptom.title for symptom in symptoms))
        more = f"; and {len(titles) - 5} more" if len(titles) > 5 and not verbose else ""
        sheet.field("Explains", "; ".join(titles if verbose else titles[:5]) + more)
    if finding.cure:
        sheet.field("For good", finding.cure)


def risks(sheet: Sheet, view: _view.Report, verbose: bool) -> None:
    """What may go wrong later, kept apart."""
    if not view.risks:
        return
    sheet.blank()
    sheet.rule("Risks", "not tonight's trouble")
    for item in view.risks[: _RISKS[verbose]]:
        names = ", ".join(item.hosts[:4]) + (f" and {len(item.hosts) - 4} more" if len(item.hosts) > 4 else "")
        advice = item.finding.do or item.finding.cure
        text = f"{item.finding.title}{' (' + names + ')' if names else ''}"
        sheet.para(text, "", 2, "- ")
        if advice:
            sheet.para(advice, "dim", 4)
    if len(view.risks) > _RISKS[verbose]:
        sheet.para(f"and {len(view.risks) - _RISKS[verbose]} more in the report", "dim", 2)


def _action(sheet: Sheet, action: _parts.Action, verbose: bool) -> None:
    """What a remedy did, or why not, step by step where it did not go well."""
    style = {"done": "good" if action.held else "", "failed": "bad", "refused": "dont"}.get(action.state, "")
    subject = f" {action.subject}" if action.subject else ""
    sheet.field("Action", f"{action.words} {action.action}{subject}: {action.why}".rstrip(": "), style)
    start = 14 if sheet.width >= 50 else 4
    if action.before or action.after:
        change = f"before: {action.before or 'not known'}; after: {action.after or 'not known'}"
        sheet.para(change, "dim", start)
    if verbose or action.state == "failed" or action.proof and not action.held:
        for what, result in action.steps:
            sheet.para(f"{what}: {result}".rstrip(": "), "dim", start, "- ")
    for note in action.notes:
        sheet.para(note, "dim", start, "- ")
    if action.proof:
        sheet.para(action.proof, "good" if action.held else "bad", start)
    if action.again:
        sheet.para(f"may be tried again at {action.again}", "", start)
    if action.evidence:
        more = f" and {len(action.evidence) - 1} more" if len(action.evidence) > 1 else ""
        sheet.para(f"evidence: {action.evidence[0]}{more}", "dim", start)


def _evidence(sheet: Sheet, finding: Finding, verbose: bool) -> None:
    shown = finding.evidence[: _EVIDENCE[verbose]]
    start = 14 if sheet.width >= 50 else 4
    label = "Seen"
    for place, items in _findings.by_place(shown):
        if place or start < 14:
            sheet.field(label, f"{place}:" if place else "")
            label = ""
        for item in items:
            lead = f"  {label:<12}- " if label else " " * start + "- "
            sheet.para(item.says, "", 0, lead, "dim")
            label = ""
            if verbose and item.fact:
                sheet.para(f"{item.fact} = {item.value}", "dim", start + 2)
    left = len(finding.evidence) - len(shown) + finding.evidence_left
    if left:
        sheet.para(f"and {left} more in triage.json", "dim", start)


def _matrix(sheet: Sheet, host: _view.Host) -> None:
    """Vantage points by protocols, one line each where they fit."""
    table = host.matrix
    if not table.rows:
        return
    first = min(max(columns(sheet.text(row.vantage)) for row in table.rows), sheet.width // 4)
    widths = [
        max([columns(sheet.text(protocol))] + [columns(sheet.text(row.cells[index].word)) for row in table.rows])
        for index, protocol in enumerate(table.protocols)
    ]
    if 2 + first + sum(width + 2 for width in widths) > sheet.width:
        for row in table.rows:
            seen = ", ".join(f"{cell.protocol} {cell.word}" for cell in row.cells if cell.state != "none")
            sheet.field("Reach", f"from {row.vantage}: {seen or 'not probed'}")
        return
    heads = "".join("  " + pad(sheet.text(name), width) for name, width in zip(table.protocols, widths))
    sheet.raw(sheet.paint("  " + " " * first + heads, "dim"))
    for row in table.rows:
        cells = "".join(
            "  " + sheet.paint(pad(sheet.text(cell.word), width), {"good": "good", "bad": "bad"}.get(cell.state, "dim"))
            for cell, width in zip(row.cells, widths)
        )
        sheet.raw("  " + pad(sheet.fit(row.vantage, first), first) + cells)
