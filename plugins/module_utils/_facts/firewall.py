# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mail ports the packet filter keeps from new connections.

Two readers (C(nft -j list ruleset) and C(iptables-save)) make one list of chains of rules; one walk judges it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._text import clean

PORTS = (25, 465, 587, 143, 993, 110, 995, 4190, 22)

# ports: list of (low, high), or None for every TCP port; source: text (addresses, or the interface they come in by), or
# None for everybody; limited: only a share
# or a rate of the packets; applies: false when it cannot meet a new TCP connection from outside; verdict: accept, drop,
# reject, return, jump, goto or None; target: chain name for jump and goto; packets: int or None; text: the rule
Rule = namedtuple("Rule", "ports source limited applies verdict target packets text")
# key names it for jumps; where is shown; base: true for an input hook; policy: accept or drop
Chain = namedtuple("Chain", "key where base policy rules")

_MOST_RULES = 20000


def blocked(chains, tool):
    """The contract's records of what stands between a new connection and a mail port.

    :param chains: list of Chain
    :param tool: "nft" or "iptables"
    """
    by_key = {chain.key: chain for chain in chains}
    found = []
    for chain in chains:
        if not chain.base:
            continue
        walk = _Walk(by_key, chain, tool)
        walk.through(chain, Rule(None, None, False, True, None, None, None, ""), 0, (), {})
        if chain.policy in ("drop", "reject"):
            walk.end(chain)
        found += walk.found
    return found


class _Walk(object):
    def __init__(self, by_key, base, tool):
        self.by_key, self.base, self.tool = by_key, base, tool
        self.open = set(PORTS)  # ports that no rule has decided for everybody yet
        self.allowed = {}  # port: sources that an earlier rule lets in
        self.found = []
        self.left = _MOST_RULES

    def through(self, chain, outer, depth, skipped, spared):
        """Follow one chain's rules.

        :param outer: the conditions under which the chain is entered
        :param skipped: ports whose packets a rule of a chain above has sent back before they could come here
        :param spared: dict of port to the sources whose packets a rule of a chain above has sent back
        """
        skipped, spared = set(skipped), dict(spared)
        for rule in chain.rules:
            self.left -= 1
            if self.left < 0 or depth > 8:
                return
            if not rule.applies or rule.verdict is None:
                continue
            both = _combine(outer, rule)
            ports = [port for port in PORTS if port in self.open - skipped and _covers(both.ports, port)]
            if not ports:
                continue
            whole = both.source is None and not both.limited
            if rule.verdict in ("jump", "goto") and rule.target in self.by_key:
                self.through(self.by_key[rule.target], both, depth + 1, skipped, spared)
            elif rule.verdict == "return" and whole:
                # The other ports go on to the next rule.
                skipped.update(ports)
            elif rule.verdict == "return" and not both.limited:
                spared.update((port, spared.get(port, []) + [both.source]) for port in ports)
            elif rule.verdict == "accept":
                for port in ports:
                    if whole:
                        self.open.discard(port)
                    elif not both.limited:
                        self.allowed.setdefault(port, []).append(both.source)
            elif rule.verdict in ("drop", "reject"):
                for port in ports:
                    source = both.source or self._but(port, spared.get(port, []))
                    self._add(port, rule.verdict, chain.where, rule.text, rule.packets, source, both.limited)
                    # Whoever was sent back meets the rules that follow.
                    if whole and port not in spared:
                        self.open.discard(port)

    def _but(self, port, spared=()):
        """Whom a rule for everybody does not meet, as text; None when it meets everybody."""
        exempt = list(self.allowed.get(port, [])) + list(spared)
        return "all but " + ", ".join(exempt[:3]) if exempt else None

    def end(self, chain):
        """What the policy does with the ports that no rule has decided."""
        for port in PORTS:
            if port in self.open:
                self._add(port, chain.policy, chain.where, "policy " + chain.policy, None, self._but(port), False)

    def _add(self, port, verdict, where, text, packets, source, limited):
        if len(self.found) >= 200:
            return
        self.found.append(
            {
                "port": port,
                "protocol": "tcp",
                "verdict": verdict,
                "tool": self.tool,
                "where": clean(where, 120),
                "rule": clean(text, 200),
                "packets": packets,
                "from": clean(source, 120) if source else None,
                "limited": limited,
            }
        )


def _combine(outer, rule):
    sources = [source for source in (outer.source, rule.source) if source]
    ports = rule.ports if outer.ports is None else outer.ports
    if outer.ports is not None and rule.ports is not None:
        ports = [(max(a, c), min(b, d)) for a, b in outer.ports for c, d in rule.ports if max(a, c) <= min(b, d)]
    return rule._replace(ports=ports, source=" and ".join(sources) or None, limited=outer.limited or rule.limited)


def _covers(ports, port):
    return ports is None or any(low <= port <= high for low, high in ports)


_SERVICES = {
    "smtp": 25,
    "submissions": 465,
    "urd": 465,
    "submission": 587,
    "imap2": 143,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "sieve": 4190,
    "ssh": 22,
}


def _number(value):
    if isinstance(value, str):
        value = _SERVICES.get(value, value)
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def port_range(value):
    """(low, high) of a port number, a service name or C({"range": [low, high]}); None when it is none of them."""
    ends = value["range"] if isinstance(value, dict) and isinstance(value.get("range"), list) else [value, value]
    low, high = _number(ends[0]), _number(ends[-1])
    return None if low is None or high is None else (low, high)


def outside(ports):
    """The ranges of port numbers that none of the given ranges holds."""
    found, start = [], 0
    for low, high in sorted(ports):
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return found + [(start, 65535)]


def meets_syn(mask, wanted):
    """Whether the first packet of a new connection bears just the wanted ones of some flags.

    :param mask: names of the flags that are looked at, in any case
    :param wanted: names of those of them that have to be set
    """
    return {"syn"}.intersection(name.lower() for name in mask) == {name.lower() for name in wanted}
