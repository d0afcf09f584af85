# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which facts a rule may name: the schemas of the host document and of the fleet document.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import plain
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.users import HITS

ROOT = Path(__file__).resolve().parents[3]
"""The collection's own directory, in a checkout and installed alike."""

Schema = dict[str, t.Any]


def _object(names: str, **others: Schema) -> Schema:
    return {"type": "object", "properties": {**{name: {} for name in names.split()}, **others}}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_VIEW = _object(
    "name kind ping loss_percent neighbour source resolve tried ok connected silent mute refused slow_connects lossy"
    " dead cut"
)
_PORT = _object(
    "protocol family port expected remote remote_rung outcomes failed_from ok_from logged_in everywhere local"
    " local_rung code text rung ms banner_ms listening loopback_only queued blocked",
    filtered=_list(_object("port protocol verdict tool where rule packets from limited")),
)
_CRASH = _object("daemon program signal signal_name protocols current last sample")
_LEAK = _object("name pid from_bytes to_bytes grown_bytes times span_s warm_s samples steady")
_MAILBOX = _object(
    "user path exists owner owner_matches bytes messages inbox_messages inbox_old inbox_unseen oldest complete reason",
    quota=_object("limit_bytes limit_messages used_bytes used_messages percent"),
)
_JOINED = _object(
    "roles expected",
    crashes=_list(_CRASH),
    leaks=_list(_LEAK),
    oom=_object("victim victim_pid", consumer=_object("pid name rss_bytes")),
    inventory=_object(
        "roles site redundancy_group",
        hardware=_object("contract spare location serial", bmc=_object("type address")),
        maintenance=_object("active until by reason"),
    ),
    run=_object("host now"),
    reach=_object(
        "login login_text judged silent cut pinged neighbour_incomplete mute ok answering_from cut_from lossy_from"
        " unresolved siblings siblings_answering",
        vantages=_list(_VIEW),
    ),
    oob=_object(
        "asked via power health reason seconds",
        **{name: _list(_object("name state detail serial")) for name in ("psus", "fans", "drives", "memory", "links")},
        log=_list(_object("when severity text age_s")),
    ),
    ports=_list(_PORT),
    certificates=_list(_object("protocol port seen_from subject names serial not_after days_left")),
    front=_list(
        _object(
            "daemon name role count limit per_process share stress protocols queued backlog sessions waiting idle_share"
            " stalled_share clients served_clients",
            top_client=_object("name count share"),
            top_block=_object("name count share"),
        )
    ),
    headroom=_list(_object("what used limit percent says")),
    reported=_object("protocols directions scope users addresses hosts segments"),
    users=_list(
        _object(
            "user reported known banned barred barred_since last_login failed last_failed failed_from failed_sources"
            " failed_at_vantages",
            hits=_object(" ".join(HITS)),
            mailbox=_MAILBOX,
            broken_filter=_object("user script since line"),
        )
    ),
    symptoms=_list(_object("id protocol family where outcome rung code text from_")),
)
_FLEET = _object(
    "",
    run=_object("now"),
    hosts=_list(_object("name site silent cut answering_from cut_from answers")),
    vantages=_list(_object("name kind tried cut answering only_from_here cut_hosts")),
    sites=_list(_object("name hosts silent silent_hosts others_answering")),
)


def host() -> Schema:
    """Schema of the document that host rules search."""
    facts = json.loads((ROOT / "docs" / "facts.schema.json").read_text(encoding="utf-8"))
    expanded = _expand(facts, facts)["properties"]
    for daemon in ("mta", "mda"):
        record = plain(expanded["services"])["properties"][daemon]
        plain(record)["properties"].update(role={}, expected={}, ending={})
    disk = plain(expanded["disk"])["properties"]
    system = disk["filesystems"]["items"]["properties"]
    system.update(deleted_bytes={}, deleted_percent={}, deleted=disk["deleted_open"])
    banned = plain(expanded["bans"])["properties"]["entries"]["items"]
    banned["properties"].update(vantages={}, failing={}, reported={})
    affected = plain(expanded["mailboxes"])["properties"]["affected"]["items"]
    affected["properties"].update(banned={})
    return {"type": "object", "properties": {**expanded, **_JOINED["properties"]}}


def fleet() -> Schema:
    """Schema of the document that fleet rules search."""
    return _FLEET


def _expand(node: t.Any, root: Schema) -> t.Any:
    """Put what a C($ref) refers to in its place; the facts' schema has no cycles."""
    if isinstance(node, list):
        return [_expand(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: t.Any = root
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part]
        return _expand(target, root)
    return {key: _expand(value, root) for key, value in node.items() if key != "$defs"}
