# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One batch of faults through the whole bench, and what is left of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import metrics
import peer_monit
import peer_watchdog
import peers
import scenario
import variation
import withheld
from labkit.lab import Lab
from labkit.shell import LabError, say

PEERS = ("watchdog", "Monit")


@dataclasses.dataclass
class Played:
    """Everything that was seen, over all seeds."""

    outcomes: list[tuple[int, scenario.Outcome]] = dataclasses.field(default_factory=list)
    """Seed and outcome."""
    answers: list[tuple[int, withheld.Answer]] = dataclasses.field(default_factory=list)
    deeds: dict[str, list[tuple[scenario.Outcome, peers.Deed]]] = dataclasses.field(
        default_factory=lambda: {name: [] for name in PEERS}
    )

    def results(self) -> list[metrics.Result]:
        """The outcomes as the figures need them; what could not be played says nothing about a diagnosis."""
        return [
            metrics.Result(
                outcome.fault,
                outcome.scenario["kind"],
                frozenset(outcome.scenario["expect"]["root_causes"]),
                frozenset(root["id"] for root in outcome.roots),
                frozenset(outcome.wrong()),
            )
            for _seed, outcome in self.outcomes
            if not outcome.problem
        ]

    def unplayed(self) -> list[str]:
        """Faults that did not come, twice, or runs that ended badly."""
        return [
            f"{outcome.fault} (seed {seed}): could not be played: {outcome.problem[:300]}"
            for seed, outcome in self.outcomes
            if outcome.problem
        ]

    def blamed(self) -> list[str]:
        """Wrong causes that were confirmed while something was withheld."""
        return [
            f"{answer.fault} (seed {seed}) without {answer.withheld}: wrongly confirmed {', '.join(answer.wrong)}"
            for seed, answer in self.answers
            if answer.wrong
        ]

    def manners(self) -> Counter[str]:
        """What was said where the rule for a true cause was off."""
        return Counter(answer.manner for _seed, answer in self.answers if answer.blind)

    def as_json(self, missed: list[str]) -> dict[str, Any]:
        """All of it, for a program."""
        results = self.results()
        return {
            "missed": missed,
            "strict": metrics.strict(results).as_json(),
            "singles": metrics.singles(results).as_json(),
            "doubles": metrics.doubles(results).as_json(),
            "categories": {
                row.category: {"precision": row.precision.as_json(), "recall": row.recall.as_json()}
                for row in metrics.by_category(results)
            },
            "false alarms": [result.fault for result in metrics.false_alarms(results)],
            "outcomes": [
                {
                    "fault": outcome.fault,
                    "host": outcome.host,
                    "seed": seed,
                    "variation": str(variation.draw(seed, outcome.fault)),
                    "seconds": round(outcome.seconds, 1),
                    "named": sorted(root["id"] for root in outcome.roots),
                    "wrong": outcome.wrong(),
                }
                for seed, outcome in self.outcomes
            ],
            "withheld": {
                "answers": len(self.answers),
                "wrong": self.blamed(),
                "cause's rule off": dict(self.manners()),
            },
            "peers": {
                name: [
                    {**dataclasses.asdict(deed), "repaired": deed.repaired, "harm": deed.harm} for dummy, deed in deeds
                ]
                for name, deeds in self.deeds.items()
            },
        }


@dataclasses.dataclass
class Round:
    """A batch of faults under one seed."""

    lab: Lab
    batch: dict[str, str]
    """Host -> fault."""
    target: Path
    seed: int
    rate: float
    peers: bool
    hosts: list[str]
    rules: list[withheld.Rule]

    def play(self, played: Played, record: Path | None) -> None:
        """Break, diagnose, withhold; let the peers try; leave fresh hosts."""
        for host, fault in self.batch.items():
            self._say(f"{host}: {fault}: {variation.draw(self.seed, fault)}")
        learn = (lambda host: peer_monit.learn(self.lab, host)) if self.peers else None
        outcomes = scenario.play(
            self.lab, self.batch, self.target, self._say, seed=self.seed, rate=self.rate, hosts=self.hosts, before=learn
        )
        for outcome in outcomes:
            played.outcomes.append((self.seed, outcome))
            wrong = outcome.wrong()
            self._say(f"{outcome.fault} on {outcome.host}: " + (str(wrong) if wrong else "right"))
            if outcome.judged is None:
                continue
            case = scenario.recorded(outcome, self.target)
            true = outcome.scenario["expect"]["root_causes"]
            played.answers += [(self.seed, one) for one in withheld.examine(outcome.fault, case, true, self.rules)]
            if record and outcome.host != scenario.CONTROL:
                scenario.keep(outcome, self.target, record)
        if self.peers:
            self._compare(played, [one for one in outcomes if one.host != scenario.CONTROL and not one.problem])
        self.lab.reset(*self.batch)

    def _say(self, text: str) -> None:
        say(f"seed {self.seed}: {text}")

    def _compare(self, played: Played, outcomes: list[scenario.Outcome]) -> None:
        """Monit first; the watchdog finds the fault as it was, brought anew where Monit has done something."""
        found = self._each(outcomes, lambda one: peer_monit.watch(self.lab, one.host, one.scenario))
        touched = [one for one, deed in found if deed.actions]
        if touched:
            self.lab.reset(*(one.host for one in touched))
            self._each(touched, lambda one: scenario.strike(self.lab, one.fault, one.host, self.seed))
        seen = self._each(outcomes, lambda one: peer_watchdog.watch(self.lab, one.host, one.scenario))
        for name, deeds in (("Monit", found), ("watchdog", seen)):
            played.deeds[name] += deeds
            for one, deed in deeds:
                did = f"detected {deed.detected}, did {deed.actions}, repaired {deed.repaired}, harm {deed.harm}"
                self._say(f"{name}: {one.fault}: {did}")

    def _each(
        self, outcomes: list[scenario.Outcome], work: Callable[[scenario.Outcome], Any]
    ) -> list[tuple[scenario.Outcome, Any]]:
        """Do something for all hosts at the same time; one that fails is left out, and named."""
        with ThreadPoolExecutor(max_workers=max(1, len(outcomes))) as pool:
            jobs = [(one, pool.submit(work, one)) for one in outcomes]
        done = []
        for one, job in jobs:
            try:
                done.append((one, job.result()))
            except LabError as failure:
                self._say(f"{one.fault} on {one.host}: left out of the comparison: {failure}")
        return done
