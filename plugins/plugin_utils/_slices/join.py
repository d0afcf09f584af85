# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the parts of a run to one recording, which is judged as if one run had seen it all.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A host is taken whole from one part: its facts, what the vantage points saw of it, its past. What does not fit together
is not made to fit: it is told in the notes.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.affected import NOBODY
from ansible_collections.mailops.triage.plugins.plugin_utils._recording import unseen
from ansible_collections.mailops.triage.plugins.plugin_utils._slices.parts import Part

Document = dict[str, t.Any]

_NAMED = 8
"""So many names before "and more"."""


@dataclasses.dataclass(frozen=True)
class Whole:
    """The joined run: what a recording holds, and from which part each host is."""

    run: Document
    sweep: Document
    hosts: dict[str, Document]
    owners: dict[str, Part]


def join(
    name: str, parts: list[Part], expected: int | None, inventory: dict[str, Document], limit: str | None = None
) -> Whole:
    """Put the parts together.

    :param name: of the run
    :param parts: all that were found, also those that do not count; at least one counts
    :param expected: how many parts there should be; without it what the parts themselves were told
    :param inventory: for each host that should have been seen what the inventory says of it
    :param limit: of the play that knows these hosts
    """
    counting = [part for part in parts if part.counts]
    owners, twice = _owners(counting)
    hosts = {host: {**part.hosts[host], "seen_at": part.started} for host, part in owners.items()}
    for host, record in hosts.items():
        record["inventory"] = record.get("inventory") or inventory.get(host, {})
    # Slices of one job have one limit, which the job after them may not have.
    comparable = bool(inventory) and _common([part.run for part in counting], "limit") in (None, limit)
    missed = sorted(set(inventory) - set(hosts)) if comparable else []
    for host in missed:
        hosts[host] = unseen(host, "no part of the run looked at this host", inventory[host])
    expected = expected or _most(part.run.get("part", {}).get("expected") for part in counting)
    lost = max((expected or 0) - len(counting), sum(part.state == "useless" for part in parts))
    pieces = {
        "expected": expected,
        "used": len(counting),
        # A slice without a mail host leaves no part; where every host was looked at, none is missing.
        "lost": 0 if comparable and not missed else lost,
        "each": [part.told() for part in parts],
        "notes": [*_of_parts(parts, counting, expected), *_of_hosts(twice, missed), *_of_runs(counting)],
    }
    return Whole(_run(name, counting, hosts, owners, pieces), _sweep(counting, owners), hosts, owners)


def _owners(parts: list[Part]) -> tuple[dict[str, Part], dict[str, list[Part]]]:
    """For each host the part that looked at it last, and the hosts that more than one part has.

    A look from inside counts more than a newer run that broke off before it came to the host.
    """
    found: dict[str, list[Part]] = {}
    for part in parts:
        for host in part.hosts:
            found.setdefault(host, []).append(part)

    def rank(part: Part, host: str) -> tuple[bool, float, str]:
        return part.hosts[host].get("facts_file") is not None, part.started, part.name

    best = {host: max(having, key=lambda part: rank(part, host)) for host, having in found.items()}
    return best, {host: having for host, having in sorted(found.items()) if len(having) > 1}


def _most(numbers: t.Iterable[t.Any]) -> int | None:
    return max((number for number in numbers if isinstance(number, int)), default=None)


