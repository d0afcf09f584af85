# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small parts of a report: vantage points, actions, what could not be judged, the run itself.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _safe, _words


@dataclass(frozen=True)
class Vantage:
    """A vantage point of the run and whether it could be used."""

    name: str
    usable: bool
    status: str
    why: str
    seconds: str


@dataclass(frozen=True)
class Action:
    """Something a remedy did, or would do."""

    state: str
    words: str
    action: str
    subject: str
    finding: str
    why: str
    steps: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    before: str
    after: str
    again: str
    took: str
    proof: str
    held: bool
    evidence: tuple[str, ...]


def vantage(value: object) -> Vantage:
    """One entry of the run's vantage points."""
    source = _safe.mapping(value)
    status = _safe.inert(source.get("status"), 20) or "unknown"
    return Vantage(
        name=_safe.inert(source.get("name") if source else value, 60) or "(no name)",
        usable=status == "ok",
        status=status,
        why=_safe.inert(source.get("why"), 200),
        seconds=_safe.duration(_safe.number(source.get("seconds"))),
    )


def action(value: object) -> Action:
    """One entry of a host's actions."""
    source = _safe.mapping(value)
    state = _safe.inert(source.get("state"), 20)
    began, ended = _safe.number(source.get("started")), _safe.number(source.get("finished"))
    held = _safe.mapping(source.get("proof"))
    return Action(
        state=state,
        words=_words.ACTION_STATES.get(state, state),
        action=_safe.inert(source.get("action"), 60),
        subject=_safe.inert(source.get("subject"), 120),
        finding=_safe.inert(source.get("finding"), 100),
        why=_safe.inert(source.get("why"), 400),
        steps=tuple(_step(step) for step in _safe.sequence(source.get("steps"))[:60]),
        notes=_safe.texts(source.get("notes"), 300, 20),
        before=_safe.value_text(source["before"], 300) if source.get("before") is not None else "",
        after=_safe.value_text(source["after"], 300) if source.get("after") is not None else "",
        again=_safe.moment(source["retry_at"]) if source.get("retry_at") is not None else "",
        took=_safe.duration(ended - began) if began is not None and ended is not None else "",
        proof=proof(held),
        held=held.get("state") == "proved",
        evidence=_safe.texts(source.get("evidence"), 300, 40),
    )


def _step(value: object) -> tuple[str, str]:
    """What was done, and how that came out."""
    source = _safe.mapping(value)
    return _safe.inert(source.get("what"), 200), _safe.inert(source.get("result"), 300)


def proof(value: object) -> str:
    """Did a remedy hold, in words; "" when nobody has looked."""
    source = _safe.mapping(value)
    state = source.get("state")
    if state == "not_healed":
        return f"did not cure it: {_safe.inert(source.get('why'), 300)}".rstrip(": ")
    if state == "in_force":
        return "in force; the log of the last hour still shows what was before it"
    after = _safe.duration(_safe.number(source.get("healed_after")))
    if state == "relapsed":
        return f"worked again, and fell over at {_safe.moment(source.get('relapse_at'))}: this is no cure for it"
    if state != "proved":
        return ""
    held = _safe.duration(_safe.number(source.get("watched_s")))
    words = f"works again after {after}" if after else "the diagnosis finds it mended"
    return words + (f", and held for the {held} it was watched" if held else "")


@dataclass(frozen=True)
class Blind:
    """Rules that could not be judged for one reason."""

    because: str
    rules: tuple[str, ...]

    @property
    def brief(self) -> str:
        """The rules by name when they are few, else how many they are and what they are about."""
        if len(self.rules) <= 4:
            return ", ".join(self.rules)
        about = dict.fromkeys(rule.partition(".")[0] for rule in self.rules)
        return f"{len(self.rules)} rules ({', '.join(list(about)[:8])})"


def not_judged(value: object) -> tuple[Blind, ...]:
    """What could not be judged, rules with the same reason put together."""
    reasons: dict[str, dict[str, None]] = {}
    for item in _safe.sequence(value)[:300]:
        source = _safe.mapping(item)
        because = _safe.inert(source.get("because"), 200) or "no reason given"
        reasons.setdefault(because, {})[_safe.inert(source.get("rule") if source else item, 100) or "something"] = None
    return tuple(Blind(because, tuple(rules)) for because, rules in reasons.items())


def about(run: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
    """Label and text of what is known about the run; what is not known is left out."""
    started, finished = _safe.number(run.get("started")), _safe.number(run.get("finished"))
    took = _safe.duration(finished - started) if started is not None and finished is not None else ""
    versions = _safe.mapping(run.get("versions"))
    mode = [
        word
        for word, on in (
            ("replay of " + _safe.inert(run.get("replay"), 200), run.get("replay")),
            ("check mode", run.get("check_mode")),
        )
        if on
    ]
    rows = (
        ("Ticket", _safe.inert(run.get("ticket"), 80)),
        ("Limit", _safe.inert(run.get("limit"), 120)),
        ("Started", _safe.moment(run.get("started"))),
        ("Took", took),
        ("Mode", ", ".join(mode)),
        ("Parts", _pieces(run)),
        ("Run", _safe.inert(run.get("id"), 80)),
        ("Versions", ", ".join(f"{_safe.inert(k, 40)} {_safe.inert(v, 40)}" for k, v in list(versions.items())[:20])),
    )
    return tuple((label, text) for label, text in rows if text)


def _pieces(run: Mapping[Any, Any]) -> str:
    """Of a merged report how many parts it is from; of a part which one it is."""
    parts = _safe.mapping(run.get("parts"))
    used, lost = _safe.number(parts.get("used")), _safe.number(parts.get("lost"))
    if used is not None and lost is not None:
        return f"{used:.0f} of {used + lost:.0f}"
    part = _safe.mapping(run.get("part"))
    return f"{_safe.inert(part.get('id'), 80)} of {_safe.inert(part.get('run'), 100)}" if part else ""
