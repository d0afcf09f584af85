# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the findings of a host to its verdict and the one sentence that says it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]

ESSENTIAL = ("services", "processes", "disk", "queue", "config")
"""Facts without which nobody may call a host healthy."""

_SAID = {
    "refused": "refused",
    "filtered": "blocked",
    "timeout": "timed out",
    "reset": "cut off",
    "no_banner": "connected but silent",
    "tls_error": "failing in TLS",
    "auth_error": "refusing the login",
    "protocol_error": "answering with an error",
}
"""Symptoms in words; the keys are the outcomes of a probe."""


class Verdict(t.NamedTuple):
    """What the host's line of the report says."""

    verdict: str
    summary: str
    scope: str
    next: list[str]


def verdict(document: Document, findings: list[Document], unexplained: list[Document]) -> Verdict:
    """Judge one host.

    :param findings: with their kinds settled
    :param unexplained: symptoms that no root cause accounts for
    """
    roots = [finding for finding in findings if finding["kind"] == "root_cause"]
    steps = [finding["next"] for finding in findings if finding["kind"] in ("root_cause", "note") and finding["next"]]
    if document["inventory"]["maintenance"]["active"]:
        return Verdict("maintenance", _maintenance(document["inventory"]["maintenance"]), "none", steps)
    if roots:
        word = "down" if _nothing_works(document) else "degraded"
        summary = "; and ".join(dict.fromkeys(root["title"] for root in roots))
        if unexplained:
            summary += f"; not explained: {_symptoms(unexplained)}"
            steps += _look(unexplained)
        return Verdict(word, f"{summary}.", _widest(roots), _once(steps))
    if unexplained:
        candidates = [finding["title"] for finding in findings if finding["kind"] == "note" and finding["confidence"]]
        summary = f"Not explained by any rule: {_symptoms(unexplained)}"
        if candidates:
            summary += f" (possible: {'; '.join(candidates[:2])})"
        return Verdict("unknown", f"{summary}.", "host", _once(steps + _look(unexplained)))
    if document["missing"].keys() >= set(ESSENTIAL):
        return _outside_only(document, steps)
    gone = [subset for subset in ESSENTIAL if subset in document["missing"]]
    if gone and document["roles"]:
        why = document["missing"][gone[0]]
        return Verdict("unknown", f"Mail answers, but the host was not fully judged: {why}.", "none", _once(steps))
    if not document["roles"]:
        steps = [*steps, "Say in the inventory (mail_roles) what this host is meant to do."]
        return Verdict(
            "unknown", "There is no mail service here, and the inventory expects none by name.", "none", steps
        )
    ways = document["reach"]["ok"]
    answering = f"{ways} probes from {document['reach']['judged']} vantage points were answered well"
    inside = sum(port["local"] == "ok" for port in document["ports"])
    if not document["reach"]["judged"]:
        answering = f"{inside} services answer on the host itself; no vantage point looked from outside"
    # A note about a reported user is what that user waits for.
    assured = [note["title"] for note in findings if note["kind"] == "note" and note["scope"] == "client"]
    return Verdict("healthy", f"No fault found: {'; '.join([answering, *assured])}.", "none", _once(steps))


def _outside_only(document: Document, steps: list[str]) -> Verdict:
    login = document["reach"]["login_text"] or document["reach"]["login"]
    steps = [*steps, f"Find out why the login fails ({login}), then diagnose again."]
    if document["reach"]["ok"]:
        return Verdict("unknown", f"Mail answers from outside; the inside was not judged: {login}.", "none", steps)
    return Verdict("unknown", f"Neither seen from outside nor from inside: {login}.", "host", steps)


def _nothing_works(document: Document) -> bool:
    """No mail protocol that the host is meant to speak works for anybody outside."""
    mail = [port for port in document["ports"] if port["expected"] and port["protocol"] != "ssh"]
    judged = [port for port in mail if port["remote"] is not None]
    if judged:
        return not any(port["ok_from"] for port in judged)
    return bool(mail) and not any(port["local"] == "ok" for port in mail)


def _maintenance(marker: Document) -> str:
    text = "In maintenance"
    if marker["until"]:
        text += f" until {marker['until']}"
    if marker["by"]:
        text += f", by {marker['by']}"
    if marker["reason"]:
        text += f": {marker['reason']}"
    return f"{text}. Nothing is done to this host."


def _symptoms(unexplained: list[Document]) -> str:
    """Such as "smtp, submission refused; imap silent on the host itself"."""
    groups: dict[str, list[str]] = {}
    for symptom in unexplained:
        if "protocol" in symptom:
            said = str(_SAID.get(symptom["outcome"], symptom["outcome"]))
            said += f" ({symptom['code']})" if symptom["code"] else ""
            said += " on the host itself" if symptom["where"] == "local" else ""
            groups.setdefault(said, []).append(symptom["protocol"])
        else:
            groups.setdefault(symptom["title"], [])
    parts = [f"{', '.join(dict.fromkeys(names))} {said}".strip() for said, names in groups.items()]
    return "; ".join(parts[:4]) + (f" and {len(parts) - 4} more" if len(parts) > 4 else "")


def _look(unexplained: list[Document]) -> list[str]:
    """Where a person should look first, by the rung at which the dialogue broke."""
    steps = []
    for symptom in unexplained:
        if "protocol" not in symptom:
            continue
        name = symptom["protocol"]
        if symptom["outcome"] in ("timeout", "filtered") and symptom["rung"] == "connect":
            steps.append(f"Trace the path to {name} (filter rules, routes) from {', '.join(symptom['from_'])}.")
        elif symptom["outcome"] == "refused":
            steps.append(f"See which unit should listen for {name}, and why it does not.")
        else:
            steps.append(f"Read the last log lines of the daemon behind {name}: it fails at '{symptom['rung']}'.")
    return steps


def _widest(roots: list[Document]) -> str:
    order = ("client", "segment", "host", "site", "fleet")
    return order[max(order.index(root["scope"]) for root in roots)]


def _once(steps: list[str]) -> list[str]:
    return list(dict.fromkeys(steps))
