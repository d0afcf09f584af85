# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proposal: from the hosts' weeks to three windows that explain themselves.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.mailops.triage.plugins.plugin_utils._window import choose, profile, rules, spans, weeks, zones
from ansible_collections.mailops.triage.plugins.plugin_utils._window.confidence import confidence

SCHEMA = "mailops.triage/window/1"
_DAY = 86400
_HORIZON_DAYS, _MOST_DAYS = 14, 92
# How far back calendars matter: as far as logs are read.
_PAST_DAYS = 400
HOLIDAYS = ("sunday", "never")


class ProposalError(ValueError):
    """Something that was asked for and cannot be understood."""


class Request(t.NamedTuple):
    """What the module is told; see its documentation."""

    weeks: Mapping[str, object]
    groups: Mapping[str, list[str]]
    backup_mx: list[str]
    timezone: str | None
    length_minutes: int
    not_before: object
    not_after: object
    holidays: list[object]
    on_holidays: str
    blackouts: list[object]
    freezes: list[object]
    rules: Mapping[str, t.Any]
    load: Callable[[str], str] | None = None


class _Frame(t.NamedTuple):
    """What all parts of the proposal lean on."""

    zone: zoneinfo.ZoneInfo
    wish: choose.Wish
    holidays: list[spans.Span]
    days_off: spans.Days
    rules: list[rules.Rule | rules.Window]


def propose(request: Request, now: float) -> dict[str, t.Any]:
    """Propose windows.

    :param now: epoch
    :returns: the document that C(patch_window) answers with
    :raises ProposalError: with what is wrong
    """
    try:
        return _propose(request, now)
    except (zones.ZoneError, spans.CalendarError, rules.RulesError) as error:
        raise ProposalError(str(error)) from error


def _propose(request: Request, now: float) -> dict[str, t.Any]:
    rules.check(request.rules)
    held = sorted(set(request.weeks) & {str(host) for host in request.rules.get("hold_hosts") or []})
    known, missing = _read(request.weeks, held)
    zone, remark = _zone(request, known)
    frame = _frame(request, zone, now)
    profiles = {host: profile.Profile(week, zone, frame.days_off) for host, week in known.items()}
    chosen = choose.choose({**dict.fromkeys(missing), **profiles}, frame.wish) if profiles else choose.Chosen([], 1, {})
    return {
        "schema": SCHEMA,
        "timezone": zone.key,
        "length_minutes": frame.wish.slot_s // 60,
        "slots": chosen.rounds,
        "from": frame.wish.since,
        "until": frame.wish.until,
        "hosts": sorted({*profiles, *missing}),
        "held": held,
        "without_data": missing,
        "windows": [_window(choice, profiles, frame, missing) for choice in chosen.best],
        "heat": profile.heat(profiles.values()),
        "data": _data(known, profiles),
        "why": [*remark, *_general(chosen, profiles, missing, frame)],
    }


def _read(answers: Mapping[str, object], held: list[str]) -> tuple[dict[str, weeks.Week], dict[str, str]]:
    """The weeks by host, and of which hosts there is none, with the reason."""
    known, missing = {}, {}
    for host in sorted(set(answers) - set(held)):
        try:
            week = weeks.read(host, answers[host])
        except weeks.WeekError as error:
            missing[host] = str(error)
            continue
        if week.hours:
            known[host] = week
        else:
            missing[host] = "; ".join(week.notes) or "its log tells of no whole hour"
    return known, missing


def _zone(request: Request, known: Mapping[str, weeks.Week]) -> tuple[zoneinfo.ZoneInfo, list[str]]:
    """Whose clock counts, and what there is to say about it."""
    given = request.timezone or request.rules.get("tz")
    if given:
        return zones.load(str(given)), []
    told = Counter(week.timezone for week in known.values() if week.timezone and zones.known(week.timezone))
    if not told:
        remark = ["No time zone is known: all times are UTC. Give one as 'timezone'."]
        return zones.load("UTC"), remark if known else []
    name, number = min(told.items(), key=lambda item: (-item[1], item[0]))
    if len(told) == 1:
        return zones.load(name), []
    others = ", ".join(sorted(set(told) - {name})[:5])
    return zones.load(name), [f"The hosts are in several time zones; times are those of {name} (others: {others})."]


