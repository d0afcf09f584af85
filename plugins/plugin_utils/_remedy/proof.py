# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What proves a remedy: the very probes that failed because of the finding, and later the diagnosis itself.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._remedy.tracker import Tracker

Document = dict[str, t.Any]


def ways(
    host: Document, findings: t.Collection[str], mended: t.Collection[str], roots: t.Collection[str]
) -> list[t.Any]:
    """Pairs of vantage point and protocol that must answer again when the findings are mended.

    What another root cause keeps down as well, about which nothing is done, proves nothing.

    :param host: the host's part of the report
    :param findings: what the remedy is for
    :param mended: everything on this host about which something is done now
    :param roots: the root causes of this host, and of the fleet
    """
    # Where the way itself loses packets, a probe that fails says nothing about the daemon.
    spoiled = {
        vantage
        for finding in host.get("findings", [])
        if finding["kind"] == "root_cause" and finding["category"] == "network" and finding["id"] not in mended
        for vantage in finding["subject"].split(", ")
    }
    found = set()
    for symptom in host.get("symptoms", []):
        causes = set(symptom["explained_by"]) & set(roots)
        if symptom["where"] != "local" and causes & set(findings) and causes <= set(mended):
            found |= {(vantage, symptom["protocol"]) for vantage in symptom["from"] if vantage not in spoiled}
    return sorted(found)


def prove(action: Document, tracker: Tracker, host: str) -> Document | None:
    """What the probes say of a remedy so far; None while it is not healed.

    :param action: as recorded: C(probes), and C(started) in epoch seconds
    """
    since = tracker.ok_since(host, _pairs(action))
    if since is None:
        return None
    healed = {"state": "proved", "by": "probe", "findings": action["findings"], "healed_at": round(since, 3)}
    return {**healed, "healed_after": round(max(0.0, since - action["started"]), 1)}


def not_healed(action: Document, patience: float) -> Document:
    """What is said when the time is up.

    :param patience: seconds that were waited
    """
    protocols = ", ".join(dict.fromkeys(protocol for dummy, protocol in _pairs(action)))
    return {
        "state": "not_healed",
        "by": "probe",
        "findings": action["findings"],
        "why": f"{protocols} did not answer within {patience:.0f} s",
    }


def watched(proof: Document, action: Document, tracker: Tracker, host: str, seconds: float) -> Document:
    """The proof after a watch: whether it held.

    :param seconds: how long it was watched
    """
    fell = tracker.fell(host, _pairs(action), proof["healed_at"])
    found = {**proof, "watched_s": round(seconds, 1)}
    if fell is None:
        return found
    return {**found, "state": "relapsed", "relapse_at": round(fell, 3)}


def by_diagnosis(action: Document, roots: t.Collection[str], at: float) -> Document:
    """The proof after the last diagnosis: a finding that is there again outweighs every probe.

    :param roots: the root causes that the host has now
    :param at: when that diagnosis began, in epoch seconds
    """
    proof: Document = action.get("proof") or {}
    there = sorted(set(action["findings"]) & set(roots))
    if there and proof.get("state") == "proved":
        return {**proof, "state": "relapsed", "relapse_at": at}
    if there and not proof and action["action"] == "contain_surge":
        # The log of the last hour still shows the surge; that it is held back is the host's own word.
        return {"state": "in_force", "by": "host"}
    if there:
        return proof or {"state": "not_healed", "by": "diagnosis", "why": f"{', '.join(there)} is still there"}
    if proof.get("state") in ("proved", "relapsed"):
        return proof
    return {"state": "proved", "by": "diagnosis", "healed_at": at}


def _pairs(action: Document) -> list[tuple[str, str]]:
    return [tuple(pair) for pair in action.get("probes") or []]
