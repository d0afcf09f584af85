# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a remedy's module answered to an action of the report; whatever it answered.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The module ran on a host that is in trouble, perhaps in somebody else's hands: nothing it says is taken for granted.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

Document = dict[str, t.Any]

_STATES = ("planned", "done", "refused", "failed", "nothing")
_MOST_STEPS = 60
_MOST_FACTS = 40


def action(item: Document, answer: t.Any, began: float, ended: float) -> tuple[Document, dict[str, t.Any]]:
    """The action as the report keeps it, and the texts that were saved as evidence.

    :param item: of the plan
    :param answer: the registered result of the role's module; anything, when the role did not come that far
    :param began: epoch seconds when the role was begun, by the controller's clock
    :param ended: the same for its end
    """
    said = answer if isinstance(answer, dict) else {}
    state, code, why = _state(said)
    kept = {name: item[name] for name in ("action", "subject", "finding", "findings", "title", "args", "key", "probes")}
    entry = {
        **kept,
        "state": state,
        "code": code,
        "why": why,
        "retry_at": _moment(said.get("retry_at")),
        "before": _facts(said.get("before")),
        "after": _facts(said.get("after")),
        "steps": [_step(step) for step in _list(said.get("steps"))[:_MOST_STEPS]],
        "notes": [clean(note, 300) for note in _list(said.get("notes"))[:20]],
        "started": round(began, 3),
        "finished": round(ended, 3),
        "proof": None,
    }
    texts = said.get("evidence")
    return entry, texts if isinstance(texts, dict) else {}


def failed(answer: t.Any) -> bool:
    """Is this the answer of a task that failed, or that did not reach its host?"""
    return isinstance(answer, dict) and bool(answer.get("failed") or answer.get("unreachable"))


def _state(said: Document) -> tuple[str, str, str]:
    if said.get("unreachable"):
        return "failed", "unreachable", clean(said.get("msg") or "the host could not be reached", 300)
    if said.get("skipped"):
        return "failed", "skipped", "the role skipped its own task, and said nothing"
    state = said.get("state")
    if said.get("failed"):
        return "failed", clean(said.get("code") or "error", 40), clean(said.get("why") or said.get("msg") or "", 300)
    if state not in _STATES:
        return "failed", "no_answer", "the role ended without an answer; the play's output tells why"
    return str(state), clean(said.get("code") or "", 40), clean(said.get("why") or "", 300)


def _step(step: t.Any) -> Document:
    said = step if isinstance(step, dict) else {"what": step}
    return {
        "at": _moment(said.get("at")),
        "what": clean(said.get("what") or "", 200),
        "result": clean(said.get("result") or "", 300),
    }


def _facts(value: t.Any) -> Document | None:
    """What was measured: a small mapping of names to numbers and short texts."""
    if not isinstance(value, dict) or not value:
        return None
    return {clean(name, 60): _plain(fact) for name, fact in list(value.items())[:_MOST_FACTS]}


def _plain(value: t.Any) -> t.Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value[:20]]
    if isinstance(value, dict):
        return {clean(name, 60): clean(fact, 120) for name, fact in list(value.items())[:_MOST_FACTS]}
    return clean(value, 200)


def _moment(value: t.Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _list(value: t.Any) -> list[t.Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
