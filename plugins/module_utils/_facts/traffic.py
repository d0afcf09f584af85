# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(traffic): who is connected, how many processes serve them and how many may, what the kernel dropped.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
import time

from ansible_collections.mailops.triage.plugins.module_utils._facts import dovecot, postfix, procfs, sessions
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_SAMPLE_S = 0.3
_MOST_COMMANDS = 2000
_POSTFIX_ROLES = frozenset("smtpd postscreen smtp lmtp local virtual pipe cleanup".split())
# What Dovecot 2.3 and 2.4 allow when the configuration says nothing: processes, None for default_process_limit.
_DOVECOT_LIMITS = {"imap-login": None, "pop3-login": None, "imap": 1024, "pop3": 1024, "lmtp": None}
_LOGIN = frozenset(("imap-login", "pop3-login"))
_FRONT = _LOGIN | frozenset(("smtpd", "postscreen"))
_SERVICE = re.compile(r"service (?:\")?([\w-]+)(?:\")? \{")


def collect(context):
    """The C(traffic) part of the document."""
    before, began = counters(context), time.monotonic()
    try:
        found, complete = sessions.ask_kernel()
        seen = sessions.summary(found)
    except OSError as error:
        context.note("traffic", "connections: {0}".format(error.strerror or error))
        seen, complete = None, False
    # Of the many services of a master.cf those are told that clients meet, and those that work now.
    services = [one for one in _postfix(context) + _dovecot(context) if one["count"] or one["role"] in _FRONT]
    # What the kernel dropped since its boot says little; what it drops while somebody looks says all.
    time.sleep(max(0.0, min(_SAMPLE_S - (time.monotonic() - began), context.left())))
    return {
        "services": services,
        "sessions": seen,
        "sessions_complete": complete,
        "overflow": overflow(before, counters(context), time.monotonic() - began),
        "conntrack": _conntrack(context),
    }


def counters(context):
    """The TcpExt counters of /proc/net/netstat as a dict; empty when they cannot be read."""
    return parse_netstat(procfs.try_text(context.proc + "/net/netstat", 1 << 16))


def parse_netstat(text):
    """The TcpExt table of a /proc/net/netstat: a line of names, and one of numbers."""
    lines = [line.split()[1:] for line in text.splitlines() if line.startswith("TcpExt:")]
    if len(lines) != 2:
        return {}
    return {name: int(number) for name, number in zip(lines[0], lines[1]) if number.lstrip("-").isdigit()}


def overflow(before, after, seconds):
    """What happened to full accept queues between two looks, and since the kernel counts."""
    if "ListenOverflows" not in before or "ListenOverflows" not in after:
        return None
    return {
        "total": after["ListenOverflows"],
        "dropped_total": after.get("ListenDrops", 0),
        "rising": max(0, after["ListenOverflows"] - before["ListenOverflows"]),
        "seconds": round(seconds, 2),
    }


def parse_command(text):
    """(service, type, stress) of a Postfix daemon's command line: C(smtpd -n submission -t inet -o stress=yes)."""
    words = text.rstrip("\0").split("\0")
    if len(words) == 1:
        words = words[0].split()
    name, kind, stress = words[0].rsplit("/", 1)[-1] if words else "", "", False
    for place, word in enumerate(words[:-1]):
        if word == "-n":
            name = words[place + 1]
        elif word == "-t":
            kind = words[place + 1]
        elif word == "-o" and words[place + 1] == "stress=yes":
            stress = True
    return name, kind, stress


def _record(daemon, name, role, count, limit, per_process, stress):
    share = round(count / float(limit), 3) if limit and per_process == 1 else None
    return {
        "daemon": daemon,
        "name": clean(name, 60),
        "role": role,
        "count": count,
        "limit": limit,
        "per_process": per_process,
        "share": share,
        "stress": stress,
    }


def _postfix(context):
    if not context.shared(postfix.installed):
        return []
    counted, stressed = {}, set()
    mail = context.shared(postfix.mail)
    members = [pid for pid in sorted(mail.members) if mail.members[pid][0] == "postfix"]
    for pid in members[:_MOST_COMMANDS]:
        if mail.members[pid][1] in _POSTFIX_ROLES:
            text = procfs.try_text("{0}/{1}/cmdline".format(context.proc, pid), 4096)
            name, kind, stress = parse_command(text)
            counted[(name, kind)] = counted.get((name, kind), 0) + 1
            if stress:
                stressed.add((name, kind))
    default = postfix.number(context, "default_process_limit", 100)
    found = []
    for service in context.shared(postfix.master_services):
        role = service["command"]
        if role in _POSTFIX_ROLES:
            key = (service["name"], service["type"])
            limit = default if service["limit"] is None else service["limit"]
            found.append(
                _record(
                    "postfix",
                    service["name"],
                    role,
                    counted.get(key, 0),
                    limit or None,
                    # postscreen is one process that serves many.
                    None if role == "postscreen" else 1,
                    key in stressed,
                )
            )
    return found


def parse_services(text):
    """The numbers in the C(service) blocks of doveconf's output, as a dict of name to dict."""
    found, current, depth = {}, None, 0
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.endswith("{"):
            match = _SERVICE.match(stripped) if depth == 0 else None
            current = found.setdefault(match.group(1), {}) if match else current
            depth += 1
        elif stripped == "}":
            depth = max(0, depth - 1)
            current = current if depth else None
        elif depth == 1 and current is not None:
            name, sign, value = stripped.partition(" = ")
            if sign and value.isdigit():
                current[name] = int(value)
            elif name == "restart_request_count" and value == "unlimited":
                current[name] = 0
    return found


def _dovecot(context):
    if not context.shared(dovecot.installed):
        return []
    text = dovecot.text(context)
    blocks, values = parse_services(text), dovecot.parse_settings(text)
    default = values.get("default_process_limit", "")
    counts = {}
    for daemon, role in context.shared(postfix.mail).members.values():
        if daemon == "dovecot":
            counts[role] = counts.get(role, 0) + 1
    found = []
    for name in sorted(_DOVECOT_LIMITS):
        block = blocks.get(name, {})
        limit = block.get("process_limit") or _DOVECOT_LIMITS[name] or (int(default) if default.isdigit() else 100)
        # A login process that may serve more than one connection serves many.
        alone = _alone(block) if name in _LOGIN else True
        found.append(_record("dovecot", name, name, counts.get(name, 0), limit, 1 if alone else None, False))
    return found


def _alone(block):
    """Whether a login process serves one connection only; Dovecot 2.4 has another name for how many it may serve."""
    return block.get("restart_request_count", block.get("service_count", 1)) == 1 or block.get("client_limit") == 1


def _conntrack(context):
    folder = context.proc + "/sys/net/netfilter/nf_conntrack_"
    numbers = [procfs.try_text(folder + name, 64).strip() for name in ("count", "max")]
    if not all(number.isdigit() for number in numbers):
        return None
    count, most = int(numbers[0]), int(numbers[1])
    return {"count": count, "max": most, "share": round(count / float(most), 3) if most else None}
