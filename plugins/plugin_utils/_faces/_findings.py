# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as every face shows them: inert texts, sorted, with words instead of numbers.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe, _services, _words

# More than this in one place is noise on a screen and weight on a page; the rest is in triage.json.
MOST_FINDINGS = 60
MOST_EVIDENCE = 12

_ON_HOST = frozenset(
    (
        "host",
        "services",
        "processes",
        "listeners",
        "load",
        "memory",
        "disk",
        "queue",
        "log",
        "auth",
        "tls",
        "dns",
        "hardware",
        "patches",
        "mailboxes",
        "config",
        "loopback",
        "oom",
    )
)


@dataclass(frozen=True)
class Evidence:
    """One thing that was seen: the sentence, from where, and the fact path and value behind it."""

    says: str
    where: str
    fact: str
    value: str


@dataclass(frozen=True)
class Finding:
    """A root cause, symptom, risk or note."""

    id: str
    title: str
    category: str
    pattern: str
    kind: str
    subject: str
    severity: str
    scope: str
    confidence: str
    percent: str
    explained_by: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    evidence_left: int
    action: str
    automatic: bool
    args: tuple[tuple[str, str], ...]
    forbid: tuple[str, ...]
    do: str
    dont: str
    cure: str
    order: tuple[int, float, str, str]

    @property
    def nature(self) -> str:
        """Category, and the pattern of the handbook where there is one: `software, pattern 3 (bug of ...)`."""
        return ", ".join(part for part in (self.category, self.pattern) if part)


def findings(value: object) -> tuple[Finding, ...]:
    """All findings of a host or of the fleet, the worst and surest first."""
    found = [_finding(item) for item in _safe.sequence(value)[:500] if _safe.mapping(item)]
    return tuple(sorted(found, key=lambda finding: finding.order)[:MOST_FINDINGS])


def observed(value: object, known: Container[str] = ()) -> tuple[Finding, ...]:
    """The list `symptoms` of a host as findings: what the probes saw go wrong, and what explains it.

    :param value: the list; protocols with the same fate and the same explanation become one finding
    :param known: ids that are findings already
    """
    fates: dict[tuple[str, ...], list[Mapping[Any, Any]]] = {}
    for item in _safe.sequence(value)[:200]:
        source = _safe.mapping(item)
        if source and _safe.inert(source.get("id"), 100) not in known:
            why = " ".join(sorted(_safe.texts(source.get("explained_by"), 100)))
            fates.setdefault((_fate(source), why), []).append(source)
    return tuple(_finding(_observation(fate, same)) for (fate, dummy), same in fates.items())


def _fate(source: Mapping[Any, Any]) -> str:
    """What happened and to whom: `timeout from outside`, `error reply from dept-a (452)`."""
    outcome, code = _safe.inert(source.get("outcome"), 20), _safe.inert(source.get("code"), 10)
    place = "on the host itself" if source.get("where") == "local" else "from outside"
    if source.get("where") == "segment":
        place = f"from {', '.join(_safe.texts(source.get('from'), 60, 3))}"
    word = _words.OUTCOMES[outcome].word if outcome in _words.OUTCOMES else outcome
    return f"{word} {place}" + (f" ({code})" if code else "")


def _observation(fate: str, same: Sequence[Mapping[Any, Any]]) -> dict[str, Any]:
    """A finding's title and evidence from symptoms that share a fate."""
    said: dict[str, str] = {}
    for source in same:
        rung, text = _safe.inert(source.get("rung"), 20), _safe.inert(source.get("text"), 300)
        step = f"fails at '{rung}'" if rung and rung != "done" else ""
        if step or text:
            said.setdefault(": ".join(filter(None, (step, text))), ", ".join(_safe.texts(source.get("from"), 60, 20)))
    return {
        "id": same[0].get("id"),
        "title": f"{_services.joined(_safe.inert(source.get('protocol'), 20) for source in same)}: {fate}",
        "kind": "symptom",
        "severity": "major",
        "explained_by": same[0].get("explained_by"),
        "evidence": [{"says": text, "from": places} for text, places in said.items()],
    }


