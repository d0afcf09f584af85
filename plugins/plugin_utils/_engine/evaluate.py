# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the rules against one document.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A rule fires, does not fire, or is I(not judged because ...): absence of evidence is never taken for evidence of
absence.
"""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import UNKNOWN
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import CATEGORIES, Doubt, Rule
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.wording import show

Document = dict[str, t.Any]


CAUTIOUS = 0.85
"""Highest confidence of a finding while a cause behind it is not ruled out, or while something speaks for one."""


class Judgement(t.NamedTuple):
    """What the rules said of one document."""

    findings: list[Document]
    not_judged: list[Document]


def judge(rules: t.Iterable[Rule], document: Document) -> Judgement:
    """Evaluate every rule, in the given order."""
    findings: list[Document] = []
    not_judged: list[Document] = []
    missing = document.get("missing") or {}
    for rule in rules:
        gone = sorted(root for root in rule.roots if root in missing)
        if gone:
            not_judged.append({"rule": rule.id, "because": missing[gone[0]]})
            continue
        why = None
        for item in _items(rule, document):
            scene = {**document, "it": item}
            answer = rule.when.search(scene)
            lacking = [need.text for need in rule.needs if need.search(scene) in (None, UNKNOWN)]
            if answer is UNKNOWN or lacking:
                why = f"not known: {', '.join(lacking) or rule.when.text}"
            elif answer is True:
                findings.append(_finding(rule, scene))
            elif answer:
                raise TypeError(f"{rule.place}: rule '{rule.id}': 'when' is {show(answer)}, which is not true or false")
        if why:
            not_judged.append({"rule": rule.id, "because": why})
    _hold_back(rules, findings, {entry["rule"] for entry in not_judged})
    return Judgement(findings, not_judged)


def _hold_back(rules: t.Iterable[Rule], findings: list[Document], open_questions: set[str]) -> None:
    """Where a rule that could explain a finding was not judged, the finding may be a mere consequence.

    It is still named, but nothing is done about it unattended: a daemon that is not running is started only when it
    is known that its configuration is good.
    """
    unjudged = [rule for rule in rules if rule.id in open_questions and rule.kind == "fault"]
    for finding in findings:
        behind = [rule.id for rule in unjudged if _may_explain(rule, finding["id"])]
        finding["not_ruled_out"] = behind
        if behind:
            says = f"for lack of facts it is not ruled out that the cause is: {', '.join(behind)}"
            finding["evidence"].append({"fact": "not_judged", "value": behind, "says": says})
            finding["confidence"] = min(finding["confidence"], CAUTIOUS)
            finding["remedy"]["auto"] = False


def _may_explain(rule: Rule, name: str) -> bool:
    # A pattern that begins with a place, such as "{it.protocols}.*", speaks of protocols and not of findings.
    patterns = [wording.pattern for wording in rule.explains if not wording.pattern.startswith("*")]
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _items(rule: Rule, document: Document) -> list[t.Any]:
    if rule.for_each is None:
        return [None]
    found = rule.for_each.search(document)
    return found if isinstance(found, list) else []


def _finding(rule: Rule, scene: Document) -> Document:
    doubt = 1.0 - rule.confidence
    for support in rule.supports:
        if support.when.search(scene) is True:
            doubt *= 1.0 - support.weight
    evidence = []
    for entry in rule.evidence:
        value = entry.fact.search(scene)
        if value not in (None, UNKNOWN, [], ""):
            evidence.append({"fact": entry.fact.text, "value": _bounded(value), "says": _says(entry, value, scene)})
    doubts = [{"fact": one.when.text, "value": True, "says": one.says.say(scene)} for one in _doubts(rule, scene)]
    confidence = round(1.0 - doubt, 3)
    remedy = rule.remedy
    return {
        "id": rule.id,
        "title": rule.title.say(scene),
        "category": rule.category,
        "pattern": CATEGORIES[rule.category],
        "kind": rule.kind,
        "subject": rule.subject.say(scene),
        "severity": rule.severity,
        "confidence": min(confidence, CAUTIOUS) if doubts else confidence,
        "scope": rule.scope,
        "explained_by": [],
        "hosts": rule.hosts.search(scene) if rule.hosts else [],
        "explains": [name for pattern in rule.explains for name in pattern.each(scene)],
        "evidence": evidence + doubts,
        "remedy": {
            "action": remedy["action"],
            "auto": remedy["auto"] and not doubts,
            "args": {name: text.say(scene) for name, text in remedy["args"].items()},
            "forbid": remedy["forbid"],
            "do": remedy["do"].say(scene),
            "dont": remedy["dont"].say(scene),
        },
        "cure": rule.cure.say(scene),
        "next": rule.next.say(scene),
    }


def _doubts(rule: Rule, scene: Document) -> list[Doubt]:
    """What speaks against this being the whole story: it counts even where the rule for that cause is switched off."""
    return [doubt for doubt in rule.doubts if doubt.when.search(scene) is True]


def _says(entry: t.Any, value: t.Any, scene: Document) -> str:
    # Under the name "value" nothing tells any more that it counts bytes.
    shown = show(value, entry.fact.text) if entry.fact.text.endswith("_bytes") else value
    said = entry.says.say({**scene, "value": shown})
    return t.cast(str, said)


def _bounded(value: t.Any) -> t.Any:
    """A list in the evidence is an illustration; all of it stands in the facts."""
    return value[:5] if isinstance(value, list) else value
