# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An explanation as every face shows it: inert, bounded, in words.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _parts, _safe, _words

KINDS = {"root_cause": "root cause", "symptom": "consequence", "risk": "risk", "note": "note"}
"""What became of a finding, in words."""

_MOST = 30


@dataclass(frozen=True)
class Fired:
    """A rule that fired, and what became of its finding."""

    rule: str
    title: str
    kind: str
    sure: str
    because: str
    explains: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One part of a condition."""

    holds: bool | None
    text: str
    values: str

    @property
    def word(self) -> str:
        """Whether it holds, in a word."""
        return {True: "holds", False: "does not hold", None: "not known"}[self.holds]


@dataclass(frozen=True)
class Near:
    """A rule that nearly fired."""

    rule: str
    title: str
    why: str
    would: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Asked:
    """All about one rule."""

    rule: str
    title: str
    place: str
    when: str
    state: str
    tries: tuple[Near, ...]


@dataclass(frozen=True)
class Why:
    """Why a host was judged as it was."""

    name: str
    sign: _words.Sign
    summary: str
    fired: tuple[Fired, ...]
    near: tuple[Near, ...]
    blind: tuple[_parts.Blind, ...]
    chains: tuple[tuple[str, ...], ...]
    asked: tuple[Asked, ...]


def why(name: object, value: object) -> Why:
    """The explanation of one host."""
    source = _safe.mapping(value)
    verdict = _safe.inert(source.get("verdict"), 20)
    return Why(
        name=_safe.inert(name, 120),
        sign=_words.verdict(verdict if verdict in _words.VERDICTS else "unknown"),
        summary=_safe.inert(source.get("summary"), 500),
        fired=tuple(_fired(item) for item in _safe.sequence(source.get("fired"))[:_MOST]),
        near=tuple(_near(item) for item in _safe.sequence(source.get("near"))[:_MOST]),
        blind=_parts.not_judged(source.get("not_judged")),
        chains=tuple(way for way in map(_way, _safe.sequence(source.get("chains"))[:_MOST]) if len(way) > 1),
        asked=tuple(_asked(item) for item in _safe.sequence(source.get("asked"))[:5]),
    )


def _way(value: object) -> tuple[str, ...]:
    return _safe.texts(_safe.mapping(value).get("way"), 100, 8)


def _fired(value: object) -> Fired:
    source = _safe.mapping(value)
    kind = _safe.inert(source.get("kind"), 20)
    by, open_questions = (
        _safe.texts(source.get("explained_by"), 100, 8),
        _safe.texts(source.get("not_ruled_out"), 100, 8),
    )
    because = f"explained by {', '.join(by)}" if by else ""
    if open_questions:
        because = "; ".join(filter(None, (because, f"not ruled out: {', '.join(open_questions)}")))
    return Fired(
        rule=_safe.inert(source.get("rule"), 100),
        title=_safe.inert(source.get("title"), 160),
        kind=KINDS.get(kind, kind),
        sure=_words.confidence(_safe.number(source.get("confidence"))),
        because=because,
        explains=_safe.texts(source.get("explains"), 100, 12),
    )


def _near(value: object) -> Near:
    source = _safe.mapping(value)
    return Near(
        rule=_safe.inert(source.get("rule"), 100),
        title=_safe.inert(source.get("title"), 160),
        why=_safe.inert(source.get("why"), 200),
        would=_safe.texts(source.get("would_explain"), 100, 6),
        parts=tuple(_part(item) for item in _safe.sequence(source.get("parts"))[:12]),
    )


def _part(value: object) -> Part:
    source = _safe.mapping(value)
    holds = source.get("holds")
    seen = [_safe.mapping(item) for item in _safe.sequence(source.get("values"))[:4]]
    values = [(_safe.inert(one.get("fact"), 160), _safe.inert(one.get("value"), 160)) for one in seen]
    # Where only one thing is compared, the condition beside it has just named it.
    said = [f"is {value}" if len(values) == 1 else f"{fact} is {value}" for fact, value in values]
    return Part(holds if isinstance(holds, bool) else None, _safe.inert(source.get("text"), 300), "; ".join(said))


def _asked(value: object) -> Asked:
    source = _safe.mapping(value)
    return Asked(
        rule=_safe.inert(source.get("rule"), 100),
        title=_safe.inert(source.get("title"), 200),
        place=_safe.inert(source.get("place"), 300),
        when=_safe.inert(source.get("when"), 1000),
        state=_safe.inert(source.get("state"), 300),
        tries=tuple(_near(item) for item in _safe.sequence(source.get("tries"))[:5]),
    )
