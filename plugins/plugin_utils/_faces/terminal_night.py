# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A patch night for a terminal: what is planned, and what became of it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _night_words, _safe, _words
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet

_MOST_HOSTS = 60
_MOST_PACKAGES = 6


def plan(
    night: Mapping[str, Any],
    *,
    gate: str,
    check: bool,
    width: int,
    color: bool,
    verbose: bool = False,
    ascii_only: bool = False,
) -> str:
    """Show the plan of a night.

    :param night: the ledger
    :param gate: why nothing may be begun now, or an empty text
    :param check: only looked at, and not carried out
    """
    sheet = Sheet(width, color, ascii_only)
    working = [name for batch in night["batches"] for name in batch["hosts"]]
    mode = "check mode: nothing is changed" if check else _words.count(len(working), "host")
    sheet.rule(f"Patch night {_safe.inert(night['id'], 60)}", mode)
    if gate:
        sheet.para(f"It may not begin now: {_safe.inert(gate, 300)}.", "bold", 2)
    if not working:
        sheet.para("There is nothing to be done.", "", 2)
    for batch in night["batches"]:
        for name in batch["hosts"]:
            host = night["hosts"][name]
            group = f" ({', '.join(_safe.texts(host['groups'], 40))})" if host["groups"] else ""
            state = "" if host["state"] == "planned" else f"{_night_words.STATES[host['state']].word}, "
            sheet.field(batch["name"], f"{_safe.inert(name, 80)}{group}: {state}{_night_words.pending(host)}")
            for line in _frozen(host, verbose):
                sheet.para(line, "dim", 14 if sheet.width >= 50 else 4)
    for name, host in night["hosts"].items():
        if host["state"] in ("left", "nothing") and name not in working:
            sheet.field("not", f"{_safe.inert(name, 80)}: {_safe.inert(host['why'], 200)}", "dim")
    alone = [name for name in working if not night["hosts"][name]["groups"]]
    if alone:
        names = ", ".join(_safe.inert(name, 80) for name in alone[:8])
        sheet.para(f"Nobody is known to stand in for {names}: no mail_redundancy_group.", "", 2)
    return sheet.done()


def render(
    report: Mapping[str, Any], *, width: int, color: bool, verbose: bool = False, ascii_only: bool = False
) -> str:
    """Show the report of a night."""
    sheet = Sheet(width, color, ascii_only)
    counts = [
        f"{report['counts'][state]} {one.word}" for state, one in _night_words.STATES.items() if report["counts"][state]
    ]
    sheet.rule(f"Patch night {_safe.inert(report['id'], 60)}", ", ".join(counts) or "no host")
    for line in _night_words.headlines(report):
        sheet.para(line, "bold", 2)
    names = sorted(report["hosts"], key=lambda name: (_rank(report["hosts"][name]), _safe.natural(name)))
    for name in names[: None if verbose else _MOST_HOSTS]:
        _host(sheet, name, report["hosts"][name], verbose)
    if len(names) > _MOST_HOSTS and not verbose:
        sheet.para(f"and {len(names) - _MOST_HOSTS} more hosts in the report", "dim", 2)
    lines = _night_words.groups(report)
    if lines:
        sheet.blank()
        sheet.rule("Redundancy groups")
        for name, line, good in lines:
            sheet.field(name, line, "good" if good else "bad")
    for line in _night_words.measured(report):
        sheet.para(line, "dim", 2)
    return sheet.done()


def _host(sheet: Sheet, name: str, host: Mapping[str, Any], verbose: bool) -> None:
    state = _night_words.STATES[host["state"]]
    why = f": {_safe.inert(host['why'], 300)}" if host["why"] else ""
    sheet.field(_safe.inert(name, 80), f"{state.word}{why}", state.style)
    indent = 14 if sheet.width >= 50 else 4
    for line in _night_words.lines(host, None if verbose else _MOST_PACKAGES):
        sheet.para(line, "dim", indent)
    for line in host["left"][: None if verbose else 8]:
        sheet.para(_safe.inert(line, 300), "", indent, "left: ")
    for line in host["next"]:
        sheet.para(_safe.inert(line, 400), "", indent, "next: ", "do")


def _rank(host: Mapping[str, Any]) -> int:
    return _night_words.STATES[host["state"]].rank


def _frozen(host: Mapping[str, Any], verbose: bool) -> Sequence[str]:
    if not host["frozen"]:
        return []
    named = [{"package": name, **one} for name, one in sorted(host["frozen"]["packages"].items())]
    named.sort(key=lambda one: (not one["mail_path"], not one["security"]))
    text = _night_words.packages(named, None if verbose else _MOST_PACKAGES)
    return [text] if text else []
