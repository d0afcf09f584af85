# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host was judged as it was: which rules fired, which nearly did, what was missing, what explained what away.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Pure: a recording, rules and the report made of them give the same explanation every time.
"""

from __future__ import annotations

import fnmatch
import functools
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._engine import fleet as fleet_document
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.diagnose import join
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import UNKNOWN, Expression
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.operands import alternatives, compared, guards
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.rules import Rule
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.select import CONFIDENT
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.wording import show

Document = dict[str, t.Any]

MOST_NEAR = 10
"""Rules that nearly fired, per host: beyond the nearest few it is noise."""

_MOST_ITEMS = 20
_MOST_PARTS = 12


class _Try(t.NamedTuple):
    """A rule held against one element, in the way of its condition that came nearest."""

    scene: Document
    parts: list[Document]
    holding: int

    @property
    def share(self) -> float:
        """How much of the condition holds."""
        return self.holding / len(self.parts)


def explain(
    recording: tuple[Document, Document, dict[str, Document]],
    rules: list[Rule],
    report: Document,
    names: t.Iterable[str],
    rule: str | None = None,
) -> dict[str, Document]:
    """Explain the verdicts of some hosts.

    :param recording: run, sweep and hosts, as they were judged
    :param rules: those that the report was made with
    :param report: what L(diagnose) made of them
    :param names: of the hosts to explain
    :param rule: tell about this rule only
    :returns: for each host C(fired), C(near), C(not_judged) and C(chains), and C(asked) for the rule that was asked for
    """
    documents = join(*recording)
    fleet = fleet_document.build(documents, recording[0]["started"])
    complaints = (recording[0].get("symptom") or {}).get("statements", [])
    wanted = [pattern for statement in complaints for pattern in statement["fits"]]
    found = {}
    for name in names:
        told = report["hosts"][name]
        above = report["fleet"]["findings"]
        explanation: Document = {
            "verdict": told["verdict"],
            "summary": told["summary"],
            "fired": _fired(told, above),
            "near": _near(rules, documents[name], told, wanted),
            "not_judged": told["not_judged"],
            "chains": _chains(told, above),
            "asked": [
                _asked(one, fleet if one.level == "fleet" else documents[name], told, above)
                for one in rules
                if one.id == rule
            ],
        }
        found[name] = explanation
    return found


def _fired(told: Document, above: list[Document]) -> list[Document]:
    """The findings as they were settled, each with what it explains."""
    known = [*told["findings"], *told["symptoms"]]
    found = []
    for finding in [*told["findings"], *above]:
        effects = sorted({other["id"] for other in known if finding["id"] in other["explained_by"]})
        if finding in told["findings"] or effects:
            kept = ("title", "kind", "subject", "confidence", "explained_by", "not_ruled_out")
            found.append({"rule": finding["id"], "explains": effects, **{key: finding[key] for key in kept}})
    return found


def _chains(told: Document, above: list[Document]) -> list[Document]:
    """For each thing that was explained away the way to its root causes."""
    findings: dict[str, Document] = {finding["id"]: finding for finding in [*above, *told["findings"]]}
    chains = []
    for effect in dict.fromkeys(one["id"] for one in [*told["symptoms"], *told["findings"]]):
        by = {
            cause
            for one in [*told["symptoms"], *told["findings"]]
            if one["id"] == effect
            for cause in one["explained_by"]
        }
        for cause in sorted(by):
            way = [effect, cause]
            while findings.get(way[-1], {}).get("explained_by"):
                further = [one for one in findings[way[-1]]["explained_by"] if one not in way]
                if not further:
                    break
                way.append(further[0])
            chains.append({"way": way, "root": findings.get(way[-1], {}).get("kind") == "root_cause"})
    return chains


def _near(rules: list[Rule], document: Document, told: Document, wanted: list[str]) -> list[Document]:
    """Rules that did not fire and were not far from it; candidates that fired too weakly to be a cause."""
    fired = {finding["id"] for finding in told["findings"]}
    blind = {entry["rule"] for entry in told["not_judged"]}
    effects = [*told["symptoms"], *told["findings"]]
    unexplained = {one["id"] for one in told["symptoms"] if not one["explained_by"]}
    ranked: list[tuple[tuple[t.Any, ...], Document]] = []
    for rule in rules:
        if rule.level != "host" or rule.id in blind:
            continue
        weak = [one for one in told["findings"] if one["id"] == rule.id and _weak(rule, one)]
        tries = [] if rule.id in fired else _tries(rule, document)
        if weak:
            why = f"it fired with confidence {weak[0]['confidence']:g}; a cause needs {CONFIDENT:g}"
            entry = {"rule": rule.id, "title": weak[0]["title"], "why": why, "parts": [], "would_explain": []}
            ranked.append(((0, False, False, -weak[0]["confidence"], rule.id), entry))
        if not tries:
            continue
        best = max(tries, key=lambda one: one.share)
        fits = [name for name in dict.fromkeys(one["id"] for one in effects) if _would(rule, best.scene, name)]
        open_fits = unexplained.intersection(fits)
        reported = any(fnmatch.fnmatchcase(rule.id, pattern) for pattern in wanted)
        if best.holding and (best.share > 0.5 or open_fits or (reported and best.share >= 0.5)):
            why = f"{best.holding} of {len(best.parts)} conditions hold"
            entry = {**_said(rule, best), "why": why, "would_explain": fits}
            ranked.append(((1, not open_fits, not fits, -best.share, rule.id), entry))
    return [entry for dummy, entry in sorted(ranked, key=lambda one: one[0])[:MOST_NEAR]]


def _weak(rule: Rule, finding: Document) -> bool:
    return rule.kind == "fault" and finding["kind"] == "note"


def _would(rule: Rule, scene: Document, effect: str) -> bool:
    return any(fnmatch.fnmatchcase(effect, name) for pattern in rule.explains for name in pattern.each(scene))


def _asked(rule: Rule, document: Document, told: Document, above: list[Document]) -> Document:
    """All about one rule on one host; a fleet rule is held against the fleet."""
    gone = sorted(root for root in rule.roots if root in (document.get("missing") or {}))
    blind = [entry["because"] for entry in told["not_judged"] if entry["rule"] == rule.id]
    tries = [] if gone else _tries(rule, document)
    if any(finding["id"] == rule.id for finding in (above if rule.level == "fleet" else told["findings"])):
        state = "fired"
    elif blind or gone:
        state = "not judged: " + (blind[0] if blind else document["missing"][gone[0]])
    elif rule.for_each is not None and not tries:
        state = f"did not fire: there is nothing in {rule.for_each.text}"
    else:
        state = "did not fire"
    return {
        "rule": rule.id,
        "title": rule.title.text,
        "place": rule.place,
        "when": rule.when.text,
        "state": state,
        "tries": [_said(rule, one) for one in tries[:5]],
    }


def _said(rule: Rule, one: _Try) -> Document:
    subject = rule.subject.say(one.scene)
    return {"rule": rule.id, "title": rule.title.say(one.scene), "subject": subject, "parts": one.parts}


def _tries(rule: Rule, document: Document) -> list[_Try]:
    """Hold a rule against each of its elements."""
    items: list[t.Any] = [None]
    if rule.for_each is not None:
        chosen = rule.for_each.search(document)
        items = chosen[:_MOST_ITEMS] if isinstance(chosen, list) else []
    return [_try(rule, {**document, "it": item}) for item in items]


def _try(rule: Rule, scene: Document) -> _Try:
    """Of the ways in which the condition can hold, the one that came nearest."""
    found = []
    for way in _ways(rule.when.text):
        # "If it is there at all" is no reason; a rule whose facts are not there is told of elsewhere.
        telling = [text for text in way if not guards(text)] or way
        parts = [_part(text, scene) for text in telling[:_MOST_PARTS]]
        found.append(_Try(scene, parts, sum(part["holds"] is True for part in parts)))
    return max(found, key=lambda one: one.share)


def _part(text: str, scene: Document) -> Document:
    """One part of a condition: does it hold, and with which values?"""
    answer = _expression(text).search(scene)
    values = [{"fact": path, "value": _value(_expression(path).search(scene), path)} for path in compared(text)]
    return {"text": text, "holds": None if answer is None or answer is UNKNOWN else _truth(answer), "values": values}


def _value(value: t.Any, path: str) -> str:
    if value is None or value is UNKNOWN:
        return "not known"
    return "there" if isinstance(value, dict) else clean(show(value, path), 120)


# The same rules are held against every host.
_ways = functools.lru_cache(maxsize=1024)(alternatives)
_expression = functools.lru_cache(maxsize=4096)(Expression)


def _truth(answer: t.Any) -> bool:
    """As JMESPath sees it: an empty text, list or mapping is false, the number 0 is true."""
    return answer is True or (not isinstance(answer, bool) and answer not in ("", [], {}))
