# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user reported, and whether the evidence agrees, as every face shows it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe

WORDS = {
    "yes": "agrees",
    "no": "does not agree",
    "partly": "agrees in part",
    "unknown": "cannot tell",
}
"""Whether the evidence agrees with the user, in words."""

_SCOPES = {"one": "one user", "department": "a department", "everyone": "everyone"}
_KINDS = ("users", "addresses", "hosts", "segments", "words")


@dataclass(frozen=True)
class Statement:
    """One thing that the report says, as it was understood."""

    quote: str
    says: str
    about: str
    hypothesis: str
    agrees: str


@dataclass(frozen=True)
class Symptom:
    """A user's report beside the diagnosis."""

    text: str
    says: str
    agrees: str
    words: str
    scope: str
    affected: str
    understood: tuple[Statement, ...]


def symptom(value: object) -> Symptom | None:
    """The report's C(symptom), or None when nobody reported anything."""
    source = _safe.mapping(value)
    if not source:
        return None
    agrees = _safe.inert(source.get("agrees"), 20)
    agrees = agrees if agrees in WORDS else "unknown"
    who = _safe.mapping(source.get("affected"))
    names = [name for kind in _KINDS for name in _safe.texts(who.get(kind), 80, 20)]
    scope = _safe.inert(source.get("scope"), 20)
    return Symptom(
        text=_safe.inert(source.get("text"), 400),
        says=_safe.inert(source.get("says"), 1200),
        agrees=agrees,
        words=WORDS[agrees],
        scope=_SCOPES.get(scope, scope),
        affected=", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else ""),
        understood=tuple(_statement(item) for item in _safe.sequence(source.get("understood"))[:12]),
    )


def _statement(value: object) -> Statement:
    source = _safe.mapping(value)
    direction = _safe.inert(source.get("direction"), 10)
    phase = _safe.inert(source.get("phase"), 20)
    about = [", ".join(_safe.texts(source.get("protocols"), 20, 8)), "" if direction == "both" else direction, phase]
    return Statement(
        quote=_safe.inert(source.get("quote"), 100),
        says=_safe.inert(source.get("says"), 200),
        about=" · ".join(part for part in about if part),
        hypothesis=_safe.inert(source.get("hypothesis"), 300),
        agrees=WORDS.get(_safe.inert(source.get("agrees"), 20), ""),
    )
