# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is going to be done, what has to be asked, and what will not be done, before it happens.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe, _words
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet

_MOST = 40
_WORDS = {"go": "Will do", "ask": "Asks first", "refused": "Not done"}
_STYLES = {"go": "do", "ask": "bold", "refused": "dont"}


def render(
    plans: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    live: bool,
    check: bool,
    width: int,
    color: bool,
    verbose: bool = False,
    ascii_only: bool = False,
) -> str:
    """Show a plan on a terminal.

    :param plans: by host, the items in their order
    :param live: false for a recording, about which nothing can be done
    :param check: only looked at, and not carried out
    """
    sheet = Sheet(width, color, ascii_only)
    everything = [(name, item) for name, items in plans.items() for item in items]
    counts = [f"{sum(item['state'] == state for dummy, item in everything)} {word}" for state, word in _COUNTS]
    mode = "" if live else "a recording: nothing is done"
    sheet.rule("Plan", mode or ("check mode: nothing is changed" if check else ", ".join(counts)))
    if not everything:
        sheet.para("There is nothing to be done.", "", 2)
    shown = everything if verbose else everything[:_MOST]
    for name, item in shown:
        state = item["state"]
        sheet.field(_WORDS[state], f"{_safe.inert(name, 80)}: {said(item)}", "", _STYLES[state])
        sheet.para(f"because {_because(item)}", "dim", 14 if sheet.width >= 50 else 4)
    if len(everything) > len(shown):
        sheet.para(f"and {len(everything) - len(shown)} more in the report", "dim", 2)
    asking = sorted({name for name, item in everything if item["state"] == "ask"})
    if asking and live:
        hosts = ",".join(_safe.inert(name, 80) for name in asking[:8])
        sheet.para(f"To do what asks: -e remediate_auto=all -l {hosts}", "", 2)
    return sheet.done()


_COUNTS = (("go", "to do"), ("ask", "to ask"), ("refused", "not done"))


def question(plans: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """What a person at the terminal is asked; empty when there is nothing to ask."""
    asks = [(name, item) for name, items in plans.items() for item in items if item["state"] == "ask"]
    if not asks:
        return ""
    lines = [f"  {_safe.inert(name, 80)}: {said(item)}" for name, item in asks[:_MOST]]
    if len(asks) > _MOST:
        lines.append(f"  and {len(asks) - _MOST} more")
    things = _words.count(len(asks), "remedy", "remedies")
    return "\n".join([f"{things} will only be done when you say so:", *lines, "Type yes to do them, or press Enter"])


def said(item: Mapping[str, Any]) -> str:
    """An item in one line: `restart_daemon postfix@-.service (how=start) for software.mta_not_running`."""
    more = ", ".join(
        f"{_safe.inert(key, 40)}={_safe.inert(value, 80)}"
        for key, value in item["args"].items()
        if str(value) != item["subject"]
    )
    words = f"{item['action']} {_safe.inert(item['subject'], 120)}" + (f" ({more})" if more else "")
    return f"{words} for {', '.join(item['findings'])}"


def _because(item: Mapping[str, Any]) -> str:
    return _safe.inert(item["why"], 400)
