# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of a run did: plans, actions, proofs and evidence, into the recording of the whole.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What was done was done: the actions of a host stay, whichever part looked at it last.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording
from ansible_collections.mailops.triage.plugins.plugin_utils._remedy import store
from ansible_collections.mailops.triage.plugins.plugin_utils._slices.parts import Part

Document = dict[str, t.Any]


def into(target: Recording, parts: list[Part], owners: dict[str, Part]) -> None:
    """Write what the remediations of the parts have kept; nothing where none of them acted or planned.

    :param owners: for each host the part that its diagnosis is from
    :raises RecordingError: when a file cannot be read or written
    """
    plans = [(part, store.read(part.recording, store.PLAN)) for part in parts]
    planned = [(part, plan) for part, plan in plans if plan]
    if not planned:
        return
    made = max(planned, key=lambda one: one[0].started)[1]
    hosts: Document = {}
    proofs: Document = {}
    approved: set[str] = set()
    done: list[tuple[float, str, Document, dict[str, str]]] = []
    for part, plan in planned:
        for host, items in (plan.get("hosts") or {}).items():
            if owners.get(host) is part or host not in hosts:
                hosts[host] = items
        for host, proof in (store.read(part.recording, store.PROOFS).get("hosts") or {}).items():
            mine = proofs.setdefault(host, {"items": {}})
            mine["items"] = {**mine["items"], **(proof.get("items") or {})}
        approved |= set(store.read(part.recording, store.APPROVED).get("keys") or [])
        for host in part.hosts:
            for action in store.actions(part.recording, host):
                done.append((action.get("started") or part.started, host, action, _evidence(part, action)))
    target.write(store.PLAN, {**made, "hosts": hosts})
    target.write(store.PROOFS, {"hosts": proofs})
    target.write(store.APPROVED, {"keys": sorted(approved)})
    for dummy, host, action, texts in sorted(done, key=lambda one: (one[0], one[1])):
        store.append(target, host, {key: value for key, value in action.items() if key != "proof"}, texts)


def _evidence(part: Part, action: Document) -> dict[str, str]:
    """What was saved before an action; names of two parts must not meet."""
    texts = {}
    for name in action.get("evidence") or []:
        path = part.recording.path / name
        if path.resolve().is_relative_to(part.recording.path.resolve()) and path.is_file():
            stem = path.name.removesuffix(".txt")
            texts[f"{stem} {part.name}"] = path.read_text(encoding="utf-8", errors="replace")
    return texts
