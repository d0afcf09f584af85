# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site's rules say about now: the windows, blackouts and held hosts that it has written down.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._window import gate, rules, spans, zones

Document = dict[str, t.Any]

_BACK_S = 8 * 86400
_AHEAD_S = 40 * 86400
"""How far is looked for a window that begins later."""

Said = tuple[bool, str, str, float | None]
"""Whether work may begin, a code, a sentence, and when to ask again."""


class WindowError(ValueError):
    """Rules that cannot be understood."""


def ask(given: Document, now: float, estimate: float) -> Said:
    """May work begin that takes so long?

    :param given: C(tz), C(windows), C(blackouts) and C(hold_hosts)
    :param now: epoch seconds
    :param estimate: seconds
    :raises WindowError: saying what is wrong with the rules
    """
    answer = gate.gate(now, estimate, *_read(given, now))
    why = "" if answer.may and not given.get("windows") else answer.why
    return answer.may, answer.code, why, answer.retry_at


def coming(given: Document, now: float) -> float | None:
    """When the next window begins in which work may begin, or None.

    :raises WindowError: saying what is wrong with the rules
    """
    windows, closed, zone = _read(given, now)
    if not given.get("windows"):
        return None
    later = [window for window in windows if window.begin > now]
    return next((float(one.begin) for one in later if gate.gate(one.begin, 1, windows, closed, zone).may), None)


def held(given: Document) -> set[str]:
    """Names of the hosts that are not to be touched.

    :raises WindowError: when that is no list
    """
    names = given.get("hold_hosts") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WindowError("hold_hosts must be a list of names of hosts")
    return set(names)


def _read(given: Document, now: float) -> tuple[list[rules.Window], list[spans.Span], t.Any]:
    reach = (int(now) - _BACK_S, int(now) + _AHEAD_S)
    try:
        rules.check(given)
        zone = zones.load(str(given.get("tz") or "UTC"))
        closed = spans.read("blackout", given.get("blackouts") or [], zone, reach)
        wanted = rules.read(given.get("windows") or [])
        windows = rules.opened(wanted, zone, *reach)
    except (zones.ZoneError, spans.CalendarError, rules.RulesError) as exc:
        raise WindowError(str(exc)) from exc
    # Without a window any hour is one, but for the blackouts.
    return windows if wanted else [rules.Window(*reach, 0)], closed, zone
