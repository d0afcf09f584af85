# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what C(iptables-save) prints.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.firewall import (
    Chain,
    Rule,
    meets_syn,
    outside,
    port_range,
)
from ansible_collections.mailops.triage.plugins.module_utils._text import whole

_FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"]


def parse_iptables(text, where="ip"):
    """Chains of the filter table of C(iptables-save -c) or C(ip6tables-save -c)."""
    table, policies, rules, order = None, {}, {}, []
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif table != "filter":
            continue
        elif line.startswith(":"):
            words = line[1:].split()
            if len(words) >= 2:
                order.append(words[0])
                policies[words[0]] = words[1].lower()
        else:
            packets = None
            if line.startswith("["):
                count, bracket, line = line[1:].partition("] ")
                packets = whole(count.split(":")[0])
            words = line.split()
            if len(words) > 2 and words[0] == "-A":
                rules.setdefault(words[1], []).append(_iptables_rule(words[2:], packets, line, where))
    return [
        Chain(
            (where, "filter", name),
            "{0} filter {1}".format(where, name),
            name == "INPUT",
            policies[name],
            rules.get(name, []),
        )
        for name in order
    ]


def _iptables_rule(words, packets, text, where):
    ports, sources, limited, applies, verdict, target = None, [], False, True, None, None
    place = 0
    while place < len(words):
        word, negated = words[place], place > 0 and words[place - 1] == "!"
        value = words[place + 1] if place + 1 < len(words) else ""
        if word in ("-p", "--protocol"):
            applies = applies and (value in ("tcp", "6", "all")) != negated
        elif word in ("--dport", "--dports", "--destination-port", "--ports"):
            pairs = [port_range({"range": part.split(":")}) for part in value.split(",")]
            ports = [pair for pair in pairs if pair is not None]
            ports = outside(ports) if negated else ports
        elif word in ("--sport", "--sports"):
            applies = False
        elif word == "--tcp-flags":
            # So is --syn printed.
            mask, wanted = _flags(value), _flags(words[place + 2] if place + 2 < len(words) else "")
            applies = applies and meets_syn(mask, wanted) != negated
        elif word in ("-s", "--source", "--src-range"):
            sources.append(("not " if negated else "") + value)
        elif word == "--match-set" and words[place + 2 : place + 3] and "src" in words[place + 2]:
            sources.append(("not " if negated else "") + "set " + value)
        elif word in ("-i", "--in-interface"):
            # Nobody comes in by the loopback interface, so everybody comes in by another one.
            if value == "lo":
                applies = applies and negated
            elif value != "+":
                sources.append(("not " if negated else "") + "interface " + value)
        elif word in ("--ctstate", "--state"):
            applies = applies and ("NEW" in value.split(",")) != negated
        elif word in (
            "--limit",
            "--probability",
            "--hashlimit-above",
            "--hashlimit-upto",
            "--hitcount",
            "--every",
            "--connlimit-above",
        ):
            limited = True
        elif word in ("-j", "--jump", "-g", "--goto"):
            verdict = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}.get(value)
            if verdict is None:
                verdict, target = ("jump" if word in ("-j", "--jump") else "goto"), (where, "filter", value)
        place += 1
    source = " and ".join(sources) or None
    return Rule(ports, source, limited, applies, verdict, target, packets, text)


def _flags(names):
    return _FLAGS if names == "ALL" else [name for name in names.split(",") if name not in ("", "NONE")]
