# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that the packet filter keeps from the mail ports: members of sets, and rules that name one address.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ipaddress
import json
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts.firewall import PORTS, port_range

# address: text of an address or network; tool: fail2ban, nft or iptables; name: of the jail, the set or the chain;
# ports: list of mail ports, or None when it does not say; since, until: epoch or None
Entry = namedtuple("Entry", "address tool name ports since until")


def network(text):
    """An ipaddress network of an address, a prefix or a range that is one; None of anything else."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def of_nft(text, now):
    """Members of the sets that a rule of C(nft -j list ruleset) drops or refuses on a mail port, as a list of Entry."""
    try:
        told = json.loads(text)["nftables"]
    except (KeyError, TypeError, ValueError):
        return []
    sets, found, done = {}, [], set()
    for entry in told:
        body = entry.get("set") if isinstance(entry, dict) else None
        if isinstance(body, dict):
            sets[body.get("family"), body.get("table"), body.get("name")] = body.get("elem") or []
    for entry in told:
        rule = entry.get("rule") if isinstance(entry, dict) else None
        if not isinstance(rule, dict):
            continue
        name, ports = _banned_set(rule.get("expr") or [], sets, rule.get("family"), rule.get("table"))
        key = (rule.get("family"), rule.get("table"), name)
        if name is None or not ports or (key, tuple(ports)) in done:
            continue
        done.add((key, tuple(ports)))
        for member in sets.get(key, []):
            address, since, until = _member(member, now)
            if address is not None:
                found.append(Entry(address, "nft", name, ports, since, until))
    return found


def _banned_set(expressions, sets, family, table):
    """(name of the set of source addresses, mail ports) of a rule that keeps them out; (None, []) of any other."""
    name, ports, verdict = None, list(PORTS), False
    for part in expressions:
        if not isinstance(part, dict):
            continue
        verdict = verdict or "drop" in part or "reject" in part
        match = part.get("match")
        if not isinstance(match, dict) or not isinstance(match.get("left"), dict):
            continue
        field = (match["left"].get("payload") or {}).get("field")
        right, same = match.get("right"), match.get("op", "==") in ("==", "in")
        if field == "saddr" and same and isinstance(right, str) and right.startswith("@"):
            name = right[1:]
        elif field == "dport" and same:
            ports = _mail_ports(right, sets, family, table)
    return (name, ports) if verdict else (None, [])


def _mail_ports(right, sets, family, table):
    if isinstance(right, str) and right.startswith("@"):
        right = sets.get((family, table, right[1:]), [])
    values = right["set"] if isinstance(right, dict) and "set" in right else right
    ranges = [port_range(value) for value in (values if isinstance(values, list) else [values])]
    return [port for port in PORTS if any(pair and pair[0] <= port <= pair[1] for pair in ranges)]


def _member(member, now):
    """(address, since, until) of one element of a set."""
    since = until = None
    if isinstance(member, dict) and isinstance(member.get("elem"), dict):
        body = member["elem"]
        left, whole = body.get("expires"), body.get("timeout")
        if isinstance(left, int):
            until = round(now + left, 3)
            since = round(until - whole, 3) if isinstance(whole, int) else None
        member = body.get("val")
    if isinstance(member, dict) and isinstance(member.get("prefix"), dict):
        member = "{0}/{1}".format(member["prefix"].get("addr"), member["prefix"].get("len"))
    elif isinstance(member, dict) and isinstance(member.get("range"), list) and len(member["range"]) == 2:
        member = _one_prefix(member["range"])
    return (member if isinstance(member, str) else None), since, until


def _one_prefix(ends):
    """A range as the prefix it is, or None where it takes several."""
    try:
        first, last = [ipaddress.ip_address(end) for end in ends]
        prefixes = list(ipaddress.summarize_address_range(first, last))
    except (TypeError, ValueError):
        return None
    return str(prefixes[0]) if len(prefixes) == 1 else None


def of_rules(records):
    """Rules that keep out one single address, from the records of the packet filter, as a list of Entry."""
    by_address, order = {}, []
    for record in records:
        found = network(record["from"]) if record["from"] and not record["limited"] else None
        if found is None or found.num_addresses != 1:
            continue
        key = (str(found.network_address), record["tool"], record["where"])
        if key not in by_address:
            order.append(key)
        by_address.setdefault(key, []).append(record["port"])
    return [Entry(key[0], key[1], key[2], sorted(set(by_address[key])), None, None) for key in order]
