# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a series of sweeps says of services: since when they answer, when they did not, whether they fell over again.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Knows no clock and no network: it is told when somebody looked, and what was seen.
"""

from __future__ import annotations

import dataclasses
import typing as t

Document = dict[str, t.Any]
Way = tuple[str, str, str]
"""Host, vantage point and protocol."""

CONFIRM = 2
"""So many looks in a row must fail before it is called an outage: one lost packet is none."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
_GROWTH = 1.5


@dataclasses.dataclass
class Service:
    """One way into one service.

    :ivar ok: does it answer, by the last look; None when nobody could look yet
    :ivar ok_since: epoch seconds of the first good look of the present stretch
    :ivar outages: C(from), C(to) (None while it lasts), C(outcome)
    """

    ok: bool | None = None
    ok_since: float | None = None
    failed: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    outages: list[Document] = dataclasses.field(default_factory=list)

    def see(self, at: float, outcome: str) -> None:
        """Take in one look."""
        if outcome == "ok":
            self.failed = []
            if self.outages and self.outages[-1]["to"] is None:
                self.outages[-1]["to"] = at
            if not self.ok:
                self.ok_since = at
            self.ok = True
            return
        self.failed.append((at, outcome))
        down = self.ok is False or len(self.failed) >= CONFIRM
        if down and (not self.outages or self.outages[-1]["to"] is not None):
            began, first = self.failed[0]
            self.outages.append({"from": began, "to": None, "outcome": first})
        if down:
            self.ok, self.ok_since = False, None

    @property
    def shaky(self) -> bool:
        """The last look failed, and it is not sure yet what that means."""
        return bool(self.failed) and self.ok is not False


class Tracker:
    """All services of the watched hosts, as a series of sweeps saw them."""

    def __init__(self) -> None:
        self.services: dict[Way, Service] = {}
        self.looks = 0
        self._pause = FIRST_PAUSE_S

    def see(self, at: float, views: dict[str, Document]) -> None:
        """Take in one sweep.

        :param at: epoch seconds
        :param views: for each vantage point its probe result; one that could not help tells nothing
        """
        self.looks += 1
        for vantage, view in views.items():
            for host, seen in view.get("hosts", {}).items():
                for protocol, outcome in _outcomes(seen).items():
                    self.services.setdefault((host, vantage, protocol), Service()).see(at, outcome)

    def pause(self) -> float:
        """Seconds until the next look: longer and longer, and at once short again when something fails."""
        if any(service.shaky for service in self.services.values()):
            self._pause = FIRST_PAUSE_S
            return 1.0
        now, self._pause = self._pause, min(LONGEST_PAUSE_S, self._pause * _GROWTH)
        return now

    def ok_since(self, host: str, ways: t.Iterable[tuple[str, str]]) -> float | None:
        """Since when all of these answer; None while one of them does not, or nobody could look.

        :param ways: pairs of vantage point and protocol
        """
        moments: list[float] = []
        for vantage, protocol in ways:
            service = self.services.get((host, vantage, protocol))
            if service is None or not service.ok or service.ok_since is None or service.failed:
                return None
            moments.append(service.ok_since)
        return max(moments, default=None)

    def fell(self, host: str, ways: t.Iterable[tuple[str, str]], after: float) -> float | None:
        """When the first of these protocols went down after a moment, or None.

        What falls over does so for everybody: where it still answers from one of these vantage points, it is the way
        from the other that fails.
        """
        seen: dict[str, list[list[Document]]] = {}
        for vantage, protocol in ways:
            outages = self.services.get((host, vantage, protocol), Service()).outages
            seen.setdefault(protocol, []).append([one for one in outages if one["from"] > after])
        moments = (_down_everywhere(vantages) for vantages in seen.values())
        return min((moment for moment in moments if moment is not None), default=None)

    def outages(self, host: str, ssh: bool = False) -> list[Document]:
        """The outages of a host in the order of time, with C(protocol) and the vantage point C(seen_from)."""
        found = [
            {"protocol": protocol, "seen_from": vantage, **outage}
            for (name, vantage, protocol), service in self.services.items()
            if name == host and (ssh or protocol != "ssh")
            for outage in service.outages
        ]
        return sorted(found, key=lambda outage: (outage["from"], outage["protocol"], outage["seen_from"]))

    def downtime(self, host: str, now: float) -> dict[str, float]:
        """Seconds that each protocol was down, by the vantage point that saw most of it."""
        longest: dict[str, dict[str, float]] = {}
        for outage in self.outages(host):
            ways = longest.setdefault(outage["protocol"], {})
            end = now if outage["to"] is None else outage["to"]
            ways[outage["seen_from"]] = ways.get(outage["seen_from"], 0.0) + end - outage["from"]
        return {protocol: round(max(ways.values()), 1) for protocol, ways in sorted(longest.items())}


def _down_everywhere(vantages: list[list[Document]]) -> float | None:
    """The first moment at which every vantage point sees an outage, or None."""

    def down(outages: list[Document], at: float) -> bool:
        return any(one["from"] <= at and (one["to"] is None or at < one["to"]) for one in outages)

    begun = sorted(one["from"] for outages in vantages for one in outages)
    return next((at for at in begun if all(down(outages, at) for outages in vantages)), None)


def _outcomes(seen: Document) -> dict[str, str]:
    """The outcome of each protocol; with several address families, that of the one that fails."""
    found: dict[str, str] = {}
    for service in seen.get("services", []):
        if service["outcome"] != "skipped" and found.get(service["protocol"], "ok") == "ok":
            found[service["protocol"]] = service["outcome"]
    return found
