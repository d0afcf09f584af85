# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May work begin now? Asked again before each step, so that a long night ends by itself.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t
import zoneinfo
from collections.abc import Iterable

from ansible_collections.mailops.triage.plugins.plugin_utils._window import spans, zones
from ansible_collections.mailops.triage.plugins.plugin_utils._window.rules import Window


class Answer(t.NamedTuple):
    """Whether work may begin.

    code: open, early, over, late, blackout, freeze or holiday; why: a sentence; retry_at: epoch, when it may be asked
    again with hope, or None
    """

    may: bool
    code: str
    why: str
    retry_at: int | None


def gate(
    now: float,
    estimate_s: float,
    windows: Iterable[Window],
    closed: Iterable[spans.Span] = (),
    zone: zoneinfo.ZoneInfo | None = None,
) -> Answer:
    """Ask.

    :param now: epoch
    :param estimate_s: how long the work will take, with the way back
    :param windows: when work is allowed; the one that now lies in decides, with its cutoff
    :param closed: when it is not, whatever the windows say
    :param zone: for the words
    """
    zone = zone or zones.load("UTC")
    ordered = sorted(windows)
    current = [window for window in ordered if window.begin <= now < window.end]
    coming = next((window.begin for window in ordered if window.begin > now), None)
    if not current:
        if coming is not None:
            return Answer(False, "early", f"the window begins {zones.moment_text(coming, zone)}", coming)
        if ordered:
            return Answer(False, "over", f"the window ended {zones.moment_text(ordered[-1].end, zone)}", None)
        return Answer(False, "over", "there is no window in which work is allowed", None)
    barred = spans.met(now, now + max(estimate_s, 1), sorted(closed))
    if barred is not None:
        begun = "it is" if barred.begin <= now else "the work would reach into"
        until = f"{barred.kind} '{barred.name}' until {zones.moment_text(barred.end, zone)}"
        return Answer(False, barred.kind, f"{begun} {until}", barred.end if barred.end < current[-1].end else coming)
    best = max(current, key=lambda window: window.end - window.cutoff_s)
    latest = best.end - best.cutoff_s - estimate_s
    if now > latest:
        needs = f"the work takes {_minutes(estimate_s)}, and nothing may reach into the last {_minutes(best.cutoff_s)}"
        needs = needs if best.cutoff_s else f"the work takes {_minutes(estimate_s)}"
        return Answer(False, "late", f"{needs} before {zones.moment_text(best.end, zone)}", coming)
    return Answer(True, "open", f"the window is open until {zones.moment_text(best.end, zone)}", None)


def _minutes(seconds: float) -> str:
    return f"{int(-(-seconds // 60))} minutes"
