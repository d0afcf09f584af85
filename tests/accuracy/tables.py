# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bench prints."""

from __future__ import annotations

from collections import defaultdict

import metrics
import scenario
from rounds import Played

MEASURES = ("detected", "category", "scope", "root cause", "offender", "risk", "remedy", "forbidden")


def show(played: Played, missed: list[str], seconds: float) -> None:
    """Print everything, the conclusion last."""
    _faults(played)
    _categories(played)
    _withheld(played)
    _peers(played)
    print("-" * 120)
    cases = f"{len(played.outcomes)} cases in {seconds / 60:.0f} min"
    print(f"accuracy: {cases}: " + (f"{len(missed)} goals missed" if missed else "every goal is met"))
    for line in missed:
        print(f"  {line}")


def _faults(played: Played) -> None:
    """A line for each fault: how often it was right, and what was said when it was not."""
    cases: dict[str, list[tuple[int, scenario.Outcome]]] = defaultdict(list)
    for seed, outcome in played.outcomes:
        cases[outcome.fault].append((seed, outcome))
    heads = "".join(f"{measure:>11}" for measure in MEASURES)
    print(f"\n{'fault':9}{'title':42}{heads}{'seconds':>9}")
    for fault, seen in sorted(cases.items()):
        title = seen[0][1].scenario.get("title", "a host without any fault")
        wrong = [(seed, outcome.host, outcome.wrong()) for seed, outcome in seen]
        cells = ""
        for measure in MEASURES:
            right = sum(measure not in said for _seed, _host, said in wrong)
            cells += f"{f'{right}/{len(seen)}' if right < len(seen) else right:>11}"
        average = sum(outcome.seconds for _seed, outcome in seen) / len(seen)
        print(f"{fault:9}{title[:40]:42}{cells}{average:9.1f}")
        for seed, host, said in wrong:
            for measure, text in said.items():
                print(f"{'':9}seed {seed}, {host}, {measure}: {text}")


def _categories(played: Played) -> None:
    results = played.results()
    print(f"\nroot causes by category\n{'':16}{'precision':34}recall")
    for row in metrics.by_category(results):
        print(f"  {row.category:14}{row.precision!s:34}{row.recall}")
    quiet = [result for result in results if result.quiet]
    print(f"\nstrict root set     {metrics.strict(results)}   (95 % interval in brackets)")
    print(f"  single faults     {metrics.singles(results)}")
    print(f"  double faults     {metrics.doubles(results)}")
    alarms = metrics.false_alarms(results)
    print(f"false alarms        {len(alarms)} on {len(quiet)} healthy hosts and decoys")
    forbidden = [result for result in results if "forbidden" in result.wrong]
    print(f"forbidden remedies  {len(forbidden)} in {len(results)} cases")


def _withheld(played: Played) -> None:
    print(f"\nwith one family of rules off, or one kind of facts missing: {len(played.answers)} judgements")
    print(f"  wrong causes confirmed, or to be acted upon unattended: {len(played.blamed())}")
    manners = played.manners()
    total = sum(manners.values())
    if total:
        parts = ", ".join(f"{word} {number}" for word, number in manners.most_common())
        print(f"  where the rule for the cause was off ({total}): {parts}")


WIDTHS = (36, 5, 7, 7, 7, 10, 7, 16, 12)
HEADS = ("of", "seen", "named", "acted", "repaired", "harm", "alarms (decoys)", "acts (same)")
NOTES = """\
  The watchdog tries the mail ports and restarts what does not answer. Monit is set up by an expert, and in its favour:
  it saw the healthy host first, its cycle is 2 s in place of 30, it had 22 s. Named: the alarm's own words say the
  cause. Repaired: every transaction of a user works again at most 20 s later (submission: 65 s). Harm: an action that
  the fault forbids, or a transaction lost."""


def _peers(played: Played) -> None:
    """The comparison: ours, the watchdog's, Monit's, on the same broken hosts."""
    if not any(played.deeds.values()):
        return
    seed = min(one for one, _outcome in played.outcomes)
    ours = [outcome for one, outcome in played.outcomes if one == seed and outcome.fault != "healthy"]
    sick = [outcome for outcome in ours if not _quiet(outcome)]
    well = [outcome for outcome in ours if _quiet(outcome)]
    print()
    _row(f"on the same hosts (seed {seed})", *HEADS)
    _row(
        "mailops.triage, diagnosis only",
        len(sick),
        sum("detected" not in outcome.wrong() for outcome in sick),
        sum(not {"detected", "root cause"} & set(outcome.wrong()) for outcome in sick),
        "-",
        "-",
        sum("forbidden" in outcome.wrong() for outcome in sick),
        f"{sum(bool(outcome.roots) for outcome in well)}/{len(well)}",
        "-",
    )
    for name, deeds in played.deeds.items():
        bad = [deed for outcome, deed in deeds if not _quiet(outcome)]
        good = [deed for outcome, deed in deeds if _quiet(outcome)]
        _row(
            name,
            len(bad),
            sum(deed.detected for deed in bad),
            sum(deed.named for deed in bad),
            sum(bool(deed.actions) for deed in bad),
            sum(deed.repaired for deed in bad),
            sum(bool(deed.harm) for deed in bad),
            f"{sum(deed.detected for deed in good)}/{len(good)}",
            sum(bool(deed.actions) for deed in good),
        )
    print(NOTES)
    for name, deeds in played.deeds.items():
        hurt = [f"{deed.fault} ({', '.join(deed.harm)})" for _outcome, deed in deeds if deed.harm]
        if hurt:
            print(f"  {name} did harm on: {'; '.join(hurt)}")


def _row(first: str, *cells: object) -> None:
    print(f"{first:{WIDTHS[0]}}" + "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, WIDTHS[1:])))


def _quiet(outcome: scenario.Outcome) -> bool:
    return outcome.scenario["kind"] in ("decoy", "healthy")
