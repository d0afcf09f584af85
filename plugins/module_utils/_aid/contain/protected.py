# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that are never kept out, whatever a finding says.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import ipaddress
import json
import os
import re

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import names, settings
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_NETWORK = re.compile(r"[0-9A-Fa-f:.]+(?:/\d{1,3})?\Z")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})\Z")
_MOST_STEPS = 20


def networks(here, asked):
    """What is protected on this host, as a list of (network, why).

    :param asked: addresses, networks and host names of the site
    :raises Cannot: when one of them cannot be understood: then nobody knows who would be kept out
    """
    found = [(ipaddress.ip_network(one), "it is this host itself") for one in ("127.0.0.0/8", "::1/128")]
    found += [(one, "it is this host itself") for one in _own(here)]
    found += [(one, "somebody works on this host from there") for one in _visitors(here)]
    found += [(one, "Postfix counts it among the own networks (mynetworks)") for one in _mynetworks(here)]
    for text in asked or []:
        found += [(one, "the site protects it") for one in resolved(here, str(text).strip())]
    return found


def against(network, found):
    """(protected network, why) that a network overlaps with, or None."""
    for one, why in found:
        if one.version == network.version and one.overlaps(network):
            return one, why
    return None


def without(network, found):
    """The largest parts of a network that hold nobody who is protected, the largest first."""
    parts = [network]
    for one, _why in found:
        rest = []
        for part in parts:
            if part.version != one.version or not part.overlaps(one):
                rest.append(part)
            elif one.network_address in part and part.prefixlen < one.prefixlen:
                rest += list(part.address_exclude(one))
        parts = rest
    return sorted(parts, key=lambda part: (part.prefixlen, part.network_address))


def resolved(here, text):
    """The networks that an address, a network or a host name stands for.

    :raises Cannot: when it stands for none
    """
    if not text:
        return []
    if _NETWORK.match(text):
        return [names.network(text, "protected address")]
    if not _NAME.match(text):
        raise Cannot("protected", "this is no address, network or host name: {0}".format(clean(text, 80)))
    result = here.run(["getent", "ahosts", text], timeout=3.0)
    found = _addresses(result.out.decode("utf-8", "replace").split("\n"))
    if result.status != "ok" or result.rc or not found:
        raise Cannot("protected", "the address of {0} cannot be found".format(text))
    return found


def _addresses(lines):
    found = []
    for line in lines:
        word = (line.split() or [""])[0]
        try:
            one = names.network(word.partition("%")[0])
        except Cannot:
            continue
        if one not in found:
            found.append(one)
    return found


def _own(here):
    """Addresses of the host's interfaces."""
    result = here.run(["ip", "-j", "address"])
    try:
        told = json.loads(result.out.decode("utf-8") or "[]")
        return [ipaddress.ip_network(one["local"]) for link in told for one in link["addr_info"] if "local" in one]
    except (ValueError, KeyError, TypeError):
        return []


def _visitors(here):
    """Who is logged in over SSH: peers of sshd, and the client that this very process was started for."""
    told = here.run(["ss", "-Htn", "state", "established", "sport", "=", ":22"], timeout=5.0)
    peers = [line.split()[3:4] for line in told.out.decode("utf-8", "replace").splitlines()]
    found = _addresses([words[0].rpartition(":")[0].strip("[]") for words in peers if words])
    pid = os.getpid()
    for _step in range(_MOST_STEPS):
        environment = procfs.try_text("/proc/{0}/environ".format(pid), 1 << 16).split("\0")
        clients = [line[15:].split()[:1] for line in environment if line.startswith("SSH_CONNECTION=")]
        found += [one for words in clients for one in _addresses(words) if one not in found]
        record = procfs.parse_stat(procfs.try_text("/proc/{0}/stat".format(pid), 4096))
        if record is None or record.ppid <= 1:
            break
        pid = record.ppid
    return found


def _mynetworks(here):
    if not here.has("postconf"):
        return []
    found = []
    for word in settings.value(here, "mynetworks").replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(word.replace("[", "").replace("]", ""), strict=False))
        except ValueError:
            # A table of addresses, or an exclusion: nothing that could be read here.
            continue
    return found
