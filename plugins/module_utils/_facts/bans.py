# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(bans): client addresses that are kept out of the mail ports, by whom, and since when.

Three places are read: what fail2ban says, the sets of addresses in nftables that a rule drops or refuses, and rules
that name a single address.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ast
import os
import re
import time

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import banlists, listeners
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST_ENTRIES, _MOST_READ, _MOST_TIMED = 200, 50000, 3
_SOCKETS = ("/run/fail2ban/fail2ban.sock", "/var/run/fail2ban/fail2ban.sock")
_TIMED = re.compile(r"^(\S+)\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \+ (-?\d+) = ", re.MULTILINE)


def collect(context):
    """The C(bans) part of the document: fail2ban, filter_status, total, entries."""
    jails, status = context.shared(fail2ban)
    found = [
        banlists.Entry(address, "fail2ban", name, None, None, None)
        for name, addresses in sorted((jails or {}).items())
        for address in addresses
    ]
    records, filter_status = context.shared(listeners.packet_filter)
    result = context.shared(listeners.ruleset)
    if result.status == "ok" and not result.rc and not result.truncated:
        found += banlists.of_nft(result.out.decode("utf-8", "replace"), context.now)
    found += banlists.of_rules(records or [])
    asked = [one for one in map(banlists.network, map(str, context.options["addresses"] or [])) if one is not None]
    entries = _joined(found[:_MOST_READ], asked)
    _add_times(context, entries)
    return {
        "fail2ban": status,
        "filter_status": filter_status,
        "jails": [
            {"name": clean(name, 60), "banned": len(addresses)} for name, addresses in sorted((jails or {}).items())
        ][:50],
        "total": len(entries),
        "entries": [_record(entry) for entry in entries[:_MOST_ENTRIES]],
    }


def _joined(found, asked):
    """One record per banned address or network; those that were asked for first, then the latest."""
    by_network = {}
    for entry in found:
        network = banlists.network(entry.address)
        if network is None:
            continue
        record = by_network.setdefault(
            network, {"network": network, "by": [], "ports": set(), "since": None, "until": None, "asked": []}
        )
        name = "{0} {1}".format(entry.tool, entry.name)
        if name not in record["by"]:
            record["by"].append(name)
        if entry.tool == "fail2ban":
            record.setdefault("jail", entry.name)
        if entry.ports is not None:
            record["ports"].update(entry.ports)
        record["since"] = entry.since if entry.since is not None else record["since"]
        record["until"] = entry.until if entry.until is not None else record["until"]
    for network, record in by_network.items():
        record["asked"] = [_plain(one) for one in asked if one.version == network.version and one.overlaps(network)]
    return sorted(by_network.values(), key=lambda one: (not one["asked"], -(one["since"] or 0), str(one["network"])))


def _record(entry):
    return {
        "address": _plain(entry["network"]),
        "by": [clean(name, 80) for name in entry["by"]][:5],
        "ports": sorted(entry["ports"]) or None,
        "since": entry["since"],
        "until": entry["until"],
        "asked": entry["asked"],
    }


def _plain(network):
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def fail2ban(context):
    """Shared look: (dict of jail to list of addresses, status); None when nobody could look."""
    if _run.find_program("fail2ban-client") is None:
        return {}, "absent"
    if not any(os.path.exists(context.path(name)) for name in _SOCKETS):
        return {}, "not_running"
    result = context.run(["fail2ban-client", "banned"], timeout=4.0, limit_bytes=4 << 20)
    if result.status != "ok" or result.rc or result.truncated:
        context.note("bans", "fail2ban: " + (clean(result.err, 120) or result.status))
        return None, "failed"
    try:
        return parse_banned(result.out.decode("utf-8", "replace")), "ok"
    except ValueError as error:
        context.note("bans", "fail2ban: {0}".format(error))
        return None, "failed"


def parse_banned(text):
    """Addresses by jail of what C(fail2ban-client banned) prints: C([{'sshd': ['192.0.2.1']}, {'dovecot': []}]).

    :raises ValueError: when it is anything else
    """
    try:
        told = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError("its answer is no list of jails") from None
    found = {}
    for jail in told if isinstance(told, list) else []:
        for name, addresses in jail.items() if isinstance(jail, dict) else ():
            if isinstance(addresses, list):
                found[str(name)] = [str(address) for address in addresses]
    return found


def _add_times(context, entries):
    """When fail2ban banned, of the jails that hold somebody who was asked for: each jail costs a process."""
    jails = []
    for entry in entries:
        if entry["asked"] and entry.get("jail") and entry["jail"] not in jails:
            jails.append(entry["jail"])
    for jail in jails[:_MOST_TIMED]:
        command = ["fail2ban-client", "get", jail, "banip", "--with-time"]
        result = context.run(command, timeout=3.0, limit_bytes=4 << 20)
        if result.status != "ok" or result.rc:
            continue
        times = parse_times(result.out.decode("utf-8", "replace"))
        for entry in entries:
            since, until = times.get(str(entry["network"].network_address), (None, None))
            if since is not None and entry.get("jail") == jail:
                entry.update(since=since, until=until)


def parse_times(text):
    """(since, until) by address of C(fail2ban-client get JAIL banip --with-time); a ban without end has no until."""
    found = {}
    for address, moment, seconds in _TIMED.findall(text):
        try:
            # It prints the host's own time of day.
            since = time.mktime(time.strptime(moment, "%Y-%m-%d %H:%M:%S"))
        except (ValueError, OverflowError):
            continue
        found[address] = (since, since + int(seconds) if int(seconds) >= 0 else None)
    return found
