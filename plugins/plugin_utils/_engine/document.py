# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document that host rules search: the facts of a host, joined with what the vantage points saw of it.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Nothing is judged here. JMESPath has no arithmetic, no dates and no joins, so what rules compare is put side by
side first: one record per port with the view from outside, the view from inside, the listener and the filter.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import derived, protocols
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.front import front
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.hardware import hardware
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.headroom import headroom
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.maintenance import maintenance
from ansible_collections.mailops.triage.plugins.plugin_utils._outofband import answer

SUBSETS = (
    "host",
    "services",
    "processes",
    "listeners",
    "load",
    "memory",
    "disk",
    "queue",
    "traffic",
    "log",
    "config",
    "dns",
    "loopback",
    "hardware",
    "mailboxes",
    "bans",
    "patches",
)

_SLOW_CONNECT_MS = 900
"""A connection that took this long lost its first SYN: the kernel sends the second one after a second."""

Document = dict[str, t.Any]


def build(host: str, record: Document, vantages: dict[str, Document], now: float) -> Document:
    """Join what is known of one host.

    :param record: the host's part of the recording (inventory, login, facts)
    :param vantages: for each usable vantage point its probe result of this host
    :param now: the controller's time when the run began, in epoch seconds: ages and certificates are measured
        with this clock, not with the host's own, which may be wrong
    """
    inventory = record.get("inventory") or {}
    facts = record.get("facts") or {}
    document: Document = {subset: facts.get(subset) for subset in SUBSETS}
    views = [_view(name, seen) for name, seen in sorted(vantages.items(), key=_controller_first)]
    login = record.get("login") or {"outcome": "skipped", "text": ""}
    document["inventory"] = {
        "roles": inventory.get("mail_roles"),
        "site": inventory.get("mail_site"),
        "redundancy_group": inventory.get("mail_redundancy_group"),
        "hardware": hardware(inventory.get("mail_hardware")),
        "maintenance": maintenance(inventory.get("mail_maintenance"), now),
    }
    document["run"] = {"host": host, "now": now}
    document["reach"] = {**_reach(views), "login": login["outcome"], "login_text": login.get("text", "")}
    roles = _roles(inventory, document)
    document["roles"] = roles
    document["services"] = _services(document["services"], roles)
    document["expected"] = protocols.of_roles(roles, host)
    if login.get("transport", "ssh") in protocols.SSH_TRANSPORTS:
        document["expected"].insert(0, "ssh")
    document["ports"] = _ports(document, vantages)
    document["disk"] = derived.with_deleted(document["disk"])
    document["crashes"] = derived.crashes(document["log"])
    document["oom"] = derived.oom(document["log"], document["memory"], document["processes"])
    document["bans"] = _bans(document["bans"], views, document["ports"])
    document["mailboxes"] = _mailboxes(document["mailboxes"], document["bans"])
    document["certificates"] = _certificates(document["loopback"], vantages, now)
    document["front"] = front(document)
    document["headroom"] = headroom(document)
    document["oob"] = _out_of_band(record.get("oob"), now)
    document["missing"] = _missing(record)
    document["missing"].update(
        {name: document["missing"][source] for name, source in _MADE_OF.items() if source in document["missing"]}
    )
    return document


_MADE_OF = {"front": "traffic", "crashes": "log", "oom": "log", "leaks": "memory"}
"""What is derived from one kind of facts is as unknown as they are: its rules are not judged, and hold others back."""


def _out_of_band(found: Document | None, now: float) -> Document:
    """What the BMC says, with the age of each entry of its log."""
    if found is None:
        return answer.nothing("not asked: the host is not dark")
    log = [
        {**entry, "age_s": max(0.0, now - entry["when"]) if entry["when"] is not None else None}
        for entry in found["log"]
    ]
    return {**found, "log": log}


def _controller_first(item: tuple[str, Document]) -> tuple[bool, str]:
    return item[0] != "controller", item[0]


def _missing(record: Document) -> dict[str, str]:
    """For each fact subset that is not there, why."""
    facts = record.get("facts")
    if not facts:
        login = record.get("login") or {}
        why = f"the host was not examined: {login.get('text') or login.get('outcome') or 'no facts recorded'}"
        return dict.fromkeys(SUBSETS, why)
    collectors = facts.get("collectors") or {}
    found = {}
    for subset in SUBSETS:
        if facts.get(subset) is None:
            state = collectors.get(subset)
            if state is None:
                found[subset] = f"the facts '{subset}' were not asked for"
            elif state.get("status") != "ok":
                found[subset] = f"the facts '{subset}' could not be had: {state.get('reason') or state.get('status')}"
    return found


