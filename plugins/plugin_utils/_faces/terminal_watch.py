# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a watch saw, and how remedies proved, for a terminal.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _parts, _safe, _services, _words
from ansible_collections.mailops.triage.plugins.plugin_utils._faces._layout import Sheet

_MOST_HOSTS = 40
_MOST_OUTAGES = 6


def said(action: Mapping[str, Any], proof: Mapping[str, Any]) -> str:
    """How a remedy proved, in one line: `restart_daemon postfix@-.service: works again after 4.1 s`."""
    return f"{action['action']} {_safe.inert(action['subject'], 120)}: {_parts.proof(proof)}"


def render(
    watch: Mapping[str, Any],
    hosts: Sequence[str],
    *,
    width: int,
    color: bool,
    verbose: bool = False,
    ascii_only: bool = False,
) -> str:
    """Show a watch.

    :param watch: C(seconds), C(looks), and C(hosts) with C(outages) and C(downtime) of those that had any
    :param hosts: everybody who was watched
    """
    sheet = Sheet(width, color, ascii_only)
    span = f"{_words.count(len(hosts), 'host')}, {_safe.duration(watch['seconds'])}, {watch['looks']} looks"
    sheet.rule("Watched", span)
    fell: Mapping[str, Any] = watch["hosts"]
    if not fell:
        sheet.para("Everything answered all the time.", "good", 2)
    for name in list(fell)[: None if verbose else _MOST_HOSTS]:
        parts = [f"{protocol} {_safe.duration(seconds)}" for protocol, seconds in fell[name]["downtime"].items()]
        sheet.field(_safe.inert(name, 80), f"down: {', '.join(parts) or 'ssh only'}", "bad")
        for line in _outages(fell[name]["outages"])[: None if verbose else _MOST_OUTAGES]:
            sheet.para(line, "dim", 4, "- ")
    if len(fell) > _MOST_HOSTS and not verbose:
        sheet.para(f"and {len(fell) - _MOST_HOSTS} more hosts", "dim", 2)
    return sheet.done()


def _outages(outages: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each time and way in which protocols were down together."""
    together: dict[tuple[str, str, str], list[str]] = {}
    for outage in outages:
        until = "still down" if outage["to"] is None else f"until {_safe.moment(outage['to'])}"
        word = _words.OUTCOMES[outage["outcome"]].word if outage["outcome"] in _words.OUTCOMES else "down"
        key = (f"{_safe.moment(outage['from'])} {until}", word, _safe.inert(outage["seen_from"], 60))
        together.setdefault(key, []).append(outage["protocol"])
    return [
        f"{when}: {_services.joined(protocols)} {word} from {place}"
        for (when, word, place), protocols in together.items()
    ]
