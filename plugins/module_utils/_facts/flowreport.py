# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow of a log as the document tells it: windows, ratios, shares.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.flow import COUNTERS, HOUR
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_RECENT = 600.0
_TOPS = (
    "clients",
    "blocks",
    "senders",
    "recipients",
    "accounts",
    "destinations",
    "reasons",
    "message_ids",
    "failing_sources",
    "failing_accounts",
    "failing_blocks",
    "rejected_clients",
    "bounced_destinations",
)
_DISTINCT = (
    "clients",
    "blocks",
    "senders",
    "recipients",
    "accounts",
    "message_ids",
    "failing_sources",
    "failing_accounts",
)
# So often has a Message-ID been seen that means a loop or a careless sender, not a list or a filter.
_REPEATED = 5
# A baseline of less would turn a handful of messages into a multitude.
_LEAST = 1.0


def report(flow, now, since, complete, reason, baseline):
    """The contract's C(log.flow).

    :param flow: flow.Flow that has absorbed everything
    :param since: epoch from which on the log was covered
    :param complete: whether that is the whole window
    :param baseline: see baseline.look
    """
    rows = sorted(flow.minutes.items())
    hour = _window(flow, now, HOUR, since)
    return {
        "since": round(since, 3),
        "until": round(now, 3),
        "complete": complete,
        "reason": clean(reason, 200),
        "lines": flow.lines,
        "minutes": [
            dict(zip(("minute",) + COUNTERS, [minute] + row))
            for minute, row in rows
            if any(row) and minute > now - HOUR - 60
        ][-60:],
        "recent": _window(flow, now, _RECENT, since),
        "hour": hour,
        "day": _ratios(
            [sum(column) for column in zip(flow.totals, *[row for minute, row in rows])], max(60.0, now - since)
        ),
        "baseline": baseline,
        "times_baseline": _times(hour, baseline),
        "distinct": {name: flow.distinct[name].number() for name in _DISTINCT},
        "top": {name: _top(flow.tops[name]) for name in _TOPS},
        "accounts": flow.people.accounts(),
        "sources": flow.people.sources(),
        "successes_after_failures": flow.people.after_failures(),
        "null_sender": {
            "messages": flow.null_sender,
            "share": round(flow.null_sender / float(flow.queued), 3) if flow.queued else None,
        },
        "repeated_message_ids": sum(number >= _REPEATED for number in flow.tops["message_ids"].counts.values()),
    }


def _window(flow, now, seconds, since):
    rows = [row for minute, row in flow.minutes.items() if minute + 60 > now - seconds]
    return _ratios([sum(column) for column in zip([0] * len(COUNTERS), *rows)], max(60.0, min(seconds, now - since)))


def _ratios(counts, seconds):
    window = dict(zip(COUNTERS, counts))
    done = window["delivered"] + window["deferred"] + window["bounced"]
    window["window_s"] = round(seconds, 3)
    window["per_minute"] = {name: round(number * 60.0 / seconds, 2) for name, number in zip(COUNTERS, counts)}
    window["reject_ratio"] = _ratio(window["rejected"], window["rejected"] + window["accepted"])
    window["defer_ratio"] = _ratio(window["deferred"], done)
    window["bounce_ratio"] = _ratio(window["bounced"], done)
    window["failed_login_ratio"] = _ratio(window["failed_logins"], window["failed_logins"] + window["logins"])
    return window


def _ratio(part, whole):
    return round(part / float(whole), 3) if whole else None


def _times(hour, baseline):
    if baseline is None:
        return None
    return {name: round(hour[name] / max(_LEAST, baseline[name]), 2) for name in COUNTERS}


def _top(sketched):
    return [
        {"key": clean(key, 120), "count": number, "share": round(number / float(sketched.total), 3)}
        for key, number in sketched.best()
    ]
