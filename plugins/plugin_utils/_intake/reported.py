# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reported, as rules can search it; and how it gets from the variables of a play into a recording.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The variables are read as they are. A template in the text of a ticket is text: a task option would have it evaluated on
the controller, with everything that the controller may do.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils._intake import affected as who
from ansible_collections.mailops.triage.plugins.plugin_utils._intake import knowledge
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.understand import understand

Document = dict[str, t.Any]

TEXT = "triage_symptom"
AFFECTED = "triage_affected"


class ReportedError(ValueError):
    """A variable that cannot be used; the message names it."""


def taken_in(
    variables: t.Mapping[str, t.Any],
    directories: t.Iterable[Path],
    hosts: t.Container[str],
    points: t.Container[str],
    event: Document | None = None,
) -> Document:
    """What C(run.json) keeps of a report: C(symptom) and C(affected), each only when it was given.

    What the variables say goes before what the event says that asked for the run.

    :param variables: of the play, not templated
    :param directories: of rules; their C(symptoms/) holds what is known of reports
    :param hosts: names of the inventory
    :param points: names of the vantage points
    :param event: C(text) and C(affected) of the ticket or the alert
    :raises ReportedError: naming the variable
    :raises RuleError: when the knowledge about reports has a mistake
    """
    known = knowledge.load(directories)
    text = variables.get(TEXT)
    if text is not None and (isinstance(text, bool) or not isinstance(text, (str, int))):
        raise ReportedError(f"{TEXT} must be a text")
    told = variables.get(AFFECTED)
    only_event = event is not None and told in (None, "", [])
    if event is not None:
        text = event["text"] if text in (None, "") else text
        told = event["affected"] if only_event else told
    try:
        found = who.affected(told, hosts, points)
    except who.AffectedError as exc:
        raise ReportedError(str(exc)) from exc
    kept: Document = {}
    if any(found.values()):
        kept["affected"] = found
    if text not in (None, ""):
        symptom = understand(text, known)
        # Whoever wrote a ticket is not by that the only one who is affected.
        symptom["scope"] = symptom["scope"] or (None if only_event else who.scope(found))
        kept["symptom"] = symptom
    return kept


def reported(run: Document) -> Document:
    """The C(reported) part of a host's document: empty lists and a null when nobody reported anything.

    :param run: run metadata
    """
    statements = (run.get("symptom") or {}).get("statements", [])
    found = {**who.NOBODY, **(run.get("affected") or {})}
    families = {name for statement in statements for name in statement["protocols"]}
    symptom = run.get("symptom")
    return {
        "protocols": [port for name, ports in knowledge.FAMILIES.items() if name in families for port in ports],
        "directions": sorted({statement["direction"] for statement in statements}),
        "scope": symptom["scope"] if symptom else who.scope(found),
        **{kind: list(found[kind]) for kind in ("users", "addresses", "hosts", "segments")},
    }