def _frame(request: Request, zone: zoneinfo.ZoneInfo, now: float) -> _Frame:
    since = int(now) if request.not_before is None else max(int(now), zones.moment(request.not_before, zone))
    until = since + _HORIZON_DAYS * _DAY if request.not_after is None else zones.moment(request.not_after, zone)
    if until <= since:
        raise ProposalError(
            f"not_after ({zones.moment_text(until, zone)}) is not after {zones.moment_text(since, zone)}"
        )
    if until - since > _MOST_DAYS * _DAY:
        raise ProposalError(f"not_after lies more than {_MOST_DAYS} days ahead: by then the mail will flow differently")
    if not 1 <= request.length_minutes <= 24 * 60:
        raise ProposalError(f"length_minutes must be from 1 to 1440, not {request.length_minutes}")
    reach = (int(now) - _PAST_DAYS * _DAY, until + _DAY)
    holidays = spans.read("holiday", request.holidays, zone, reach, request.load)
    site = list(request.rules.get("blackouts") or [])
    closed = [
        *spans.read("blackout", [*request.blackouts, *site], zone, reach, request.load),
        *spans.read("freeze", request.freezes, zone, reach, request.load),
        *(holidays if request.on_holidays == "never" else ()),
    ]
    written = rules.read(request.rules.get("windows") or [])
    slot = -(-request.length_minutes * 60 // zones.QUARTER) * zones.QUARTER
    wish = choose.Wish(
        slot_s=slot,
        since=since,
        until=until,
        windows=rules.opened(written, zone, since, until) if written else None,
        closed=closed,
        groups=request.groups,
        first=frozenset(request.backup_mx),
    )
    return _Frame(zone, wish, holidays, spans.days(holidays, zone), written)


def _window(
    choice: choose.Choice, profiles: Mapping[str, profile.Profile], frame: _Frame, missing: Mapping[str, str]
) -> dict[str, t.Any]:
    zone, step = frame.zone, frame.wish.slot_s
    slots, everything = [], []
    for host, number in sorted(choice.slots.items(), key=lambda item: (item[1], item[0])):
        begin = choice.begin + number * step
        quarters = range(begin, begin + step, zones.QUARTER)
        usual = [profiles[host].at(epoch) for epoch in quarters] if host in profiles else []
        seen = [one for one in usual if one is not None]
        everything += seen
        slots.append(
            {
                "host": host,
                "slot": number + 1,
                "begin": begin,
                "end": begin + step,
                "text": zones.span_text(begin, begin + step, zone),
                "groups": sorted(name for name, members in frame.wish.groups.items() if host in members),
                "expected": _counts(profile.total(one.load for one in seen)) if host in profiles else None,
            }
        )
    sure = confidence(profiles, everything, missing, zone)
    affected = profile.total(one.load for one in everything)
    return {
        "begin": choice.begin,
        "end": choice.end,
        "text": zones.span_text(choice.begin, choice.end, zone),
        # (day of the week, hour) in the picture.
        "cells": sorted({_cell(epoch, zone) for epoch in range(choice.begin, choice.end, zones.QUARTER)}),
        "cutoff_s": choice.window.cutoff_s if choice.window else 0,
        "expected": _counts(affected),
        "confidence": sure._asdict(),
        "slots": slots,
        "why": _why(choice, affected, profiles, frame),
    }


def _cell(epoch: int, zone: zoneinfo.ZoneInfo) -> tuple[int, int]:
    dummy, day, quarter = zones.place(epoch, zone)
    return day, quarter // 4


def _counts(load: weeks.Load) -> dict[str, int]:
    return {name: round(count) for name, count in zip(weeks.COUNTS, load)}


def _why(
    choice: choose.Choice, affected: weeks.Load, profiles: Mapping[str, profile.Profile], frame: _Frame
) -> list[str]:
    zone = frame.zone
    usual = profile.mean(profiles.values()) * frame.wish.slot_s / zones.QUARTER
    found = [
        f"An ordinary time of that length has {usual:.0f} messages and logins, this one about {affected.weight:.0f}."
    ]
    off = spans.met(choice.begin, choice.end, frame.holidays)
    if off is not None:
        found.append(f"It is a holiday ({off.name}), which is taken to be as quiet as a Sunday.")
    shift = zones.shift(choice.begin, choice.end, zone)
    if shift:
        way = "forward" if shift > 0 else "back"
        found.append(f"The clock is put {way} by {abs(shift) // 60} minutes in it: go by the time that passes.")
    if choice.window is not None:
        found.append(f"The rules allow {zones.span_text(choice.window.begin, choice.window.end, zone)}.")
    alone = sorted(host for host in choice.slots if not _has_partner(host, frame.wish.groups))
    if alone:
        names = ", ".join(alone[:5]) + (f" and {len(alone) - 5} more" if len(alone) > 5 else "")
        found.append(f"Nobody answers in place of {names} while it is worked at: no partner in a redundancy group.")
    return found


def _has_partner(host: str, groups: Mapping[str, Iterable[str]]) -> bool:
    return any(host in members and len(set(members)) > 1 for members in groups.values())


def _general(
    chosen: choose.Chosen, profiles: Mapping[str, profile.Profile], missing: Mapping[str, str], frame: _Frame
) -> list[str]:
    """What is to be said of the whole."""
    found = []
    span = f"{zones.moment_text(frame.wish.since, frame.zone)} to {zones.moment_text(frame.wish.until, frame.zone)}"
    if not profiles:
        found.append("No host has a log that tells when mail is needed, so no window can be proposed.")
    elif not chosen.best:
        length = chosen.rounds * frame.wish.slot_s // 60
        found.append(f"There is no room for {length} minutes from {span}.")
    for name, number in sorted(chosen.barred.items(), key=lambda item: (-item[1], item[0]))[:5]:
        found.append(f"{number} possible start{'s were' if number > 1 else ' was'} left out because of {name}.")
    for host, reason in sorted(missing.items())[:5]:
        found.append(f"Without data: {host}: {reason}")
    if profiles:
        found.append("A proposal is only advice: nothing is scheduled by it.")
    return found


def _data(known: Mapping[str, weeks.Week], profiles: Mapping[str, profile.Profile]) -> dict[str, t.Any]:
    """By host, what the proposal rests on."""
    return {
        host: {
            "days": profiles[host].days,
            "hours": len(week.hours),
            "from": min(week.hours),
            "until": max(week.hours) + weeks.HOUR,
            "gaps": len(week.gaps),
            "hours_in_gaps": week.dropped,
            "notes": week.notes,
        }
        for host, week in known.items()
    }
