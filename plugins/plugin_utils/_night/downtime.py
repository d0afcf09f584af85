# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each service was away, as somebody outside saw it, and whether a group ever was: pure logic.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What was seen is exact to the pace of the looks: an outage begins with the first look that failed and ends with the
first one that did not, and one that fits between two looks is not seen.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]
Span = tuple[float, float]


def sum_up(series: t.Sequence[Document], groups: t.Mapping[str, t.Collection[str]]) -> Document:
    """What all series of a night say together.

    :param series: as they were written
    :param groups: members of each redundancy group
    :returns: C(hosts): by host and protocol C(seconds) (by the vantage point that saw most), C(times) and C(spans);
        C(never): protocols that never answered anybody; C(groups): by group and protocol the C(seconds) in which no
        member answered; C(seconds), C(looks), C(every), C(longest_gap) and C(unseen) of the series themselves
    """
    spans = _spans(series)
    well = _well(series)
    hosts: dict[str, Document] = {}
    never: dict[str, list[str]] = {}
    for host, dummy, protocol in well:
        hosts.setdefault(host, {}).setdefault(protocol, {"seconds": 0.0, "times": 0, "spans": []})
    for (host, vantage, protocol), found in sorted(spans.items()):
        if not any((host, other, protocol) in well for other in _vantages(spans, well, host, protocol)):
            if protocol not in never.setdefault(host, []):
                never[host].append(protocol)
            continue
        if (host, vantage, protocol) not in well:
            continue
        seconds = _length(found)
        known = hosts[host][protocol]
        if seconds > known["seconds"]:
            known.update(
                seconds=round(seconds, 1), times=len(found), spans=[[*span] for span in found[:50]], by=vantage
            )
    return {
        "hosts": hosts,
        "never": never,
        "groups": {name: _group(members, spans, well, series) for name, members in groups.items() if len(members) > 1},
        "seconds": round(sum(one["last"] - one["began"] for one in series), 1),
        "looks": sum(one["looks"] for one in series),
        "every": max((one["every"] for one in series), default=None),
        "longest_gap": max((one["longest_gap"] for one in series), default=None),
        "unseen": [[first["last"], then["began"]] for first, then in zip(series, series[1:])],
    }


def fell(series: t.Sequence[Document], host: str, after: float) -> list[str]:
    """Protocols that went away again for every vantage point that they had answered, after a moment.

    Where all other hosts were away for the vantage point at that time, it was the way to them.

    :param after: epoch seconds, when it should have settled
    """
    spans, found = _spans(series), []
    ways = [way for way in sorted(_well(series)) if way[0] == host]
    others = {way[0] for way in _well(series)} - {host}
    for protocol in dict.fromkeys(way[2] for way in ways):
        together: list[Span] | None = None
        for way in (way for way in ways if way[2] == protocol):
            mine = [
                span for span in spans.get(way, []) if span[0] > after and not _all_away(spans, others, way[1], span)
            ]
            together = mine if together is None else _both(together, mine)
        if together:
            found.append(protocol)
    return found


def _well(series: t.Sequence[Document]) -> set[tuple[str, str, str]]:
    """The ways that have ever been answered."""
    return {
        (host, vantage, protocol)
        for one in series
        for host, views in one["well"].items()
        for vantage, protocols in views.items()
        for protocol in protocols
    }


def _all_away(
    spans: dict[tuple[str, str, str], list[Span]], others: t.Collection[str], vantage: str, when: Span
) -> bool:
    """Did a vantage point reach nobody else at that time?"""
    away = {way[0] for way, found in spans.items() if way[1] == vantage and _both(found, [when])}
    return bool(others) and away.issuperset(others)


def _spans(series: t.Sequence[Document]) -> dict[tuple[str, str, str], list[Span]]:
    """The outages of each way; one that lasted at the end of a series lasted as long as anybody looked."""
    found: dict[tuple[str, str, str], list[Span]] = {}
    for one in series:
        for host, outages in one["outages"].items():
            for outage in outages:
                end = one["last"] if outage["to"] is None else outage["to"]
                if end > outage["from"]:
                    way = (host, outage["seen_from"], outage["protocol"])
                    found.setdefault(way, []).append((outage["from"], end))
    return {way: _union(spans) for way, spans in found.items()}


def _group(
    members: t.Collection[str],
    spans: dict[tuple[str, str, str], list[Span]],
    well: set[tuple[str, str, str]],
    series: t.Sequence[Document],
) -> dict[str, float]:
    """By protocol the seconds in which no member answered a vantage point that some member could answer."""
    found: dict[str, float] = {}
    for vantage, protocol in sorted({(way[1], way[2]) for way in well if way[0] in members}):
        offering = [host for host in members if (host, vantage, protocol) in well]
        together: list[Span] | None = None
        for host in offering:
            mine = spans.get((host, vantage, protocol), [])
            together = mine if together is None else _both(together, mine)
        found[protocol] = max(found.get(protocol, 0.0), round(_length(together or []), 1))
    return found


def _vantages(
    spans: t.Iterable[tuple[str, str, str]], well: t.Iterable[tuple[str, str, str]], host: str, protocol: str
) -> set[str]:
    return {way[1] for way in (*spans, *well) if way[0] == host and way[2] == protocol}


def _union(spans: t.Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _both(some: t.Sequence[Span], others: t.Sequence[Span]) -> list[Span]:
    found = [
        (max(first[0], second[0]), min(first[1], second[1]))
        for first in some
        for second in others
        if first[0] < second[1] and second[0] < first[1]
    ]
    return _union(found)


def _length(spans: t.Iterable[Span]) -> float:
    return sum(end - begin for begin, end in spans)