def _view(name: str, seen: Document) -> Document:
    """What one vantage point saw of the host as a whole."""
    services = [service for service in seen.get("services", []) if service["outcome"] != "skipped"]
    at_connect = [service for service in services if service["rung"] == "connect"]
    connected = [service for service in services if service["rung"] != "connect"]
    # A router that finds nobody on the last segment says "host unreachable", which looks like a filter's answer.
    silent = [service for service in at_connect if service["outcome"] in ("timeout", "filtered")]
    # One port that needs a second SYN may have a full accept queue; several ports show the path.
    slow = [
        service
        for service in connected
        if _connect_ms(service) >= _SLOW_CONNECT_MS or (service.get("retransmits") or 0) > 0
    ]
    ping = seen.get("ping") or {"outcome": "skipped"}
    # Silence of single ports is a filter's work; loss shows in the echo requests or in segments sent again.
    lossy = bool(0 < (ping.get("loss_percent") or 0) < 100 or len(slow) > 1)
    return {
        "name": name,
        "kind": "controller" if name == "controller" else "client",
        "ping": ping["outcome"],
        "loss_percent": ping.get("loss_percent"),
        "neighbour": seen.get("neighbour", "unknown"),
        "source": seen.get("source"),
        "resolve": (seen.get("resolve") or {}).get("outcome", "skipped"),
        "tried": len(services),
        "ok": sum(service["outcome"] == "ok" for service in services),
        "connected": len(connected),
        "silent": len(silent),
        "mute": sum(_mute(service) for service in connected),
        "refused": sum(service["outcome"] == "refused" for service in at_connect),
        "slow_connects": len(slow),
        "lossy": lossy,
        "dead": bool(services) and len(silent) == len(services) and ping["outcome"] != "ok",
        "cut": bool(services) and len(silent) == len(services),
    }


def _mute(service: Document) -> bool:
    """Connected, and not one byte came: under implicit TLS the silence shows in the handshake."""
    return (service["outcome"], service["rung"]) in (("no_banner", "banner"), ("timeout", "tls"))


def _connect_ms(service: Document) -> float:
    return next((rung["ms"] for rung in service.get("rungs", []) if rung["rung"] == "connect"), 0.0)


def _reach(views: list[Document]) -> Document:
    answering = [view for view in views if not view["cut"]]
    mute = [view for view in answering if view["tried"] >= 2 and view["mute"] == view["tried"]]
    cut = [view for view in views if view["cut"]]
    return {
        "vantages": views,
        "judged": len(views),
        "silent": bool(views) and all(view["dead"] for view in views),
        "cut": bool(views) and len(cut) == len(views),
        "pinged": any(view["ping"] == "ok" for view in views),
        "neighbour_incomplete": any(view["neighbour"] == "incomplete" for view in views),
        "mute": bool(mute) and len(mute) == len(answering),
        "ok": sum(view["ok"] for view in views),
        "answering_from": [view["name"] for view in answering],
        "cut_from": [view["name"] for view in cut],
        "lossy_from": [view["name"] for view in views if view["lossy"]],
        "unresolved": bool(views) and all(view["resolve"] == "error" for view in views),
        # Of the whole fleet as these vantage points see it; filled in when the fleet is known.
        "siblings": 0,
        "siblings_answering": 0,
    }


def _roles(inventory: Document, document: Document) -> list[str]:
    """What the host is meant to do: the inventory's word, else what is set up there, else what answers."""
    given = inventory.get("mail_roles")
    if given is not None:
        return list(given)
    config = document["config"]
    services = document["services"]
    if config is None or services is None:
        return list(protocols.DEFAULT_ROLES)
    roles = []
    dovecot = (config.get("dovecot") or {}).get("values") or {}
    if services.get("mta"):
        roles.append("mta")
        ports = {protocols.PORTS[name] for name in protocols.ROLES["submission"]}
        if any(entry["port"] in ports for entry in (document["listeners"] or {}).get("tcp", [])):
            roles.append("submission")
    spoken = (dovecot.get("protocols") or "").split()
    roles.extend(role for role in ("imap", "pop3", "sieve") if role in spoken)
    return roles


def _services(services: Document | None, roles: list[str]) -> Document | None:
    """Tell of the mail daemons whether this host is meant to run them."""
    if services is None:
        return None
    joined = dict(services)
    for daemon, served in (("mta", ("mta", "submission")), ("mda", ("imap", "pop3"))):
        if services.get(daemon):
            expected = any(role in roles for role in served)
            ending = derived.ending(services[daemon]["unit_state"])
            joined[daemon] = {**services[daemon], "role": daemon, "expected": expected, "ending": ending}
    return joined


def _ports(document: Document, vantages: dict[str, Document]) -> list[Document]:
    """One record per protocol and address family."""
    outside: dict[tuple[str, str], dict[str, Document]] = {}
    for name, seen in vantages.items():
        for service in seen.get("services", []):
            if service["outcome"] != "skipped":
                outside.setdefault((service["protocol"], service["family"]), {})[name] = service
    inside: dict[tuple[str, str], Document] = {}
    for service in (document["loopback"] or {}).get("services", []):
        if service["outcome"] != "skipped":
            inside[service["protocol"], service["family"]] = service
    order = list(protocols.PORTS)
    keys = sorted({*outside, *inside}, key=lambda key: (order.index(key[0]), key[1]))
    return [
        _port(protocol, family, outside.get((protocol, family), {}), inside.get((protocol, family)), document)
        for protocol, family in keys
    ]