def _run(name: str, parts: list[Part], hosts: t.Iterable[str], owners: dict[str, Part], pieces: Document) -> Document:
    """The metadata of the whole: what all parts agree on, from the first beginning to the last end."""
    parts = sorted(parts, key=lambda part: part.started)
    runs = [part.run for part in parts]
    ends = [run["finished"] for run in runs if isinstance(run.get("finished"), (int, float))]
    whole = {
        "id": name,
        "started": runs[0]["started"],
        "finished": max([*ends, runs[-1]["started"]]),
        "hosts": sorted(hosts),
        "ticket": _common(runs, "ticket"),
        "limit": _common(runs, "limit"),
        "parts": pieces,
    }
    for key in ("history", "between"):
        whole[key] = {
            host: part.run[key][host] for host, part in sorted(owners.items()) if host in (part.run.get(key) or {})
        }
    symptoms = [run["symptom"] for run in runs if run.get("symptom")]
    if symptoms:
        whole["symptom"] = symptoms[0]
    affected = [run["affected"] for run in runs if run.get("affected")]
    if affected:
        # A slice takes the name of another slice's host for that of a user.
        kinds = {kind: list(dict.fromkeys(one for told in affected for one in told[kind])) for kind in NOBODY}
        kinds["users"] = [one for one in kinds["users"] if one not in owners]
        whole["affected"] = kinds
    acted = [part for part in parts if (part.recording.path / "actions").is_dir()]
    if acted and all((part.run.get("round") or 1) > 1 for part in acted):
        whole["round"] = 2
    return whole


def _common(runs: list[Document], key: str) -> t.Any:
    values = [run.get(key) for run in runs]
    return values[0] if all(value == values[0] for value in values) else None


def _sweep(parts: list[Part], owners: dict[str, Part]) -> Document:
    """What each vantage point saw of each host; one that could help no part has failed."""
    found: dict[str, Document] = {}
    for part in parts:
        for name, seen in part.vantages.items():
            if "error" not in seen:
                mine = found.setdefault(name, {**seen, "hosts": {}})
                mine["seconds"] = max(mine.get("seconds") or 0.0, seen.get("seconds") or 0.0)
                mine["hosts"].update({host: view for host, view in seen["hosts"].items() if owners.get(host) is part})
    for part in parts:
        for name, seen in part.vantages.items():
            found.setdefault(name, seen)
    return {"vantages": found}


def _of_parts(parts: list[Part], counting: list[Part], expected: int | None) -> list[str]:
    """What is missing, torn, too old or useless."""
    notes = []
    if expected is not None and expected != len(counting):
        came = "none" if not counting else str(len(counting))
        notes.append(f"{expected} parts expected, {came} came that can be judged")
    notes += [f"{part.name} is {part.state}: {part.why}" for part in parts if part.why]
    for part in counting:
        for name, seen in sorted(part.vantages.items()):
            if "error" in seen:
                why = clean(seen["error"], 200)
                notes.append(f"vantage point '{clean(name, 60)}' could not help {part.name} ({why})")
    return notes


def _of_hosts(twice: dict[str, list[Part]], missed: list[str]) -> list[str]:
    """Hosts that more than one part looked at, and those that none did."""
    notes = []
    if twice:
        where = sorted({part.name for having in twice.values() for part in having})
        notes.append(f"in more than one part ({_some(where)}), of which the newest look counts: {_some(list(twice))}")
    if missed:
        notes.append(f"no part looked at {len(missed)} of the hosts: {_some(missed)}")
    return notes


def _of_runs(parts: list[Part]) -> list[str]:
    """In what the runs differ that should be the same."""
    notes = []
    versions = _kinds(parts, "versions", "collection")
    if len(versions) > 1:
        made = "; ".join(f"{version}: {_some(names)}" for version, names in versions.items())
        notes.append(f"the parts were made by different versions of the collection ({made}); this one judges them all")
    for key in ("ticket", "limit", "symptom"):
        if len(_kinds(parts, key)) > 1:
            notes.append(f"the parts differ in their {key}")
    return notes


def _kinds(parts: list[Part], *keys: str) -> dict[str, list[str]]:
    """The values that a key of the run has, each with the parts that have it."""
    found: dict[str, list[str]] = {}
    for part in parts:
        value: t.Any = part.run
        for key in keys:
            value = (value or {}).get(key)
        found.setdefault(clean(value, 4000), []).append(part.name)
    return found


def _some(names: list[str]) -> str:
    shown = [clean(name, 80) for name in names[:_NAMED]]
    return ", ".join(shown) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
