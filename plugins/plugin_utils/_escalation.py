# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to tell whom about a finding that people have to mend: the content of a message, in bounded, inert texts.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import inert, mapping, sequence, texts

Document = dict[str, t.Any]

HARDWARE = ("contract", "serial", "location", "spare")
"""What the inventory's C(mail_hardware) tells of a host and may leave the house; never how to log in to its BMC."""

KINDS = {"hardware": "hardware", "network": "network", "client": "client", "security": "security"}
"""Whom a category concerns; all others are for those who run the mail."""

_MOST_LINES = 20
_SLUG = re.compile(r"[^A-Za-z0-9._-]+")


def message(name: str, finding: object, host: object, hardware: object, run: object) -> Document:
    """Everything that the templates of a message need.

    :param name: of the host in the inventory
    :param finding: of triage.json
    :param host: the host's entry of triage.json
    :param hardware: the host variable C(mail_hardware)
    :param run: the C(run) part of triage.json, or an empty mapping
    """
    found, entry, about, asked = mapping(finding), mapping(host), mapping(hardware), mapping(run)
    remedy = mapping(found.get("remedy"))
    told = {
        "kind": kind(found),
        "host": inert(name, 120),
        "site": inert(entry.get("site"), 120),
        "verdict": inert(entry.get("verdict"), 20),
        "id": inert(found.get("id"), 120),
        "title": inert(found.get("title")),
        "subject": inert(found.get("subject"), 120),
        "severity": inert(found.get("severity"), 20),
        "confidence": _percent(found.get("confidence")),
        "evidence": _evidence(found),
        "reach": _reach(entry),
        "hardware": {key: inert(about.get(key), 200) for key in HARDWARE if about.get(key)},
        "do": inert(remedy.get("do"), 600),
        "dont": inert(remedy.get("dont"), 600),
        "cure": inert(found.get("cure"), 600),
        "next": list(texts(entry.get("next"), 300, _MOST_LINES)),
        "open": _not_judged(entry),
        "recurring": _recurring(found),
        "run": inert(asked.get("id"), 120),
        "ticket": inert(asked.get("ticket"), 120),
        "at": moment(asked.get("started")),
    }
    told["headline"] = f"[{told['severity'] or 'unknown'}] {told['host']}: {told['title'] or told['id']}"
    told["name"] = file_name(told)
    return told


def kind(finding: t.Mapping[str, t.Any]) -> str:
    """Whom it concerns: hardware, network, client, security, mail, or unknown where no cause was found."""
    if str(finding.get("id", "")).startswith("unknown") or finding.get("kind") == "symptom":
        return "unknown"
    return KINDS.get(str(finding.get("category")), "mail")


def file_name(told: Document) -> str:
    """Name of the message's file, without its ending; no part of it can lead out of the directory."""
    parts = [_SLUG.sub("-", told[key]).strip("-.")[:60] for key in ("host", "id", "subject")]
    return "-".join(part for part in parts if part) or "escalation"


def moment(value: object) -> str:
    """Epoch seconds as a time of day in UTC; an empty text where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    try:
        return datetime.fromtimestamp(value, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return ""


def _percent(value: object) -> str:
    """How sure it is, as people say it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    return f"{100 * value:.0f} %"


def _evidence(finding: t.Mapping[str, t.Any]) -> list[str]:
    said = []
    for one in sequence(finding.get("evidence"))[:_MOST_LINES]:
        line, seen = inert(mapping(one).get("says")), inert(mapping(one).get("from"), 60)
        if line:
            said.append(f"{line} ({seen})" if seen else line)
    return said


def _reach(entry: t.Mapping[str, t.Any]) -> list[Document]:
    """From where what answers and what does not."""
    rows = []
    for point, outcomes in list(mapping(entry.get("reach")).items())[:_MOST_LINES]:
        well, ill = [], []
        for protocol, outcome in list(mapping(outcomes).items())[:_MOST_LINES]:
            if outcome == "ok":
                well.append(inert(protocol, 20))
            elif outcome != "skipped":
                ill.append(f"{inert(protocol, 20)} ({inert(outcome, 20)})")
        if well or ill:
            rows.append({"from": inert(point, 60), "well": well, "ill": ill})
    return rows


def _not_judged(entry: t.Mapping[str, t.Any]) -> list[str]:
    said = []
    for one in sequence(entry.get("not_judged"))[:_MOST_LINES]:
        rule, why = inert(mapping(one).get("rule"), 80), inert(mapping(one).get("because"))
        if rule:
            said.append(f"{rule}: {why}")
    return said


def _recurring(finding: t.Mapping[str, t.Any]) -> str:
    again = mapping(finding.get("recurring"))
    count = again.get("count")
    return str(count) if isinstance(count, int) and not isinstance(count, bool) and count > 1 else ""


def relay(text: str) -> tuple[str, int]:
    """Host and port of a mail server, as C(host), C(host:port) or C([2001:db8::1]:port).

    :raises ValueError: when it is none
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?", text.strip())
    if match is None or not 0 < int(match.group(3) or 25) < 65536:
        raise ValueError(f"this is no mail server, written as host:port: {inert(text, 80)}")
    return match.group(1) or match.group(2), int(match.group(3) or 25)