def _port(
    protocol: str, family: str, outside: dict[str, Document], local: Document | None, document: Document
) -> Document:
    some = next(iter(outside.values()), local) or {}
    number = some["port"]
    failing = {name: service for name, service in outside.items() if service["outcome"] != "ok"}
    # Each cut-off vantage point is the business of a network rule; the port itself is judged from the others.
    first = next((failing[name] for name in sorted(failing, key=lambda name: (name != "controller", name))), None)
    listeners = document["listeners"]
    listening = None
    loopback_only = None
    queued = None
    filtered = None
    blocked = None
    if listeners is not None:
        heard = [entry for entry in listeners["tcp"] if entry["port"] == number]
        listening = bool(heard)
        loopback_only = bool(heard) and all(entry["loopback_only"] for entry in heard)
        queued = max((entry.get("queued") or 0 for entry in heard), default=0)
        if listeners["filtered"] is not None:
            filtered = [entry for entry in listeners["filtered"] if entry["port"] == number]
        # A rule for everybody and for every packet; one that names a source or a rate is another matter.
        blanket = [entry["verdict"] for entry in filtered or [] if not entry["limited"] and entry["from"] is None]
        blocked = blanket[0] if blanket else None
    worst = first or local or {}
    return {
        "protocol": protocol,
        "family": family,
        "port": number,
        "expected": protocol in document["expected"],
        "remote": first["outcome"] if first else ("ok" if outside else None),
        "remote_rung": first["rung"] if first else None,
        "outcomes": {name: service["outcome"] for name, service in sorted(failing.items())},
        "failed_from": sorted(failing),
        "ok_from": sorted(set(outside) - set(failing)),
        "logged_in": any(_logged_in(service) for service in outside.values()),
        "everywhere": bool(outside) and len(failing) == len(outside),
        "local": local["outcome"] if local else None,
        "local_rung": local["rung"] if local else None,
        "code": worst.get("code"),
        "text": worst.get("text"),
        "rung": worst.get("rung"),
        "ms": derived.fastest(outside.values() if outside else [local or {}]),
        "banner_ms": derived.fastest(outside.values() if outside else [local or {}], "banner"),
        "listening": listening,
        "loopback_only": loopback_only,
        "queued": queued,
        "filtered": filtered,
        "blocked": blocked,
    }


def _logged_in(service: Document) -> bool:
    """Did the probe's own account get in?"""
    return any(rung["rung"] in ("auth", "login") and rung["ok"] for rung in service.get("rungs", []))


def _bans(bans: Document | None, views: list[Document], ports: list[Document]) -> Document | None:
    """Tell of each banned address whom it meets: vantage points, with what fails there, and reported addresses."""
    if bans is None:
        return None
    sources: dict[str, list[str]] = {}
    for view in views:
        sources.setdefault(view["source"], []).append(view["name"])
    entries = []
    for entry in bans["entries"]:
        met = sorted(name for one in entry["asked"] for name in sources.get(one, []))
        failing = [port["protocol"] for port in ports if set(met) & set(port["failed_from"])]
        reported = [one for one in entry["asked"] if one not in sources]
        entries.append({**entry, "vantages": met, "failing": list(dict.fromkeys(failing)), "reported": reported})
    return {**bans, "entries": entries}


def _mailboxes(mailboxes: Document | None, bans: Document | None) -> Document | None:
    """Tell of each user that was asked for which of the addresses they come from are banned."""
    if mailboxes is None:
        return None
    affected = []
    for user in mailboxes["affected"]:
        seen = user["logins"] or {"from": [], "failed_from": []}
        networks = [ipaddress.ip_address(one) for one in dict.fromkeys([*seen["from"], *seen["failed_from"]])]
        lists = None if bans is None else [ipaddress.ip_network(entry["address"]) for entry in bans["entries"]]
        banned = [str(one) for one in networks if any(one in network for network in lists or [])]
        affected.append({**user, "banned": None if lists is None else banned})
    return {**mailboxes, "affected": affected}


def _certificates(loopback: Document | None, vantages: dict[str, Document], now: float) -> list[Document]:
    """The certificates served, each once, with the days that are left by the controller's clock."""
    found: dict[tuple[str, str], Document] = {}
    for where, seen in [*sorted(vantages.items(), key=_controller_first), ("loopback", loopback or {})]:
        for service in seen.get("services", []):
            certificate = service.get("certificate")
            if certificate and certificate.get("not_after") is not None:
                key = (certificate.get("sha256") or "", service["protocol"])
                found.setdefault(
                    key,
                    {
                        "protocol": service["protocol"],
                        "port": service["port"],
                        "seen_from": where,
                        "subject": certificate.get("subject"),
                        "names": certificate.get("names"),
                        "serial": certificate.get("serial"),
                        "not_after": certificate["not_after"],
                        "days_left": round((certificate["not_after"] - now) / 86400, 1),
                    },
                )
    return sorted(found.values(), key=lambda entry: (entry["days_left"], entry["protocol"]))
