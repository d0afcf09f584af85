# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a remediation keeps in the report directory, so that an interrupted run tells what it has done.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

C(remedies.json) is the plan of the last round, C(approved.json) what a person said yes to, C(proofs.json) what the
probes said afterwards, C(actions/HOST.json) what was done on a host, and C(evidence/HOST/NAME.txt) what was saved
before. Each file has one writer at a time.
"""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible_collections.mailops.triage.plugins.plugin_utils._recording import Recording, RecordingError

Document = dict[str, t.Any]

PLAN = "remedies.json"
APPROVED = "approved.json"
PROOFS = "proofs.json"
_MOST_EVIDENCE = 512 << 10


def read(recording: Recording, name: str) -> Document:
    """A file of the remediation; an empty one where there is none yet.

    :raises RecordingError: when it is there and cannot be used
    """
    return recording.read(name) if (recording.path / name).exists() else {}


def actions(recording: Recording, host: str) -> list[Document]:
    """What was done on a host, in the order of time, with the proof where there is one.

    :raises RecordingError: when the file cannot be used
    """
    proofs = read(recording, PROOFS).get("hosts", {}).get(host, {}).get("items", {})
    done = read(recording, _file(host)).get("actions", [])
    for action in done:
        action["proof"] = proofs.get(action["key"]) if action["state"] == "done" else None
    return t.cast("list[Document]", done)


def all_actions(recording: Recording, hosts: t.Iterable[str]) -> dict[str, list[Document]]:
    """The actions of every host that has any."""
    found = {host: actions(recording, host) for host in hosts}
    return {host: done for host, done in found.items() if done}


def append(recording: Recording, host: str, action: Document, evidence: dict[str, t.Any]) -> Document:
    """Add an action to those of a host.

    :param evidence: texts by name, which become files
    :returns: the action as it was kept
    """
    kept = {**action, "evidence": _evidence(recording, host, evidence)}
    _folder(recording, "actions")
    earlier = read(recording, _file(host)).get("actions", [])
    recording.write(_file(host), {"host": host, "actions": [*earlier, kept]})
    return kept


def _evidence(recording: Recording, host: str, texts: dict[str, t.Any]) -> list[str]:
    names: list[str] = []
    left = _MOST_EVIDENCE
    for name, text in sorted(texts.items()):
        # The texts come from a host that may be in somebody else's hands.
        text = str(text)[:left]
        left -= len(text)
        place = f"evidence/{_quoted(host)}"
        if not names:
            _folder(recording, place)
        names.append(f"{place}/{_quoted(str(name)[:80])}.txt")
        recording.write(names[-1], text)
    return names


def _folder(recording: Recording, name: str) -> None:
    try:
        (recording.path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise RecordingError(f"{recording.path / name}: {exc.strerror or exc}") from exc


def _file(host: str) -> str:
    return f"actions/{_quoted(host)}.json"


def _quoted(name: str) -> str:
    """A name that may hold anything as the name of a file; dots alone would be another directory."""
    quoted = urllib.parse.quote(name, safe="")
    return quoted.replace(".", "%2E") if not quoted.strip(".") else quoted
