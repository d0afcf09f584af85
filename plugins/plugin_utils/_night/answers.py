# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a module answered on a host to one step of the ledger; whatever it answered.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._night import frozen

Document = dict[str, t.Any]

GOOD = ("done", "nothing", "planned", "skipped")
"""States of a step after which the next one may come; the others are C(refused), C(failed) and C(unreachable)."""
_MOST_PACKAGES = 2000
_MOST_STEPS = 40
_MOST_LOG = 16 << 10


def step(name: str, answer: t.Any, began: float, ended: float, check: bool = False) -> Document:
    """One step as the ledger keeps it.

    :param name: of the step
    :param answer: the registered result of its task, or of its loop; anything
    :param began: epoch seconds, as C(ended)
    :param check: nothing was done, only looked at
    """
    if isinstance(answer, dict) and isinstance(answer.get("results"), list):
        parts = [_judged(part, check) for part in answer["results"]]
        wrong = [part for part in parts if part["state"] not in GOOD]
        state = wrong[0] if wrong else next((part for part in parts if part["state"] != "nothing"), _nothing())
    else:
        state = _judged(answer, check)
    said = answer if isinstance(answer, dict) else {}
    return {
        "step": name,
        "began": round(began, 3),
        "ended": round(ended, 3),
        **state,
        "steps": [_line(one) for one in _list(said.get("steps"))[:_MOST_STEPS]],
    }


def merged(answer: t.Any, others: t.Any) -> t.Any:
    """Two loops as one: what the first refused because it is none of its business was done by the second.

    :param others: of a module of another collection, which knows none of our states
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        return answer
    known = others.get("results") if isinstance(others, dict) else None
    more = [{key: one[key] for key in one if key != "state"} for one in known or [] if isinstance(one, dict)]
    mine = [one for one in answer["results"] if not isinstance(one, dict) or one.get("code") != "not_ours" or not more]
    return {**answer, "results": mine + more}


def packages(answer: t.Any) -> list[Document]:
    """What was changed: C(package), C(from) and C(to)."""
    said = answer if isinstance(answer, dict) else {}
    found = []
    for one in _list(said.get("changed_packages"))[:_MOST_PACKAGES]:
        if isinstance(one, dict):
            found.append({key: clean(one[key], 160) if one.get(key) else None for key in ("package", "from", "to")})
    return found


def outcome(answer: t.Any) -> Document:
    """What the package manager left behind, for the next steps and for the report."""
    said = answer if isinstance(answer, dict) else {}
    return {
        "restarts": frozen.units(said.get("restarts")),
        "reboot": frozen.reboot(said.get("reboot")),
        "stale_left": frozen.units(said.get("stale_left")),
        "conffiles_left": frozen.names(said.get("conffiles_left")),
        "half_configured": frozen.names(said.get("half_configured")),
        "log": clean_lines(said.get("log")),
    }


def clean_lines(value: t.Any) -> str:
    """The end of a log as lines that can be shown."""
    text = "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")
    return "\n".join(clean(line, 300) for line in text[-_MOST_LOG:].splitlines())


def _judged(answer: t.Any, check: bool) -> Document:
    if not isinstance(answer, dict):
        return {"state": "failed", "code": "no_answer", "why": "the step ended without an answer; the output tells why"}
    told = clean(answer.get("why") or answer.get("msg") or "", 400)
    code = clean(answer.get("code") or "", 40)
    if answer.get("unreachable"):
        return {"state": "unreachable", "code": "unreachable", "why": told or "the host could not be reached"}
    if answer.get("skipped"):
        return {"state": "skipped", "code": "", "why": ""}
    if answer.get("failed"):
        return {"state": "failed", "code": code or "error", "why": told}
    state = answer.get("state")
    if state in ("refused", "failed", "nothing", "planned", "done"):
        return {"state": state, "code": code, "why": told}
    if state == "running":
        return {"state": "failed", "code": code or "running", "why": told}
    if not answer.get("changed"):
        return {"state": "nothing", "code": code, "why": told}
    return {"state": "planned" if check else "done", "code": code, "why": told}


def _nothing() -> Document:
    return {"state": "nothing", "code": "", "why": ""}


def _line(one: t.Any) -> str:
    if isinstance(one, dict):
        return clean(": ".join(str(one[key]) for key in ("what", "result") if one.get(key)), 300)
    return clean(one, 300)


def _list(value: t.Any) -> list[t.Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
