# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(listeners): who listens on TCP, and what the packet filter keeps from them.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import firewall, iptables, nft, sockets
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_MOST_LISTENERS = 500
_RULESET_BYTES = 8 << 20


def records(listeners, owners, processes):
    """The contract's records of listening sockets.

    :param listeners: list of sockets.Listener
    :param owners: dict of socket inode to pid
    :param processes: dict of pid to Process
    """
    found = []
    for listener in sorted(listeners, key=lambda one: (one.port, one.family, one.address))[:_MOST_LISTENERS]:
        pid = owners.get(listener.inode)
        found.append(
            {
                "address": listener.address,
                "port": listener.port,
                "family": listener.family,
                "pid": pid,
                "process": clean(processes[pid].name, 40) if pid in processes else None,
                "queued": listener.queued,
                "backlog": listener.backlog,
                "loopback_only": sockets.is_loopback(listener.address),
            }
        )
    return found


def ruleset(context):
    """Shared look: C(nft -j list ruleset) as a _run.Result."""
    return context.run(["nft", "-j", "list", "ruleset"], timeout=3.0, limit_bytes=_RULESET_BYTES)


def packet_filter(context):
    """Shared look: (records, status) of what filters the mail ports; records is None when nobody could look."""
    result = context.shared(ruleset)
    if result.status == "missing":
        return _iptables(context)
    if result.status != "ok" or result.truncated:
        context.note("listeners", "nft: " + ("rule set too large" if result.truncated else result.status))
        return None, "failed"
    if result.rc:
        if b"not permitted" in result.err or b"must be root" in result.err:
            return None, "not_permitted"
        context.note("listeners", "nft: " + clean(result.err, 160))
        return None, "failed"
    chains, opaque = nft.parse_nft(result.out.decode("utf-8", "replace"))
    found = firewall.blocked(chains, "nft")
    if opaque:
        # Rules made by iptables, with matches that only iptables can print.
        more, status = _iptables(context)
        seen = {(record["port"], record["verdict"], record["from"]) for record in found}
        found += [record for record in more or [] if (record["port"], record["verdict"], record["from"]) not in seen]
    return found, "ok"


def _iptables(context):
    found, looked = [], False
    for program, where in (("iptables-save", "ip"), ("ip6tables-save", "ip6")):
        if _run.find_program(program) is None:
            continue
        result = context.run([program, "-c", "-t", "filter"], timeout=3.0, limit_bytes=_RULESET_BYTES)
        if result.rc:
            text = result.err.lower()
            if b"permission" in text or b"permitted" in text:
                return None, "not_permitted"
        if result.status != "ok" or result.rc or result.truncated:
            context.note("listeners", "{0}: {1}".format(program, clean(result.err, 120) or result.status))
            continue
        looked = True
        found += firewall.blocked(iptables.parse_iptables(result.out.decode("utf-8", "replace"), where), "iptables")
    if looked:
        return found, "ok"
    missing = _run.find_program("iptables-save") is None
    return (found, "absent") if missing else (None, "failed")


def collect(context):
    """The C(listeners) part of the document."""
    listeners = context.shared(sockets.listening)
    files = context.shared(sockets.open_files)
    if not files.complete:
        context.note("listeners", "not every process could be asked for its sockets in time")
    try:
        filtered, status = context.shared(packet_filter)
    except (ValueError, shared.OutOfTime) as error:
        context.note("listeners", clean(error, 160))
        filtered, status = None, "failed"
    return {
        "tcp": records(listeners, files.sockets, context.shared(shared.processes)),
        "filtered": filtered,
        "filter_status": status,
    }
