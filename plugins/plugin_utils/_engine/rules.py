# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The knowledge base: load, merge and check the rule files.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A rule file holds a list of mappings. Files of later directories may add rules, change single keys of a rule
with the same C(id), or switch it off with C(enabled: false). Every mistake is a L(RuleError) that names file,
line, rule and key.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import yaml

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import Expression, ExpressionError
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.wording import Wording

CATEGORIES: dict[str, int | None] = {
    "hardware": 1,
    "traffic": 2,
    "software": 3,
    "capacity": 4,
    "configuration": 4,
    "dependency": None,
    "network": None,
    "client": None,
    "operator": None,
    "data": 4,
    "security": 2,
    "reputation": None,
    "patch": 3,
}
"""The closed list of categories, each with its pattern of trouble (1 hardware, 2 traffic, 3 bug, 4 passing)."""

SEVERITIES = ("critical", "major", "minor", "info")
SCOPES = ("client", "segment", "host", "site", "fleet")
KINDS = ("fault", "symptom", "risk", "note")
LEVELS = ("host", "fleet")
ACTIONS = ("none", "restart_daemon", "purge_spool", "patch_window", "contain_surge", "escalate")


class RuleError(ValueError):
    """A rule file that cannot be used; the message names the place."""


@dataclasses.dataclass(frozen=True)
class Support:
    """A further observation that makes a finding surer."""

    when: Expression
    weight: float


@dataclasses.dataclass(frozen=True)
class Doubt:
    """An observation that points at a cause behind the finding, whether or not a rule knows that cause."""

    when: Expression
    says: Wording


@dataclasses.dataclass(frozen=True)
class Evidence:
    """A fact to show, and the sentence that says what it means."""

    fact: Expression
    says: Wording


@dataclasses.dataclass(frozen=True)
class Rule:
    """One piece of knowledge; see docs/rules.md for the meaning of each key."""

    id: str
    title: Wording
    level: str
    kind: str
    category: str
    severity: str
    scope: str
    subject: Wording
    for_each: Expression | None
    when: Expression
    needs: tuple[Expression, ...]
    confidence: float
    supports: tuple[Support, ...]
    doubts: tuple[Doubt, ...]
    evidence: tuple[Evidence, ...]
    explains: tuple[Wording, ...]
    hosts: Expression | None
    remedy: dict[str, t.Any]
    cure: Wording
    next: Wording
    place: str

    @property
    def roots(self) -> frozenset[str]:
        """Top-level facts without which the rule cannot be judged."""
        read = [self.when, *self.needs, *([self.for_each] if self.for_each else [])]
        return frozenset().union(*(expression.roots for expression in read))


_KEYS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "enabled": (bool,),
    "title": (str,),
    "level": (str,),
    "kind": (str,),
    "category": (str,),
    "severity": (str,),
    "scope": (str,),
    "subject": (str,),
    "for_each": (str,),
    "when": (str,),
    "needs": (list,),
    "confidence": (int, float),
    "supports": (list,),
    "doubts": (list,),
    "evidence": (list,),
    "explains": (list,),
    "hosts": (str,),
    "remedy": (dict,),
    "cure": (str,),
    "next": (str,),
}
_REQUIRED = ("title", "category", "severity", "when", "confidence")
_REMEDY_KEYS: dict[str, tuple[type, ...]] = {
    "action": (str,),
    "auto": (bool,),
    "args": (dict,),
    "forbid": (list,),
    "do": (str,),
    "dont": (str,),
}


def load(directories: t.Sequence[Path], schemas: dict[str, dict[str, t.Any]]) -> list[Rule]:
    """Read every C(*.yml) of the directories, in that order.

    :param directories: the collection's own directory first, then those of the site
    :param schemas: for each level (C(host), C(fleet)) the JSON Schema of the document that its rules search
    :raises RuleError: on the first mistake
    """
    raw: dict[str, dict[str, t.Any]] = {}
    places: dict[str, str] = {}
    for directory in directories:
        if not directory.is_dir():
            raise RuleError(f"{directory}: this directory of rules does not exist")
        own: dict[str, str] = {}
        for path in sorted(directory.glob("*.yml")):
            for entry, place in entries(path, _KEYS, "rule"):
                name = entry["id"]
                if name in own:
                    raise RuleError(f"{place}: rule '{name}' is defined twice, first at {own[name]}")
                own[name] = place
                raw[name] = {**raw.get(name, {}), **entry}
                places[name] = place
    return [
        _build(entry, places[name], schemas) for name, entry in raw.items() if entry.get("enabled", True) is not False
    ]


