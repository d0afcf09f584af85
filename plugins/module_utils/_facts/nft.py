# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the rule set of nftables.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import json

from ansible_collections.mailops.triage.plugins.module_utils._facts.firewall import (
    Chain,
    Rule,
    meets_syn,
    outside,
    port_range,
)

_NETWORK_FAMILIES = ("ip", "ip6", "inet")
_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg")
_OTHER_PROTOCOLS = ("udp", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah")


def parse_nft(text):
    """Chains of C(nft -j list ruleset).

    :returns: (list of Chain, opaque); opaque is true when rules of iptables stand in it that nft cannot read
    :raises ValueError: when the text is no such document
    """
    try:
        return _chains(json.loads(text)["nftables"])
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise ValueError("nft gave no JSON rule set") from None


def _chains(entries):
    sets, heads, rules, opaque = {}, [], {}, False
    for entry in entries:
        for kind, body in entry.items():
            if kind in ("set", "map"):
                sets[(body.get("family"), body.get("table"), body.get("name"))] = body.get("elem") or []
            elif kind == "chain":
                heads.append(body)
            elif kind == "rule":
                rules.setdefault((body.get("family"), body.get("table"), body.get("chain")), []).append(body)
    chains = []
    for body in heads:
        family, table, name = body.get("family"), body.get("table"), body.get("name")
        if family not in _NETWORK_FAMILIES:
            continue
        parsed = []
        for rule in rules.get((family, table, name), []):
            expressions = rule.get("expr") or []
            opaque = opaque or any("xt" in part for part in expressions)
            parsed += _Reader(sets, family, table).rules(expressions, rule.get("comment"))
        base = body.get("hook") in ("input", "prerouting") and body.get("type", "filter") == "filter"
        chains.append(
            Chain((family, table, name), "{0} {1} {2}".format(family, table, name), base, body.get("policy"), parsed)
        )
    return chains, opaque


class _Reader(object):
    """Turns the expressions of one nft rule into Rules (several for a verdict map)."""

    def __init__(self, sets, family, table):
        self.sets, self.family, self.table = sets, family, table

    def rules(self, expressions, comment):
        """The Rules of one rule's expressions."""
        state: dict = {"ports": None, "source": None, "limited": False, "applies": True, "packets": None, "words": []}
        found = []
        for part in expressions:
            for kind, body in part.items():
                if kind == "match":
                    self._match(body, state)
                elif kind == "counter" and isinstance(body, dict):
                    state["packets"] = body.get("packets")
                elif kind in ("limit", "meter", "quota", "ct count", "connlimit"):
                    state["limited"] = True
                    state["words"].append(kind)
                elif kind == "xt":
                    state["applies"] = False
                elif kind in ("accept", "drop", "reject", "return"):
                    found.append(self._rule(state, kind, None, comment))
                elif kind in ("jump", "goto"):
                    target = (self.family, self.table, (body or {}).get("target"))
                    found.append(self._rule(state, kind, target, comment))
                elif kind == "vmap":
                    found += self._map(body, state, comment)
        return found

    def _rule(self, state, verdict, target, comment):
        words = state["words"] + [verdict if target is None else "{0} {1}".format(verdict, target[2])]
        text = " ".join(words) + (' comment "%s"' % comment if comment else "")
        return Rule(
            state["ports"], state["source"], state["limited"], state["applies"], verdict, target, state["packets"], text
        )

    def _match(self, body, state):
        left, right, sign = body.get("left"), body.get("right"), body.get("op", "==")
        name = _field(left)
        values = self._values(right)
        shown = ", ".join(_show(value) for value in values[:4]) + (", ..." if len(values) > 4 else "")
        state["words"].append("{0} {1}{2}".format(name, "" if sign in ("==", "in") else sign + " ", shown))
        if name in ("tcp dport", "th dport"):
            ports = [pair for pair in (port_range(value) for value in values) if pair is not None]
            state["ports"] = ports if sign in ("==", "in") else outside(ports)
            if not values:
                state["applies"] = False
        elif name in ("ip saddr", "ip6 saddr"):
            if isinstance(right, str) and right.startswith("@") and not values:
                state["applies"] = False  # a set without members meets nobody
            _narrow(state, ("" if sign in ("==", "in") else "not ") + shown)
        elif name.startswith("numgen"):
            state["limited"] = True
        elif name in ("meta l4proto", "ip protocol", "ip6 nexthdr"):
            wanted = any(value in ("tcp", 6) for value in values)
            if wanted != (sign in ("==", "in")):
                state["applies"] = False
        elif name in ("meta iifname", "meta iif"):
            if values != ["lo"]:
                _narrow(state, ("" if sign in ("==", "in") else "not ") + "interface " + shown)
            elif sign in ("==", "in"):
                # Nobody comes in by the loopback interface, so everybody comes in by another one.
                state["applies"] = False
        elif name == "tcp flags":
            state["applies"] = state["applies"] and _flags_meet(left, right, sign)
        elif name == "ct state":
            if ("new" in values) != (sign in ("==", "in")):
                state["applies"] = False
        elif name.split()[0] in _OTHER_PROTOCOLS or name == "tcp sport":
            state["applies"] = False
        elif name.startswith("fib"):
            state["applies"] = False

    def _map(self, body, state, comment):
        name, found = _field(body.get("key")), []
        if name not in ("tcp dport", "th dport", "ip saddr", "ip6 saddr"):
            return found
        data = body.get("data")
        pairs = data.get("set") if isinstance(data, dict) else self._values(data)
        for pair in pairs or []:
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], dict):
                continue
            inner = dict(state, words=list(state["words"]))
            self._match({"left": body.get("key"), "right": pair[0], "op": "=="}, inner)
            for kind, value in pair[1].items():
                target = (self.family, self.table, value.get("target")) if isinstance(value, dict) else None
                found.append(self._rule(inner, kind, target, comment))
        return found

    def _values(self, right):
        if isinstance(right, str) and right.startswith("@"):
            members = self.sets.get((self.family, self.table, right[1:]), [])
        elif isinstance(right, dict) and "set" in right:
            members = right["set"]
        else:
            members = right if isinstance(right, list) else [right]
        found = []
        for member in members if isinstance(members, list) else [members]:
            if isinstance(member, dict) and "elem" in member:
                member = member["elem"].get("val")
            found.append(member)
        return found


