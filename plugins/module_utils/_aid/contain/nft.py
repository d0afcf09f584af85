# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A block of addresses kept from mail ports by a set of nftables whose members end by themselves.

Everything stands in a table of its own: rules of others are never touched. A reboot ends it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ipaddress
import json
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import dovecot
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed

KIND = "nft"
TABLE = "inet mailops_triage"
_MANY = 5
_MISSING = b"No such file or directory"


def check(here, data):
    """Can it be done here? The kernel is asked, and nothing is changed.

    :raises Cannot: when not
    """
    if not here.has("nft"):
        raise Cannot("tool", "there is no nft on this host")
    result = here.run(["nft", "-c", "-f", "-"], input=_script(here, data))
    if result.status != "ok" or result.rc:
        raise Cannot("tool", "the packet filter refuses it ({0})".format(here.said(["nft"], result)))


def present(here, data) -> bool:
    """Is the block, or a wider one, in the set, and is the set used?"""
    members, used = _look(here)
    wanted, name = ipaddress.ip_network(data["network"]), _set(data)
    return name in used and any(_within(wanted, one) for one in members.get(name, []))


def apply(here, data):
    """Keep the block out, and close the sessions that it has."""
    here.must(["nft", "-f", "-"], input=_script(here, data))
    word = "port" if len(data["ports"]) == 1 else "ports"
    said = ["the packet filter drops what {0} sends to {1} {2}".format(data["network"], word, _ports(data))]
    closed = close_sessions(here, data["network"], data["ports"])
    said += [told(closed)] if told(closed) else []
    if data["group"] == "login" and closed and closed >= _MANY:
        said.append(_forget_logins(here))
    return said


def undo(here, data):
    """Let the block in again; the table goes with its last member."""
    if not here.has("nft"):
        return ["nft is gone"]
    members, _used = _look(here)
    if not members:
        return ["it had ended"]
    name, wanted = _set(data), ipaddress.ip_network(data["network"])
    lines, said = [], "it had ended"
    if wanted in members.get(name, []):
        lines.append("delete element {0} {1} {{ {2} }}".format(TABLE, name, data["network"]))
        said = "{0} is let in again".format(data["network"])
        members[name].remove(wanted)
    if not any(members.values()):
        lines = ["delete table " + TABLE]
    if lines:
        here.must(["nft", "-f", "-"], input="\n".join(lines) + "\n")
    return [said]


def diff(here, data):
    """(before, after) as lines."""
    members, _used = _look(here)
    before = sorted(str(one) for one in members.get(_set(data), []))
    line = "set {0} of {1}: ".format(_set(data), TABLE)
    return [line + one for one in before], [line + one for one in before + [data["network"]]]


def close_sessions(here, network, ports):
    """End the sessions that a network has at some ports: they would keep their places until they time out.

    :returns: how many, or None when that cannot be had
    """
    words = []
    for port in ports:
        words += (["or"] if words else []) + ["sport", "=", ":{0}".format(port)]
    result = here.run(["ss", "-KHtn", "state", "established", "dst", network, "("] + words + [")"])
    return None if result.status != "ok" or result.rc else len(result.out.splitlines())


def told(closed):
    """What became of the sessions, or an empty text."""
    if closed is None:
        return "its sessions could not be closed, and end when they time out"
    return "{0} sessions of it were closed".format(closed) if closed else ""


def _forget_logins(here):
    """Let Dovecot forget the logins that were begun: all others would wait behind them for a minute and longer."""
    try:
        dovecot.main_file(here)
    except Cannot as error:
        return "Dovecot was not reloaded ({0}): logins wait until those that were begun have failed".format(error.why)
    return dovecot.reload(here) + ", so that it forgets the logins that were begun"


def _look(here):
    """Members by name of the set, as networks; names of the sets that a rule uses. Both empty without the table."""
    result = here.run(["nft", "-j", "list", "table"] + TABLE.split())
    if result.status == "ok" and result.rc and _MISSING in result.err:
        return {}, set()
    if result.status != "ok" or result.rc:
        raise Failed(here.said(["nft"], result))
    members, used = {}, set()
    for entry in json.loads(result.out.decode("utf-8"))["nftables"]:
        if "set" in entry:
            members[entry["set"]["name"]] = [_member(one) for one in entry["set"].get("elem", [])]
        for part in entry.get("rule", {}).get("expr", []):
            right = part.get("match", {}).get("right") if "match" in part else None
            if isinstance(right, str) and right.startswith("@"):
                used.add(right[1:])
    return members, used


def _member(entry):
    value = entry["elem"]["val"] if isinstance(entry, dict) and "elem" in entry else entry
    if isinstance(value, dict):
        prefix = value["prefix"]
        value = "{0}/{1}".format(prefix["addr"], prefix["len"])
    return ipaddress.ip_network(value)


def _script(here, data):
    """What nft is told: one transaction, all of it or nothing."""
    members, used = _look(here)
    name, network = _set(data), ipaddress.ip_network(data["network"])
    family = "ip" if network.version == 4 else "ip6"
    lines = [
        "add table " + TABLE,
        "add chain {0} input {{ type filter hook input priority -10 ; policy accept ; }}".format(TABLE),
        "add set {0} {1} {{ type ipv{2}_addr ; flags interval , timeout ; }}".format(TABLE, name, network.version),
    ]
    if name not in used:
        rule = "add rule {0} input tcp dport {{ {1} }} {2} saddr @{3} counter drop"
        lines.append(rule.format(TABLE, _ports(data), family, name))
    # Members must not overlap: what lies within the block gives way to it, and the same one begins anew.
    for one in members.get(name, []):
        if _within(one, network):
            lines.append("delete element {0} {1} {{ {2} }}".format(TABLE, name, one))
    left = max(1, int(round(data["until"] - time.time())))
    lines.append("add element {0} {1} {{ {2} timeout {3}s }}".format(TABLE, name, network, left))
    return "\n".join(lines) + "\n"


def _within(inner, outer):
    return inner.version == outer.version and (
        outer.network_address <= inner.network_address and inner.broadcast_address <= outer.broadcast_address
    )


def _set(data):
    return "{0}{1}".format(data["group"], ipaddress.ip_network(data["network"]).version)


def _ports(data):
    return ", ".join(str(port) for port in data["ports"])
