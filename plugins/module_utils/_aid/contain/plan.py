# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which measures hold a surge, the gentlest first: a limit, mail on hold, a block of addresses, more room.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import hashlib

from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import (
    dovecot,
    holds,
    jail,
    names,
    nft,
    protected,
    room,
    settings,
)
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain import look as looks
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Cannot

_RATE = 30
"""Connections a minute that one client may begin, where there was no limit."""


def understood(args):
    """The arguments, checked; what a rule did not know is left out.

    :raises Cannot: when one of them is not what its name says
    """
    kinds = {
        "account": names.account,
        "sender": names.sender,
        "domain": names.domain,
        "service": names.service,
        "block": names.network,
        "client": lambda text: names.network(text, "client"),
    }
    found = {name: read(names.given(args, name)) for name, read in kinds.items() if names.given(args, name)}
    if found.get("client") is not None and found["client"].num_addresses > 1:
        raise Cannot("invalid", "a client is one address, not {0}".format(found["client"]))
    return found


def subject(asked):
    """What it is about, in a word."""
    for name in ("account", "sender", "domain", "block", "client", "service"):
        if name in asked:
            value = asked[name]
            return names.plain(value) if name in ("block", "client") else value
    return ""


def make(here, asked, look, guarded):
    """The measures for what was asked.

    :param asked: see understood()
    :param look: a look.Look
    :param guarded: function that gives the protected networks, see protected.networks
    :returns: list of dicts with id, kind, what, data; and notes for people
    :raises Cannot: when there is none that may be taken
    """
    if "account" in asked:
        return _hold(here, "account", asked["account"], look)
    if "sender" in asked:
        return _hold(here, "sender", asked["sender"], look, asked.get("domain", ""))
    if "domain" in asked:
        return _hold(here, "domain", asked["domain"], look)
    if "block" in asked or "client" in asked:
        return _addresses(here, asked, look, guarded()), []
    if "service" in asked:
        return _room(here, asked["service"], look, guarded)
    raise Cannot("invalid", "the finding names nobody who could be contained")


def measure(kind, target, what, data):
    """One measure; the same one has the same id whenever it is asked for."""
    key = "{0}\0{1}".format(kind, target).encode("utf-8")
    return {"id": hashlib.sha256(key).hexdigest()[:10], "kind": kind, "what": what, "data": data}


def _hold(here, by, value, look, about=""):
    words = {
        "account": "mail of the account {0} on hold",
        "sender": "mail of the sender {0} on hold",
        "domain": "mail for {0} on hold",
    }[by].format(value)
    if about:
        words = "bounces of mail to {0} on hold".format(about)
    rewrites = holds.rewrites_senders(here) if by == "sender" else ""
    data = holds.data(by, value, look.queue, about, piece=value != names.NOBODY and not rewrites)
    one = measure(holds.KIND, "{0} {1} {2}".format(by, value, about), words, data)
    data["file"] = "held-" + one["id"]
    if not data["piece"] and not holds.select(data)[0]:
        return [], ["nothing to hold: no {0}".format(words.replace("on hold", "in the queue"))]
    if data["piece"]:
        return [one], []
    why = " ({0} gives mail another sender)".format(rewrites) if rewrites else ""
    return [one], ["what comes in from now on is not held: ask again then" + why]


def _addresses(here, asked, look, guarded):
    service = asked.get("service", "")
    group = looks.group(service)
    ports, block, client = looks.PORTS[group], asked.get("block"), asked.get("client")
    here_now = looks.by_client(look, ports)
    if client is not None:
        alone = here_now.get(str(client.network_address), 0)
        # One client that holds the port is limited; the rest of its block did nothing.
        if block is None or (alone >= 3 and 2 * alone >= sum(here_now.values())):
            refusal = protected.against(client, guarded)
            if refusal is not None and block is None:
                raise _protected(client, guarded)
            if refusal is None:
                limits = _client_limit(here, service, client, alone, ports, look) if alone >= 3 else []
                return limits or _block(here, client, group)
    if block.prefixlen < names.WIDEST[block.version]:
        raise Cannot(
            "wide",
            "{0} is wider than /{1}: whole providers are not kept out".format(block, names.WIDEST[block.version]),
        )
    if protected.against(block, guarded) is not None:
        raise _protected(block, guarded)
    return _block(here, block, group)


def _protected(network, guarded):
    one, why = protected.against(network, guarded)
    words = "{0} is not kept out, because it holds {1}: {2}".format(names.plain(network), names.plain(one), why)
    rest = protected.without(network, guarded)
    if rest:
        words += "; without it there would be {0}".format(", ".join(names.plain(part) for part in rest[:3]))
    return Cannot("protected", words)


def _client_limit(here, service, client, alone, ports, look):
    """Limits of Postfix for each client; nothing where they would not help."""
    if looks.group(service) not in ("smtp", "submission"):
        return []
    most = max(2, (looks.limit(look, service) or 100) // 10)
    wanted = []
    for name, new, unlimited in (
        ("smtpd_client_connection_count_limit", most, "50"),
        ("smtpd_client_connection_rate_limit", _RATE, "0"),
    ):
        text = settings.value(here, name) or unlimited
        now = int(text) if text.isdigit() else 0
        if now == 0 or now > new:
            wanted.append(settings.change(name, str(new), here))
    if not wanted:
        return []
    data = {"settings": wanted, "close": names.plain(client), "ports": list(ports)}
    what = "at most {0} connections of one client to Postfix, {1} a minute ({2} had {3})".format(
        most, _RATE, names.plain(client), alone
    )
    return [measure(settings.KIND, "client limits", what, data)]


def _block(here, network, group):
    text, ports = str(network), looks.PORTS[group]
    data = {"network": text, "group": group, "ports": list(ports)}
    what = "{0} kept from {1}".format(names.plain(network), looks.WORDS[group])
    if here.has("nft"):
        return [measure(nft.KIND, text + " " + group, what, data)]
    data["jail"], data["network"] = jail.jail(here, group), names.plain(network)
    return [measure(jail.KIND, text + " " + group, what + " by fail2ban", data)]


def _room(here, service, look, guarded):
    if looks.group(service) != "login":
        raise Cannot("invalid", "nobody stands out at {0}, and more processes alone do not help".format(service))
    wishes, notes = room.wishes(look, service, guarded)
    if not wishes:
        return [], notes
    what = "Dovecot: " + "; ".join(wish.says for wish in wishes)
    one = measure(dovecot.KIND, "; ".join(wish.text for wish in wishes), what, {})
    one["data"] = room.data(here, "mailops-triage-{0}.conf".format(one["id"]), wishes)
    return [one], notes