def _narrow(state, source):
    state["source"] = "{0} and {1}".format(state["source"], source) if state["source"] else source


def _flags_meet(left, right, sign):
    """Whether the first packet of a new connection is one that a match of TCP flags means."""
    masked, wanted = left.get("&"), _names(right)
    if masked is None and sign == "in":
        # Any of them.
        return "syn" in wanted
    mask = _FLAGS if masked is None else _names(masked[1:])
    return meets_syn(mask, wanted) == (sign in ("==", "in"))


def _names(value):
    """Names of TCP flags in a value, however they are joined."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [name for part in value for name in _names(part)]
    return [value] if isinstance(value, str) else []


def _field(left):
    if not isinstance(left, dict):
        return "?"
    for kind, body in left.items():
        if kind == "&" and isinstance(body, list) and _field(body[:1] and body[0]) == "tcp flags":
            return "tcp flags"
        if kind == "payload" and isinstance(body, dict):
            return "{0} {1}".format(body.get("protocol", "?"), body.get("field", "?"))
        if kind in ("meta", "ct") and isinstance(body, dict):
            return "{0} {1}".format(kind, body.get("key"))
        if kind == "numgen" and isinstance(body, dict):
            return "numgen {0} mod {1}".format(body.get("mode"), body.get("mod"))
        return kind
    return "?"


def _show(value):
    if isinstance(value, dict) and "prefix" in value:
        return "{0}/{1}".format(value["prefix"].get("addr"), value["prefix"].get("len"))
    if isinstance(value, dict) and "range" in value:
        return "-".join(_show(end) for end in value["range"])
    return str(value)
