# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts an event is about, and from where to look at them.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Whatever an event names, only mail hosts of the inventory are ever chosen. It may name fewer of them, never others.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._engine import protocols as spoken
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.knowledge import FAMILIES
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.payload import Document

_WORD = re.compile(r"(?<![A-Za-z0-9@._-])[A-Za-z0-9][A-Za-z0-9._:-]*")
_MOST_WORDS = 10_000
_MOST_UNKNOWN = 20
_REACHING = ("resolve", "connect", "tls", "login")
"""Phases in which a user's program speaks to the very host that is meant."""


@dataclasses.dataclass(frozen=True)
class Host:
    """A mail host, as the inventory tells of it."""

    name: str
    address: str
    site: str
    roles: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Point:
    """A vantage point: its site, and the networks of the clients for which it stands."""

    name: str
    site: str
    networks: tuple[str, ...]


class Choice(t.NamedTuple):
    """C(hosts) to look at; those of them that the event C(named); names that are C(unknown); and C(why), for people."""

    hosts: list[str]
    named: list[str]
    unknown: list[str]
    why: str


def hosts(event: Document, named: list[str], statements: list[Document], mail_hosts: list[Host]) -> Choice:
    """Choose the hosts.

    :param named: what the event has for names of hosts
    :param statements: what the symptom intake understood of its text
    :param mail_hosts: all that may be chosen
    """
    known = _Names(mail_hosts)
    chosen: list[str] = []
    unknown: list[str] = []
    for name in named:
        found = known.meant(name)
        chosen += found
        if not found:
            unknown.append(name)
    for text in (event["title"], event["text"]):
        found, strangers = known.spoken_of(text)
        chosen += found
        unknown += strangers
    chosen = [host.name for host in mail_hosts if host.name in set(chosen)]
    unknown = list(dict.fromkeys(unknown))[:_MOST_UNKNOWN]
    if chosen:
        return Choice(chosen, chosen, unknown, "named in the ticket")
    rest = mail_hosts
    why = []
    here = [host for host in rest if event["site"] and host.site.casefold() == event["site"].casefold()]
    if here:
        rest, why = here, [f"of the site {here[0].site}"]
    wanted = event["protocols"] or _wanted(statements)
    speaking = [host for host in rest if _speaks(host, wanted)]
    if speaking and len(speaking) < len(rest):
        rest, why = speaking, [*why, f"that speak {' or '.join(wanted)}"]
    return Choice(
        [host.name for host in rest], [], unknown, " ".join(["the mail hosts" if why else "all mail hosts", *why])
    )


def points(event: Document, vantage_points: list[Point]) -> tuple[list[str], list[str]]:
    """Choose the vantage points that stand where the reporter sits.

    :returns: those of the reporter's site or network; of these, the ones in whose network the reporter's address lies
    """
    site = event["site"].casefold()
    inside = [point.name for point in vantage_points if _within(event["reporter"]["address"], point.networks)]
    near = [point.name for point in vantage_points if site and point.site.casefold() == site]
    return [point.name for point in vantage_points if point.name in {*inside, *near}], inside


class _Names:
    """The names by which a host may be called."""

    def __init__(self, mail_hosts: list[Host]) -> None:
        self._exact: dict[str, list[str]] = {}
        self._short: dict[str, list[str]] = {}
        self._domains: set[str] = set()
        for host in mail_hosts:
            for name in dict.fromkeys((host.name.casefold(), host.address.casefold())):
                self._exact.setdefault(name, []).append(host.name)
                short, dot, domain = name.partition(".")
                if dot and not _numeric(name):
                    self._short.setdefault(short, []).append(host.name)
                    # Whose names all end in "example" alone says nothing of a stranger there.
                    self._domains.update([domain] if "." in domain else [])

    def meant(self, name: str) -> list[str]:
        """Hosts that a field for hosts means: by inventory name, address, first label, or full name of a short one."""
        folded = name.casefold().rstrip(".")
        short = folded if _numeric(folded) else folded.partition(".")[0]
        if not short:
            return []
        return self._exact.get(folded) or self._short.get(folded) or self._exact.get(short) or []

    def spoken_of(self, text: str) -> tuple[list[str], list[str]]:
        """Hosts that a text speaks of, and names like theirs that no host has.

        A host may be called C(mail) or C(imap): a word that is no name for sure, without a digit or a sign within,
        says nothing.
        """
        found: list[str] = []
        strangers: list[str] = []
        for number, match in enumerate(_WORD.finditer(text)):
            if number >= _MOST_WORDS:
                break
            for word in _pieces(match.group().casefold()):
                if not any(char.isdigit() or char in ".-_" for char in word) or _loopback(word):
                    continue
                meant = self._exact.get(word) or self._short.get(word) or []
                found += meant
                if not meant and word.partition(".")[2] in self._domains:
                    strangers.append(word)
        return found, strangers


def _pieces(word: str) -> list[str]:
    """C(mail1) and C(25) out of C(mail1:25), but an IPv6 address as one."""
    word = word.rstrip(".:-")
    return [word] if _numeric(word) else [piece.strip(".-") for piece in word.split(":") if piece.strip(".-")]


def _numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _loopback(word: str) -> bool:
    return _numeric(word) and ipaddress.ip_address(word).is_loopback


def _wanted(statements: list[Document]) -> list[str]:
    """The protocols that users cannot reach. Where a message gets lost on its way, any host may be the one."""
    if not statements or any(statement["phase"] not in _REACHING for statement in statements):
        return []
    if not all(statement["protocols"] for statement in statements):
        return []
    named = {name for statement in statements for name in statement["protocols"]}
    return [name for name in FAMILIES if name in named]


def _speaks(host: Host, families: t.Iterable[str]) -> bool:
    mine = set(spoken.of_roles(host.roles, host.name))
    return any(mine.intersection(FAMILIES[name]) for name in families)


def _within(address: str, networks: t.Iterable[str]) -> bool:
    if not address or not _numeric(address):
        return False
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False) for network in networks)
