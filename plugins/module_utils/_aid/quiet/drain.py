# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that takes no new sessions for a while: its mail ports refuse them, and those that are there go on.

A refusal, not silence: other mail servers try the next MX at once, and clients say what is going on. The table is this
measure's own. Its ports carry the end in themselves: the kernel opens them when it has come, whatever has become of
everybody else, and a reboot opens them, too.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ipaddress
import json
import time

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot, Failed

KIND = "drain"
ACTION = "service_drain"
TABLE = "inet mailops_triage_drain"
_MISSING = b"No such file or directory"
_CHAIN = """\
  chain input {
    type filter hook input priority -10; policy accept;
    iifname "lo" accept
    ip saddr @admitted4 accept
    ip6 saddr @admitted6 accept
    tcp dport @closed tcp flags & (fin | syn | rst | ack) == syn counter reject with tcp reset
  }
"""


def data(ports, admitted):
    """The data of the measure.

    :param ports: TCP ports
    :param admitted: networks whose sessions may begin all the same
    """
    return {"ports": sorted(set(ports)), "admitted": _collapsed(admitted)}


def check(here, data):
    """Can it be done here? The kernel is asked, and nothing is changed.

    :raises Cannot: when not
    """
    if not here.has("nft"):
        raise Cannot("tool", "there is no nft on this host")
    result = here.run(["nft", "-c", "-f", "-"], input=_script(data))
    if result.status != "ok" or result.rc:
        raise Cannot("tool", "the packet filter refuses it ({0})".format(here.said(["nft"], result)))


def present(here, data) -> bool:
    """Are just these ports closed, to all but just these networks?"""
    found = _look(here)
    if found is None or not found["refuses"]:
        return False
    return sorted(found["closed"]) == data["ports"] and _collapsed(found["admitted"]) == data["admitted"]


def apply(here, data):
    """Close the ports, in one transaction."""
    here.must(["nft", "-f", "-"], input=_script(data))
    return ["new sessions at the ports {0} are refused".format(spelled(data["ports"]))]


def undo(here, data):
    """Open them again."""
    if not here.has("nft"):
        return ["nft is gone"]
    if _look(here) is None:
        return ["the ports were open"]
    here.must(["nft", "-f", "-"], input="delete table {0}\n".format(TABLE))
    return ["the ports {0} are open again".format(spelled(data["ports"]))]


def diff(here, data):
    """(before, after) as lines."""
    found = _look(here)
    before = ["closed ports: " + spelled(found["closed"])] if found and found["closed"] else []
    return before, ["closed ports: " + spelled(data["ports"])]


def stands(here) -> bool:
    """Is there a table of this measure, whoever made it?"""
    return here.has("nft") and _look(here) is not None


def spelled(ports):
    """Ports as a text."""
    return ", ".join(str(port) for port in sorted(ports))


def _look(here):
    """closed: ports; admitted: networks; refuses: whether the chain is whole. None without the table.

    :raises Failed: when the packet filter cannot say
    """
    result = here.run(["nft", "-j", "list", "table"] + TABLE.split())
    if result.status == "ok" and result.rc and _MISSING in result.err:
        return None
    if result.status != "ok" or result.rc:
        raise Failed(here.said(["nft"], result))
    members, refuses = {}, False
    for entry in json.loads(result.out.decode("utf-8"))["nftables"]:
        if "set" in entry:
            members[entry["set"]["name"]] = [_value(one) for one in entry["set"].get("elem", [])]
        refuses = refuses or any("reject" in part for part in entry.get("rule", {}).get("expr", []))
    admitted = members.get("admitted4", []) + members.get("admitted6", [])
    return {
        "closed": [int(one) for one in members.get("closed", [])],
        "admitted": [ipaddress.ip_network(one) for one in admitted],
        "refuses": refuses,
    }


def _value(entry):
    value = entry["elem"]["val"] if isinstance(entry, dict) and "elem" in entry else entry
    if isinstance(value, dict):
        return "{0}/{1}".format(value["prefix"]["addr"], value["prefix"]["len"])
    return value


def _script(data):
    """What nft is told: the whole table anew, all of it or nothing."""
    left = max(1, int(round(data["until"] - time.time())))
    lines = ["add table " + TABLE, "delete table " + TABLE, "table {0} {{".format(TABLE)]
    closed = ["{0} timeout {1}s".format(port, left) for port in data["ports"]]
    lines += _set("closed", "inet_service", "timeout", closed)
    for version in (4, 6):
        mine = [one for one in data["admitted"] if ipaddress.ip_network(one).version == version]
        lines += _set("admitted{0}".format(version), "ipv{0}_addr".format(version), "interval", mine)
    return "\n".join(lines) + "\n" + _CHAIN + "}\n"


def _set(name, kind, flag, members):
    elements = ["    elements = {{ {0} }}".format(", ".join(members))] if members else []
    return ["  set {0} {{".format(name), "    type {0}; flags {1};".format(kind, flag)] + elements + ["  }"]


def _collapsed(networks):
    """Networks as texts, none within another."""
    found = [ipaddress.ip_network(one) for one in networks]
    four = ipaddress.collapse_addresses(one for one in found if isinstance(one, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(one for one in found if isinstance(one, ipaddress.IPv6Network))
    return [str(one) for one in four] + [str(one) for one in six]
