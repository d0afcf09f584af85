# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a daemon may be started again: a few times in an hour, then pauses that end by themselves.

A guard that goes silent for ever leaves a host without help; one that never stops makes a crash loop worse.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

HOUR = 3600.0
AHEAD_S = 300.0
"""What was remembered for a moment later than this from now was written under a wrong clock, and says nothing."""
DEFAULTS: dict = {
    "starts": 3,  # in an hour, for each unit
    "grace": 120.0,  # seconds after a start in which there is no other
    "pauses": (900.0, 1800.0, 3600.0),  # seconds, once the budget is spent: one start after each
}


def judge(times, now, limits=None):
    """May there be one more start?

    :param times: epoch seconds of earlier starts, in any order; a little later than now counts as now (the clock was
        set), and more than AHEAD_S later not at all: it would be the last one until that time has come
    :param now: epoch seconds
    :param limits: dict, see DEFAULTS; missing or None values take the default
    :returns: tuple of what is in the way (C(grace), C(budget) or nothing, as text), why in a few words, and when it may
        be tried again (epoch seconds, or None)
    """
    rules: dict = dict(DEFAULTS)
    rules.update((key, value) for key, value in (limits or {}).items() if value is not None)
    past = sorted(min(moment, now) for moment in times if moment <= now + AHEAD_S)
    if not past:
        return "", "", None
    last = past[-1]
    if now - last < rules["grace"]:
        why = "it was started {0} ago, and gets {1} to settle".format(spell(now - last), spell(rules["grace"]))
        return "grace", why, last + rules["grace"]
    spent = _beyond(past, rules["starts"])
    if spent == 0:
        return "", "", None
    pauses = rules["pauses"]
    pause = pauses[min(spent, len(pauses)) - 1]
    if now - last >= pause:
        return "", "", None
    starts = rules["starts"] + spent - 1
    why = "{0} starts did not hold; the next may be tried after a pause of {1}".format(starts, spell(pause))
    return "budget", why, last + pause


def _beyond(past, most):
    """How many pauses are behind us, the present one included; 0 while the budget is not spent.

    Only starts that follow each other closely count: after a quiet stretch the budget is whole again.
    """
    spent = 0
    for number in range(len(past)):
        recent = [moment for moment in past[: number + 1] if past[number] - moment < HOUR]
        if len(recent) >= most:
            spent += 1
        elif spent and past[number] - past[number - 1] > 2 * HOUR:
            spent = 0
    return spent


def spell(seconds):
    """A span as a person says it."""
    if seconds < 120:
        return "{0:.0f} s".format(seconds)
    return "{0:.0f} min".format(seconds / 60)