_SafeLoader: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """Safe YAML that refuses a key given twice: the first one would be lost in silence."""

    def construct_mapping(self, node: t.Any, deep: bool = False) -> dict[t.Any, t.Any]:
        seen: set[str] = set()
        for key, dummy in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key.value}' given twice", key.start_mark)
            seen.add(key.value)
        found: dict[t.Any, t.Any] = super().construct_mapping(node, deep)
        return found


def parse(path: Path) -> tuple[t.Any, t.Any]:
    """Read one file of knowledge.

    :returns: what it holds, and the YAML node of it, which knows the lines
    :raises RuleError: naming file and line
    """
    try:
        text = path.read_text(encoding="utf-8")
        root: t.Any = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except (OSError, UnicodeDecodeError) as exc:
        raise RuleError(f"{path}: cannot be read: {exc}") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise RuleError(f"{where}: not YAML: {getattr(exc, 'problem', None) or exc}") from exc
    return data, root


def entries(path: Path, keys: dict[str, tuple[type, ...]], noun: str) -> t.Iterator[tuple[dict[str, t.Any], str]]:
    """Read one file of knowledge: a list of mappings, each with an C(id).

    :param keys: the keys that an entry may have, each with the types of its value
    :param noun: what an entry is, for messages
    :returns: each entry with its place, C(file:line)
    :raises RuleError: naming the place
    """
    data, root = parse(path)
    if data is None:
        return
    if not isinstance(data, list):
        raise RuleError(f"{path}:1: a {noun} file holds a list of {noun}s, not a {type(data).__name__}")
    for entry, node in zip(data, root.value):
        place = f"{path}:{node.start_mark.line + 1}"
        if not isinstance(entry, dict):
            raise RuleError(f"{place}: a {noun} is a mapping, not a {type(entry).__name__}")
        if not isinstance(entry.get("id"), str) or not entry["id"]:
            raise RuleError(f"{place}: the {noun} has no 'id'")
        check_keys(entry, keys, f"{place}: {noun} '{entry['id']}'")
        yield entry, place


def check_keys(entry: dict[str, t.Any], known: dict[str, tuple[type, ...]], place: str) -> None:
    """Only known keys, each with a value of its type.

    :raises RuleError: naming the place and the key
    """
    for key, value in entry.items():
        if key not in known:
            raise RuleError(f"{place}: unknown key '{key}'; there are: {', '.join(known)}")
        # bool is an int in Python, but "confidence: true" is a mistake.
        if not isinstance(value, known[key]) or (isinstance(value, bool) and bool not in known[key]):
            wanted = " or ".join(kind.__name__ for kind in known[key])
            raise RuleError(f"{place}: '{key}' must be {wanted}, not {type(value).__name__}")