def explains(cause: Finding, others: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that `cause` makes symptoms, directly or over another symptom."""
    pool = [other for other in others if other is not cause]
    known = {cause.id}
    chosen: list[Finding] = []
    grown = True
    while grown:
        grown = False
        for other in pool:
            if other not in chosen and other.kind != "root_cause" and known.intersection(other.explained_by):
                chosen.append(other)
                known.add(other.id)
                grown = True
    return tuple(sorted(chosen, key=lambda finding: finding.order))


def by_place(evidence: Sequence[Evidence]) -> tuple[tuple[str, tuple[Evidence, ...]], ...]:
    """Evidence put together by the place it was seen from, in the order of first sight."""
    places: dict[str, list[Evidence]] = {}
    for item in evidence:
        places.setdefault(item.where, []).append(item)
    # What has no place goes first: under somebody else's heading it would seem to belong there.
    return tuple((place, tuple(places[place])) for place in sorted(places, key=bool))


def cause_lines(causes: Sequence[Finding]) -> tuple[str, ...]:
    """One line per cause, so that both of a double fault are read; of many the first three and a number."""
    lines = [f"{cause.title} ({cause.confidence})" for cause in causes[:3]]
    return (*lines, f"{len(causes) - 3} more") if len(causes) > 3 else tuple(lines)


def _finding(value: object) -> Finding:
    source = _safe.mapping(value)
    remedy = _safe.mapping(source.get("remedy"))
    sure = _safe.number(source.get("confidence"))
    identity = _safe.inert(source.get("id"), 100)
    title = _safe.inert(source.get("title"), 160) or identity or "finding without a name"
    severity = _safe.inert(source.get("severity"), 20)
    evidence = _safe.sequence(source.get("evidence"))
    subject = _safe.inert(source.get("subject"), 120)
    category = _safe.inert(source.get("category"), 40)
    return Finding(
        id=identity,
        title=title,
        category=category,
        pattern=_pattern(source.get("pattern"), category),
        kind=_safe.inert(source.get("kind"), 20),
        subject=subject,
        severity=severity,
        scope=_safe.inert(source.get("scope"), 20),
        confidence=_words.confidence(sure),
        percent="" if sure is None else f"{100 * max(0.0, min(1.0, sure)):.0f} %",
        explained_by=_safe.texts(source.get("explained_by"), 100),
        evidence=tuple(_evidence(item) for item in evidence[:MOST_EVIDENCE]),
        evidence_left=max(0, len(evidence) - MOST_EVIDENCE),
        action=_safe.inert(remedy.get("action"), 60),
        automatic=remedy.get("auto") in (True, "auto"),
        args=tuple(
            (_safe.inert(key, 60), _safe.value_text(item))
            for key, item in list(_safe.mapping(remedy.get("args")).items())[:20]
        ),
        forbid=_safe.texts(remedy.get("forbid"), 60, 20),
        do=_safe.inert(remedy.get("do"), 500),
        dont=_without_not(_safe.inert(remedy.get("dont"), 500)),
        cure=_safe.inert(source.get("cure"), 500),
        order=(_words.SEVERITIES.get(severity, len(_words.SEVERITIES)), -(sure or 0.0), title, subject),
    )


def _without_not(text: str) -> str:
    """A prohibition without its `Do not`, which every face writes before it."""
    for start in ("do not ", "don't ", "never "):
        if text.lower().startswith(start):
            return text[len(start) :]
    return text


def _evidence(value: object) -> Evidence:
    source = _safe.mapping(value)
    if not source:
        return Evidence(_safe.inert(value, 400), "", "", "")
    fact = _safe.inert(source.get("fact"), 160)
    shown = _safe.value_text(source.get("value")) if "value" in source else ""
    says = _safe.inert(source.get("says"), 400) or (f"{fact} = {shown}" if fact else shown)
    return Evidence(says, _where(source.get("from"), fact), fact, shown)


def _where(stated: object, fact: str) -> str:
    """From where a thing was seen: as stated, else as the fact's path tells; "" when neither does."""
    name = _safe.inert(stated, 60)
    parts = fact.lstrip("(").replace("[", ".").split(".")
    if name:
        return "on the host" if name in _words.LOCAL_VANTAGES else f"from {name}"
    if parts[0] in _ON_HOST:
        return "on the host"
    places = {"reach": "from outside", "inventory": "in the inventory", "history": "in the reports of earlier runs"}
    return places.get(parts[0], "")


def _pattern(value: object, category: str) -> str:
    found = _safe.number(value)
    words = _words.PATTERNS.get(int(found)) if found is not None else None
    if found is None or words is None:
        return ""
    return f"pattern {int(found)}" + ("" if words == category else f" ({words})")