def _build(entry: dict[str, t.Any], place: str, schemas: dict[str, dict[str, t.Any]]) -> Rule:
    where = f"{place}: rule '{entry['id']}'"
    for key in _REQUIRED:
        if key not in entry:
            raise RuleError(f"{where}: '{key}' is missing")
    for key, choices in (
        ("level", LEVELS),
        ("kind", KINDS),
        ("category", tuple(CATEGORIES)),
        ("severity", SEVERITIES),
        ("scope", SCOPES),
    ):
        if key in entry and entry[key] not in choices:
            raise RuleError(f"{where}: '{key}' is '{entry[key]}'; it must be one of: {', '.join(choices)}")
    if ("hosts" in entry) != (entry.get("level") == "fleet"):
        raise RuleError(
            f"{where}: 'hosts' says whom a fleet rule concerns: a fleet rule needs it, a host rule has none"
        )
    if not 0 < entry["confidence"] <= 1:
        raise RuleError(f"{where}: 'confidence' must be above 0 and at most 1")
    level = entry.get("level", "host")
    schema = schemas[level]
    key = "for_each"
    try:
        for_each = Expression(entry["for_each"], schema) if "for_each" in entry else None
        if for_each:
            item = (for_each.selects or {}).get("items") or {}
            schema = {**schema, "properties": {**schema["properties"], "it": item}}
        key = "when"
        when = Expression(entry["when"], schema)
        key = "needs"
        needs = tuple(Expression(text, schema) for text in _texts(entry, "needs", where))
        key = "supports"
        supports = tuple(_support(item, schema, f"{where}: 'supports'") for item in entry.get("supports", []))
        key = "doubts"
        doubts = tuple(_doubt(item, schema, f"{where}: 'doubts'") for item in entry.get("doubts", []))
        key = "evidence"
        evidence = tuple(_evidence(item, schema, f"{where}: 'evidence'") for item in entry.get("evidence", []))
        key = "explains"
        explains = tuple(Wording(text, schema) for text in _texts(entry, "explains", where))
        key = "hosts"
        hosts = Expression(entry["hosts"], schema) if "hosts" in entry else None
        wordings = {}
        for key in ("title", "subject", "cure", "next"):
            wordings[key] = Wording(entry.get(key, ""), schema)
        key = "remedy"
        remedy = _remedy(entry.get("remedy", {}), schema, f"{where}: 'remedy'")
    except ExpressionError as exc:
        raise RuleError(f"{where}: '{key}': {exc}") from exc
    return Rule(
        id=entry["id"],
        level=level,
        kind=entry.get("kind", "fault"),
        category=entry["category"],
        severity=entry["severity"],
        scope=entry.get("scope", "host" if level == "host" else "fleet"),
        for_each=for_each,
        when=when,
        needs=needs,
        confidence=float(entry["confidence"]),
        supports=supports,
        doubts=doubts,
        evidence=evidence,
        explains=explains,
        hosts=hosts,
        remedy=remedy,
        place=place,
        **wordings,
    )


def _texts(entry: dict[str, t.Any], key: str, where: str) -> list[str]:
    texts: list[str] = entry.get(key, [])
    for text in texts:
        if not isinstance(text, str):
            raise RuleError(f"{where}: '{key}' must hold strings, not {type(text).__name__}")
    return texts


def _support(item: t.Any, schema: dict[str, t.Any], where: str) -> Support:
    if not isinstance(item, dict) or set(item) != {"when", "weight"}:
        raise RuleError(f"{where}: each needs exactly 'when' and 'weight'")
    if isinstance(item["weight"], bool) or not isinstance(item["weight"], (int, float)) or not 0 < item["weight"] < 1:
        raise RuleError(f"{where}: 'weight' must be a number between 0 and 1")
    return Support(Expression(item["when"], schema), float(item["weight"]))


def _doubt(item: t.Any, schema: dict[str, t.Any], where: str) -> Doubt:
    if not isinstance(item, dict) or set(item) != {"when", "says"}:
        raise RuleError(f"{where}: each needs exactly 'when' and 'says'")
    return Doubt(Expression(item["when"], schema), Wording(item["says"], schema))


def _evidence(item: t.Any, schema: dict[str, t.Any], where: str) -> Evidence:
    if not isinstance(item, dict) or set(item) != {"fact", "says"}:
        raise RuleError(f"{where}: each needs exactly 'fact' and 'says'")
    inner = {**schema, "properties": {**schema["properties"], "value": {}}}
    return Evidence(Expression(item["fact"], schema), Wording(item["says"], inner))


def _remedy(entry: dict[str, t.Any], schema: dict[str, t.Any], where: str) -> dict[str, t.Any]:
    check_keys(entry, _REMEDY_KEYS, where)
    action = entry.get("action", "none")
    for name in (action, *entry.get("forbid", [])):
        if name not in ACTIONS:
            raise RuleError(f"{where}: '{name}' is no remedy; there are: {', '.join(ACTIONS)}")
    if action in entry.get("forbid", []):
        raise RuleError(f"{where}: '{action}' is both the action and forbidden")
    return {
        "action": action,
        "auto": entry.get("auto", False),
        "args": {name: Wording(str(text), schema) for name, text in entry.get("args", {}).items()},
        "forbid": sorted(entry.get("forbid", [])),
        "do": Wording(entry.get("do", ""), schema),
        "dont": Wording(entry.get("dont", ""), schema),
    }
